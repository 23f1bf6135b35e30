"""The few things in which both Pythons differ are alike for the application."""


def test_a_wait_that_is_cancelled_ends_also_when_it_is_over_in_that_moment(run_device):
    assert run_device("port_cases")[0] == []


def test_a_wait_is_over_in_time_or_late_or_fails(run_device):
    assert run_device("port_cases")[1] == [None, "late", 5]


def test_a_name_that_is_not_resolved_is_a_failed_connection_and_no_crash(run_device):
    assert run_device("port_cases")[2] == "OSError"
