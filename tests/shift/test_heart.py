"""A tag with a heart-rate sensor on: its health is reported, its readings are not."""

from __future__ import annotations

import numpy as np

from jikimi.fleet.virtual.ppg import Ppg
from jikimi.wire import kinds, topics
from tests.shift.conftest import Plant, until

_HEART = {"driver": "max30102", "rest_bpm": 50, "max_bpm": 120}
_HEART_BIT = 1 << kinds.SENSOR_HEART


def _faults(plant: Plant, device: str) -> list[str]:
    rows = plant.store.recent_records(100)
    return [row.data["sensor"] for row in rows if row.device == device and row.kind == "sensor_fault"]


def test_a_heart_rate_sensor_is_tested_and_its_failure_reported_but_nothing_of_what_it_measures(plant: Plant) -> None:
    wearer = Ppg(lambda t: np.full_like(t, 119.0), seed=2)
    tag = plant.add_tag(online=False, heart=_HEART)
    plant.world.do(lambda: plant.world.hardware(tag.device).fit_heart(wearer.light))
    tag.board.start()
    tag.wait_line("^jk link up ")

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
