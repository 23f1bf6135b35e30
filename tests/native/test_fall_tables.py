"""Tables of a fold reach a core of their own whole, and a trial's verdict follows from scores and threshold."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from jikimi.sigcore.counts import ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100, to_counts
from tests.native import reference_fall as reference
from tests.native.signals import block_events
from tools import eval_fall_core, fall_generated, fall_models, nets, train_fall
from tools.fall_data import Candidates
from tools.fall_verdict import Scored

WAIST = fall_models.PLACEMENTS[0]


def shipped(name: str) -> nets.Net:
    net = reference.load_models()[name]
    return nets.Net(net.bias, np.array(net.units), nets.Scale(*np.array(net.scale).T))


def header() -> str:
    return reference.HEADER.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["fall_waist", "pre_waist", "fall_wrist", "pre_wrist"])
def test_the_shipped_tables_put_in_the_place_of_themselves_change_nothing(name):
    assert train_fall.with_tables(header(), name, shipped(name)) == header()


def test_the_shipped_scales_put_in_the_place_of_themselves_change_nothing():
    scales = fall_models.Scales(shipped("fall_waist").scale, shipped("pre_waist").scale)
    assert train_fall.with_scales(header(), scales) == header()


def test_other_tables_replace_only_the_named_ones(monkeypatch, tmp_path):
    other = nets.Net(-7, shipped("pre_waist").units[:2], shipped("pre_waist").scale)
    changed = tmp_path / "model.h"
    changed.write_text(train_fall.with_tables(header(), "pre_waist", other), encoding="utf-8")
    before = reference.load_models()
    monkeypatch.setattr(reference, "HEADER", changed)
    after = reference.load_models()
    assert after["pre_waist"] == before["pre_waist"]._replace(bias=-7, units=before["pre_waist"].units[:2])
    assert {name for name in before if before[name] != after[name]} == {"pre_waist"}


def test_a_table_the_header_does_not_have_is_refused():
    with pytest.raises(ValueError, match="occurs 0 times"):
        train_fall.with_tables(header(), "fall_ankle", shipped("fall_waist"))


@pytest.fixture(scope="module")
def eager(tmp_path_factory) -> ctypes.CDLL:
    """A core whose `fall` tables take every candidate for a fall."""
    folder = tmp_path_factory.mktemp("core")
    every = replace(shipped("fall_waist"), bias=1_000_000)
    return eval_fall_core.build(folder, WAIST, every, shipped("pre_waist"))


def test_a_core_with_other_tables_decides_by_them(eager):
    trial = next(fall_generated.generated())
    own = [kind for kind, _ in eval_fall_core.events(eager, trial, 0)]
    counts = to_counts(trial.acc_g, trial.gyro_dps)
    rows = block_events(counts, 200, acc_lsb=ACC_LSB_PER_G, gyro_lsb_x100=GYRO_LSB_PER_DPS_X100)
    assert own.count(2) >= 1
    assert all(row[0] != 2 for row in rows)


def scored(fall_s: float | None, impact: list[int]) -> Scored:
    t_s = np.arange(len(impact), dtype=np.float64) * 20
    rows = np.zeros((len(impact), 1), np.uint8)
    seen = Candidates(t_s, rows, np.zeros(0), rows[:0], np.zeros(0, dtype=np.bool_))
    example = fall_models.Example("x", "F01", "SA01", fall_s, 100.0, "as recorded", seen)
    return Scored(example, np.array(impact), np.zeros(0, np.int64))


def test_a_higher_threshold_never_reports_more():
    trial = scored(None, [-300, 5, 700, 40, -1])
    counts = [trial.verdict(over).alarms for over in (-512, -2, 0, 20, 500, 900)]
    assert counts == [5, 4, 3, 2, 1, 0]


def test_a_fall_is_found_when_the_candidate_at_its_impact_scores_above_the_threshold():
    assert scored(20.0, [-9, 50]).verdict().found
    assert not scored(20.0, [-9, 50]).verdict(50).found
    assert not scored(22.0, [-9, 50]).verdict().found
