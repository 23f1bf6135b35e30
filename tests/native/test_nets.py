"""Networks are learnt the same every time, and scored as the core scores them."""

import numpy as np
from jikimi.sigcore._sigcore import ffi, lib

from tests.native import reference_fall as reference
from tools import nets


def made_up(n: int) -> tuple[np.ndarray, np.ndarray]:
    features = np.random.default_rng(1).integers(0, 256, (n, 6), dtype=np.uint8)
    return features, (features[:, 0] > 128) ^ (features[:, 3] > 100)


def test_learning_twice_gives_the_same_network_and_it_has_learnt_what_no_line_separates():
    features, labels = made_up(4000)
    scale = nets.scale_of(features)
    settings = nets.Settings(units=16, passes=100)
    first, second = (nets.train(features, labels, np.ones(4000), scale, settings) for _ in range(2))
    assert first.bias == second.bias
    assert (first.units == second.units).all()
    assert np.mean((first.score(features) > 0) == labels) > 0.9


def test_a_score_is_the_definitions_for_any_weights_and_bytes():
    rng = np.random.default_rng(2)
    scale = nets.Scale(rng.integers(0, 256, 6), rng.integers(1, 256, 6))
    net = nets.Net(-77, rng.integers(-127, 128, (9, 8)), scale)
    features, _ = made_up(200)
    pairs = list(zip(scale.middle.tolist(), scale.gain.tolist(), strict=True))
    plain = reference.Net(net.bias, [list(pair) for pair in pairs], net.units.tolist())
    assert net.score(features).tolist() == [reference.score(plain, row.tolist()) for row in features]


def test_the_core_scores_wild_features_as_the_definition():
    rng = np.random.default_rng(3)
    models = reference.load_models()
    for placement, name in ((0, "waist"), (1, "wrist")):
        for row in rng.integers(0, 256, (50, lib.SIG_FALL_FEATURES), dtype=np.uint8).tolist():
            assert lib.sig_fall_score(placement, ffi.new("uint8_t[]", row)) == reference.score(
                models[f"fall_{name}"], row
            )
        for row in rng.integers(0, 256, (50, lib.SIG_FALL_PRE_FEATURES), dtype=np.uint8).tolist():
            got = lib.sig_fall_pre_score(placement, ffi.new("uint8_t[]", row))
            assert got == reference.score(models[f"pre_{name}"], row)
