"""The ladder to the raw REPL, on a model of the prompt that misbehaves in one way at a time."""

from __future__ import annotations

import pytest

from jikimi.fleet.errors import BoardError
from jikimi.fleet.provision import ladder

BANNER = b"raw REPL; CTRL-B to exit\r\n"


class Port:
    """A board that answers Ctrl-A and Ctrl-D as MicroPython does, except for `fault`."""

    def __init__(self, fault: str, *, lines: bool = True) -> None:
        self._fault = fault
        self._lines = lines
        self._out = bytearray()
        self._asked = 0
        self._rts = self._dtr = True
        self.deaf = fault in ("deaf until the reset lines", "deaf until a power cycle", "deaf for good")
        self.pulses: list[tuple[bool, bool]] = []

    def write(self, data: bytes) -> None:
        if data == b"\x04" and self._fault != "soft reset hangs":
            self._out += b"OK\r\nMPY: soft reboot\r\n" + BANNER + b">"
        elif data == b"\x04":
            self._fault = ""  # it can only be interrupted now
        elif b"\x01" in data:
            self._asked += 1
            if self._fault == "booting" and self._asked < 3:
                return
            if not self.deaf:
                self._out += BANNER + b">"

    def power_cycle(self) -> None:
        self.deaf = self._fault == "deaf for good"

    @property
    def in_waiting(self) -> int:
        return len(self._out)

    def read(self, count: int) -> bytes:
        data = bytes(self._out[:count])
        del self._out[:count]
        return data

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, value: bool) -> None:
        if not self._lines:
            raise OSError(25, "Inappropriate ioctl for device")
        self._dtr = value

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, value: bool) -> None:
        self._rts = value
        self.pulses.append((self._dtr, value))
        if not value and self._fault == "deaf until the reset lines":
            self.deaf = False


class Transport:
    """What the ladder uses of mpremote's."""

    def __init__(self, port: Port) -> None:
        self.serial = port
        self.in_raw_repl = False

    def read_until(self, _least: int, ending: bytes, timeout: float, timeout_overall: float) -> bytes:
        data = b""
        while self.serial.in_waiting and not data.endswith(ending):
            data += self.serial.read(1)
        return data


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    for name in ("_ANSWER_S", "_BOOT_S", "_RESET_S"):
        monkeypatch.setattr(ladder, name, 0.02)


@pytest.mark.parametrize(
    ("fault", "rung"),
    [
        ("", "soft reset"),
        ("booting", "soft reset"),
        ("soft reset hangs", "interrupt without soft reset"),
        ("deaf until the reset lines", "reset lines"),
        ("deaf until a power cycle", "power cycle"),
    ],
)
def test_each_fault_is_overcome_by_the_lowest_rung_that_can(fault, rung):
    port, said = Port(fault), []

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("please unplug"):
            port.power_cycle()

    transport = Transport(port)
    assert ladder.to_raw_repl(transport, "/dev/x", say, person_s=0.1) == rung
    assert transport.in_raw_repl
    assert port.read(9) == b">"  # exactly one prompt is left, as mpremote expects
    assert ("please unplug the board and plug it in again" in said) == (rung == "power cycle")


def test_the_reset_lines_never_hold_the_boot_pin_down():
    port = Port("deaf until the reset lines")
    ladder.to_raw_repl(Transport(port), "/dev/x", lambda _text: None)
    assert port.pulses == [(False, True), (False, False)]


def test_a_port_without_reset_lines_is_not_asked_to_use_them():
    said: list[str] = []
    port = Port("deaf until a power cycle", lines=False)
    with pytest.raises(BoardError, match="unplug it, plug it in again"):
        ladder.to_raw_repl(Transport(port), "/dev/x", said.append)
    assert said == ["/dev/x: no answer after soft reset", "/dev/x: no answer after interrupt without soft reset"]


def test_a_board_that_stays_deaf_is_named_with_what_to_do():
    with pytest.raises(BoardError, match=r"/dev/x does not answer.*jikimi device flash.*another program"):
        ladder.to_raw_repl(Transport(Port("deaf for good")), "/dev/x", lambda _text: None, person_s=0.05)
