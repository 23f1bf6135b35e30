"""A technician's bundle: a directory with which boards are enrolled where the site cannot be reached.

bundle.json     site, technician, last day, the broker's address
ca.der          the site's authority
trust/          public keys for releases and configurations
fleet.toml, secrets.toml     what devices are set to
vouchers/       one file for each id not used yet, with its key; a file goes when its board has the key
enrolled.json   what was enrolled, for `jikimi site merge`
"""

from __future__ import annotations

import base64
import json
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from jikimi.fleet import configuration
from jikimi.fleet.configuration import Subject
from jikimi.fleet.errors import RegistryError
from jikimi.fleet.provision.enroller import trust_files
from jikimi.fleet.registry import Description, Enrolment, Known, states, vouchers
from jikimi.fleet.site import Endpoint
from jikimi.fleet.site.files import PRIVATE, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jikimi.fleet.site import Site


def make(site: Site, name: str, days: int, devices: int, folder: Path) -> vouchers.Technician:
    """Make a credential and write its bundle to `folder`, which must be new."""
    if folder.exists():
        raise RegistryError(f"{folder} is there already: name a new directory")
    technician, issued = vouchers.add(site, name, days, devices)
    (folder / "vouchers").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    for one in issued:
        texts = {"cert": base64.b64encode(one.cert_der).decode(), "key": base64.b64encode(one.key_der).decode()}
        write_atomic(folder / "vouchers" / f"{one.device}.json", json.dumps(texts), PRIVATE)
    (folder / "trust").mkdir()
    for path, content in trust_files(site).items():
        write_atomic(folder / path.lstrip("/"), content)
    write_atomic(folder / "ca.der", site.ca.certificate_der())
    for file in (configuration.DESIRED, configuration.SECRETS):
        if (site.path / file).exists():
            shutil.copyfile(site.path / file, folder / file)
            (folder / file).chmod(PRIVATE)
    about = {"site": site.name, "technician": name, "not_after_ms": technician.not_after_ms}
    write_atomic(folder / "bundle.json", json.dumps(about | {"broker": asdict(site.endpoint())}), PRIVATE)
    write_atomic(folder / "enrolled.json", "[]", PRIVATE)
    return technician


def merge(site: Site, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Take over what was enrolled with the bundle: (admitted, refused with the reason). Harmless to repeat."""
    about = _about(folder)
    if about.site != site.name:
        raise RegistryError(f"this bundle is of the site {about.site}")
    found = [row.enrolled() for row in _rows(folder) if row.passed]
    return vouchers.merge(site, about.technician, found)


@dataclass(frozen=True)
class _About:
    """What bundle.json says."""

    site: str
    technician: str
    not_after_ms: int
    broker: Endpoint


@dataclass
class _Row:
    """A board of enrolled.json; `passed` once it has its key and its tests are done."""

    device: str
    board: str
    description: Description
    enrolled_ms: int
    passed: bool

    def enrolled(self) -> vouchers.Enrolled:
        return vouchers.Enrolled(self.device, self.board, self.description, self.enrolled_ms)

    def known(self) -> Known:
        state = states.ACTIVE if self.passed else states.ENROLLED
        return Known(self.device, self.board, self.description, state, "", 1)


class BundleEnroller:
    """An `Enroller` away from the site; RegistryError when the bundle is past its date."""

    def __init__(self, folder: Path) -> None:
        about = _about(folder)
        if time.time_ns() // 1_000_000 > about.not_after_ms:
            raise RegistryError(f"the bundle {folder} is past its date: ask the site for a new one")
        self.site = about.site
        self._folder = folder
        self._endpoint = about.broker
        self._lock = threading.Lock()
        self._rows = _rows(folder)

    def on_board(self, board: str) -> Known | None:
        """See `Enroller`."""
        return self._known(lambda row: row.board == board)

    def known(self, device: str) -> Known | None:
        """See `Enroller`."""
        return self._known(lambda row: row.device == device)

    def name_is_free(self, name: str) -> bool:
        """See `Enroller`."""
        return all(row.description.name != name for row in self._rows)

    def settings_for(self, description: Description) -> configuration.Table:
        """See `Enroller`."""
        return self.settings_of("dnew", description)

    def settings_of(self, device: str, description: Description) -> configuration.Table:
        """See `Enroller`."""
        subject = Subject(device, description.kind, description.name, description.zone, description.machine_kind)
        desired = configuration.load(self._folder / configuration.DESIRED)
        secrets = configuration.load_secrets(self._folder / configuration.SECRETS)
        return configuration.resolve(desired, subject, self.site, self._endpoint, secrets)

    def trust(self) -> dict[str, bytes]:
        """See `Enroller`."""
        return {f"/trust/{path.name}": path.read_bytes() for path in (self._folder / "trust").iterdir()}

    def enrol(self, board: str, description: Description, public_key: bytes | None) -> Enrolment:  # noqa: ARG002
        """See `Enroller`: the id, and with it the key, is one of those the site has given."""
        with self._lock:
            known = self.on_board(board)
            device = known.device if known else self._unused()
            cert, key = self._voucher(device)
            if known is None:
                self._rows.append(_Row(device, board, description, time.time_ns() // 1_000_000, passed=False))
                self._save()
        return Enrolment(device, description, (self._folder / "ca.der").read_bytes(), cert, key)

    def _voucher(self, device: str) -> tuple[bytes, bytes]:
        path = self._folder / "vouchers" / f"{device}.json"
        found = _json(path)
        with _well_formed(path):
            return base64.b64decode(found["cert"], validate=True), base64.b64decode(found["key"], validate=True)

    def passed(self, device: str) -> None:
        """See `Enroller`. The key is on the board: it leaves this computer."""
        with self._lock:
            for row in self._rows:
                if row.device == device:
                    row.passed = True
            self._save()
            (self._folder / "vouchers" / f"{device}.json").unlink(missing_ok=True)

    def _unused(self) -> str:
        used = {row.device for row in self._rows}
        for path in sorted((self._folder / "vouchers").glob("*.json")):
            if path.stem not in used:
                return path.stem
        raise RegistryError("the bundle has no id left: ask the site for another one")

    def _known(self, wanted: Callable[[_Row], bool]) -> Known | None:
        return next((row.known() for row in self._rows if wanted(row)), None)

    def _save(self) -> None:
        rows = [asdict(row) for row in self._rows]
        write_atomic(self._folder / "enrolled.json", json.dumps(rows, ensure_ascii=False, indent=1), PRIVATE)


def _about(folder: Path) -> _About:
    path = folder / "bundle.json"
    found = _json(path)
    with _well_formed(path):
        return _About(found["site"], found["technician"], int(found["not_after_ms"]), Endpoint(**found["broker"]))


def _rows(folder: Path) -> list[_Row]:
    path = folder / "enrolled.json"
    found = _json(path)
    with _well_formed(path):
        return [_Row(**{**row, "description": Description(**row["description"])}) for row in found]


@contextmanager
def _well_formed(path: Path) -> Iterator[None]:
    """RegistryError where what was read from `path` lacks something, or has what does not belong there."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path) from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> RegistryError:
    return RegistryError(f"{path} cannot be read: is this a technician's bundle?")
