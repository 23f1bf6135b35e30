"""A device that fails again and again starts with less, and says what failed."""


def test_a_first_start_and_power_cuts_are_no_failures(run_device):
    result = run_device("starts_cases")
    assert result["first"] == result["power cuts"] == [False, None]


def test_three_failures_in_a_row_lead_to_safe_mode_then_one_whole_start_is_tried(run_device):
    result = run_device("starts_cases")
    assert result["loop"] == [[1, 2, 3], True, True]
    assert result["last chance"] == [False, True]


def test_a_good_start_ends_the_count_and_the_crash_is_kept_until_it_was_told(run_device):
    result = run_device("starts_cases")
    assert result["good again"] == [True, 0]
    assert result["told"] == [False, None]


def test_a_watchdog_that_bites_is_a_failure_although_nothing_could_be_noted(run_device):
    assert run_device("starts_cases")["watchdog"] == [True, "watchdog"]


def test_the_same_fault_has_the_same_digest_and_its_traceback_stays_on_flash_bounded(run_device):
    result = run_device("starts_cases")
    assert result["digest"] == [len("ValueError-") + 8, True, True]
    assert result["bounded"] == [40 + 1 + 8, 1500]


def test_a_flash_that_is_full_does_not_stop_a_device_from_starting(run_device):
    assert run_device("starts_cases")["no flash"] is False
