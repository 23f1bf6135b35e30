"""A chip that has broken in such a way that it always has something to say holds up nobody."""

from jikimi.wire import kinds


def test_an_inertial_unit_whose_fifo_is_never_empty_is_read_with_pauses_and_found_frozen(run_device):
    found = run_device("stuck_cases")
    assert found["imusame"] == [[kinds.FAULT_FROZEN], 24]
    assert found["imunoise"] == [[0], 24]


def test_a_heart_rate_sensor_whose_fifo_is_never_empty_is_a_fault(run_device):
    found = run_device("stuck_cases")
    assert found["heartsame"] == ["MAX30102 is frozen", 4]
    assert found["heartnoise"] == ["MAX30102 is never empty", 4]


def test_a_serial_line_on_which_noise_never_ends_is_a_ranging_module_that_does_not_answer(run_device):
    found = run_device("stuck_cases")
    assert found["uwbsame"] == found["uwbnoise"] == ["RYUW122 did not answer AT", True, None, True]
