"""What can be done to a registered device. Each change is in force at the broker when its function returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet.errors import RegistryError
from jikimi.fleet.registry import admission, states
from jikimi.fleet.registry.checks import check_name, check_zone
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.store.schema import device as _device
from jikimi.fleet.store.schema import device_board as _board

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jikimi.fleet.site import Site


def activate(site: Site, device: str) -> None:
    """The bench test is passed: the broker admits it. Idempotent."""
    _move(site, device, states.ACTIVE)


def revoke(site: Site, device: str) -> None:
    """Shut a device out; a running broker has cut its connection off on return. Idempotent."""
    _move(site, device, states.REVOKED)


def mark_wiped(site: Site, device: str) -> None:
    """Its key has been erased from the board. Idempotent."""
    _move(site, device, states.WIPED)


def retire(site: Site, device: str) -> None:
    """Take a device out of the fleet for good; its board may be enrolled again, as another device. Idempotent."""
    retire_all(site, [device])


def retire_all(site: Site, devices: Iterable[str]) -> None:
    """As `retire`, many at once, all or none of them."""
    with site.locked(admission.LOCK):
        with transaction(site) as connection:
            for device in devices:
                move(connection, site, device, states.RETIRED)
                connection.execute(_board.delete().where(_board.c.site == site.name, _board.c.device == device))
        admission.enforce(site)


def rename(site: Site, device: str, name: str) -> None:
    """Change what its label or plate says; RegistryError when another device in use is called so."""
    check_name(name)
    _describe(site, device, name=name)


def assign_zone(site: Site, device: str, zone: str) -> None:
    """Change where it is used."""
    check_zone(zone)
    _describe(site, device, zone=zone)


def refuse_taken(connection: sa.Connection, site: Site, names: Sequence[str], device: str | None = None) -> None:
    """Within the caller's lock: RegistryError when a name is there twice, or another device in use has it."""
    used = sa.select(_device.c.name, _device.c.device).where(
        _device.c.site == site.name, _device.c.state != states.RETIRED
    )
    rows = connection.execute(used.where(_device.c.name == names[0]) if len(names) == 1 else used)
    taken = {name: other for name, other in rows if other != device}
    for name in names:
        if name in taken:
            raise RegistryError(f"{taken[name]} is called {name!r}: alarms name devices, so each needs its own")
        taken[name] = "another one"


def holder(connection: sa.Connection, site: Site, name: str) -> str | None:
    """The device in use that has this name."""
    mine = (_device.c.site == site.name) & (_device.c.name == name) & (_device.c.state != states.RETIRED)
    return connection.execute(sa.select(_device.c.device).where(mine)).scalar()


def move(connection: sa.Connection, site: Site, device: str, new: str) -> None:
    """Within the caller's transaction and lock; nothing when it is in that state already."""
    old = state_of(connection, site, device)
    if old != new:
        states.check_step(device, old, new)
        _update(connection, site, device, state=new)


def state_of(connection: sa.Connection, site: Site, device: str) -> str:
    """RegistryError when there is no such device."""
    query = sa.select(_device.c.state).where(_device.c.site == site.name, _device.c.device == device)
    found = connection.execute(query).scalar()
    if found is None:
        raise RegistryError(f"no device {device} at this site: `jikimi device list` shows them")
    return str(found)


def _move(site: Site, device: str, new: str) -> None:
    with site.locked(admission.LOCK):
        with transaction(site) as connection:
            move(connection, site, device, new)
        admission.enforce(site)


def _describe(site: Site, device: str, **values: str) -> None:
    with site.locked(admission.LOCK), transaction(site) as connection:
        if state_of(connection, site, device) == states.RETIRED:
            raise RegistryError(f"{device} is retired: nothing about it changes any more")
        if "name" in values:
            refuse_taken(connection, site, [values["name"]], device)
        _update(connection, site, device, **values)


def _update(connection: sa.Connection, site: Site, device: str, **values: str) -> None:
    where = (_device.c.site == site.name) & (_device.c.device == device)
    connection.execute(_device.update().where(where).values(**values))
