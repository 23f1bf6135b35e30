"""The account of a run in words, and what the command refuses."""

import dataclasses
from typing import get_type_hints

import pytest
from click.testing import CliRunner

from jikimi.fleet.cli import cli
from jikimi.fleet.demo.summary import Summary

_UNMEASURED: dict[str, int | None] = {"p50": None, "p99": None}


def _summary(startup_s: float | None) -> Summary:
    blank = {int: 0, float: 0.0, bool: False, list[str]: [], dict[str, int]: {}, dict[str, int | None]: _UNMEASURED}
    hints = get_type_hints(Summary)
    values = {field.name: blank.get(hints[field.name]) for field in dataclasses.fields(Summary)}
    return Summary(**values | {"startup_s": startup_s})  # type: ignore[arg-type]


def test_a_run_stopped_while_starting_does_not_claim_that_all_devices_were_online() -> None:
    assert "stopped before all devices were online" in _summary(None).lines()[0]
    assert "all devices online after 1.4 s" in _summary(1.4).lines()[0]


@pytest.mark.parametrize("number", ["nan", "inf"])
@pytest.mark.parametrize(
    "command", [["demo", "--seconds"], ["bench", "load", "--seconds"], ["replay", __file__, "--rate-hz"]]
)
def test_a_number_that_is_not_finite_is_misuse(command: list[str], number: str) -> None:
    result = CliRunner().invoke(cli, [*command, number])
    assert result.exit_code == 2
    assert command[-1] in result.stderr
