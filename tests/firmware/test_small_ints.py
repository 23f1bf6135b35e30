# mypy: allow-untyped-calls
"""What goes on all through a shift takes no heap on a 32-bit chip: no calculation leaves 31 bits, at any value."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from jikimi.edge import warn as patterns
from jikimi.edge.duty import Always
from jikimi.fleet.virtual.ppg import Motion, Ppg
from tests.firmware.within31 import Watched

MOST_TICKS = (1 << 30) - 1
EXTREMES = [b"\xff\x7f" * 6, b"\x00\x80" * 6, b"\xff\x7f\x00\x80" * 3, b"\xff\xff" * 6]


@pytest.fixture
def watched():
    return Watched()


def test_the_watch_itself_finds_what_leaves_31_bits_and_nothing_else(tmp_path, monkeypatch, watched):
    monkeypatch.setattr("tests.firmware.within31._EDGE", tmp_path)
    lines = ["class A: pass", "a = A()", "a.n = 2**30 - 1", "b = -(2**30) + 0", "a.n += 1", "c = [1]", "c[0] <<= 29"]
    (tmp_path / "sums.py").write_text("\n".join(lines))
    sums = watched.load("sums")
    assert (sums.a.n, sums.c) == (1 << 30, [1 << 29])
    # 2**30 on the way to the greatest number is one as well, and so is it before the sign is changed.
    assert watched.left == {"sums:3", "sums:4", "sums:5"}


class Ticks:
    """A port whose ticks are about to wrap, as MicroPython's do."""

    def __init__(self):
        self.now = MOST_TICKS - 500

    def ticks_ms(self):
        self.now = (self.now + 40) & MOST_TICKS
        return self.now

    def ticks_diff(self, later, earlier):
        return (later - earlier + (1 << 29)) % (1 << 30) - (1 << 29)


class Fifo:
    """Registers of a chip whose FIFO is full of `rows`; `shape` says what the driver is to find there."""

    def __init__(self, shape, rows):
        self._shape, self._rows = shape, rows

    def readfrom_mem_into(self, _address, register, buf):
        fixed = self._shape.get(register)
        data = fixed if fixed is not None else self._rows
        buf[:] = (data * (len(buf) // len(data) + 1))[: len(buf)]


def _words(row):
    return b"\x08" + row[6:] + b"\x10" + row[:6]


CHIPS = {
    "lsm6dsox": ("Lsm6dsox", 104, {0x3A: bytes([32, 0x48])}, _words),
    "lsm6ds3trc": ("Lsm6ds3trc", 104, {0x3A: bytes([0xFF, 0x47, 5, 3])}, bytes),
    "mpu6050": ("Mpu6050", 100, {0x3A: b"\x00", 0x72: b"\xff\xff"}, bytes),
    "bmi270": ("Bmi270", 100, {0x24: b"\xff\xff"}, lambda row: b"\x8c" + row),
}


@pytest.mark.parametrize("row", EXTREMES)
@pytest.mark.parametrize("chip", sorted(CHIPS))
def test_samples_from_the_bus_to_the_core_and_the_events_of_the_core(watched, chip, row):
    name, rate_hz, shape, framed = CHIPS[chip]
    imu = getattr(watched.load("drivers." + chip), name)(Fifo(shape, framed(row)), rate_hz, None)
    if chip == "bmi270":
        imu._cross = -64
    core = SimpleNamespace(motion_new=lambda *_: 0, fall_new=lambda *_: 0, bend_new=lambda: 0, motion_push=_events)
    sensing = watched.load("sense").Sensing(core, imu, "waist", 30, Ticks(), Always(), lambda *_: None, lambda _: None)
    for _ in range(40):
        _drained_once(sensing)
    assert watched.left == set()
    assert watched.calculations > 5_000


def _events(_motion, _fall, _bend, _samples, _count, rows):
    rows[:] = type(rows)("i", [0x7FFFFFFF] * len(rows))
    return len(rows) // 4


def _drained_once(sensing):
    """The FIFO of these chips is never empty: one block of it."""
    count = sensing._imu.read_into(sensing._samples)
    now = sensing._port.ticks_ms()
    sensing._changed(count)
    sensing._push(count, now)


@pytest.mark.parametrize("row", EXTREMES)
@pytest.mark.parametrize("lsb_per_g", [2048, 2049])
def test_the_look_at_gravity(watched, row, lsb_per_g):
    gravity = watched.load("sense")._Gravity(lsb_per_g)
    for _ in range(60):
        gravity.look(row)
    assert watched.left == set()


class Out:
    def value(self, level=None):
        return level

    def freq(self, _hz):
        pass

    def duty_u16(self, _duty):
        pass


def test_patterns_of_warnings_however_long_they_are_shown(watched):
    warner = watched.load("warn").Warner(Out(), Out(), Out(), Out(), Out())
    for pattern, short in itertools.product(range(len(patterns._PATTERNS)), (0, 86_400_000)):
        warner.idle(pattern)
        warner.briefly(pattern, short)
        for _ in range(100):
            warner._advance(50)
    assert watched.left == set()


def test_a_stack_light_that_nobody_watches_for_weeks(watched):
    light = watched.load("stack_light").StackLight(Out(), Out(), Out(), Out(), Out(), "warn", True)
    for step in range(2000):
        light._advance(50)
        light.overdue(None)
        if step == 1000:
            light.alive()
    assert light._silent_ms <= 2000
    assert watched.left == set()


def test_adverts_heard_for_years(watched):
    radio = watched.load("radio").Radio(None, Ticks().ticks_ms)
    radio._results = (1 << 29) - 10
    for _ in range(40):
        radio._on_irq(5, (0, b"", 0, -100, b"\x02\x01\x06\x11\xff\xff\xffJK" + bytes(20)))
        radio.heard()
    assert watched.left == set()


@pytest.mark.parametrize("hz", [0.0, 1.7])
def test_beats_of_a_heart_at_rest_and_in_movement_for_weeks(watched, hz):
    beats = watched.load("beats").Beats(25)
    ppg = Ppg(lambda t: np.full_like(t, 74.0), motion=[Motion(20.0, 40.0, 0.2, hz)], off=[(50.0, 52.0)], seed=4)
    light = np.clip(np.rint(ppg.light(0.0, 0.04, 25 * 80)), 0, 262_143).astype(int).tolist()
    rates = []
    beats._t_ms = 499_990_000  # ten seconds before its times are counted anew
    beats._ripple_ms = beats._t_ms
    for red, infrared in light:
        beats.push(red, infrared)
        rates.append(beats.bpm)
    assert watched.left == set()
    assert {rate for rate in rates if rate} <= set(range(71, 78))
    assert rates[25 * 18] is not None


def test_the_heart_rate_sensors_fifo(watched):
    chip = watched.load("drivers.max30102").Max30102(Fifo({4: bytes([31, 0, 0])}, b"\xff"), None)
    red, infrared = [0] * 32, [0] * 32
    assert chip.read_into(red, infrared)
    assert max(red) == max(infrared) == 0x3FFFF
    assert watched.left == set()
