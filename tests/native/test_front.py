"""The front end: mean of each 20 ms whatever the rate, and no axis of the chip is special."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jikimi.sigcore._sigcore import ffi, lib

from jikimi.sigcore import block
from tests.native import reference_fall as reference
from tests.native.signals import RAW_ACC_LSB, RAW_GYRO_LSB_X100, Raw, block_events, story, to_raw


def motion_rows(raw: Raw, rate_centihz: int) -> list[tuple[list[int], list[int]]]:
    """(mg, deg/s) of every motion sample, one chip sample at a time."""
    front, rows = block.motion_new_centihz(rate_centihz, RAW_ACC_LSB, RAW_GYRO_LSB_X100), []
    for sample in np.ascontiguousarray(raw, dtype="<i2"):
        data = ffi.from_buffer("uint8_t[]", sample.tobytes())
        complete = lib.sig_front_put(front, data)
        while complete:
            complete = lib.sig_front_take(front, data)
            rows.append((list(front.motion.acc_mg), list(front.motion.gyro_dps)))
            assert front.motion.acc_norm_mg == reference.magnitude(rows[-1][0])
            assert front.motion.gyro_norm_dps == reference.magnitude(rows[-1][1])
    return rows


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2000, 20000), st.integers(1, 15))
def test_motion_samples_are_what_the_definition_says_at_any_rate(seed, rate_centihz, bits):
    raw = np.random.default_rng(seed).integers(-(2**bits), 2**bits, (120, 6)).astype("<i2")
    expected = reference.resample(raw.tolist(), rate_centihz, RAW_ACC_LSB, RAW_GYRO_LSB_X100)
    assert motion_rows(raw, rate_centihz) == [(list(acc), list(gyro)) for acc, gyro in expected]


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (-1, -1, -1)])
def test_turning_the_chip_by_right_angles_changes_no_event(axes, signs):
    raw = to_raw(story(3, 104))
    order = [*axes, *(3 + axis for axis in axes)]
    hand = round(np.linalg.det(np.eye(3)[list(axes)])) * np.prod(signs)  # of a mirrored chip every rotation is reversed
    turned = (raw[:, order] * np.array([*signs, *(hand * np.array(signs))])).clip(-32768, 32767).astype("<i2")
    own, theirs = block_events(raw, 104, still=4), block_events(turned, 104, still=4)
    assert [(kind, t_ms, data) for kind, t_ms, _, data in theirs] == [(kind, t_ms, data) for kind, t_ms, _, data in own]
    # Gravity is followed in integers that are rounded down on every axis, which is elsewhere on a chip turned round.
    assert [permille for _, _, permille, _ in theirs] == pytest.approx([row[2] for row in own], abs=100)
