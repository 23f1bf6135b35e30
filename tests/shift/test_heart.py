"""A tag with a heart-rate sensor on: its health is reported, its readings are not."""

from __future__ import annotations

import numpy as np
import pytest

from jikimi.fleet.virtual.ppg import Ppg
from jikimi.wire import kinds, topics
from tests.shift.conftest import PATIENCE_S, Plant, Tag, until

_HEART = {"driver": "max30102", "rest_bpm": 50, "max_bpm": 120}
_HEART_BIT = 1 << kinds.SENSOR_HEART
# MicroPython keeps names in tables, each twice as large as the one before it (py/qstr.c: 20, 40, … 640). One name more
# than these hold, and the next table wants 14 KiB in one piece. Some room is for what is loaded now and then.
_TABLES = 20 + 40 + 80 + 160 + 320 + 640
_SELDOM = 30
# Waits in the queue of the loop that the application runs.
_COUNT_NAMES = b"""
import asyncio, micropython
async def _count():
    while True:
        micropython.qstr_info()
        await asyncio.sleep(1)
asyncio.create_task(_count())
"""


def _faults(plant: Plant, device: str) -> list[str]:
    rows = plant.store.recent_records(100)
    return [row.data["sensor"] for row in rows if row.device == device and row.kind == "sensor_fault"]


@pytest.fixture(scope="module")
def tag(plant: Plant) -> Tag:
    """The largest tag there is, on the finger of a wearer; its names are counted once a second."""
    wearer = Ppg(lambda t: np.full_like(t, 119.0), seed=2)
    tag = plant.add_tag(online=False, heart=_HEART, code={"/boot.py": _COUNT_NAMES})
    plant.world.do(lambda: plant.world.hardware(tag.device).fit_heart(wearer.light))
    tag.board.start()
    tag.wait_line("^jk link up ")
    return tag


def test_a_heart_rate_sensor_is_tested_and_its_failure_reported_but_nothing_of_what_it_measures(plant, tag):
    def passed() -> bool:
        records = [record for batch in tag.said(topics.EVENT) for record in batch.records]
        return any(record.data[kinds.PASSED] & _HEART_BIT for record in records if record.kind == kinds.SELF_TEST)

    until(passed, "the self-test")
    heart = plant.world.do(lambda: plant.world.hardware(tag.device)).heart
    assert heart is not None
    heart.frozen = True
    until(lambda: "heart" in _faults(plant, tag.device), "the fault")
    said = {record.kind for leaf in (topics.EVENT, topics.ALARM) for b in tag.said(leaf) for record in b.records}
    assert said <= {kinds.SELF_TEST, kinds.SENSOR_FAULT, kinds.CLEARED}


def test_names_of_the_largest_tag_that_has_worked_stay_in_the_tables_there_are(tag):
    since = len(tag.board.lines())
    counted = int(tag.board.wait_for(r"^qstr pool: .*n_qstr=(\d+)", PATIENCE_S, since)[1])
    assert 0 < counted <= _TABLES - _SELDOM
