"""Who presses which button when, and how it is counted."""

from __future__ import annotations

from jikimi.fleet.demo.account import button_figures
from jikimi.fleet.demo.acts import Acts
from jikimi.fleet.demo.ledger import Key
from jikimi.fleet.demo.stored import Stored, StoredRecord
from jikimi.fleet.floor import ActedFall
from jikimi.wire import kinds

ALARM = kinds.STREAM_ALARM


def _run(tags, falls, until_s, opened_s=100.0):
    pressed: list[tuple[float, str, float]] = []
    now = [opened_s]
    acts = Acts(tags, lambda board, seconds: pressed.append((now[0], board, seconds)))
    while now[0] < opened_s + until_s:
        acts.tick(opened_s, now[0], [fall for fall in falls if fall.impact_s <= now[0]])
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
    found = button_figures(acts, Stored(records, 0), 0.0, 140.0)
    assert (found["acted_sos"], found["detected_sos"]) == (2, 1)
    assert (found["cancelled_falls"], found["no_motion_alarms"], found["node_warnings"]) == (1, 1, 0)
