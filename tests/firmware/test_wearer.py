"""What the one who wears a tag perceives, and what is written down about it."""

OFF = [0, 0, 0, 0, 0]  # vibration, tone, red, amber, green


def test_levels_are_told_apart_by_more_than_colour(run_device):
    result = run_device("wearer_cases")
    assert result["off"] == OFF
    assert result["caution"] == [1, 0, 0, 1, 0]
    assert result["danger"] == [1, 1, 1, 0, 0]


def test_a_fall_is_shown_before_it_is_written(run_device):
    result = run_device("wearer_cases")
    assert result["fall"] == [1, 1, 1, 0, 0]
    assert result["warned"][0] == [2, 3, 31]
    assert result["lit before written"][1] == 1


def test_nothing_hides_an_alarm_but_the_news_that_somebody_comes(run_device):
    result = run_device("wearer_cases")
    assert result["identify in alarm"] == result["fall"]
    assert result["seen in alarm"] == [1, 0, 0, 0, 1]
    assert result["alarm again"] == result["fall"]


def test_recovery_long_press_and_short_press_write_what_they_mean(run_device):
    result = run_device("wearer_cases")
    falling, fall, cleared, sos, again, once_more, *cancelled = result["records"]
    assert falling == [16, [[9, 500]]]
    assert fall == [1, [[9, 990]]]
    assert cleared == [6, [[10, 2], [12, 1]]]  # the fall, recovered
    assert sos == [2, []]
    assert [again[0], once_more[0]] == [1, 1]
    assert cancelled[:3] == [[6, [[10, seq], [12, 2]]] for seq in (4, 5, 6)]  # each of the three, by the button
    assert result["in alarm"] is True
    assert result["recovered"] == result["cancelled"] == OFF
    assert result["idle press"] == 3


def test_an_alarm_that_was_on_before_a_restart_is_shown_again_and_cleared_under_its_own_boot(run_device):
    result = run_device("wearer_cases")
    assert result["after a restart"] == result["fall"]
    assert result["cancelled after a restart"] == OFF
    assert result["records"][-1] == [6, [[10, 3], [11, 6], [12, 2]]]
