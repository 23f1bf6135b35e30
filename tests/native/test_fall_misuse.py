"""Settings that make no sense are refused where they are given, and name what is wrong."""

from array import array

import numpy as np
import pytest
from jikimi.sigcore._sigcore import ffi, lib

from jikimi.sigcore import FallDetector, block


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"rate_centihz": 1999}, "SIG_ERR_RATE"),
        ({"rate_centihz": 20001}, "SIG_ERR_RATE"),
        ({"acc_lsb_per_g": 63}, "SIG_ERR_ACC_SCALE"),
        ({"acc_lsb_per_g": 32768}, "SIG_ERR_ACC_SCALE"),
        ({"gyro_lsb_per_dps_x100": 65536}, "SIG_ERR_GYRO_SCALE"),
    ],
)
def test_init_refuses_a_setting_outside_its_range_with_its_own_code(change, error):
    good = {"rate_centihz": 10000, "acc_lsb_per_g": 4098, "gyro_lsb_per_dps_x100": 1600}
    state = ffi.new("sig_front_t *")
    assert lib.sig_front_init(state, ffi.new("sig_chip_t *", good)) == 0
    code = lib.sig_front_init(state, ffi.new("sig_chip_t *", {**good, **change}))
    assert code == getattr(lib, error)
    assert ffi.string(lib.sig_error_text(code)) not in (b"", b"unknown error")


@pytest.mark.parametrize(
    ("placement", "no_motion_s", "error"),
    [(2, 0, "SIG_ERR_PLACEMENT"), (0, -2, "SIG_ERR_NO_MOTION"), (1, 1801, "SIG_ERR_NO_MOTION")],
)
def test_the_fall_detector_refuses_its_own_settings(placement, no_motion_s, error):
    state = ffi.new("sig_fall_t *")
    assert lib.sig_fall_init(state, 1, 1800) == 0
    assert lib.sig_fall_init(state, placement, no_motion_s) == getattr(lib, error)


@pytest.mark.parametrize(
    ("new", "args"),
    [
        (block.motion_new, (10, 4098, 0)),
        (block.motion_new, (100, 0, 0)),
        (block.motion_new, (100, 4098, -9)),
        (block.fall_new, (5,)),
        (block.fall_new, (-1,)),
        (block.fall_new, (0, 1801)),
    ],
)
def test_the_block_api_turns_every_error_code_into_a_sentence(new, args):
    with pytest.raises(ValueError, match=r"must be|out of its range"):
        new(*args)


def test_a_buffer_shorter_than_n_is_refused():
    motion, fall = block.motion_new(100, 4098, 1600), block.fall_new(0)
    with pytest.raises(ValueError, match="fewer samples"):
        block.motion_push(motion, fall, None, bytes(11), 1, array("i", [0] * 4))
    with pytest.raises(ValueError, match="fewer samples"):
        block.motion_push(motion, fall, None, bytes(12), -1, array("i", [0] * 4))


@pytest.mark.parametrize(
    ("rate_hz", "options"),
    [(19.9, {}), (201, {}), (float("nan"), {}), (100, {"placement": "head"}), (100, {"no_motion_s": 0})],
)
def test_the_detector_refuses_settings_it_cannot_work_with(rate_hz, options):
    with pytest.raises(ValueError, match="must be"):
        FallDetector(rate_hz, **options)


@pytest.mark.parametrize(
    ("acc", "gyro", "message"),
    [
        (np.zeros((5, 2)), None, r"shape \(n, 3\)"),
        (np.zeros(5), None, r"shape \(n, 3\)"),
        (np.zeros((5, 3)), np.zeros((4, 3)), "4 rows"),
        (np.full((5, 3), np.nan), None, "finite"),
        (np.zeros((5, 3)), np.full((5, 3), np.inf), "finite"),
    ],
)
def test_samples_of_the_wrong_shape_or_not_finite_are_refused(acc, gyro, message):
    with pytest.raises(ValueError, match=message):
        FallDetector(100).push(acc, gyro)


def test_an_empty_push_is_nothing():
    assert FallDetector(100).push(np.zeros((0, 3))) == []
