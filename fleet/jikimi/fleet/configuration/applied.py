"""What each device was told last, and what it said about it (table `device_config`)."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jikimi.fleet.registry.database import transaction
from jikimi.fleet.store.engine import failure, make_engine
from jikimi.fleet.store.migrations import bring_up_to_date
from jikimi.fleet.store.schema import device_config as _table
from jikimi.fleet.store.schema import device_status as _status
from jikimi.fleet.store.schema import restoration as _restoration
from jikimi.wire import cbor
from jikimi.wire import configuration as wire
from jikimi.wire import settings as wire_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jikimi.fleet.configuration.desired import Table
    from jikimi.fleet.site import Site

_LEAF, _SETTINGS = 1, 4  # places in a document and in its leaf


@dataclass(frozen=True)
class Told:
    """One device's row; `reported` is the digest in its last birth, `refused` its reason not to take this one."""

    device: str
    sequence: int
    digest: str
    document: bytes = field(repr=False)
    applied_ms: int
    refused: str | None
    reported: str | None
    last_seen_ms: int | None

    @property
    def settings(self) -> Table:
        """The settings in the document."""
        leaf = cbor.loads(_part(cbor.loads(self.document, wire.MAX_DOCUMENT), _LEAF), wire.MAX_LEAF)
        found: Table = json.loads(_part(leaf, _SETTINGS))
        return found


def _part(container: Any, place: int) -> bytes:
    found = container[place]
    assert isinstance(found, bytes), "it was encoded here"
    return found


def told(site: Site, device: str | None = None) -> dict[str, Told]:
    """All devices that were ever told something, or the one that is named, if it was."""
    with transaction(site) as connection:
        return _told(connection, site.name, device)


class Reader:
    """`told` of one device for a process that asks all the time: the database stays open, and nothing waits for it."""

    def __init__(self, site: Site) -> None:
        self._site = site.name
        self._engine = make_engine(site.database_url)
        self._is_new = True

    def told(self, device: str) -> Told | None:
        """What the device was told last; None: nothing. StoreError when the database does not work."""
        try:
            if self._is_new:
                bring_up_to_date(self._engine)
                self._is_new = False
            with self._engine.connect() as connection:
                return _told(connection, self._site, device).get(device)
        except sa.exc.DBAPIError as error:
            raise failure(self._engine, error) from error

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()


def _told(connection: sa.Connection, site: str, device: str | None) -> dict[str, Told]:
    join = (_status.c.site == _table.c.site) & (_status.c.device == _table.c.device)
    query = (
        sa.select(_table, _status.c.config.label("reported"), _status.c.last_seen_ms)
        .select_from(_table.outerjoin(_status, join))
        .where(_table.c.site == site, sa.true() if device is None else _table.c.device == device)
    )
    rows = connection.execute(query).mappings().all()
    return {row["device"]: Told(**{key: row[key] for key in row if key != "site"}) for row in rows}


def note_by_cable(site: Site, device: str, settings: Table) -> None:
    """A technician has just put these settings onto the device."""
    leaf = wire.encode_leaf(site.name, device, 0, json.dumps(settings, ensure_ascii=False).encode())
    before = told(site, device).get(device)
    note(site, before.sequence if before else 0, {device: wire.encode_document(b"", leaf, 0, [])}, {device: settings})


def note(site: Site, sequence: int, documents: Mapping[str, bytes], settings: Mapping[str, Table]) -> None:
    """Keep what devices are told from now on."""
    now_ms = time.time_ns() // 1_000_000
    with transaction(site) as connection:
        for device, document in documents.items():
            where = (_table.c.site == site.name) & (_table.c.device == device)
            values = {
                "sequence": sequence,
                "digest": wire_settings.digest(settings[device]),
                "document": document,
                "applied_ms": now_ms,
                "refused": None,
            }
            if connection.execute(_table.update().where(where).values(**values)).rowcount == 0:
                connection.execute(_table.insert().values(site=site.name, device=device, **values))


def note_refusal(site: Site, device: str, sequence: int, reason: str) -> None:
    """The device says that it did not keep what it was told."""
    where = (_table.c.site == site.name) & (_table.c.device == device) & (_table.c.sequence == sequence)
    with transaction(site) as connection:
        connection.execute(_table.update().where(where).values(refused=reason[:64]))


def next_sequence(site: Site) -> int:
    """Higher than any that a device of this site was told.

    A site from a backup does not know what they were told since, so it goes on at the seconds since 1970: fewer than
    one configuration a second were applied.
    """
    with transaction(site) as connection:
        query = sa.select(sa.func.max(_table.c.sequence)).where(_table.c.site == site.name)
        following = int(connection.execute(query).scalar() or 0) + 1
        restored = sa.exists().where(_restoration.c.site == site.name)
        return max(following, int(time.time())) if connection.execute(sa.select(restored)).scalar() else following
