"""Technicians' credentials: ids made beforehand, each with its key and certificate, which enrol nothing by themselves.

The broker admits none of them before the site has merged what was enrolled. So a bundle that is lost, or copied, or
past its date, is worth nothing to anybody but the site.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet.errors import RegistryError
from jikimi.fleet.registry import admission, states
from jikimi.fleet.registry.changes import holder
from jikimi.fleet.registry.checks import check
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.registry.enrol import Description, new_id
from jikimi.fleet.site import is_name
from jikimi.fleet.store.schema import device as _device
from jikimi.fleet.store.schema import device_board as _board
from jikimi.fleet.store.schema import technician as _technician
from jikimi.fleet.store.schema import voucher as _voucher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jikimi.fleet.site import Site

_DAY_MS = 86_400_000
_MOST_DAYS, _MOST_DEVICES = 60, 1_000
_LATE_MS = 14 * _DAY_MS  # after the last day of enrolling: for the way back to the site


@dataclass(frozen=True)
class Technician:
    """A credential; times are ms since 1970 UTC."""

    name: str
    created_ms: int
    not_after_ms: int
    revoked_ms: int | None
    devices: int
    merged: int


@dataclass(frozen=True)
class Voucher:
    """One id with its key; the key exists nowhere else."""

    device: str
    cert_der: bytes = field(repr=False)
    key_der: bytes = field(repr=False)


@dataclass(frozen=True)
class Enrolled:
    """What a technician says about one voucher."""

    device: str
    board: str
    description: Description
    enrolled_ms: int


def add(site: Site, name: str, days: int, devices: int) -> tuple[Technician, list[Voucher]]:
    """A new credential; RegistryError when the name is taken or a number is out of range."""
    if not is_name(name):
        raise RegistryError("a technician is 1 to 32 of a-z, 0-9 and -: a role or a company, never a person")
    if not (1 <= days <= _MOST_DAYS and 1 <= devices <= _MOST_DEVICES):
        raise RegistryError(f"1 to {_MOST_DAYS} days, 1 to {_MOST_DEVICES} devices")
    now_ms = time.time_ns() // 1_000_000
    technician = Technician(name, now_ms, now_ms + days * _DAY_MS, None, devices, 0)
    issued = [(new_id(), site.settings.tls.device_days) for _ in range(devices)]
    made = [(device, site.ca.issue_device(device, lasts)) for device, lasts in issued]
    with transaction(site) as connection:
        if _find(connection, site, name) is not None:
            raise RegistryError(f"there is a technician {name} already: revoke it, or take another name")
        row = {"site": site.name, "name": name, "created_ms": now_ms, "not_after_ms": technician.not_after_ms}
        connection.execute(_technician.insert().values(row))
        connection.execute(
            _voucher.insert(),
            [
                {
                    "site": site.name,
                    "device": device,
                    "technician": name,
                    "cert_serial": one.serial,
                    "cert_not_after_ms": one.not_after_ms,
                }
                for device, one in made
            ],
        )
    return technician, [Voucher(device, one.certificate_der(), one.key_der()) for device, one in made]


def revoke(site: Site, name: str) -> None:
    """End a credential: nothing more of it is merged. Idempotent; RegistryError when there is none."""
    with transaction(site) as connection:
        found = _find(connection, site, name)
        if found is None:
            raise RegistryError(f"no technician {name}: `jikimi site technician list` shows them")
        if found["revoked_ms"] is None:
            where = (_technician.c.site == site.name) & (_technician.c.name == name)
            connection.execute(_technician.update().where(where).values(revoked_ms=time.time_ns() // 1_000_000))


def technicians(site: Site) -> list[Technician]:
    """All credentials, the oldest first."""
    counts = (
        sa.select(_voucher.c.technician, sa.func.count().label("n"), sa.func.count(_voucher.c.merged_ms).label("m"))
        .where(_voucher.c.site == site.name)
        .group_by(_voucher.c.technician)
        .subquery()
    )
    query = (
        sa.select(_technician, counts.c.n, counts.c.m)
        .select_from(_technician.outerjoin(counts, counts.c.technician == _technician.c.name))
        .where(_technician.c.site == site.name)
        .order_by(_technician.c.created_ms, _technician.c.name)
    )
    with transaction(site) as connection:
        rows = connection.execute(query).all()
    return [Technician(r.name, r.created_ms, r.not_after_ms, r.revoked_ms, r.n or 0, r.m or 0) for r in rows]


def merge(site: Site, name: str, enrolled: Sequence[Enrolled]) -> tuple[list[str], dict[str, str]]:
    """Take over what a technician has enrolled: (devices admitted from now on, those refused with the reason).

    Merging again is harmless. RegistryError when the credential is unknown, revoked, or past its date and two weeks.
    """
    taken: list[str] = []
    refused: dict[str, str] = {}
    with site.locked(admission.LOCK):
        with transaction(site) as connection:
            _usable(connection, site, name)
            for one in enrolled:
                reason = _merge_one(connection, site, name, one)
                if reason is None:
                    taken.append(one.device)
                elif reason:
                    refused[one.device] = reason
        admission.enforce(site)
    return taken, refused


def _merge_one(connection: sa.Connection, site: Site, name: str, one: Enrolled) -> str | None:
    """None: merged now. Empty: it was before. Else why not."""
    where = (_voucher.c.site == site.name) & (_voucher.c.device == one.device)
    row = connection.execute(sa.select(_voucher).where(where)).mappings().one_or_none()
    if row is None or row["technician"] != name:
        return "this id was not given to this technician"
    board = connection.execute(
        sa.select(_board.c.device).where(_board.c.site == site.name, _board.c.board == one.board)
    ).scalar()
    if row["merged_ms"] is not None:
        return "" if board == one.device else "this id was merged for another board"
    if board is not None:
        return f"its board is {board} already"
    told = one.description
    try:
        check(told.kind, told.name, told.zone, told.machine_kind)
    except RegistryError as error:
        return str(error)
    if (other := holder(connection, site, told.name)) is not None:
        return (
            f"{other} is called {told.name!r} already, and alarms name devices: give that one another name "
            f"(`jikimi device rename {other} NAME`) or retire it, then merge again"
        )
    own = {"site": site.name, "device": one.device}
    values = {
        "kind": told.kind,
        "name": told.name,
        "zone": told.zone,
        "machine_kind": told.machine_kind,
        "state": states.ACTIVE,
        "cert_serial": row["cert_serial"],
        "cert_not_after_ms": row["cert_not_after_ms"],
        "created_ms": one.enrolled_ms,
    }
    connection.execute(_device.insert().values(**own, **values))
    beside = {"board": one.board, "generation": 1, "enrolled_by": name, "enrolled_ms": one.enrolled_ms}
    connection.execute(_board.insert().values(**own, **beside))
    connection.execute(_voucher.update().where(where).values(merged_ms=time.time_ns() // 1_000_000))
    return None


def _usable(connection: sa.Connection, site: Site, name: str) -> None:
    found = _find(connection, site, name)
    if found is None:
        raise RegistryError(f"no technician {name} at this site: the bundle is of another one")
    if found["revoked_ms"] is not None:
        raise RegistryError(f"the technician {name} is revoked: nothing of the bundle is taken over")
    if time.time_ns() // 1_000_000 > found["not_after_ms"] + _LATE_MS:
        raise RegistryError(f"the bundle of {name} ended more than two weeks ago: provision its boards at the site")


def _find(connection: sa.Connection, site: Site, name: str) -> sa.RowMapping | None:
    query = sa.select(_technician).where(_technician.c.site == site.name, _technician.c.name == name)
    return connection.execute(query).mappings().one_or_none()
