"""Rollouts in the site's database: what people decide, and where each one stands."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jikimi.fleet.errors import ReleaseError
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.rollout import machine
from jikimi.fleet.rollout.machine import Member, Plan, Report, Rollout
from jikimi.fleet.store.engine import failure, make_engine
from jikimi.fleet.store.migrations import bring_up_to_date
from jikimi.fleet.store.schema import device as _device
from jikimi.fleet.store.schema import device_status as _status
from jikimi.fleet.store.schema import release as _release
from jikimi.fleet.store.schema import rollout as _rollout
from jikimi.fleet.store.schema import rollout_device as _member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jikimi.fleet.site import Site

ACTIVE = "active"
_WITHDRAWN = "withdrawn"  # `why` of a member whose device is still to be told


@dataclass(frozen=True)
class Row:
    """A rollout for listings; times are ms since 1970 UTC."""

    rollout: int
    arch: str
    sequence: int
    version: str
    state: str
    why: str
    stage: int
    asked_by: str
    approved_by: str | None
    created_ms: int
    changed_ms: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Stored:
    """A rollout as it lies in the database, and what is to be offered."""

    number: int
    rollout: Rollout
    envelope: bytes
    envelope_bytes: int
    changed_ms: int


def start_rollout(
    site: Site, arch: str, sequence: int, plan: Plan, asked_by: str, devices: Sequence[str] | None = None
) -> int:
    """Plan the release for `devices` (all active ones), the canaries first; its number. It waits for approval."""
    with transaction(site) as connection:
        release = _published(connection, site, arch, sequence)
        chosen = _chosen(connection, site, devices)
        _refuse_second(connection, site, arch)
        rollout = machine.start(sequence, release["firmware"], plan, chosen, asked_by)
        highest = connection.execute(sa.select(sa.func.max(_rollout.c.rollout)).where(_here(site, _rollout))).scalar()
        number = int(highest or 0) + 1
        now_ms = _now_ms()
        connection.execute(
            _rollout.insert().values(
                site=site.name,
                rollout=number,
                arch=arch,
                sequence=sequence,
                plan=json.dumps(asdict(plan)),
                asked_by=asked_by,
                created_ms=now_ms,
                **_head(rollout, now_ms),
            )
        )
        rows = [_member_row(site, number, device, member) for device, member in rollout.members.items()]
        connection.execute(_member.insert(), rows)
    return number


def approve_rollout(site: Site, number: int, role: str) -> None:
    """A second person agrees. ReleaseError."""
    _change(site, number, lambda rollout: machine.approve(rollout, role))


def pause_rollout(site: Site, number: int) -> None:
    """No more offers until it is resumed. ReleaseError."""
    _change(site, number, machine.pause)


def resume_rollout(site: Site, number: int) -> None:
    """Go on. ReleaseError."""
    _change(site, number, machine.resume)


def abort_rollout(site: Site, number: int) -> None:
    """End it for good; offers are taken back. ReleaseError."""
    _change(site, number, lambda rollout: machine.abort(rollout)[0])


def rollouts(site: Site) -> list[Row]:
    """All rollouts, the newest first."""
    with transaction(site) as connection:
        joined = _rollout.join(
            _release,
            (_release.c.site == _rollout.c.site)
            & (_release.c.arch == _rollout.c.arch)
            & (_release.c.sequence == _rollout.c.sequence),
        )
        query = sa.select(_rollout, _release.c.version).select_from(joined).where(_here(site, _rollout))
        rows = connection.execute(query.order_by(_rollout.c.rollout.desc())).mappings().all()
        count = sa.select(_member.c.rollout, _member.c.state, sa.func.count()).where(_here(site, _member))
        found = connection.execute(count.group_by(_member.c.rollout, _member.c.state)).all()
    counts: dict[int, dict[str, int]] = {}
    for number, state, many in found:
        counts.setdefault(number, {})[state] = many
    kept = [name for name in Row.__dataclass_fields__ if name != "counts"]
    return [Row(**{name: row[name] for name in kept}, counts=counts.get(row["rollout"], {})) for row in rows]


def devices_of(site: Site, number: int) -> dict[str, Member]:
    """The devices of a rollout. ReleaseError when there is no such rollout."""
    with transaction(site) as connection:
        return dict(_load(connection, site, number).rollout.members)


def open_numbers(site: Site) -> list[int]:
    """Rollouts that have not ended, and those that ended with offers to be taken back."""
    with _reading(site) as connection:
        head = sa.select(_rollout.c.rollout).where(_here(site, _rollout) & _rollout.c.state.in_(machine.OPEN))
        tail = sa.select(_member.c.rollout).where(_here(site, _member) & (_member.c.why == _WITHDRAWN))
        return sorted(set(connection.execute(head.union(tail)).scalars()))


def step(site: Site, number: int, now_ms: int) -> tuple[Stored, machine.Actions]:
    """Let time pass and reports count; what is to be sent is on record before it is returned.

    Everything is read and judged without a lock, as there may be thousands of devices and ingest waits for none of
    them; when somebody has changed the rollout meanwhile, this step did nothing. So of engines on several machines that
    judge the same moment one sends, and the others return nothing to send.
    """
    with _reading(site) as connection:
        stored = _load(connection, site, number)
        reports = _reports(connection, site, number)
    before = stored.rollout
    after, actions = machine.advance(before, reports, now_ms)
    withdrawn = [device for device, member in before.members.items() if member.why == _WITHDRAWN]
    if after == before and not withdrawn:
        return stored, actions
    with transaction(site) as connection:
        if _hold(connection, site, number) != stored.changed_ms:
            return stored, machine.Actions()
        changed_ms = max(now_ms, stored.changed_ms + 1)
        _save(connection, site, number, before, after, changed_ms)
        if withdrawn:
            told = _here(site, _member) & (_member.c.rollout == number) & (_member.c.why == _WITHDRAWN)
            connection.execute(_member.update().where(told).values(why=""))
            this = _here(site, _rollout) & (_rollout.c.rollout == number)
            connection.execute(_rollout.update().where(this).values(changed_ms=changed_ms))
    return replace(stored, rollout=after), machine.Actions(actions.offer, [*actions.withdraw, *withdrawn])


@contextmanager
def _reading(site: Site) -> Iterator[sa.Connection]:
    """A connection that takes no lock; StoreError when the database does not work."""
    engine = make_engine(site.database_url)
    try:
        bring_up_to_date(engine)
        with engine.connect() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        raise failure(engine, error) from error
    finally:
        engine.dispose()


def _hold(connection: sa.Connection, site: Site, number: int) -> int:
    """When the rollout changed last; it is ours until the commit, so that a second writer sees what we wrote."""
    where = _here(site, _rollout) & (_rollout.c.rollout == number)
    query = sa.select(_rollout.c.changed_ms).where(where).with_for_update()
    return int(connection.execute(query).scalar() or 0)  # 0: there is none, which `_load` says better


def _change(site: Site, number: int, change: Callable[[Rollout], Rollout]) -> None:
    with transaction(site) as connection:
        _hold(connection, site, number)
        stored = _load(connection, site, number)
        before = stored.rollout
        after = change(before)
        _save(connection, site, number, before, after, max(_now_ms(), stored.changed_ms + 1))
        # Whoever sends is another process: it finds by these rows whom to tell.
        back = [device for device, member in before.members.items() if member.state == machine.OFFERED]
        for device in back if after.state == machine.ABORTED else ():
            where = _here(site, _member) & (_member.c.rollout == number) & (_member.c.device == device)
            connection.execute(_member.update().where(where).values(why=_WITHDRAWN))


def _load(connection: sa.Connection, site: Site, number: int) -> Stored:
    where = _here(site, _rollout) & (_rollout.c.rollout == number)
    row = connection.execute(sa.select(_rollout).where(where)).mappings().one_or_none()
    if row is None:
        raise ReleaseError(f"there is no rollout {number}: `jikimi release rollout status` lists them")
    release = _published(connection, site, row["arch"], row["sequence"])
    query = sa.select(_member).where(_here(site, _member) & (_member.c.rollout == number))
    query = query.order_by(_member.c.stage, _member.c.device)
    members = {
        found["device"]: Member(**{name: found[name] for name in Member.__dataclass_fields__})
        for found in connection.execute(query).mappings()
    }
    plan = json.loads(row["plan"])
    rollout = Rollout(
        sequence=row["sequence"],
        firmware=release["firmware"],
        plan=Plan(**{**plan, "shares": tuple(plan["shares"])}),
        members=members,
        asked_by=row["asked_by"],
        state=row["state"],
        why=row["why"],
        stage=row["stage"],
        approved_by=row["approved_by"],
    )
    return Stored(number, rollout, bytes.fromhex(release["envelope"]), release["envelope_bytes"], row["changed_ms"])


def _save(connection: sa.Connection, site: Site, number: int, before: Rollout, after: Rollout, now_ms: int) -> None:
    changed = [name for name, member in after.members.items() if member != before.members[name]]
    if changed:
        where = _here(site, _member) & (_member.c.rollout == number)
        update = _member.update().where(where & (_member.c.device == sa.bindparam("this_device")))
        connection.execute(update, [{"this_device": name, **asdict(after.members[name])} for name in changed])
    if changed or _head(before, 0) != _head(after, 0):
        where = _here(site, _rollout) & (_rollout.c.rollout == number)
        connection.execute(_rollout.update().where(where).values(**_head(after, now_ms)))


def _head(rollout: Rollout, now_ms: int) -> dict[str, Any]:
    return {
        "state": rollout.state,
        "why": rollout.why,
        "stage": rollout.stage,
        "approved_by": rollout.approved_by,
        "changed_ms": now_ms,
    }


def _member_row(site: Site, number: int, device: str, member: Member) -> dict[str, Any]:
    return {"site": site.name, "rollout": number, "device": device, **asdict(member)}


def _reports(connection: sa.Connection, site: Site, number: int) -> Mapping[str, Report]:
    said = [_status.c[name] for name in ("release", "firmware", "trial", "failed_release", "failed_why", "birth_ms")]
    joined = _member.outerjoin(_device, _same(_member, _device)).outerjoin(_status, _same(_member, _status))
    query = sa.select(_member.c.device, _device.c.state, *said).select_from(joined)
    rows = connection.execute(query.where(_here(site, _member) & (_member.c.rollout == number))).all()
    return {
        device: Report(release, firmware, bool(trial), failed, why, state == ACTIVE, birth_ms)
        for device, state, release, firmware, trial, failed, why, birth_ms in rows
    }


def _published(connection: sa.Connection, site: Site, arch: str, sequence: int) -> Mapping[Any, Any]:
    where = _here(site, _release) & (_release.c.arch == arch) & (_release.c.sequence == sequence)
    row = connection.execute(sa.select(_release).where(where)).mappings().one_or_none()
    if row is None:
        raise ReleaseError(f"release {sequence} for {arch} is not published: `jikimi release list` shows what is")
    return row


def _chosen(connection: sa.Connection, site: Site, devices: Sequence[str] | None) -> list[str]:
    query = sa.select(_device.c.device).where(_here(site, _device) & (_device.c.state == ACTIVE))
    active = list(connection.execute(query.order_by(_device.c.created_ms, _device.c.device)).scalars())
    if devices is None:
        return active
    unknown = sorted(set(devices) - set(active))
    if unknown:
        raise ReleaseError(f"{unknown[0]} is no active device of this site: `jikimi device list` shows them")
    return list(dict.fromkeys(devices))


def _refuse_second(connection: sa.Connection, site: Site, arch: str) -> None:
    where = _here(site, _rollout) & (_rollout.c.arch == arch) & _rollout.c.state.in_(machine.OPEN)
    number = connection.execute(sa.select(_rollout.c.rollout).where(where)).scalar()
    if number is not None:
        raise ReleaseError(f"rollout {number} has not ended: let it end, or abort it, before another one for {arch}")


def _same(one: sa.Table, other: sa.Table) -> sa.ColumnElement[bool]:
    return (one.c.site == other.c.site) & (one.c.device == other.c.device)


def _here(site: Site, table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.site == site.name


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
