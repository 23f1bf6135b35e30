"""Who presses which button when, and how it is counted."""

from __future__ import annotations

import pytest

from jikimi.edge.check_in import CheckIn
from jikimi.fleet.demo import check_ins
from jikimi.fleet.demo.account import button_figures
from jikimi.fleet.demo.acts import Acts
from jikimi.fleet.demo.check_ins import steps
from jikimi.fleet.demo.ledger import Key
from jikimi.fleet.demo.stored import Stored, StoredRecord
from jikimi.fleet.floor import ActedFall, Rest
from jikimi.wire import kinds

ALARM = kinds.STREAM_ALARM


def _run(tags, falls, until_s, opened_s=100.0, rests=(), **lone):
    pressed: list[tuple[float, str, float]] = []
    now = [opened_s]
    acts = Acts(tags, lambda board, seconds: pressed.append((now[0], board, seconds)), **lone)
    while now[0] < opened_s + until_s:
        acts.tick(opened_s, now[0], [fall for fall in falls if fall.impact_s <= now[0]], rests)
        now[0] += 0.2
    return acts, pressed


def test_workers_call_for_help_in_turn_and_each_says_later_that_all_is_well():
    acts, pressed = _run(["a", "b"], [], 40)
    assert [(act.board, act.what) for act in acts.done] == [
        ("a", "sos"),
        ("a", "all-right"),
        ("b", "sos"),
        ("b", "all-right"),
    ]
    assert [seconds > 1.5 for _t, _board, seconds in pressed] == [True, False, True, False]


def test_who_has_just_fallen_does_not_call_and_every_other_fall_is_cancelled():
    falls = [ActedFall("a", 103.0), ActedFall("b", 110.0)]
    acts, pressed = _run(["a", "b"], falls, 16)
    assert [(act.board, act.what) for act in acts.done] == [("b", "sos"), ("b", "all-right"), ("b", "cancel")]
    assert pressed[-1][0] >= 112.5


def test_nobody_presses_where_there_are_no_tags():
    assert _run([], [], 30)[0].done == []


def _record(seq, kind, t_s, data=None, device="a"):
    return StoredRecord(Key(device, 1, ALARM, seq), kind, int(t_s * 1000), data or {})


def test_calls_and_cancelled_falls_are_counted_against_what_is_stored():
    acts, _ = _run(["a", "b"], [], 40)
    cleared = {kinds.REF_SEQ: 2, kinds.WHY: kinds.WHY_CANCELLED}
    records = (
        _record(1, kinds.SOS, 105.7),
        _record(2, kinds.FALL, 120),
        _record(3, kinds.CLEARED, 122, cleared),
        _record(4, kinds.CLEARED, 123, {kinds.REF_SEQ: 1, kinds.WHY: kinds.WHY_CANCELLED}),
        _record(5, kinds.NO_MOTION, 130),
        _record(1, kinds.SOS, 140, device="b"),  # too late to be that of the press
    )
    found = button_figures(acts, [], Stored(records, 0), 0.0, 140.0)
    assert (found["acted_sos"], found["detected_sos"]) == (2, 1)
    assert (found["cancelled_falls"], found["no_motion_alarms"], found["node_warnings"]) == (1, 1, 0)


def test_who_lies_still_calls_for_no_help_and_says_after_getting_up_that_all_is_well():
    acts, _ = _run(["a", "b"], [], 120, rests=[Rest("a", 110.0, 185.0)])
    (well,) = [act for act in acts.done if act.board == "a" and act.t_s < 205]
    assert (well.what, well.t_s > 185 + 3.5) == ("all-right", True)
    assert [act.what for act in acts.done if act.board == "b"][::2] == ["sos"] * 6


def test_who_works_alone_answers_and_later_does_not_and_presses_nothing_else():
    acts, pressed = _run(["a", "b"], [], 760, lone="a", steps=steps(760))
    done = [(act.what, act.t_s - 100) for act in acts.done if act.board == "a"]
    assert done == [("answer", 8), ("answer", 320), ("no-answer", 680), ("all-right", 700)]
    assert [(board, seconds < 1.5) for _t, board, seconds in pressed if board == "a"] == [("a", True)] * 3


@pytest.mark.parametrize(("seconds", "missed"), [(400, [368]), (739, [368]), (740, [680]), (2000, [680, 1372])])
def test_every_long_run_has_a_check_in_that_is_missed(seconds, missed):
    assert [step.t_s for step in steps(seconds) if step.what == "no-answer"] == missed


def test_a_lone_worker_never_presses_between_a_question_and_the_missed_check_in():
    script = list(steps(5000))
    for i, step in enumerate(script):
        if step.what == "no-answer":
            assert script[i - 1].t_s == step.t_s - 60 * check_ins.PERIOD_MIN - check_ins.ANSWER_S
            assert (script[i + 1].what, script[i + 1].t_s > step.t_s + 6) == ("all-right", True)


def test_stillness_and_missed_check_ins_are_detected_by_the_right_tag_in_time():
    acts, _ = _run(["a", "b"], [], 400, lone="b", steps=steps(400))
    rests = [Rest("a", 110.0, 185.0), Rest("c", 110.0, 185.0), Rest("d", 440.0, 515.0)]
    records = (
        _record(1, kinds.NO_MOTION, 173),
        _record(2, kinds.NO_MOTION, 300),
        _record(1, kinds.NO_MOTION, 150, device="c"),  # before the minute was over
        _record(1, kinds.CHECK_IN_MISSED, 469, device="b"),
        _record(3, kinds.CHECK_IN_MISSED, 469),
    )
    found = button_figures(acts, rests, Stored(records, 0), 0.0, 500.0)
    assert (found["acted_no_motion"], found["detected_no_motion"], found["no_motion_alarms"]) == (2, 1, 3)
    missed = ("acted_check_ins_missed", "detected_check_ins_missed", "check_ins_missed")
    assert [found[key] for key in missed] == [1, 1, 2]


def test_the_time_for_an_answer_is_that_of_the_tag():
    tag = CheckIn(check_ins.PERIOD_MIN * 60_000, 0)
    assert tag.asking(check_ins.PERIOD_MIN * 60_000)
    times = range(check_ins.PERIOD_MIN * 60_000, 600_000, 1000)
    assert next(t for t in times if tag.missed(t)) == (check_ins.PERIOD_MIN * 60 + check_ins.ANSWER_S) * 1000
