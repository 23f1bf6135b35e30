"""TCP ports of a site: as set, or free ones chosen once and kept in the run directory."""

from __future__ import annotations

import json
import random
import socket
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from jikimi.fleet.errors import SiteError
from jikimi.fleet.site.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

# Below the range from which the kernel takes ports for outgoing connections (32768 upwards), so that a port
# chosen now is still free when the service binds it.
_LOWEST, _HIGHEST = 20_000, 32_767
_TRIES = 200


@dataclass(frozen=True)
class Ports:
    """Ports of one site on this machine."""

    mqtt: int  # MQTT over TLS
    nats: int  # the broker's own protocol over TLS, loopback only
    monitor: int  # the broker's counters over HTTP, loopback only
    web: int  # the live page


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `port` of address `host` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still fading out counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1", taken: frozenset[int] = frozenset()) -> int:
    """A port nobody listens on, outside the range of outgoing connections and not in `taken`."""
    for _ in range(_TRIES):
        port = random.randint(_LOWEST, _HIGHEST)
        if port not in taken and is_free(host, port):
            return port
    raise SiteError(f"no free TCP port between {_LOWEST} and {_HIGHEST} on {host}: stop other servers or set the ports")


def load(path: Path) -> Ports | None:
    """Ports kept at `path`; None when there are none yet or the file is unusable (they are then chosen anew)."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        return Ports(**{item.name: int(kept[item.name]) for item in fields(Ports)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def choose(fixed: dict[str, int], host: str, kept: Ports | None) -> Ports:
    """Ports as in `fixed` where not 0, else as `kept` before, else free ones."""
    before = asdict(kept) if kept else {}
    chosen: dict[str, int] = {}
    for item in fields(Ports):
        port = fixed.get(item.name, 0) or before.get(item.name, 0)
        taken = frozenset(chosen.values()) | frozenset(fixed.values()) | frozenset(before.values())
        chosen[item.name] = port or free_port(host, taken)
    return Ports(**chosen)


def renew_internal(ports: Ports) -> Ports:
    """`ports` with new ones for those no device dials, where another program has taken them meanwhile."""
    taken = frozenset(asdict(ports).values())
    nats = ports.nats if is_free("127.0.0.1", ports.nats) else free_port(taken=taken)
    monitor = ports.monitor if is_free("127.0.0.1", ports.monitor) else free_port(taken=taken | {nats})
    return replace(ports, nats=nats, monitor=monitor)


def save(path: Path, ports: Ports) -> None:
    """Keep `ports` at `path`."""
    write_atomic(path, json.dumps(asdict(ports)))
