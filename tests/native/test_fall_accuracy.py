"""How well falls are found, on recordings of people the tables were not trained on (see native/MODEL_CARD.md)."""

import numpy as np
import pytest
from jikimi.sigcore._sigcore import ffi, lib

from tests.native import reference_fall as reference
from tests.native.conftest import DATA
from tests.native.signals import block_events
from tools import fall_data, fall_models, nets

UNSEEN = {"SA02", "SA08", "SE04", "SE09"}
WAIST = fall_models.PLACEMENTS[0]


@pytest.fixture(scope="module")
def trials(sisfall_files):
    return list(fall_data.sisfall())


def test_tables_trained_on_others_find_the_falls_of_four_people_and_nothing_else(trials):
    """As recorded only (not even trained on other chips), to stay within seconds; the whole story is the model card."""
    examples = [_example(trial) for trial in trials]
    seen = [example for example in examples if example.person not in UNSEEN]
    model = fall_models.train_impact(WAIST, seen, fall_models.scales(seen).impact)
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for example in examples:
        if example.person in UNSEEN:
            times_s = example.seen.t_s[model.score(example.seen.features) > 0]
            fall_s = example.fall_s
            near = times_s if fall_s is None else times_s[np.abs(times_s - fall_s) < 0.5]
            hits[fall_s is not None].append(len(near) > 0)
    assert len(hits[True]) >= 150
    assert len(hits[False]) > 250
    assert np.mean(hits[True]) >= 0.98
    assert np.mean(hits[False]) <= 0.03


def test_the_shipped_network_scores_as_the_training_tool_computes_it(trials):
    shipped = reference.load_models()["fall_waist"]
    scale = nets.Scale(*np.array(shipped.scale).T)
    net = nets.Net(shipped.bias, np.array(shipped.units), scale)
    rows = _example(trials[0]).seen.features
    as_c = [lib.sig_fall_score(0, ffi.new("uint8_t[]", row.tolist())) for row in rows]
    assert net.score(rows).tolist() == as_c == [reference.score(shipped, row.tolist()) for row in rows]


def _example(trial: fall_data.Trial) -> fall_models.Example:
    return fall_models.example(trial, "as recorded", fall_data.candidates(trial, WAIST.number))


def test_the_shipped_core_reports_recorded_falls_within_two_seconds_of_the_impact(sisfall_files):
    """The shipped tables have seen these people: this guards the shipped artefact, not its accuracy."""
    found = []
    with np.load(DATA / "sisfall" / sisfall_files[0].name) as recordings:
        for name in sorted(recordings.files):
            raw = recordings[name]
            rows = [row for row in block_events(raw, 200) if row[0] == 2]
            if name.startswith("F"):
                impact_ms = int(np.argmax((raw[:, :3].astype(int) ** 2).sum(axis=1))) * 5
                found.append(len(rows) == 1 and 0 < rows[0][1] - impact_ms <= 2000)
            else:
                found.append(not rows)
    assert np.mean(found) >= 0.97
