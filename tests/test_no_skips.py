"""Where nothing may skip (.ci/run): what counts as a failure there, and what is excused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_TEST = """
import pytest

def test_skips():
    pytest.skip({reason!r})
"""


@pytest.mark.parametrize(
    ("reason", "environment", "ends_well"),
    [
        ("needs Debian's package mosquitto", {}, True),
        ("needs Debian's package mosquitto", {"JIKIMI_NO_SKIPS": "1"}, False),
        ("no UWB recordings: set JIKIMI_DATA", {"JIKIMI_NO_SKIPS": "1"}, True),
        ("no UWB recordings: set JIKIMI_DATA", {"JIKIMI_NO_SKIPS": "1", "JIKIMI_DATA": "/somewhere"}, False),
    ],
)
def test_a_skip_is_a_failure_where_nothing_may_skip_unless_recordings_are_not_there_to_be_had(
    tmp_path, reason, environment, ends_well
):
    (tmp_path / "test_one.py").write_text(_TEST.format(reason=reason))
    ours = {name: value for name, value in os.environ.items() if not name.startswith("JIKIMI_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", str(tmp_path)],
        env={**ours, "PYTHONPATH": str(ROOT), **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode == 0) is ends_well, done.stdout + done.stderr
