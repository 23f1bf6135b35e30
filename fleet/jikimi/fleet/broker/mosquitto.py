"""The configuration of Mosquitto for one site, instead of nats-server: the same certificates, the same rules.

What differs, because Mosquitto (2.0) works differently:

- It knows a client by its certificate's common name, which is the device's id and, from its second key on, the
  generation (`jikimi.fleet.site.names.device_label`). Only the names of admitted generations are in the access list.
- A stranger to the access list is connected and may do nothing. Those who were shut out are therefore also on a
  revocation list, and refused at the handshake.
- It grants every subscription; the access list decides at each message who gets it.
- QoS 1 messages wait for ingest in memory. By default all but 100 of a burst would be dropped, with a PUBACK.

Durability: memory is written to a file every `sync_s` seconds, so kill -9 may lose as much. Records are safe all the
same: the device keeps them until ingest's acknowledgement, which follows the database commit.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from jikimi.fleet.errors import ServiceError
from jikimi.fleet.site.files import PRIVATE, write_atomic
from jikimi.fleet.site.names import device_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jikimi.fleet.site import Site

CONFIG = "mosquitto.conf"
NO_CLUSTER = "Mosquitto has no cluster: remove cluster.toml, or stay with the site's own broker"
_ACCESS, _REVOKED, _PID = "acl", "revoked.pem", "mosquitto.pid"
_DEVICE_UP = ("st", "al", "ev", "vt", "get")
_DEVICE_DOWN = ("ack", "cmd", "put")
_INGEST = "ingest"  # the common name of its certificate; no device's id has it
# Ingest commits thousands at a time; with the default of 20 it would wait for the broker after each.
_MAX_INFLIGHT = 16_000
_HEADER_BYTES = 128  # of a packet with the longest of our topics


def directory(site: Site) -> Path:
    """Where Mosquitto's files lie unless somebody asks for another place."""
    return site.path / "mosquitto"


def command(site: Site) -> list[str]:
    """Arguments that start Mosquitto in the foreground, logging to stderr; ServiceError when it is not installed."""
    # Debian keeps it where only root looks.
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ServiceError("mosquitto is missing: install Debian's package mosquitto, or go without --mosquitto")
    return [found, "-c", str(directory(site) / CONFIG)]


def running_pid(site: Site) -> int | None:
    """Process id of the Mosquitto that runs with the files in `directory`, or None."""
    try:
        pid = int((directory(site) / _PID).read_text("ascii"))
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    # A recycled process id would belong to another program.
    return pid if os.fsencode(directory(site) / CONFIG) in arguments else None


def write(site: Site, devices: Mapping[str, Iterable[int]], void: Iterable[str], where: Path) -> Path:
    """Write what Mosquitto reads to `where` and return the configuration's path.

    `devices` has the admitted generations of each device's key, `void` the serials of the certificates of the others.
    ServiceError for a site with a cluster.
    """
    if site.cluster is not None:
        raise ServiceError(NO_CLUSTER)
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    revoked = where / _REVOKED
    before = revoked.read_bytes() if revoked.exists() else None
    write_atomic(revoked, site.ca.revocation_list(void, before))
    write_atomic(where / _ACCESS, access(site.name, devices), PRIVATE)
    write_atomic(where / CONFIG, render(site, where), PRIVATE)
    return where / CONFIG


def access(site: str, devices: Mapping[str, Iterable[int]]) -> str:
    """Text of the access list; what it does not name is denied."""
    users = [_ingest(site)]
    users += [_device(site, device, number) for device, generations in devices.items() for number in generations]
    return "\n".join("\n".join([*user, ""]) for user in users)


def render(site: Site, where: Path) -> str:
    """Text of the configuration file, whose other files are in `where`."""
    return "".join(f"{key} {value}\n" for key, value in _settings(site, where))


def _settings(site: Site, where: Path) -> Iterator[tuple[str, object]]:
    broker = site.settings.broker
    yield "user", _owner(site)  # for one started by root, which would become a user that cannot read the keys
    yield "pid_file", where / _PID
    yield "log_dest", "stderr"
    yield "persistence", "true"
    yield "persistence_location", where
    yield "autosave_interval", broker.sync_s
    yield "max_inflight_messages", _MAX_INFLIGHT
    yield "max_queued_messages", 0  # none but the next limit
    yield "max_queued_bytes", broker.store_max_mb << 20
    yield "max_packet_size", broker.max_payload_bytes + _HEADER_BYTES
    yield "set_tcp_nodelay", "true"
    yield "allow_anonymous", "false"
    yield "acl_file", where / _ACCESS
    yield "listener", f"{site.ports().mqtt} {broker.host}"
    yield "max_connections", broker.max_connections
    yield "max_qos", 1
    yield "cafile", site.tls_dir / "ca.pem"
    yield "certfile", site.tls_dir / "broker.pem"
    yield "keyfile", site.tls_dir / "broker.key.pem"
    yield "crlfile", where / _REVOKED
    yield "require_certificate", "true"
    yield "use_identity_as_username", "true"


def _owner(site: Site) -> str:
    try:
        return site.tls_dir.owner()
    except KeyError as error:
        raise ServiceError(f"the owner of {site.tls_dir} has no name on this machine: give it to a user") from error


def _device(site: str, device: str, generation: int) -> Iterator[str]:
    own = f"jk/{site}/{device}"
    yield f"user {device_label(device, generation)}"
    yield from (f"topic write {own}/{leaf}" for leaf in _DEVICE_UP)
    yield from (f"topic read {own}/{leaf}" for leaf in _DEVICE_DOWN)
    yield f"topic read jk/{site}/host/st"


def _ingest(site: str) -> Iterator[str]:
    yield f"user {_INGEST}"
    yield f"topic read jk/{site}/#"
    yield from (f"topic write jk/{site}/+/{leaf}" for leaf in _DEVICE_DOWN)
    yield f"topic write jk/{site}/host/st"
