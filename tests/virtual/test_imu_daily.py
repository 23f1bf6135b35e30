# mypy: allow-untyped-calls
"""What a tag can tell of its inertial unit while it is worn: every driver on its chip, with the faults of real ones."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace

import numpy as np
import pytest

from jikimi.edge import port_cpython
from jikimi.edge.sense import Sensing
from jikimi.fleet.floor.physics import PhysicsMotion
from jikimi.wire import kinds
from tests.virtual.imu_bench import CLASSES, Bench

LYING = [0.05, -0.98, 0.1, 0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def blob(tmp_path_factory):
    """In place of Bosch's file: any 8 KiB."""
    path = tmp_path_factory.mktemp("bosch") / "bmi270.bin"
    path.write_bytes(random.Random(3).randbytes(8192))
    return path


def lying(t0_s, dt_s, n):
    return np.tile(LYING, (n, 1))


def walking(t0_s, dt_s, n):
    clip = PhysicsMotion().walk(np.random.default_rng(1))
    return clip.sample(t0_s % 5.0 + dt_s * np.arange(n))


class Worn:
    """A driver, its chip and who reads it: time passes when the check waits, and blocks are read meanwhile."""

    def __init__(self, kind, blob, samples):
        self.bench = Bench(kind, samples, blob, noise=True)
        self.duty = SimpleNamespace(on=True)
        here = SimpleNamespace(
            ticks_ms=lambda: int(self.bench.bus.t_s * 1000), ticks_diff=lambda a, b: a - b, sleep_ms=self._sleep_ms
        )
        core = port_cpython.load_core()
        self.sensing = Sensing(core, self.bench.imu, "waist", 2, here, self.duty, lambda *_: None, lambda _: None)
        self.bench.start()

    async def _sleep_ms(self, ms):
        self.bench.bus.t_s += ms / 1000
        self.sensing._drain()

    def check(self):
        return asyncio.run(self.sensing.check(lambda: None))


@pytest.mark.parametrize("felt", [lying, walking])
@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_a_good_chip_passes_whether_its_wearer_lies_or_walks(kind, felt, blob):
    assert Worn(kind, blob, felt).check() == 0


@pytest.mark.parametrize("axis", range(6))
def test_a_dead_axis_is_found_though_the_others_live(axis, blob):
    worn = Worn("lsm6dsox", blob, walking)
    worn.bench.chip.dead_axis = axis
    assert worn.check() == kinds.FAULT_FROZEN


@pytest.mark.parametrize(("factor", "found"), [(0.7, 3), (0.9, 0), (1.1, 0), (1.3, 3)])
def test_a_wearer_who_lies_still_weighs_what_the_earth_says(factor, found, blob):
    worn = Worn("lsm6dsox", blob, lambda t0_s, dt_s, n: lying(t0_s, dt_s, n) * factor)
    assert worn.check() == found
    assert kinds.FAULT_SELF_TEST == 3


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_settings_that_are_lost_are_found_at_once_and_set_again(kind, blob):
    worn = Worn(kind, blob, lying)
    assert worn.bench.imu.kept()
    register, value = worn.bench.imu._settings[-1]
    worn.bench.bus.writeto_mem(worn.bench.bus._address, register, bytes([value ^ 0x04]))
    assert worn.check() == kinds.FAULT_SELF_TEST
    worn.bench.start()
    assert worn.bench.imu.kept()


def test_the_end_of_duty_ends_the_check_without_an_answer(blob):
    worn = Worn("lsm6dsox", blob, lying)
    worn.duty.on = False
    assert worn.check() is None


HELD_UP_MS = 5_000  # a handshake, a name that is not resolved, a flash that erases


class Read:
    """A chip that is read for a second; then the program is held up once, in which it may die, and reads on."""

    def __init__(self, kind, blob, *, dies=False):
        self.bench = Bench(kind, lying, blob, noise=True)
        self.duty = SimpleNamespace(on=True)
        self.said: list[int] = []
        self.naps = [40] * 25 + [HELD_UP_MS] + [40] * 40
        self._dies = dies
        here = SimpleNamespace(
            ticks_ms=lambda: int(self.bench.bus.t_s * 1000), ticks_diff=lambda a, b: a - b, sleep_ms=self._sleep_ms
        )
        core = port_cpython.load_core()
        self.sensing = Sensing(
            core, self.bench.imu, "waist", 2, here, self.duty, lambda *_: None, self.said.append
        )  # fmt: skip
        self.bench.start()

    async def _sleep_ms(self, ms):
        held_up = self.naps[0] == HELD_UP_MS
        self.bench.bus.t_s += self.naps.pop(0) / 1000
        self.duty.on = bool(self.naps)
        if held_up and self._dies:
            self.bench.imu.read_into = lambda _samples: 0

    def fault(self):
        return asyncio.run(self.sensing._read_until_fault(lambda: None))


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_a_program_that_was_held_up_does_not_take_its_sensor_for_a_dead_one(kind, blob):
    read = Read(kind, blob)
    assert read.fault() == 0
    assert set(read.said) == {0}


def test_a_sensor_that_died_while_the_program_was_held_up_is_found_within_a_second_after_it(blob):
    read = Read("lsm6dsox", blob, dies=True)
    assert read.fault() == kinds.FAULT_SILENT
    assert len(read.naps) == 40 - 25
