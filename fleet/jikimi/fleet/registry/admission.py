"""Whom the broker admits: its configuration follows from the table, and is in force when a change returns."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jikimi.fleet import broker
from jikimi.fleet.broker import mosquitto
from jikimi.fleet.registry import states
from jikimi.fleet.registry.database import transaction
from jikimi.fleet.store.schema import device as _device
from jikimi.fleet.store.schema import device_board as _board

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jikimi.fleet.site import Site

LOCK = "registry"


def apply(site: Site) -> None:
    """Bring the broker's configuration in line with the table."""
    with site.locked(LOCK):
        enforce(site)


@contextmanager
def broker_start(site: Site, node: broker.Node | None = None) -> Iterator[None]:
    """Within this context start the broker (of `node`) and write its pid file.

    The configuration is fresh at entry, and no change to the registry falls between the moment the broker reads it
    and the moment others can tell the broker to read it again.
    """
    with site.locked(LOCK):
        broker.prepare(site, node)
        broker.write_config(site, admitted(site), node)
        yield


def enforce(site: Site) -> None:
    """As `apply`, for a caller that holds the lock."""
    # The broker's start writes the configuration anyway, so that thousands can be added quickly before it.
    running = [node for node in broker.nodes_here(site) if broker.running_pid(site, node) is not None]
    wanted = admitted(site) if running else {}
    for node in running:
        broker.write_config(site, wanted, node)
    for node in running:
        broker.reload(site, node)
    pid = mosquitto.running_pid(site)
    if pid is not None:
        _write_mosquitto(site, mosquitto.directory(site))
        with suppress(ProcessLookupError):  # it has just ended, and reads what is written when it starts again
            os.kill(pid, signal.SIGHUP)


def write_mosquitto(site: Site, directory: Path) -> Path:
    """Write to `directory` what lets Mosquitto admit the same devices; returns the configuration's path."""
    with site.locked(LOCK):
        return _write_mosquitto(site, directory)


@contextmanager
def mosquitto_start(site: Site) -> Iterator[None]:
    """Within this context start Mosquitto. Once it accepts connections, `apply`: it may have missed a change."""
    with site.locked(LOCK):
        broker.prepare(site)
        _write_mosquitto(site, mosquitto.directory(site))
        yield


def _write_mosquitto(site: Site, directory: Path) -> Path:
    return mosquitto.write(site, admitted(site), _void(site), directory)


def admitted(site: Site) -> dict[str, tuple[int, ...]]:
    """Device: the generations of its key that are admitted."""
    join = (_board.c.site == _device.c.site) & (_board.c.device == _device.c.device)
    query = (
        sa.select(_device.c.device, _board.c.generation, _board.c.old_generation)
        .select_from(_device.outerjoin(_board, join))
        .where((_device.c.site == site.name) & (_device.c.state == states.ACTIVE))
        .order_by(_device.c.device)
    )
    with transaction(site) as connection:
        rows = connection.execute(query).all()
    return {row.device: tuple(g for g in (row.old_generation, row.generation or 1) if g is not None) for row in rows}


def _void(site: Site) -> list[str]:
    """Serials, in hexadecimal, of the certificates of devices that are not admitted."""
    query = sa.select(_device.c.cert_serial).where((_device.c.site == site.name) & (_device.c.state != states.ACTIVE))
    with transaction(site) as connection:
        return list(connection.execute(query.order_by(_device.c.device)).scalars())
