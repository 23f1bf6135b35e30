"""The drivers of the chips, against fakes of their buses."""

from typing import Any

import pytest

_FOUND: dict[str, Any] = {}


@pytest.fixture
def found(run_device, runtime):
    """One run per Python: the waits for silent modules take their time."""
    if runtime not in _FOUND:
        _FOUND[runtime] = run_device("drivers")
    return _FOUND[runtime]


def test_the_imu_is_set_to_16_g_2000_dps_104_hz_and_a_continuous_fifo(found):
    assert found["set up"] == {"acc": 0x44, "gyro": 0x4C, "batch": 0x44, "mode": 0x06, "control": 0x44}


def test_gyroscope_and_accelerometer_words_become_whole_samples_and_others_are_skipped(found):
    assert found["empty"] == 0
    assert found["samples"] == [[100 + i, -200, 32767, 10 + i, -20, 30] for i in range(3)]


def test_a_full_fifo_is_read_in_bursts_and_counted(found):
    assert found["burst"] == [16, 16, 16, 16, 16, 16, 4]
    assert found["overruns"] is True


def test_another_chip_or_none_is_an_oserror(found):
    assert found["wrong chip"].startswith("OSError no LSM6DSOX")
    assert found["no chip"].startswith("OSError")


def test_the_uwb_module_gets_role_network_and_address(found):
    assert found["commands"] == ["AT", "AT+NETWORKID=FAB00001", "AT+ADDRESS=NODE0001", "AT+MODE=1"]


def test_a_distance_is_read_behind_data_that_holds_commas(found):
    assert found["TAG00001"] == 4120


@pytest.mark.parametrize("address", ["STALE001", "SPOILT01", "WRONG001"])
def test_answers_for_another_tag_spoilt_or_refused_give_no_distance(found, address):
    assert found[address] is None


def test_noise_on_the_line_is_counted_and_does_not_hide_what_follows(found):
    assert found["received"] == ["1,2", None]
    assert found["after noise"] == "ok"
    assert found["garbled"] == 2


def test_a_module_that_refuses_or_says_nothing_is_an_oserror(found):
    assert found["refused"].startswith("OSError RYUW122 refused")
    assert found["silent start"].startswith("OSError RYUW122 did not answer")


@pytest.mark.parametrize("module", ["silent", "noisy", "refusing"])
def test_a_module_that_takes_no_commands_is_an_oserror_after_eight_exchanges(found, module):
    assert found[f"{module} exchanges"] == 7
