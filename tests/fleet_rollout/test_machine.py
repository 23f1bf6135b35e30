"""A rollout by hand, and whatever may happen to one; what users of other systems ran into has a test each."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jikimi.fleet.errors import ReleaseError
from jikimi.fleet.rollout import machine
from jikimi.fleet.rollout.machine import Plan, Report

NEW, HASH, OLD = 8, "new-hash", Report(release=7, firmware="old-hash")
RUNS = Report(release=NEW, firmware=HASH)
_DEVICES = [f"d{number}" for number in range(10)]
_PLAN = Plan(canary=1, shares=(50, 100), success_percent=80, error_percent=30, timeout_ms=10_000, retry_ms=1_000)


def started(plan=_PLAN, devices=_DEVICES):
    return machine.approve(machine.start(NEW, HASH, plan, devices, "maintenance"), "safety-manager")


def step(rollout, reports, now_ms=0):
    return machine.advance(rollout, dict.fromkeys(rollout.members, OLD) | reports, now_ms)


def states(rollout):
    return [member.state for member in rollout.members.values()]


def test_nothing_is_offered_before_a_second_person_has_approved():
    waiting = machine.start(NEW, HASH, _PLAN, _DEVICES, "maintenance")
    same, actions = step(waiting, {})
    assert (same.state, actions.offer) == (machine.WAITING, [])
    for first in ("maintenance", " Maintenance "):
        with pytest.raises(ReleaseError, match="somebody else"):
            machine.approve(waiting, first)
    running, actions = step(machine.approve(waiting, "safety-manager"), {})
    assert (running.state, actions.offer) == (machine.RUNNING, ["d0"])


def test_the_canary_goes_first_and_each_stage_waits_for_the_one_before():
    rollout, actions = step(started(), {})
    assert actions.offer == ["d0"]
    rollout, actions = step(rollout, {}, 500)
    assert actions.offer == []
    runs = {"d0": RUNS}
    rollout, actions = step(rollout, runs, 600)
    assert actions.offer == ["d1", "d2", "d3", "d4", "d5"]
    runs |= dict.fromkeys(actions.offer, RUNS)
    rollout, actions = step(rollout, runs, 700)
    assert actions.offer == ["d6", "d7", "d8", "d9"]
    rollout, _ = step(rollout, dict.fromkeys(_DEVICES, RUNS), 800)
    assert rollout.state == machine.DONE
    assert set(states(rollout)) == {machine.OK}


def test_a_rollout_without_devices_is_refused_and_does_not_finish_at_once():
    """hawkBit 735."""
    with pytest.raises(ReleaseError, match="no device"):
        machine.start(NEW, HASH, _PLAN, [], "maintenance")
    rollout, _ = step(started(), {})
    assert rollout.state == machine.RUNNING


def test_a_device_that_is_done_is_never_offered_anything_again():
    """hawkBit 866: a download loop."""
    rollout = started(replace(_PLAN, shares=(100,)))
    offers = []
    for now_ms in range(0, 60_000, 500):
        rollout, actions = step(rollout, {"d0": RUNS}, now_ms)
        offers += actions.offer
    assert offers.count("d0") <= 1
    assert offers.count("d1") > 2


def test_what_a_device_reports_after_its_start_counts_and_not_that_it_was_sent_something():
    """ESPHome 3054, ThingsBoard 10191: an upload that went well is no update."""
    rollout, _ = step(started(), {})
    rollout, _ = step(rollout, {"d0": replace(RUNS, trial=True)}, 100)
    assert rollout.members["d0"].state == machine.TRIAL
    rollout, _ = step(rollout, {"d0": replace(RUNS, firmware="something else")}, 200)
    assert (rollout.members["d0"].state, rollout.members["d0"].why) == (machine.FAILED, "hash")


def test_a_device_that_was_cut_off_during_its_update_is_offered_it_again_with_growing_pauses():
    """ThingsBoard 10191, Edgehog 1447: never retried."""
    rollout = started(replace(_PLAN, timeout_ms=100_000))
    offered = []
    for now_ms in range(0, 40_000, 100):
        rollout, actions = step(rollout, {}, now_ms)
        offered += [now_ms for device in actions.offer if device == "d0"]
    assert offered == [0, 1000, 3000, 7000, 15000, 31000]


def test_a_device_that_comes_back_is_offered_the_release_again_at_once_and_not_at_the_next_repetition():
    rollout, _ = step(started(replace(_PLAN, timeout_ms=100_000)), {}, 0)
    for now_ms in (1_000, 3_000, 7_000):  # while it is away; the next repetition would be at 15,000
        rollout, actions = step(rollout, {}, now_ms)
        assert actions.offer == ["d0"]
    rollout, actions = step(rollout, {"d0": replace(OLD, birth_ms=12_000)}, 12_500)
    assert actions.offer == ["d0"]
    rollout, actions = step(rollout, {"d0": replace(OLD, birth_ms=12_000)}, 12_600)
    assert actions.offer == []


def test_a_device_that_was_there_when_it_was_offered_the_release_is_not_offered_it_twice():
    rollout, actions = step(started(), {"d0": replace(OLD, birth_ms=1)}, 500)
    assert actions.offer == ["d0"]
    assert step(rollout, {"d0": replace(OLD, birth_ms=499)}, 1_400)[1].offer == []


def test_a_device_whose_link_comes_and_goes_is_offered_the_release_every_few_seconds_at_most():
    rollout = started(replace(_PLAN, timeout_ms=100_000))
    offered = []
    for now_ms in range(0, 60_000, 500):
        rollout, actions = step(rollout, {"d0": replace(OLD, birth_ms=now_ms)}, now_ms)
        offered += [now_ms for device in actions.offer if device == "d0"]
    assert min(after - before for before, after in pairwise(offered)) >= 1_000  # its plan's own first repetition
    assert len(offered) <= 14
    assert max(after - before for before, after in pairwise(offered)) <= machine.RETURN_MS


def test_of_two_hundred_devices_that_come_back_at_once_only_those_under_way_are_offered_anything():
    devices = [f"d{number:03}" for number in range(200)]
    rollout, actions = step(started(replace(_PLAN, canary=40, parallel=40), devices), {}, 0)
    first = actions.offer
    back = {device: replace(OLD, birth_ms=800) for device in devices}
    rollout, actions = step(rollout, back, 900)
    assert actions.offer == []  # offered less than a few seconds ago
    rollout, actions = step(
        rollout, {device: replace(OLD, birth_ms=900 + machine.RETURN_MS) for device in devices}, 9_000
    )
    assert sorted(actions.offer) == sorted(first)
    assert len(first) == 40


def test_a_device_that_comes_back_is_offered_nothing_by_a_paused_rollout_nor_while_it_runs_the_release_on_trial():
    rollout, _ = step(started(), {}, 0)
    back = {"d0": replace(OLD, birth_ms=60_000)}
    assert step(machine.pause(rollout), back, 9_000)[1].offer == []
    assert step(rollout, {"d0": replace(RUNS, trial=True, birth_ms=8_000)}, 9_000)[1].offer == []


def test_a_device_has_its_own_time_limit():
    """ThingsBoard 5674: no time-out for each job."""
    rollout, _ = step(started(), {})
    rollout, _ = step(rollout, {}, 10_000)
    assert rollout.members["d0"].state == machine.LATE
    assert (rollout.state, rollout.why) == (machine.STOPPED, "time-out")


def test_the_time_limit_of_a_device_begins_with_its_own_offer_and_not_with_the_rollout():
    rollout = started(replace(_PLAN, parallel=1, error_percent=100, success_percent=1))
    runs: dict[str, Report] = {}
    for number, now_ms in enumerate(range(0, 90_000, 9_000)):
        rollout, _ = step(rollout, runs, now_ms)
        runs[_DEVICES[number]] = RUNS
        rollout, _ = step(rollout, runs, now_ms + 8_000)
    assert rollout.state == machine.DONE
    assert set(states(rollout)) == {machine.OK}


def test_a_bad_release_stops_itself_at_the_canary_and_offers_are_taken_back():
    rollout, _ = step(started(), {})
    rollout, actions = step(rollout, {"d0": replace(OLD, failed_release=NEW, failed_why="radio")}, 100)
    assert (rollout.state, rollout.why) == (machine.STOPPED, "radio")
    assert actions.withdraw == []
    rollout, _ = step(started(replace(_PLAN, canary=5)), {})
    bad = replace(OLD, failed_release=NEW, failed_why="heap")
    rollout, actions = step(rollout, {"d0": bad, "d1": bad}, 100)
    assert rollout.state == machine.STOPPED
    assert actions.withdraw == ["d2", "d3", "d4"]
    assert step(rollout, {}, 1_000_000)[1] == machine.Actions()


def test_nothing_is_taken_back_from_devices_that_were_offered_nothing():
    """hawkBit 773: superfluous cancel."""
    rollout, _ = step(started(), {})
    _, actions = machine.abort(rollout)
    assert actions.withdraw == ["d0"]


def test_an_aborted_rollout_does_not_hang_and_another_one_may_follow():
    """Zephyr 89530: stuck after cancel."""
    aborted, _ = machine.abort(started())
    assert aborted.state == machine.ABORTED
    for change in (machine.pause, machine.resume, machine.abort):
        with pytest.raises(ReleaseError):
            change(aborted)
    assert started().state == machine.RUNNING


def test_a_site_that_is_busy_makes_no_device_fail():
    """screentinker 153: what was shed counted as failed. Only so many are under way; the others' time does not run."""
    devices = [f"d{number}" for number in range(100)]
    rollout = started(replace(_PLAN, canary=100, parallel=5), devices)
    running: list[str] = []
    done: dict[str, Report] = {}
    now_ms = 0
    while rollout.state == machine.RUNNING:
        rollout, actions = step(rollout, done, now_ms)
        running += [device for device in actions.offer if device not in running]
        assert sum(state in (machine.OFFERED, machine.TRIAL) for state in states(rollout)) <= 5
        done |= dict.fromkeys(running[-5:], RUNS)
        now_ms += 9_000
    assert rollout.state == machine.DONE


def test_a_refusal_that_was_reported_before_the_offer_is_not_about_this_release():
    stale = replace(OLD, failed_release=0, failed_why="signature")
    rollout, _ = step(started(), {"d0": stale})
    rollout, _ = step(rollout, {"d0": stale}, 500)
    assert rollout.members["d0"].state == machine.OFFERED
    rollout, _ = step(rollout, {"d0": replace(stale, failed_why="truncated")}, 600)
    assert rollout.members["d0"].state == machine.FAILED


def test_a_device_that_has_rolled_this_release_back_is_known_to_fail_without_another_offer():
    rollout, actions = step(started(), {"d0": replace(OLD, failed_release=NEW, failed_why="radio")})
    assert (rollout.state, rollout.why, actions.offer) == (machine.STOPPED, "radio", [])


def test_a_device_of_another_class_or_with_a_newer_release_or_revoked_is_left_out_and_no_error():
    other = {
        "d1": replace(OLD, failed_release=NEW, failed_why="class"),
        "d2": Report(release=9, firmware="newer"),
        "d3": replace(OLD, active=False),
    }
    rollout, _ = step(started(replace(_PLAN, shares=(100,))), {})
    runs = {"d0": RUNS} | dict.fromkeys(_DEVICES[4:], RUNS)
    rollout, _ = step(rollout, runs | other, 100)
    rollout, _ = step(rollout, runs | other, 200)
    assert rollout.state == machine.DONE
    assert states(rollout).count(machine.SKIPPED) == 3


def test_when_no_canary_takes_it_nothing_is_known_and_it_pauses():
    rollout, _ = step(started(), {"d0": replace(OLD, active=False)})
    assert (rollout.state, rollout.why) == (machine.PAUSED, machine.NO_CANARY)
    rollout, actions = step(machine.resume(rollout), {"d0": replace(OLD, active=False)}, 1)
    assert actions.offer[0] == "d1"


def test_a_stage_that_misses_its_success_threshold_pauses_and_goes_on_by_hand():
    plan = replace(_PLAN, canary=10, shares=(100,), error_percent=100, success_percent=95)
    devices = [f"d{number:02}" for number in range(20)]
    rollout, _ = step(started(plan, devices), {})
    runs = dict.fromkeys(devices[:9], RUNS)
    rollout, _ = step(rollout, runs, 10_000)
    assert (rollout.state, rollout.why) == (machine.PAUSED, machine.MISSED)
    rollout, actions = step(machine.resume(rollout), runs, 10_100)
    assert actions.offer == devices[10:]


def test_a_device_that_was_given_up_as_late_is_done_when_it_says_so():
    rollout, _ = step(started(replace(_PLAN, canary=10, error_percent=100)), {})
    rollout, _ = step(rollout, dict.fromkeys(_DEVICES[1:], RUNS), 10_000)
    assert rollout.members["d0"].state == machine.LATE
    rollout, _ = step(rollout, dict.fromkeys(_DEVICES, RUNS), 20_000)
    assert rollout.members["d0"].state == machine.OK


def test_pause_stops_offers_and_resume_goes_on():
    paused = machine.pause(step(started(), {})[0])
    assert step(paused, {}, 5_000)[1].offer == []
    assert step(machine.resume(paused), {}, 5_000)[1].offer == ["d0"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"canary": 0},
        {"shares": ()},
        {"shares": (50,)},
        {"shares": (50, 50, 100)},
        {"success_percent": 0},
        {"error_percent": 101},
        {"timeout_ms": 0},
        {"parallel": 0},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ReleaseError):
        replace(_PLAN, **wrong)


class Rollouts(RuleBasedStateMachine):
    """Any order of what people, devices and time may do."""

    @initialize(
        count=st.integers(1, 12),
        canary=st.integers(1, 3),
        shares=st.sampled_from([(100,), (30, 100), (10, 50, 100)]),
        success=st.integers(1, 100),
        error=st.integers(1, 100),
        parallel=st.integers(1, 5),
    )
    def begin(self, count, canary, shares, success, error, parallel):
        self.plan = Plan(canary, shares, success, error, timeout_ms=50_000, retry_ms=1_000, parallel=parallel)
        self.devices = [f"d{number}" for number in range(count)]
        self.reports = dict.fromkeys(self.devices, OLD)
        self.rollout = machine.start(NEW, HASH, self.plan, self.devices, "one")
        self.now_ms = 0
        self.offered: set[str] = set()
        self.approved = False

    @rule(role=st.sampled_from(["one", "two"]))
    def approve(self, role):
        if self._does(machine.approve, role):
            assert role == "two"
            self.approved = True

    @rule(change=st.sampled_from([machine.pause, machine.resume]))
    def change(self, change):
        self._does(change)

    @precondition(lambda self: self.rollout.state in machine.OPEN)
    @rule()
    def abort(self):
        before = self.rollout
        self.rollout, actions = machine.abort(self.rollout)
        assert set(actions.withdraw) == {d for d, m in before.members.items() if m.state == machine.OFFERED}

    @rule(passed_ms=st.integers(0, 60_000))
    def time_passes(self, passed_ms):
        self.now_ms += passed_ms
        before = self.rollout
        self.rollout, actions = machine.advance(before, self.reports, self.now_ms)
        again, none = machine.advance(self.rollout, self.reports, self.now_ms)
        assert (again, none) == (self.rollout, machine.Actions())  # what was done is not done again
        self.offered |= set(actions.offer)
        if actions.offer:
            assert self.approved
            assert before.state == machine.RUNNING
        for device in actions.offer:
            assert self.rollout.members[device].stage <= self.rollout.stage
            assert self.reports[device].release != NEW

    @rule(
        place=st.integers(0, 11),
        report=st.sampled_from(
            [
                RUNS,
                replace(RUNS, trial=True),
                replace(RUNS, firmware="other"),
                replace(OLD, failed_release=NEW, failed_why="radio"),
                replace(OLD, failed_release=NEW, failed_why="class"),
                replace(OLD, failed_release=0, failed_why="signature"),
                replace(OLD, active=False),
                Report(release=9, firmware="newer"),
                OLD,
            ]
        ),
    )
    def device_reports(self, place, report):
        self.reports[self.devices[place % len(self.devices)]] = replace(report, birth_ms=self.now_ms)

    @invariant()
    def what_was_decided_holds(self):
        if not hasattr(self, "rollout"):
            return
        rollout = self.rollout
        if not self.approved:
            assert rollout.state in (machine.WAITING, machine.ABORTED)
        under_way = [m for m in rollout.members.values() if m.state in (machine.OFFERED, machine.TRIAL)]
        strangers = sum(self.reports[d].release == NEW for d in self.devices)  # updated by somebody else
        assert len(under_way) <= self.plan.parallel + strangers
        if rollout.state == machine.DONE:
            assert all(
                member.state in machine.FINISHED or member.state == machine.TRIAL for member in rollout.members.values()
            )
        for device, member in rollout.members.items():
            if member.offers:
                assert device in self.offered

    def _does(self, change, *args):
        try:
            self.rollout = change(self.rollout, *args)
        except ReleaseError:
            return False
        return True


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def _simulate(plan, count, seed, *, bad):
    """Devices that are away for hours, slow, broken, or all struck by a bad release; how it ended, and when."""
    dice = random.Random(seed)
    devices = [f"d{number:05}" for number in range(count)]
    away_until_ms = {device: dice.randrange(8 * 3_600_000) if dice.random() < 0.4 else 0 for device in devices}
    broken = {device for device in devices[plan.canary :] if dice.random() < 0.01}
    rollout = started(plan, devices)
    reports, due, now_ms = dict.fromkeys(devices, OLD), {}, 0
    while rollout.state == machine.RUNNING and now_ms < 14 * 86_400_000:
        rollout, actions = machine.advance(rollout, reports, now_ms)
        for device in actions.offer:
            if now_ms >= away_until_ms[device] and device not in due:
                due[device] = now_ms + dice.randrange(20_000, 400_000)
        for device in [device for device, done_ms in due.items() if done_ms <= now_ms]:
            del due[device]
            fails = bad or device in broken
            reports[device] = replace(OLD, failed_release=NEW, failed_why="radio") if fails else RUNS
        now_ms += 240_000
    return rollout, now_ms, broken


def test_ten_thousand_devices_are_updated_and_the_few_broken_ones_named():
    plan = Plan(canary=10, shares=(5, 25, 100), parallel=400)
    rollout, took_ms, broken = _simulate(plan, 10_000, 7, bad=False)
    assert rollout.state == machine.DONE
    found = machine.counts(rollout)
    assert found[machine.OK] == 10_000 - len(broken)
    assert {device for device, member in rollout.members.items() if member.state == machine.FAILED} == broken
    assert took_ms < 3 * 86_400_000


def test_a_bad_release_reaches_no_more_of_ten_thousand_devices_than_its_canaries():
    plan = Plan(canary=10, shares=(5, 25, 100), parallel=400)
    rollout, _, _ = _simulate(plan, 10_000, 7, bad=True)
    assert (rollout.state, rollout.why) == (machine.STOPPED, "radio")
    assert sum(member.offers > 0 for member in rollout.members.values()) <= 10
