"""Reports against the truth, with the tolerances as stated."""

from __future__ import annotations

import pytest

from jikimi.fleet.demo.matching import (
    ReportedFall,
    ReportedNearMiss,
    marginal,
    score_falls,
    score_incursions,
)
from jikimi.fleet.floor import ActedFall, Incursion

WARN = {"m": 3.0}


def _incursion(
    begin: float = 20.0, end: float = 25.0, nearest: float = 2.0, board: str = "a", *, complete: bool = True
) -> Incursion:
    return Incursion(board, "m", begin, end, nearest, 1, complete)


@pytest.mark.parametrize(("after", "detected"), [(-1.5, 0), (-0.9, 1), (0.0, 1), (2.9, 1), (3.1, 0)])
def test_a_fall_is_detected_from_a_second_before_to_three_after_its_impact(after: float, detected: int) -> None:
    score = score_falls([ActedFall("a", 10.0)], [ReportedFall("a", 10.0 + after)], 60.0)
    assert (score.acted, score.detected, score.false) == (1, detected, 1 - detected)


def test_another_workers_report_detects_nothing_and_is_false() -> None:
    score = score_falls([ActedFall("a", 10.0)], [ReportedFall("b", 11.0)], 60.0)
    assert (score.detected, score.false, len(score.missed)) == (0, 1, 1)


def test_one_fall_reported_twice_has_one_false_alarm() -> None:
    score = score_falls([ActedFall("a", 10.0)], [ReportedFall("a", 10.5), ReportedFall("a", 11.5)], 60.0)
    assert (score.detected, score.false) == (1, 1)


def test_a_fall_cut_off_by_the_end_does_not_count_and_its_report_is_not_false() -> None:
    score = score_falls([ActedFall("a", 58.0)], [ReportedFall("a", 59.0)], 60.0)
    assert (score.acted, score.detected, score.false) == (0, 0, 0)


@pytest.mark.parametrize(("t_s", "detected"), [(17.9, 0), (18.1, 1), (22.0, 1), (30.9, 1), (31.1, 0)])
def test_an_incursion_is_detected_from_two_seconds_before_it_to_six_after_it(t_s: float, detected: int) -> None:
    score = score_incursions([_incursion()], [_incursion()], [ReportedNearMiss("m", "a", t_s)], 60.0, WARN)
    assert (score.acted, score.detected, score.false) == (1, detected, 1 - detected)


def test_an_incursion_needs_the_report_of_its_own_machine_and_worker() -> None:
    wrong = [ReportedNearMiss("n", "a", 22.0), ReportedNearMiss("m", "b", 22.0)]
    score = score_incursions([_incursion()], [_incursion()], wrong, 60.0, WARN)
    assert (score.detected, score.false) == (0, 2)


@pytest.mark.parametrize(
    "brief", [_incursion(end=20.9), _incursion(nearest=2.8), _incursion(complete=False), _incursion(end=55.0)]
)
def test_brief_shallow_and_cut_off_incursions_do_not_count_but_their_reports_are_not_false(brief: Incursion) -> None:
    score = score_incursions([brief], [brief], [ReportedNearMiss("m", "a", 21.0)], 60.0, WARN)
    assert (score.acted, score.false) == (0, 0)


def test_marginal_incursions_are_the_brief_and_the_shallow_ones() -> None:
    assert marginal([_incursion(), _incursion(end=20.5), _incursion(nearest=2.9)], WARN) == 2


def test_one_report_over_a_short_step_out_covers_both_incursions() -> None:
    true = [_incursion(20.0, 23.0), _incursion(25.0, 28.0)]
    assert score_incursions(true, true, [ReportedNearMiss("m", "a", 28.2)], 60.0, WARN).detected == 2


def test_a_report_of_someone_who_only_grazed_the_zone_is_not_false() -> None:
    score = score_incursions([], [_incursion(nearest=3.1)], [ReportedNearMiss("m", "a", 26.0)], 60.0, WARN)
    assert (score.acted, score.false) == (0, 0)
