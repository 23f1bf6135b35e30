"""Which tags of a run are set otherwise than usual."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from jikimi.fleet.demo import stage
from jikimi.fleet.floor import cast, default_plan
from jikimi.wire.settings import check


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (99.0, [(2, None), (2, None), (2, None)]),
        (100.0, [(2, None), (2, None), (1, None)]),
        (400.0, [(2, None), (2, 5), (1, None)]),
        (math.inf, [(2, None), (2, 5), (1, None)]),
    ],
)
def test_only_the_tags_of_those_with_a_part_are_set_otherwise(
    tmp_path: Path, seconds: float, expected: list[tuple[int, int | None]]
) -> None:
    site = stage.make_site(tmp_path / "site")
    members = stage.register(site, default_plan(1), 3, cast(3, seconds))
    alarms = [check(member.config).alarms for member in members if member.is_tag]
    assert [(a.no_motion_min, a.check_in_min) for a in alarms] == expected
