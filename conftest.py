"""Shared by tests/ and hil_tests/: where the recordings are, the rule that nothing skips in CI, threads of BLAS."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent

# Tests run side by side already: threads of linear algebra would spin while they wait for a core that is taken, which
# makes a fit of 21 terms ten times as expensive. Set before numpy is imported, here and in what tests start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def recordings_dir() -> Path | None:
    """Folder with other people's recordings (`sisfall/`, `weda/`, …), or None when this machine has none."""
    folder = Path(os.environ.get("JIKIMI_DATA", _ROOT.parent / "shared" / "data"))
    return folder if (folder / "sisfall").is_dir() else None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The recordings folder; skips, naming it, where it is absent."""
    folder = recordings_dir()
    if folder is None:
        pytest.skip("no recordings: put them in ../shared/data or name their folder in JIKIMI_DATA")
    return folder


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With JIKIMI_NO_SKIPS=1 (as .ci/run sets it) a skipped test is a failed one."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("JIKIMI_NO_SKIPS") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr}"
