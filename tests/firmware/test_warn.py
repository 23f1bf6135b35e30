"""Whoever wears the tag can tell every pattern from every other, with the senses that wearer has."""

from __future__ import annotations

from itertools import combinations

import pytest

_STEP_MS = 50
# Two patterns differ for so long in ten seconds, however they are laid over each other. OFF is nothing at all.
_LEAST_MS = 600
_FOUND: dict[str, dict[tuple[bool, bool], dict[str, list[int]]]] = {}
_HAPTIC, _TONE, _LIGHTS = 1, 2, 28


@pytest.fixture
def patterns(run_device, runtime):
    if runtime not in _FOUND:
        _FOUND[runtime] = {
            (hears, sees): {name: [ord(letter) - 64 for letter in line] for name, line in lines.items()}
            for hears, sees, lines in run_device("warn_cases")
        }
    return _FOUND[runtime]


def _perceived(outputs: int, hears: bool, sees_colour: bool) -> int:
    """What of the outputs reaches a wearer; without colour a light is one light, of whatever colour."""
    lights = outputs & _LIGHTS
    seen = lights if sees_colour else (_LIGHTS if lights else 0)
    return outputs & _HAPTIC | (outputs & _TONE if hears else 0) | seen


def _apart_ms(one: list[int], other: list[int]) -> int:
    """For how long they differ at the least, over all shifts of one against the other."""
    shifts = (other[shift:] + other[:shift] for shift in range(len(other)))
    return min(sum(a != b for a, b in zip(one, shifted, strict=True)) for shifted in shifts) * _STEP_MS


@pytest.mark.parametrize("sees_colour", [True, False], ids=["sees colour", "sees no colour"])
@pytest.mark.parametrize("hears", [True, False], ids=["hears", "does not hear"])
def test_every_two_patterns_are_different_for_the_senses_of_every_wearer(patterns, hears, sees_colour):
    perceived = {
        name: [_perceived(outputs, hears, sees_colour) for outputs in line]
        for name, line in patterns[hears, sees_colour].items()
    }
    alike = {
        (one, other): apart
        for one, other in combinations(sorted(perceived), 2)
        if "OFF" not in (one, other) and (apart := _apart_ms(perceived[one], perceived[other])) < _LEAST_MS
    }
    assert alike == {}
    assert [name for name, line in perceived.items() if not any(line)] == ["OFF"]


def test_without_hearing_no_pattern_needs_the_buzzer_and_without_colour_all_lights_shine_together(patterns):
    for (hears, sees_colour), lines in patterns.items():
        every = {outputs for line in lines.values() for outputs in line}
        assert hears or not any(outputs & _TONE for outputs in every)
        assert sees_colour or {outputs & _LIGHTS for outputs in every} == {0, _LIGHTS}


@pytest.mark.parametrize("level", ["CAUTION", "DANGER", "ALARM"])
def test_a_warning_is_felt_and_seen_by_every_wearer(patterns, level):
    for lines in patterns.values():
        assert any(outputs & _HAPTIC for outputs in lines[level])
        assert any(outputs & _LIGHTS for outputs in lines[level])
