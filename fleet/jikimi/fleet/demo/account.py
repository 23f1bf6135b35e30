"""The account of a run, put together from three sources that know nothing of each other.

What was acted comes from the floor, what was published from the devices' consoles, what was stored from the
database.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
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
from jikimi.fleet.floor import Floor, Rest
from jikimi.wire import kinds

_PERIOD_BYTES, _EPHEMERAL_BYTES = 8, 8
_NOBODY = ""
_STILL_S, _STILL_HEARD_S = 60.0, 70.0  # from lying down to the record: a minute, and the time to come to rest
_ROUND_S, _MISSED_HEARD_S = 2.0, 6.0  # around the end of the time for an answer: the tag looks once a second
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


def button_figures(acts: Acts, rests: Sequence[Rest], stored: Stored, epoch_ms: float, end_s: float) -> dict[str, Any]:
    """Calls, stillness and missed check-ins against what was acted, and what else the tags' own alarms came to."""
    due = partial(_due, stored, epoch_ms, end_s)
    calls = due(kinds.SOS, acts.times("sos"), 0.0, _HEARD_S)
    still = due(kinds.NO_MOTION, [(rest.board, rest.begin_s) for rest in rests], _STILL_S, _STILL_HEARD_S)
    unanswered = due(kinds.CHECK_IN_MISSED, acts.times("no-answer"), -_ROUND_S, _MISSED_HEARD_S)
    falls = {(r.key.device, r.key.boot, r.key.seq) for r in stored.records if r.kind == kinds.FALL}
    cancelled = [
        record
        for record in stored.records
        if record.kind == kinds.CLEARED and record.data.get(kinds.WHY) == kinds.WHY_CANCELLED
    ]
    counts = Counter(record.kind for record in stored.records)
    return {
        "acted_sos": len(calls),
        "detected_sos": sum(calls),
        "cancelled_falls": sum((r.key.device, *_meant(r)) in falls for r in cancelled),
        "acted_no_motion": len(still),
        "detected_no_motion": sum(still),
        "no_motion_alarms": counts[kinds.NO_MOTION],
        "acted_check_ins_missed": len(unanswered),
        "detected_check_ins_missed": sum(unanswered),
        "check_ins_missed": counts[kinds.CHECK_IN_MISSED],
        "node_warnings": counts[kinds.WARNING],
    }


def _due(
    stored: Stored,
    epoch_ms: float,
    end_s: float,
    kind: int,
    acted: Iterable[tuple[str, float]],
    from_s: float,
    until_s: float,
) -> list[bool]:
    """For each (board, time) acted whose record was due by `end_s`: whether one came in [from, until] after it."""
    heard = [(r.key.device, (r.epoch_ms - epoch_ms) / 1000) for r in stored.records if r.kind == kind]
    return [
        any(by == board and from_s <= t - t_s <= until_s for by, t in heard)
        for board, t_s in acted
        if t_s + until_s <= end_s
    ]


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
