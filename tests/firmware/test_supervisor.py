"""The watchdog is fed while everything lives, and not one moment longer."""


def test_a_task_that_ends_or_fails_stops_the_feeding_and_is_named(run_device):
    result = run_device("supervisor_cases")
    for case, why, text in (
        ("ends", ["ended:bad", ""], ["jk log task bad has ended"]),
        ("fails", ["KeyError", "trace"], ["jk log task bad failed: KeyError(x)", "trace"]),
    ):
        name, fed_before, not_fed_after, said, failed = result[case]
        assert name == "bad"
        assert fed_before is True
        assert not_fed_after is True
        assert said == text
        assert failed == [why]


def test_a_task_that_stands_still_is_found_by_its_missing_beat(run_device):
    name, fed_before, not_fed_after, said, failed = run_device("supervisor_cases")["still"]
    assert failed == [["still:bad", ""]]
    assert name == "bad"
    assert fed_before is True
    assert not_fed_after is True
    assert said == ["jk log task bad stands still"]


def test_a_moment_in_which_everything_stands_still_is_no_tasks_fault(run_device):
    failed = run_device("supervisor_cases")["held up"][-1]
    assert failed == [["KeyError", "trace"]]


def test_a_part_that_fails_gives_one_alarm_and_one_all_clear_however_often_it_is_tried(run_device):
    records, tries = run_device("supervisor_cases")["part"]
    assert records == [[4, [[16, 3], [30, 1]]], [6, [[10, 1], [12, 3]]]]
    assert tries == 4
