"""The account of a run, put together from three sources that know nothing of each other.

What was acted comes from the floor, what was published from the devices' consoles, what was stored from the
database.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jikimi.fleet.demo.acts import Acts
from jikimi.fleet.demo.ledger import Key, Ledger, percentile
from jikimi.fleet.demo.matching import (
    LEAST_DEPTH_M,
    ReportedFall,
    ReportedNearMiss,
    Score,
    marginal,
    score_falls,
    score_incursions,
)
from jikimi.fleet.demo.stage import Member
from jikimi.fleet.demo.stored import Stored, StoredRecord
from jikimi.fleet.floor import Floor
from jikimi.wire import kinds

_PERIOD_BYTES, _EPHEMERAL_BYTES = 8, 8
_NOBODY = ""
_HEARD_S = 4.0  # from the press to the record: 1.5 s of holding, and the board's own clock


@dataclass(frozen=True)
class Scores:
    """Falls and incursions against the truth."""

    falls: Score
    incursions: Score
    marginal: int


def score(members: Sequence[Member], floor: Floor, stored: Stored, epoch_ms: float, end_s: float) -> Scores:
    """Compare what was stored with what was acted; `epoch_ms` is the UTC time of the world's start."""
    records = sorted(stored.records, key=lambda record: record.epoch_ms)
    falls = [
        ReportedFall(record.key.device, (record.epoch_ms - epoch_ms) / 1000)
        for record in records
        if record.kind == kinds.FALL
    ]
    near = list(_near_misses(members, records, epoch_ms))
    warn_m = {member.device: member.machine.warn for member in members if member.machine}
    true = floor.incursions(end_s)
    return Scores(
        score_falls(floor.acted_falls(end_s), falls, end_s),
        score_incursions(true, floor.incursions(end_s, LEAST_DEPTH_M), near, end_s, warn_m),
        marginal(true, warn_m),
    )


def button_figures(acts: Acts, stored: Stored, epoch_ms: float, end_s: float) -> dict[str, Any]:
    """Calls for help against the presses, and what else the tags' own alarms came to."""
    calls = [act for act in acts.done if act.what == "sos" and act.t_s + _HEARD_S <= end_s]
    heard = [
        (record.key.device, (record.epoch_ms - epoch_ms) / 1000)
        for record in stored.records
        if record.kind == kinds.SOS
    ]
    falls = {(r.key.device, r.key.boot, r.key.seq) for r in stored.records if r.kind == kinds.FALL}
    cancelled = [
        record
        for record in stored.records
        if record.kind == kinds.CLEARED and record.data.get(kinds.WHY) == kinds.WHY_CANCELLED
    ]
    counts = Counter(record.kind for record in stored.records)
    return {
        "acted_sos": len(calls),
        "detected_sos": sum(any(b == c.board and 0 <= t - c.t_s <= _HEARD_S for b, t in heard) for c in calls),
        "cancelled_falls": sum((r.key.device, *_meant(r)) in falls for r in cancelled),
        "no_motion_alarms": counts[kinds.NO_MOTION],
        "check_ins_missed": counts[kinds.CHECK_IN_MISSED],
        "node_warnings": counts[kinds.WARNING],
    }


def _meant(record: StoredRecord) -> tuple[int, int]:
    """(boot, seq) of the alarm that a record is about."""
    boot: int = record.data.get(kinds.REF_BOOT, record.key.boot)
    return boot, record.data.get(kinds.REF_SEQ, 0)


def figures(ledger: Ledger, due: frozenset[Key], stored: Stored) -> dict[str, Any]:
    """What became of the records the devices wrote.

    `due` are those that were on the consoles before the database was read: only they can be missing. What came
    between that and the reading of `ledger` counts as published if it is stored already.
    """
    alarms, warnings = ledger.alarm_latencies_ms(), ledger.warning_ms
    return {
        "events_published": len(due | (ledger.records.keys() & stored.keys)),
        "events_stored": len(stored.records),
        "duplicates": stored.duplicates,
        "lost": len(due - stored.keys),
        "alarm_latency_ms": _spread(alarms),
        "warning_latency_ms": _spread(warnings),
    }


def _spread(values: list[int]) -> dict[str, int | None]:
    return {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}


def _near_misses(
    members: Sequence[Member], records: Iterable[StoredRecord], epoch_ms: float
) -> Iterable[ReportedNearMiss]:
    secrets = {member.device: member.secret for member in members if member.is_tag}
    for record in records:
        if record.kind == kinds.NEAR_MISS:
            board = _whose(secrets, record.data.get(kinds.EPHEMERAL), record.data.get(kinds.PERIOD))
            yield ReportedNearMiss(record.key.device, board, (record.epoch_ms - epoch_ms) / 1000)


def _whose(secrets: dict[str, bytes], ephemeral: Any, period: Any) -> str | None:
    """The tag an ephemeral id belongs to, as only the holder of all secrets can tell; _NOBODY: none of ours.

    None when the node had no clock and so could not say of which period the id is.
    """
    if not period:
        return None
    moment = int(period).to_bytes(_PERIOD_BYTES, "big")
    return next((tag for tag, key in secrets.items() if _id(key, moment) == ephemeral), _NOBODY)


def _id(secret: bytes, moment: bytes) -> bytes:
    return hashlib.sha256(secret + moment).digest()[:_EPHEMERAL_BYTES]
