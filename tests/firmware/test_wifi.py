"""Wi-Fi comes back by the chip's own attempt or by ours, and an attempt that hangs is ended."""


def test_a_chip_that_tries_by_itself_is_waited_for(run_device):
    assert run_device("wifi_cases")["finds it"] == [["connected", 4000], ["connected", 0]]


def test_an_attempt_of_the_chip_that_never_ends_is_ended_and_the_next_one_is_ours(run_device):
    assert run_device("wifi_cases")["hangs"] == [["failed", 15_000], ["connected", 400]]
