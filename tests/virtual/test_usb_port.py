"""Opening a board's port."""

from __future__ import annotations

import os
import pty

import pytest
import serial  # type: ignore[import-untyped]

from jikimi.fleet.errors import BoardError
from jikimi.fleet.provision import ports, usb


@pytest.fixture
def port():
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_that_is_busy_for_a_moment_is_opened_when_it_is_free():
    answers = iter([OSError("busy"), OSError("busy"), "the port"])

    def attempt():
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    assert usb._opened("/dev/ttyX", attempt, OSError) == "the port"


def test_a_port_another_program_holds_is_named_with_what_to_do(port, monkeypatch):
    monkeypatch.setattr(usb, "_OPEN_S", 0.0)
    with (
        serial.Serial(port, exclusive=True),
        pytest.raises(BoardError, match=f"{port} does not open: close the program that uses it"),
        usb.connected(port),
    ):
        pass


def test_a_port_that_is_not_there_or_is_none_is_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(usb, "_OPEN_S", 0.0)
    with (
        pytest.raises(BoardError, match=r"no port .*absent: is the board plugged in"),
        usb.connected(f"{tmp_path}/absent"),
    ):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(BoardError, match="is no serial port"), usb.connected(f"{tmp_path}/file"):
        pass


def test_who_may_not_use_a_port_is_told_which_group_to_join(port, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BoardError, match=r"sudo usermod -aG \w+ \w+\), then log in again"):
        ports.check_port(port)
