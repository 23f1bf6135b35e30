"""Three sources into one account: the floor's truth, the consoles' ledger and the stored records."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from jikimi.fleet.demo import account
from jikimi.fleet.demo.ledger import Key, Ledger
from jikimi.fleet.demo.stage import Member
from jikimi.fleet.demo.stored import Stored, StoredRecord
from jikimi.fleet.floor import Floor, default_plan, workers
from jikimi.fleet.registry import DeviceFiles
from jikimi.fleet.site import Endpoint
from jikimi.wire import kinds

EPOCH_MS = 1_790_000_000_000.0
PERIOD = int(EPOCH_MS) // 900_000
END_S = 62.0


def _member(device: str, secret: bytes = b"", machine: Any = None) -> Member:
    files = DeviceFiles(device, "s", "tag", device, "aisle", None, Endpoint("h", 1, "n"), b"", b"", b"")
    return Member(device, device, Path(device), {}, files, machine, secret=secret)


@pytest.fixture
def floor() -> Floor:
    tags = dict(zip(["da", "db"], workers(2, None, 1), strict=True))
    floor = Floor(default_plan(1), tags, ["dm"], 2)
    floor.open(2.0)
    return floor


@pytest.fixture
def members(floor: Floor) -> list[Member]:
    return [_member("da", b"A" * 16), _member("db", b"B" * 16), _member("dm", machine=floor.plan.machines[0])]


def _record(device: str, stream: int, seq: int, kind: int, t_s: float, data: dict[int, Any]) -> StoredRecord:
    return StoredRecord(Key(device, 1, stream, seq), kind, round(EPOCH_MS + 1000 * t_s), data)


def _perfect(floor: Floor, secrets: dict[str, bytes]) -> tuple[StoredRecord, ...]:
    falls = [
        _record(fall.board, 0, i, kinds.FALL, fall.impact_s + 0.8, {kinds.CONFIDENCE_PERMILLE: 900})
        for i, fall in enumerate(floor.acted_falls(END_S), 1)
    ]
    moment = PERIOD.to_bytes(8, "big")
    near = [
        _record(
            incursion.machine,
            1,
            i,
            kinds.NEAR_MISS,
            incursion.end_s + 0.5,
            {
                kinds.EPHEMERAL: hashlib.sha256(secrets[incursion.board] + moment).digest()[:8],
                kinds.PERIOD: PERIOD,
            },
        )
        for i, incursion in enumerate(floor.incursions(END_S), 1)
    ]
    return (*falls, *near)


def test_a_perfect_system_gets_a_perfect_score(floor: Floor, members: list[Member]) -> None:
    secrets = {member.device: member.secret for member in members}
    scores = account.score(members, floor, Stored(_perfect(floor, secrets), 0), EPOCH_MS, END_S)
    assert scores.falls.detected == scores.falls.acted >= 2
    assert scores.incursions.detected == scores.incursions.acted >= 2
    assert (scores.falls.false, scores.incursions.false) == (0, 0)
    assert scores.falls.missed == scores.incursions.missed == ()


def test_near_misses_of_someone_else_detect_nothing_and_are_false(floor: Floor, members: list[Member]) -> None:
    swapped = {"da": members[1].secret, "db": b"C" * 16}
    scores = account.score(members, floor, Stored(_perfect(floor, swapped), 0), EPOCH_MS, END_S)
    assert scores.incursions.detected < scores.incursions.acted
    assert scores.incursions.missed != ()


def test_a_system_that_stores_nothing_misses_everything(floor: Floor, members: list[Member]) -> None:
    scores = account.score(members, floor, Stored((), 0), EPOCH_MS, END_S)
    assert scores.falls.detected == scores.incursions.detected == 0
    assert len(scores.falls.missed) == scores.falls.acted > 0


def test_what_is_on_a_console_and_not_in_the_database_is_lost() -> None:
    ledger = Ledger()
    for line in ("jk rec 1 0 1 1 1790000000000", "jk rec 1 1 1 18 1790000000000", "jk ack 1 0 1 1790000000090"):
        ledger.feed("da", line)
    due = frozenset(ledger.records)
    ledger.feed("da", "jk rec 1 1 2 18 1790000000000")  # comes while the database is read: neither lost nor published
    figures = account.figures(ledger, due, Stored((_record("da", 0, 1, kinds.FALL, 0, {}),), 3))
    assert figures == {
        "events_published": 2,
        "events_stored": 1,
        "duplicates": 3,
        "lost": 1,
        "alarm_latency_ms": {"p50": 90, "p99": 90},
        "warning_latency_ms": {"p50": None, "p99": None},
    }
