"""The short version of `python -m tools.chaos`: each kind of fault once."""

from __future__ import annotations

import random

from tools import chaos


def test_every_kind_of_fault_once_loses_nothing_and_doubles_nothing(tmp_path):
    seed = random.randrange(2**32)
    lines: list[str] = []
    report, came = chaos.chaos(tmp_path, seed, 11, 1, with_postgres=False, say=lines.append)
    assert (report.lost, report.duplicates) == (0, 0), f"seed {seed}: {lines}"
    assert len(came) == 11
    assert report.reconnected > 0
