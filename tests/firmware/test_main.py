"""How the application starts, and what becomes of a device on which it cannot."""

import pytest


@pytest.mark.parametrize("error", ["OSError", "ValueError", "KeyError", "MemoryError"])
def test_whatever_fails_before_the_application_is_built_is_named_and_the_device_starts_again(run_device, error):
    ended, lines = run_device("main_cases")[error]
    assert ended == "reset"
    assert lines == ["traceback of " + error, "jk log cannot start: " + error]


def test_on_trial_it_is_main_py_that_leaves_the_slot_in_which_the_application_cannot_start(run_device):
    found = run_device("main_cases")
    assert (found["confirmed"], found["on trial"]) == ("reset", "returned")


def test_a_flash_that_takes_nothing_does_not_keep_an_application_from_starting(run_device):
    assert run_device("main_cases")["nothing can be written"] == "jk log what was lost is not reported: OSError"
