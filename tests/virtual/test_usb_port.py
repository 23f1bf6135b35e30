"""Opening a board's port."""

from __future__ import annotations

import pytest

from jikimi.fleet.provision import usb


def test_a_port_that_is_busy_for_a_moment_is_opened_when_it_is_free():
    answers = iter([OSError("busy"), OSError("busy"), "the port"])

    def attempt():
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    assert usb._opened(attempt, OSError) == "the port"


def test_a_port_that_stays_busy_is_an_error(monkeypatch):
    monkeypatch.setattr(usb, "_OPEN_S", 0.0)

    def attempt():
        raise OSError("busy")

    with pytest.raises(OSError, match="busy"):
        usb._opened(attempt, OSError)
