"""Enrolling a board: it has made its own key and says the public half; the site gives it an id and a certificate."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet.registry import admission, states
from jikimi.fleet.registry.changes import holder, move, refuse_taken
from jikimi.fleet.registry.checks import check
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.store.schema import device as _device
from jikimi.fleet.store.schema import device_board as _board

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.site.ca import Certified

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_RANDOM_CHARS = 9  # 45 bits: no two devices of a site meet by chance, and still short enough for a label
BY_SITE = "site"


@dataclass(frozen=True)
class Description:
    """What somebody decides about a device; the rest is made."""

    kind: str
    name: str
    zone: str
    machine_kind: str | None = None


@dataclass(frozen=True)
class Known:
    """A device and the board it lives on."""

    device: str
    board: str
    description: Description
    state: str
    cert_serial: str
    generation: int


@dataclass(frozen=True)
class Enrolment:
    """What a board is given; its private key it has made itself, unless it is given one."""

    device: str
    description: Description
    ca_der: bytes = field(repr=False)
    cert_der: bytes = field(repr=False)
    key_der: bytes | None = field(default=None, repr=False)


def new_id() -> str:
    """A random device id: never an address, a name or a number that tells anything."""
    return "d" + "".join(secrets.choice(_BASE32) for _ in range(_RANDOM_CHARS))


def on_board(site: Site, board: str) -> Known | None:
    """The device that lives on a board; None for one this site has never seen, or has retired."""
    return _known(site, _board.c.board == board)


def known(site: Site, device: str) -> Known | None:
    """The device of that id, if it was enrolled on a board."""
    return _known(site, _board.c.device == device)


def enrol(site: Site, board: str, description: Description, public_key: bytes, by: str = BY_SITE) -> Enrolment:
    """Give the board (as its chip calls itself) a certificate for `public_key`, under its old id if it has one.

    The device is `enrolled` then, and its earlier certificate is void. RegistryError when the description is unusable
    or its name taken.
    """
    check(description.kind, description.name, description.zone, description.machine_kind)
    with site.locked(admission.LOCK):
        before = on_board(site, board)
        device = before.device if before else new_id()
        generation = before.generation + 1 if before else 1
        certified = site.ca.certify_device(device, generation, public_key, site.settings.tls.device_days)
        values = _values(description, certified)
        with transaction(site) as connection:
            if before is None:
                refuse_taken(connection, site, [description.name])
                _insert(connection, site, device, board, values, by)
            else:
                _renew(connection, site, before, generation, values)
        admission.enforce(site)
    return Enrolment(device, description, site.ca.certificate_der(), certified.certificate_der())


def _insert(connection: sa.Connection, site: Site, device: str, board: str, values: dict[str, object], by: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    own = {"site": site.name, "device": device}
    connection.execute(_device.insert().values(**own, **values, state=states.ENROLLED, created_ms=now_ms))
    row = {"board": board, "generation": 1, "enrolled_by": by, "enrolled_ms": now_ms}
    connection.execute(_board.insert().values(**own, **row))


def _renew(connection: sa.Connection, site: Site, before: Known, generation: int, values: dict[str, object]) -> None:
    move(connection, site, before.device, states.ENROLLED)
    where = (_device.c.site == site.name) & (_device.c.device == before.device)
    connection.execute(_device.update().where(where).values(**values))
    beside = (_board.c.site == site.name) & (_board.c.device == before.device)
    connection.execute(_board.update().where(beside).values(generation=generation, old_generation=None))


def _values(description: Description, certified: Certified) -> dict[str, object]:
    return {
        "kind": description.kind,
        "name": description.name,
        "zone": description.zone,
        "machine_kind": description.machine_kind,
        "cert_serial": certified.serial,
        "cert_not_after_ms": certified.not_after_ms,
    }


def _known(site: Site, which: sa.ColumnElement[bool]) -> Known | None:
    join = (_board.c.site == _device.c.site) & (_board.c.device == _device.c.device)
    query = sa.select(_device, _board.c.board, _board.c.generation).select_from(_device.join(_board, join))
    with transaction(site) as connection:
        row = connection.execute(query.where(_board.c.site == site.name, which)).mappings().one_or_none()
    if row is None:
        return None
    description = Description(row["kind"], row["name"], row["zone"], row["machine_kind"])
    return Known(row["device"], row["board"], description, row["state"], row["cert_serial"], row["generation"])


def name_is_free(site: Site, name: str) -> bool:
    """Whether no device in use has this name."""
    with transaction(site) as connection:
        return holder(connection, site, name) is None
