# mypy: allow-untyped-calls
"""From a sample in the chip, or an advert on the air, to the vibration motor's pin: at most 100 ms of virtual time.

The application's own tasks run on emulated chips; time passes only when a task waits, so the figures are the same on
every machine. What they leave out is how long the code itself takes: `make bench` measures that.
"""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace

import numpy as np
import pytest

from jikimi.edge import motion, port_cpython
from jikimi.edge.duty import Always
from jikimi.edge.proximity_tag import TagProximity
from jikimi.edge.sense import Sensing
from jikimi.edge.warn import Warner
from jikimi.edge.wearer import Wearer
from jikimi.fleet.floor.physics import PhysicsMotion
from jikimi.wire import kinds, radio
from jikimi.wire.section import Section
from tests.firmware.device.fake_alarms import opened
from tests.virtual.imu_bench import CLASSES, Bench

MOST_MS = 100
TICKS = 1 << 30  # where MicroPython's wrap
FELL_S = 12.0


@pytest.fixture(scope="module")
def blob(tmp_path_factory):
    """In place of Bosch's file: any 8 KiB."""
    path = tmp_path_factory.mktemp("bosch") / "bmi270.bin"
    path.write_bytes(random.Random(3).randbytes(8192))
    return path


def story(seed):
    """Standing, then a fall."""
    rng, acted = np.random.default_rng(seed), PhysicsMotion()
    stand, fall = acted.stand(rng), acted.fall(rng)

    def samples(t0_s, dt_s, n):
        t = t0_s + dt_s * np.arange(n)
        return np.where((t < FELL_S)[:, None], stand.sample(t), fall.sample(t - FELL_S))

    return samples


class Pin:
    """Notes when it was switched on."""

    def __init__(self, now_ms):
        self.on_ms = []
        self._now_ms = now_ms

    def value(self, level):
        if level:
            self.on_ms.append(self._now_ms())

    def freq(self, _hz):
        pass

    def duty_u16(self, duty):
        self.value(duty)


class Time:
    """The bus's time as a port whose ticks wrap at `wrap_ms`: in the middle of the fall."""

    def __init__(self, now_ms, pass_ms):
        self.now_ms, self._pass_ms = now_ms, pass_ms
        self.wrap_ms = round(FELL_S * 1000) + 1500

    def ticks_ms(self):
        return (TICKS - self.wrap_ms + self.now_ms()) % TICKS

    def ticks_diff(self, later, earlier):
        return (later - earlier + TICKS // 2) % TICKS - TICKS // 2

    def up_ms(self):
        return self.now_ms()

    async def sleep_ms(self, ms):
        self._pass_ms(ms)


class Worn:
    """Chip, driver, core, wearer and outputs; the task that reads is `late_ms` late each time."""

    def __init__(self, kind, blob, seed, late_ms):
        self.bench = Bench(kind, story(seed), blob, noise=True)
        self.late_ms = late_ms
        self.events: list[tuple[int, int, int]] = []
        self.time = time = Time(lambda: round(self.bench.bus.t_s * 1000), self._pass_ms)
        self.haptic = Pin(time.now_ms)
        warner = Warner(self.haptic, *(Pin(time.now_ms) for _ in range(4)))
        settings = Section({"cancel_s": 30, "check_in_min": None, "silent_sos": False})
        record = lambda _kind, _data: 1  # noqa: E731
        wearer = Wearer(warner, lambda *_: None, record, time, opened(record), settings)

        def on_event(kind, t_ms, confidence, latency_ms):
            self.events.append((kind, t_ms, latency_ms))
            wearer.on_sense(kind, t_ms, confidence, latency_ms)

        self.duty, core = SimpleNamespace(on=True), port_cpython.load_core()
        self.sensing = Sensing(core, self.bench.imu, "waist", 2, time, self.duty, on_event, lambda _: None)

    def _pass_ms(self, ms):
        self.bench.bus.t_s += (ms + self.late_ms) / 1000
        self.duty.on = self.bench.bus.t_s < 2 * FELL_S + 10

    def live(self):
        """(milliseconds from the sample that decided to the pin, what the tag says of it)."""
        self.bench.start()
        first_ms = 1000 * self.bench.chip._t0_s + 1000 / self.bench.imu.rate_hz
        asyncio.run(self.sensing._read_until_fault(lambda: None))
        fall = next(event for event in self.events if event[0] == motion.FALL)
        return self.haptic.on_ms[0] - (first_ms + fall[1]), fall[2]


@pytest.mark.parametrize("late_ms", [0, 40])
@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_a_fall_is_felt_within_100_ms_of_the_sample_that_decided_it(kind, late_ms, blob):
    for seed in (1, 2):
        latency_ms, said_ms = Worn(kind, blob, seed, late_ms).live()
        assert 0 <= latency_ms <= MOST_MS
        assert (
            said_ms >= latency_ms - 20
        )  # the tag's own word, the age of the oldest sample of the block, flatters nobody


@pytest.mark.parametrize(
    ("dead", "found", "after_ms"), [(False, kinds.FAULT_FROZEN, 2000), (True, kinds.FAULT_SILENT, 1000)]
)
@pytest.mark.parametrize("wrap_ms", [-5000, 500, 1000, 5000])
def test_a_sensor_that_dies_or_freezes_is_found_in_its_time_wherever_ticks_wrap(dead, found, after_ms, wrap_ms, blob):
    worn = Worn("lsm6dsox", blob, 1, 0)
    worn.bench.start()
    began_ms = worn.time.now_ms()
    worn.time.wrap_ms = began_ms + wrap_ms
    worn.bench.chip.frozen = True
    if dead:
        worn.bench.imu.read_into = lambda _samples: 0
    assert asyncio.run(worn.sensing._read_until_fault(lambda: None)) == found
    assert after_ms <= worn.time.now_ms() - began_ms <= after_ms + 100


class Air:
    """A radio on which an advert stands at a given time."""

    def __init__(self, now_ms, at_ms, data):
        self._now_ms, self._at_ms, self._data = now_ms, at_ms, data

    def advertise(self, _payload, _us):
        pass

    def new_address(self):
        pass

    def take(self, on_heard):
        if self._at_ms is not None and self._now_ms() >= self._at_ms:
            at_ms, self._at_ms = self._at_ms, None
            on_heard(SimpleNamespace(ticks=at_ms, rssi_dbm=-60, payload=lambda: self._data))


@pytest.mark.parametrize("at_ms", range(400, 441, 5))
@pytest.mark.parametrize("late_ms", [0, 40])
def test_a_machines_word_on_the_air_is_felt_within_100_ms(at_ms, late_ms):
    clock = SimpleNamespace(ms=0)

    def pass_ms(ms):
        clock.ms += ms + late_ms
        Always.on = clock.ms < 1000

    time = Time(lambda: clock.ms, pass_ms)
    haptic = Pin(time.now_ms)
    warner = Warner(haptic, *(Pin(time.now_ms) for _ in range(4)))
    ephemeral = SimpleNamespace(value=b"anna-ida", rotate=lambda: False)
    air = Air(time.now_ms, at_ms, radio.node_advert(b"abcd", 2, 30, 15, 0, [(b"an", kinds.LEVEL_DANGER)]))
    near = TagProximity(
        port_cpython.load_core(), air, None, ephemeral, time, time, Always,
        lambda level, _source, _ms: warner.level(level), lambda *_: 1, lambda: 0,
    )  # fmt: skip
    try:
        asyncio.run(near.listen(lambda: None))
    finally:
        Always.on = True
    assert 0 <= haptic.on_ms[0] - at_ms <= MOST_MS
