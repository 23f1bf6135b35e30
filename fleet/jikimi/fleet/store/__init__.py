"""The store: the one place where feature packages meet.

    with Store.open(site.database_url, site.name) as store:
        outcome = store.store_batch(batch)      # ingest: one durable transaction
        store.open_alarms()                     # pages and commands: frozen rows
        store.records_after(cursor, limit=500)

Safe to use from several threads and processes; one process (ingest) writes records. Errors of the database come out
as StoreError.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa

from jikimi.fleet.errors import MessageError, StoreError
from jikimi.fleet.store import agreements, audit, completeness, host_alarms, read, retention, shifts, silence, write
from jikimi.fleet.store.activity import activity
from jikimi.fleet.store.audit import Entry as AuditEntry
from jikimi.fleet.store.batch import (
    AlarmKey,
    Batch,
    DeadLetter,
    NewRecord,
    Outcome,
    RecordMessage,
    Source,
    StatusReport,
    StreamKey,
)
from jikimi.fleet.store.engine import again_if_in_vain, failure, make_engine, writer
from jikimi.fleet.store.migrations import bring_up_to_date
from jikimi.fleet.store.presence import KindCount, Presence, Present, presence
from jikimi.fleet.store.rows import (
    Activity,
    AgreementRow,
    AlarmRow,
    AuditRow,
    CompletenessRow,
    DeadLetterRow,
    DeletionRow,
    DeviceRow,
    NearMissCell,
    RecordRow,
    SequenceRow,
)
from jikimi.fleet.store.schema import alarm
from jikimi.fleet.store.times import event_time_ms, hour_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = [
    "Activity",
    "AgreementRow",
    "AlarmKey",
    "AlarmRow",
    "AuditEntry",
    "AuditRow",
    "Batch",
    "CompletenessRow",
    "DeadLetter",
    "DeadLetterRow",
    "DeletionRow",
    "DeviceRow",
    "KindCount",
    "NearMissCell",
    "NewRecord",
    "Outcome",
    "Presence",
    "Present",
    "RecordMessage",
    "RecordRow",
    "SequenceRow",
    "Source",
    "StatusReport",
    "Store",
    "StreamKey",
    "event_time_ms",
    "hour_of",
]

_POLL_S = 0.1  # how often a live view asks whether something was stored


class Store:
    """The database of one site."""

    def __init__(self, engine: sa.Engine, site: str) -> None:
        self._engine = engine
        self._site = site

    @classmethod
    def open(cls, url: str, site: str) -> Self:
        """The store of `site` in the database at `url` (SQLAlchemy), its schema brought up to date. StoreError."""
        store = cls(make_engine(url), site)
        try:
            with _our_errors(store._engine):
                bring_up_to_date(store._engine)
        except StoreError:
            store.close()
            raise
        return store

    @property
    def site(self) -> str:
        """Name of the site."""
        return self._site

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def store_batch(self, batch: Batch) -> Outcome:
        """Write all of `batch` and what follows from it in one transaction.

        Returns after the commit, when everything is on the disk. Otherwise nothing of it was written: StoreError when
        the database does not work, MessageError when something in the batch is what no database column can hold.
        """
        with _our_errors(self._engine):
            return again_if_in_vain(self._engine, lambda connection: write.store_batch(connection, self._site, batch))

    def acknowledge_alarm(self, alarm_id: str, role: str, now_ms: int) -> AlarmRow:
        """Note that someone in `role` saw the alarm; the first one stays. StoreError when there is no such alarm."""
        device, boot, seq = _parse_alarm_id(alarm_id)
        this = (alarm.c.site == self._site) & (alarm.c.device == device)
        this &= (alarm.c.boot == boot) & (alarm.c.seq == seq) & alarm.c.acknowledged_ms.is_(None)
        with self._writing() as connection:
            connection.execute(alarm.update().where(this).values(acknowledged_ms=now_ms, acknowledged_by=role))
            host_alarms.end_seen(connection, self._site, (device, boot, seq), now_ms)
            row = read.alarm(connection, self._site, (device, boot, seq))
        if row is None:
            raise StoreError(f"no alarm {alarm_id}: `jikimi alarm list` shows them")
        return row

    def open_alarms(self, limit: int = 1000) -> list[AlarmRow]:
        """Alarms nobody and nothing has resolved yet, acknowledged ones included, newest first."""
        with self._reading() as connection:
            return read.alarms(connection, self._site, resolved=False, limit=limit)

    def alarms(self, limit: int = 1000) -> list[AlarmRow]:
        """All alarms, newest first."""
        with self._reading() as connection:
            return read.alarms(connection, self._site, resolved=True, limit=limit)

    def records_after(self, after_id: int, limit: int = 500) -> list[RecordRow]:
        """Records stored after the one with `after_id`, in order of storage."""
        with self._reading() as connection:
            return read.records_after(connection, self._site, after_id, limit)

    def recent_records(self, limit: int = 50) -> list[RecordRow]:
        """The records stored last, newest first."""
        with self._reading() as connection:
            return read.recent_records(connection, self._site, limit)

    def last_id(self) -> int:
        """Id of the record stored last, the place from which a live view starts; 0 when there is none."""
        with self._reading() as connection:
            return read.last_id(connection, self._site)

    def follow(self, after_id: int, poll_s: float = _POLL_S) -> Iterator[RecordRow]:
        """Records stored after `after_id`, then those to come, for ever, asking every `poll_s` seconds."""
        while True:
            rows = self.records_after(after_id)
            yield from rows
            if rows:
                after_id = rows[-1].id
            else:
                time.sleep(poll_s)

    def device_rows(self) -> list[DeviceRow]:
        """All devices with their status, in the order they were added."""
        with self._reading() as connection:
            return read.devices(connection, self._site)

    def presence(self, most: int) -> Presence:
        """How many devices are there, and at most `most` of them, the missing ones first."""
        with self._reading() as connection:
            return presence(connection, self._site, most)

    def activity(
        self,
        since_ms: int,
        until_ms: int,
        group_min: int,
        categories: Collection[str],
        hidden_zones: Collection[str] = (),
    ) -> Activity:
        """What was recorded between two moments, without who, of the hours with `group_min` tags at least.

        Of records in `categories` alone, and not in `hidden_zones`.
        """
        with self._reading() as connection:
            scope = (categories, hidden_zones)
            return activity(connection, self._site, since_ms, until_ms, group_min, *scope)

    def sequences(self) -> list[SequenceRow]:
        """How complete each sequence of records is."""
        with self._reading() as connection:
            return completeness.sequences(connection, self._site)

    def completeness(self, since_ms: int, until_ms: int | None = None) -> list[CompletenessRow]:
        """For each device how much arrived of what it recorded in a span of event time; None: up to now."""
        with self._reading() as connection:
            return shifts.span(connection, self._site, since_ms, until_ms)

    def near_miss_cells(self, since_ms: int = 0) -> list[NearMissCell]:
        """Near misses by zone, machine and hour with who took part: for `jikimi.fleet.aggregate` alone."""
        with self._reading() as connection:
            return read.near_miss_cells(connection, self._site, since_ms)

    def dead_letters(self, limit: int = 100, reason: str | None = None) -> list[DeadLetterRow]:
        """Messages that could not be stored, newest first; all, or those refused for `reason`."""
        with self._reading() as connection:
            return read.dead_letters(connection, self._site, limit, reason)

    def forget_dead_letter(self, letter: DeadLetterRow, now_ms: int) -> None:
        """Remove a dead letter whose content is stored by now, and end the alarm that it could not be read."""
        with self._writing() as connection:
            write.forget(connection, self._site, letter, now_ms)

    def judge_silence(
        self, now_ms: int, limits_ms: Mapping[str, int], limit_ms: int, up_since_ms: int = 0
    ) -> tuple[int, int]:
        """Raise an alarm for each device that should be heard and was not for so long, end others; how many.

        How long: what `limits_ms` says for a device, else `limit_ms`; time before `up_since_ms` does not count.
        """
        with self._writing() as connection:
            return silence.judge(connection, self._site, now_ms, limits_ms, limit_ms, up_since_ms)

    def delete_old(self, days: Mapping[str, int], letter_days: int, now_ms: int) -> list[DeletionRow]:
        """Delete records received more than `days` ago, by category, and old dead letters; what was deleted.

        Records of open alarms stay, and so does everything derived from records.
        """
        return retention.delete_old(self._engine, self._site, days, letter_days, now_ms)

    def deletions(self, limit: int = 1000) -> list[DeletionRow]:
        """What was deleted when, newest first."""
        with self._reading() as connection:
            return retention.log(connection, self._site, limit)

    def agreements(self) -> list[AgreementRow]:
        """All agreements and the proposal, as they are stored: `jikimi.fleet.agreement.chain` checks them."""
        with self._reading() as connection:
            return agreements.rows(connection, self._site)

    def audit_log(self, limit: int | None = None) -> list[AuditRow]:
        """The audit log, oldest first: the newest `limit` entries, or all."""
        with self._reading() as connection:
            return audit.rows(connection, self._site, limit)

    def note(self, entry: AuditEntry, now_ms: int) -> AuditRow:
        """Add to the audit log; on the disk when this returns."""
        with self._writing() as connection:
            return audit.append(connection, self._site, entry, now_ms)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _our_errors(self._engine), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _our_errors(self._engine), writer(self._engine).begin() as connection:
            yield connection


@contextmanager
def _our_errors(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except (sa.exc.DataError, sa.exc.IntegrityError, OverflowError, UnicodeError) as error:
        raise MessageError(f"the database cannot hold it: {error}") from error
    except sa.exc.DBAPIError as error:
        raise failure(engine, error) from error


def _parse_alarm_id(text: str) -> tuple[str, int, int]:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 19 for part in parts[1:]):
        raise StoreError(f"{text!r} is not the id of an alarm (DEVICE.BOOT.SEQ): `jikimi alarm list` shows them")
    return parts[0], int(parts[1]), int(parts[2])
