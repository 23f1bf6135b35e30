"""Shared by tests/ and hil_tests/: the rule that nothing skips in CI, threads of BLAS."""

from __future__ import annotations

import os

import pytest

# Tests run side by side already: threads of linear algebra would spin while they wait for a core that is taken, which
# makes a fit of 21 terms ten times as expensive. Set before numpy is imported, here and in what tests start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With JIKIMI_NO_SKIPS=1 (as .ci/run sets it) a skipped test is a failed one.

    Recordings are excused where JIKIMI_DATA does not say that they are there: they are other people's, and no package.
    """
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("JIKIMI_NO_SKIPS") == "1" and not hasattr(report, "wasxfail"):
        if "JIKIMI_DATA" in str(report.longrepr) and "JIKIMI_DATA" not in os.environ:
            return
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr}"
