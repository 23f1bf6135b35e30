"""The self-test's own parts: the flash in each of its failures, and the record of all."""

from jikimi.wire import kinds

SILENT, WRONG = kinds.FAULT_SILENT, kinds.FAULT_SELF_TEST


def test_every_way_in_which_a_flash_fails_is_found(run_device):
    assert run_device("self_test_cases")["flash"] == [0, SILENT, SILENT, SILENT, SILENT, WRONG, SILENT]


def test_the_first_word_of_each_part_counts_and_the_last_of_them_makes_the_record(run_device):
    result = run_device("self_test_cases")
    before, (passed, fault) = result["first words"]
    bad = 1 << kinds.SENSOR_FLASH | 1 << kinds.SENSOR_BATTERY
    assert before == 2  # the alarms of flash and battery
    assert passed == [kinds.SELF_TEST, [[kinds.PASSED, 1 << kinds.SENSOR_IMU], [kinds.FAILED, bad]]]
    assert fault[0] == kinds.SENSOR_FAULT


def test_a_fault_that_goes_on_is_no_second_alarm_at_the_next_test(run_device):
    assert [kind for kind, _data in run_device("self_test_cases")["again"]] == [kinds.SELF_TEST, kinds.CLEARED]


def test_an_alarm_about_a_part_that_a_new_configuration_is_without_ends_and_the_others_stay(run_device):
    records, still_on = run_device("self_test_cases")["parts of before"]
    about = {kinds.WHY: kinds.WHY_RESTORED, kinds.REF_BOOT: 3, kinds.REF_SEQ: 0}
    assert records == [[kinds.CLEARED, [list(pair) for pair in sorted(about.items())]]]
    assert still_on == [1, 9]


PARTS = [kinds.SENSOR_IMU, kinds.SENSOR_BLE, kinds.SENSOR_UWB, kinds.SENSOR_FLASH]


def _passed(*but):
    return sum(1 << part for part in PARTS if part not in but)


def test_after_each_day_on_duty_every_part_says_again_how_it_is(run_device):
    good, frozen, broken, standing, ended = run_device("self_test_cases")["days"]
    imu, ble = 1 << kinds.SENSOR_IMU, 1 << kinds.SENSOR_BLE
    assert good == [[_passed(), 0]] * 3  # at the beginning, after one day, after two
    assert frozen == [[_passed(), 0]] + [[_passed(kinds.SENSOR_IMU, kinds.SENSOR_BLE), imu]] * 2
    assert broken == [[_passed(), 0]] + [[_passed(kinds.SENSOR_BLE), ble]] * 2
    # A part without a check of its own is watched all the time: what it said last counts.
    assert standing == [[_passed(kinds.SENSOR_IMU), imu]] * 3
    assert ended == [[_passed(), 0]]


def test_nothing_is_asked_off_duty_and_each_check_once_a_day(run_device):
    result = run_device("self_test_cases")
    assert result["asked"] == 2 * 2
    assert result["off duty"] == [0, 1]
