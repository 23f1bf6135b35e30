# mypy: allow-untyped-calls
"""Pins, serial line, watchdog of a gateway: gpiod's own types with a fake chip, a real pseudo-terminal and socket."""

from __future__ import annotations

import asyncio
import os
import socket
import termios
import threading
from types import SimpleNamespace

import gpiod
import pytest
from gpiod.line import Bias, Direction, Edge, Value

from jikimi.edge import boards, gateway_machine, node_parts

PI = boards.pins("linux", "node")
MACHINE = SimpleNamespace(slow_at="danger", slow_signal="level")


class Lines:
    """One requested line; a real pipe stands for the kernel's file of edge events."""

    def __init__(self, chip, offset, settings):
        self.offset, self.settings, self.level = offset, settings, settings.output_value
        self.fd, self._write = os.pipe()
        if settings.direction is Direction.INPUT:
            self.level = Value.ACTIVE if settings.bias is Bias.PULL_UP else Value.INACTIVE
        self._edges = 0
        chip.lines[offset] = self

    def get_value(self, offset):
        assert offset == self.offset
        return self.level

    def set_value(self, offset, value):
        assert offset == self.offset
        assert self.settings.direction is Direction.OUTPUT
        self.level = value

    def drive(self, level):
        """From outside; a falling edge is an event when it was asked for."""
        if level is Value.INACTIVE and self.level is Value.ACTIVE and self.settings.edge_detection is Edge.FALLING:
            self._edges += 1
            os.write(self._write, b"e")
        self.level = level

    def read_edge_events(self):
        edges, self._edges = self._edges, 0
        os.read(self.fd, 100)
        return [object()] * edges

    def release(self):
        os.close(self.fd)
        os.close(self._write)


class Chip:
    def __init__(self):
        self.lines = {}

    def request_lines(self, path, consumer, config):
        assert (path, consumer) == ("/dev/gpiochip0", "jikimi")
        ((offset, settings),) = config.items()
        return Lines(self, offset, settings)


@pytest.fixture
def chip(monkeypatch):
    fake = Chip()
    monkeypatch.setattr(gpiod, "is_gpiochip_device", lambda path: path == "/dev/gpiochip0")
    monkeypatch.setattr(gpiod, "request_lines", fake.request_lines)
    yield fake
    for lines in fake.lines.values():
        lines.release()


def test_the_stack_light_and_the_relay_are_lines_that_begin_low(chip):
    signs = node_parts.stack_light(gateway_machine, PI, MACHINE)
    signs.timer.deinit()
    lit = {PI.stack_red: Value.ACTIVE, PI.stack_amber: Value.ACTIVE, PI.stack_green: Value.INACTIVE}
    assert {pin: chip.lines[pin].level for pin in lit} == lit  # nobody watches yet
    assert all(chip.lines[pin].settings.output_value is Value.INACTIVE for pin in lit)
    assert chip.lines[PI.clear].level is Value.INACTIVE
    signs.alive()
    signs.level(0)
    assert (chip.lines[PI.clear].level, chip.lines[PI.stack_green].level) == (Value.ACTIVE, Value.ACTIVE)


def test_pulses_are_counted_by_the_kernels_edge_events(chip):
    async def play():
        pin = gateway_machine.Pin(PI.pulse, gateway_machine.Pin.IN, gateway_machine.Pin.PULL_UP)
        count = node_parts.counter(gateway_machine, pin)
        for _ in range(3):
            chip.lines[PI.pulse].drive(Value.INACTIVE)
            chip.lines[PI.pulse].drive(Value.ACTIVE)
        while count() < 3:  # noqa: ASYNC110 - the loop delivers the edges
            await asyncio.sleep(0)
        asyncio.get_running_loop().remove_reader(chip.lines[PI.pulse].fd)
        return count()

    assert asyncio.run(asyncio.wait_for(play(), 20)) == 3


def test_the_contact_of_the_drive_reads_open_when_its_wire_is_cut(chip):
    may_move = node_parts.drive(gateway_machine, PI.drive_off)
    assert may_move() is True
    chip.lines[PI.drive_off].drive(Value.INACTIVE)
    assert may_move() is False


def test_without_gpio_outputs_go_nowhere_inputs_are_open_and_it_is_said_once(monkeypatch, capsys):
    monkeypatch.setattr(gpiod, "is_gpiochip_device", lambda _path: False)
    monkeypatch.setattr(gateway_machine.Pin, "_said", False)
    signs = node_parts.stack_light(gateway_machine, PI, MACHINE)
    signs.timer.deinit()
    signs.level(2)
    assert node_parts.drive(gateway_machine, PI.drive_off)() is True
    assert capsys.readouterr().out.count("no GPIO here") == 1


def test_a_timer_calls_though_the_program_is_busy_and_no_more_once_it_is_ended():
    calls, timer = threading.Semaphore(0), gateway_machine.Timer(0)
    timer.init(mode=timer.PERIODIC, period=5, callback=lambda which: calls.release() if which is timer else None)
    for _ in range(3):
        assert calls.acquire(timeout=60)
    timer.deinit()
    threads = [thread for thread in threading.enumerate() if thread.name == "timer"]
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize(("parity", "flags"), [(None, 0), (0, termios.PARENB), (1, termios.PARENB | termios.PARODD)])
def test_a_serial_line_is_raw_and_never_waits(monkeypatch, parity, flags):
    ours, theirs = os.openpty()
    monkeypatch.setattr(gateway_machine, "_TTY", os.ttyname(theirs) + "{}")
    set_to, really = [], termios.tcsetattr

    def tcsetattr(file, when, attributes):
        set_to.append(attributes)
        really(file, when, attributes)

    monkeypatch.setattr(termios, "tcsetattr", tcsetattr)
    uart = gateway_machine.UART("", 19_200, parity=parity, stop=2)
    assert uart.any() == 0
    assert uart.read() is None
    os.write(ours, b"\x01\x03\r\n\x04")
    while uart.any() < 5:
        pass
    assert uart.read() == b"\x01\x03\r\n\x04"
    assert uart.write(b"\x00\xff\r") == 3
    assert os.read(ours, 10) == b"\x00\xff\r"
    (attributes,) = set_to  # not read back: a pseudo-terminal has no parity to keep
    assert attributes[2] == termios.CS8 | termios.CREAD | termios.CLOCAL | termios.CSTOPB | flags
    assert attributes[4:6] == [termios.B19200, termios.B19200]
    for file in (ours, theirs, uart._file):
        os.close(file)


def test_the_watchdog_is_systemds(monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        watchdog = gateway_machine.WDT(timeout=20_000)
        watchdog.feed()
        assert [systemd.recv(100), systemd.recv(100)] == [b"READY=1", b"WATCHDOG=1"]


def test_without_systemd_the_watchdog_is_silent(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    gateway_machine.WDT(timeout=20_000).feed()
