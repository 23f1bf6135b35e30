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
        ({"placement": 2}, "SIG_ERR_PLACEMENT"),
        ({"acc_lsb_per_g": 63}, "SIG_ERR_ACC_SCALE"),
        ({"acc_lsb_per_g": 32768}, "SIG_ERR_ACC_SCALE"),
        ({"gyro_lsb_per_dps_x100": 65536}, "SIG_ERR_GYRO_SCALE"),
        ({"no_motion_s": -2}, "SIG_ERR_NO_MOTION"),
        ({"no_motion_s": 1801}, "SIG_ERR_NO_MOTION"),
    ],
)
def test_init_refuses_a_setting_outside_its_range_with_its_own_code(change, error):
    good = {"rate_centihz": 10000, "placement": 0, "acc_lsb_per_g": 4098, "gyro_lsb_per_dps_x100": 1600}
    state = ffi.new("sig_fall_t *")
    assert lib.sig_fall_init(state, ffi.new("sig_fall_config_t *", good)) == 0
    code = lib.sig_fall_init(state, ffi.new("sig_fall_config_t *", {**good, **change}))
    assert code == getattr(lib, error)
    assert ffi.string(lib.sig_error_text(code)) not in (b"", b"unknown error")


@pytest.mark.parametrize(
    "args", [(10, 0, 4098, 0), (100, 5, 4098, 0), (100, 0, 0, 0), (100, -1, 4098, 0), (100, 0, 9, -9)]
)
def test_the_block_api_turns_every_error_code_into_a_sentence(args):
    with pytest.raises(ValueError, match=r"must be|out of its range"):
        block.fall_new(*args)


def test_a_buffer_shorter_than_n_is_refused():
    state = block.fall_new(100, 0, 4098, 1600)
    with pytest.raises(ValueError, match="fewer samples"):
        block.fall_push(state, bytes(11), 1, array("i", [0] * 4))
    with pytest.raises(ValueError, match="fewer samples"):
        block.fall_push(state, bytes(12), -1, array("i", [0] * 4))


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
