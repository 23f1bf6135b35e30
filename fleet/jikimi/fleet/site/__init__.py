"""A site: one directory with settings, certificate authority, broker state, database and logs.

site.toml     settings (`jikimi.fleet.site.settings`)
cluster.toml  nodes of the broker, when it runs on several machines (`jikimi.fleet.site.cluster`)
floor.json    floor plan of the live page
tls/          ca.pem, broker.pem, ingest.pem and their keys (NAME.key.pem, readable by the owner only)
broker/       generated broker configuration and the broker's store
jikimi.db     database (unless [database] url says otherwise)
run/          pid, ready and lock files, ports chosen on this machine; may be deleted while nothing runs
log/          one log file per service
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jikimi.fleet.errors import SiteError
from jikimi.fleet.site import cluster as _cluster
from jikimi.fleet.site import ports as _ports
from jikimi.fleet.site import settings as _settings
from jikimi.fleet.site.cluster import Cluster
from jikimi.fleet.site.files import PRIVATE, write_atomic
from jikimi.fleet.site.names import broker_name
from jikimi.fleet.site.ports import Ports
from jikimi.fleet.site.settings import Settings, SiteSettings, is_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jikimi.fleet.site.ca import CertificateAuthority

__all__ = ["HOST_ROLES", "Cluster", "Endpoint", "Ports", "Settings", "Site", "is_name"]

ENVIRONMENT = "JIKIMI_SITE"
HOST_ROLES = ("ingest",)  # services of the host that connect to the broker, each with its own certificate
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 (compared with, not listened on)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOST_DAYS = 7_300
_FLOOR = {
    "width_mm": 40_000,
    "height_mm": 25_000,
    "zones": [{"name": "floor", "x_mm": 0, "y_mm": 0, "w_mm": 40_000, "h_mm": 25_000}],
    "machines": [],
}


@dataclass(frozen=True)
class Endpoint:
    """Where a client finds the broker, and the name its certificate must carry."""

    host: str
    port: int
    server_name: str
    others: tuple[tuple[str, int], ...] = ()  # where else, when that one does not answer

    def settings(self) -> dict[str, str | int]:
        """As the section `broker` of a device's configuration."""
        found: dict[str, str | int] = {"host": self.host, "port": self.port, "server_name": self.server_name}
        if self.others:
            hosts = [(f"[{host}]" if ":" in host else host, port) for host, port in self.others]
            found["others"] = " ".join(f"{host}:{port}" for host, port in hosts)
        return found


@dataclass(frozen=True)
class Site:
    """An existing site; make one by `init`, open one by `open`."""

    path: Path
    settings: Settings = field(repr=False)

    @classmethod
    def init(cls, path: Path | str, name: str | None = None, settings: Settings | None = None) -> Site:
        """Make a site at `path` (absent or an empty directory); `name` defaults to the directory's.

        All or nothing: an interrupted call leaves no site. SiteError when there is something already.
        """
        target = Path(path).absolute()
        _refuse_existing(target)
        wanted = _with_name(settings or Settings(), name or target.name)
        try:
            _make_whole(target, wanted)
        except OSError as error:
            raise SiteError(f"cannot make a site at {target}: {error.strerror}") from error
        return cls.open(target)

    @classmethod
    def open(cls, path: Path | str | None = None) -> Site:
        """The site at `path`, else at $JIKIMI_SITE, else in the current directory; SiteError says what is wrong."""
        chosen = Path(path or os.environ.get(ENVIRONMENT) or ".").absolute()
        if not (chosen / "site.toml").is_file():
            raise SiteError(
                f"no site at {chosen}: make one with `jikimi site init {chosen}`, "
                f"or name one with --site or ${ENVIRONMENT}"
            )
        return cls(chosen, _settings.load(chosen / "site.toml"))

    @property
    def name(self) -> str:
        """Name of the site, the second level of every topic."""
        return self.settings.site.name

    @property
    def run_dir(self) -> Path:
        """Pid, ready and lock files."""
        return self.path / "run"

    @property
    def log_dir(self) -> Path:
        """One log file per service."""
        return self.path / "log"

    @property
    def tls_dir(self) -> Path:
        """Certificates and keys: `NAME.pem`, `NAME.key.pem` for ca, broker and each of HOST_ROLES."""
        return self.path / "tls"

    @property
    def broker_dir(self) -> Path:
        """Generated configuration and store of the broker."""
        return self.path / "broker"

    @property
    def floor_path(self) -> Path:
        """Floor plan of the live page."""
        return self.path / "floor.json"

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL; a relative SQLite path is taken inside the site."""
        url = self.settings.database.url
        head, mark, tail = url.partition(":///")
        if head.startswith("sqlite") and mark and tail and not tail.startswith("/") and tail != ":memory:":
            return f"{head}:///{self.path / tail}"
        return url

    @cached_property
    def cluster(self) -> Cluster | None:
        """The nodes of its broker, read on first use; None: it has one broker of its own."""
        return _cluster.load(self.path)

    @cached_property
    def ca(self) -> CertificateAuthority:
        """The certificate authority, read on first use."""
        from jikimi.fleet.site.ca import CertificateAuthority  # slow import, most commands need none

        return CertificateAuthority.load(self.name, self.tls_dir)

    def ports(self, *, renew_internal: bool = False) -> Ports:
        """Ports of this site; those set to 0 are chosen on first use and kept in the run directory.

        `renew_internal` (before the broker starts): choose those no device dials again where they are taken.
        """
        with self.locked("ports"):
            kept = _ports.load(self._ports_path)
            chosen = _ports.choose(self._fixed_ports(), self.settings.broker.host, kept)
            if renew_internal:
                chosen = _ports.renew_internal(chosen)
            if chosen != kept:
                _ports.save(self._ports_path, chosen)
            return chosen

    def endpoint(self) -> Endpoint:
        """Where devices find the broker."""
        broker = self.settings.broker
        if self.cluster is not None:
            first, *rest = ((node.host, node.mqtt_port) for node in self.cluster.nodes)
            return Endpoint(*first, broker_name(self.name), tuple(rest))
        if not broker.names and broker.host in _WILDCARDS:
            raise SiteError(
                f"{self.path / 'site.toml'}: [broker] host is every interface, so put the name or address "
                "that devices dial into [broker] names"
            )
        return Endpoint(broker.names[0] if broker.names else broker.host, self.ports().mqtt, broker_name(self.name))

    def broker_names(self) -> list[str]:
        """Names and addresses the broker's certificate must carry beside its own."""
        broker = self.settings.broker
        hosts = () if broker.host in _WILDCARDS else (broker.host,)
        nodes = () if self.cluster is None else tuple(node.host for node in self.cluster.nodes)
        return list(dict.fromkeys((*_LOOPBACK, *hosts, *nodes, *broker.names)))

    def client_id(self, role: str) -> str:
        """MQTT client id of a host service: stable, and a secret.

        A client that connects with the id of another one replaces it, so no device may be able to guess this one.
        """
        key = (self.tls_dir / f"{role}.key.pem").read_bytes()
        return f"{role}-{hashlib.sha256(key).hexdigest()[:24]}"

    @contextmanager
    def locked(self, what: str) -> Iterator[None]:
        """Hold the site-wide lock `what` against other processes and threads."""
        self.run_dir.mkdir(mode=0o700, exist_ok=True)
        with (self.run_dir / f"{what}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @property
    def _ports_path(self) -> Path:
        return self.run_dir / "ports.json"

    def _fixed_ports(self) -> dict[str, int]:
        return {"mqtt": self.settings.broker.mqtt_port, "web": self.settings.web.port}


def _refuse_existing(target: Path) -> None:
    if (target / "site.toml").exists():
        raise SiteError(f"{target} already holds a site: use it with --site, or name another directory")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SiteError(f"{target} is not an empty directory: name a new one")


def _with_name(settings: Settings, name: str) -> Settings:
    try:
        return replace(settings, site=SiteSettings(name))
    except ValueError as error:
        raise SiteError(f"the site's {error}: choose one with --name") from error


def _make_whole(target: Path, settings: Settings) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))  # mode 0700, as a site stays
    try:
        _fill(Site(draft, settings))
        draft.rename(target)  # replaces an empty directory, fails on anything else
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(site: Site) -> None:
    from jikimi.fleet.site.ca import CertificateAuthority  # slow import, only needed here

    for directory in (site.tls_dir, site.broker_dir, site.run_dir, site.log_dir):
        directory.mkdir(mode=0o700)
    authority = CertificateAuthority.create(site.name, site.tls_dir)
    authority.issue_broker(site.broker_names(), site.settings.tls.broker_days).write_pem(site.tls_dir, "broker")
    for role in HOST_ROLES:
        authority.issue_host(role, _HOST_DAYS).write_pem(site.tls_dir, role)
    write_atomic(site.floor_path, json.dumps(_FLOOR, indent=2) + "\n")
    # Last, because it is what makes the directory a site; it may hold the password of a database.
    write_atomic(site.path / "site.toml", _settings.render(site.settings), PRIVATE)
