# mypy: allow-untyped-calls
"""The heart-rate sensor: the emulated chip, its driver, the beats found in what it sees, the faults of all three."""

from __future__ import annotations

import asyncio
from array import array
from itertools import pairwise, product

import numpy as np
import pytest

from jikimi.edge.beats import Beats
from jikimi.edge.drivers.max30102 import BURST, Max30102
from jikimi.edge.heart import Heart
from jikimi.fleet.virtual.chips import max30102 as chips
from jikimi.fleet.virtual.ppg import Motion, Ppg
from jikimi.sigcore import block
from jikimi.wire.section import Section
from tests.virtual.imu_bench import Bus
from tools import shift_heart

ADDRESS = 0x57
WR_PTR, OVF, RD_PTR, DATA, FIFO_CONFIG, MODE, SPO2, LED1 = 4, 5, 6, 7, 8, 9, 0x0A, 0x0C
SPO2_MODE, ROLLOVER, SR_100 = 3, 0x10, 0x04


def steady(t0_s, dt_s, n):
    return np.tile([100_000.0, 130_000.0], (n, 1))


def ramp(t0_s, dt_s, n):
    t = t0_s + dt_s * np.arange(n)
    return np.stack([60_000 + 100 * t, 90_000 + 100 * t], axis=1)


def at(bpm):
    return lambda t: np.full_like(t, float(bpm))


def lit(light=steady, config=ROLLOVER):
    """A chip at 100 Hz with both lights from t = 0."""
    chip = chips.Max30102(light)
    chip.write(FIFO_CONFIG, bytes([config]), 0.0)
    chip.write(SPO2, bytes([SR_100 | 0x03]), 0.0)
    chip.write(LED1, bytes([chips.NOMINAL_LED] * 2), 0.0)
    chip.write(MODE, bytes([SPO2_MODE]), 0.0)
    return chip


def level(chip, t_s):
    written, _lost, read = chip.read(WR_PTR, 3, t_s)
    return (written - read) % 32


# The chip.


def test_it_says_who_it_is_and_reset_clears_itself():
    chip = lit()
    assert chip.read(0xFF, 1, 0.0) == b"\x15"
    chip.write(MODE, b"\x40", 1.0)
    assert chip.read(MODE, 1, 1.0) == b"\x00"
    assert level(chip, 2.0) == 0


def test_samples_are_18_bits_red_first_at_the_rate_divided_by_the_average():
    chip = lit()
    assert level(chip, 0.1001) == 10
    sample = chip.read(DATA, 6, 0.1001)
    assert [int.from_bytes(sample[i : i + 3], "big") for i in (0, 3)] == [100_000, 130_000]
    assert level(lit(config=ROLLOVER | 2 << 5), 0.4001) == 10  # 25 Hz


def test_a_full_fifo_counts_what_is_lost_and_keeps_the_newest_only_with_rollover():
    new, old = lit(ramp), lit(ramp, config=0)
    for chip in (new, old):
        assert chip.read(OVF, 1, 0.5001)[0] == 18
        assert chip.read(OVF, 1, 10.0)[0] == 31  # it saturates
    assert int.from_bytes(new.read(DATA, 3, 10.0), "big") > int.from_bytes(old.read(DATA, 3, 10.0), "big")
    assert new.read(DATA, 3, 10.0)
    assert new.read(OVF, 1, 10.0)[0] == 0  # cleared when a complete sample was taken


def test_in_shutdown_nothing_is_sampled_and_half_the_current_gives_half_the_light():
    chip = lit()
    chip.write(MODE, bytes([0x80 | SPO2_MODE]), 0.0)
    assert level(chip, 5.0) == 0
    chip = lit()
    chip.write(LED1, bytes([chips.NOMINAL_LED // 2 + 1]), 0.0)
    assert int.from_bytes(chip.read(DATA, 3, 0.5), "big") == round(100_000 * 16 / 31)


# The driver.


class Sensor:
    def __init__(self, light=steady):
        self.chip = chips.Max30102(light)
        self.bus = Bus(self.chip, ADDRESS)
        self.driver = Max30102(self.bus, self.bus.sleep_ms)
        self.red, self.infrared = array("i", [0] * BURST), array("i", [0] * BURST)

    def start(self):
        asyncio.run(self.driver.start())

    def drain(self):
        pairs = []
        while count := self.driver.read_into(self.red, self.infrared):
            pairs += list(zip(self.red[:count], self.infrared[:count], strict=True))
        return pairs


def test_the_driver_gives_25_pairs_a_second_in_order():
    sensor = Sensor(ramp)
    sensor.start()
    pairs = []
    while sensor.bus.t_s < 10.0:
        sensor.bus.t_s += 0.4
        pairs += sensor.drain()
    assert len(pairs) == pytest.approx(250, abs=11)
    assert {after - before for (_, before), (_, after) in pairwise(pairs)} <= {3, 4, 5}
    assert all(infrared - red == 30_000 for red, infrared in pairs)
    assert sensor.driver.overruns == 0


def test_an_overrun_is_counted_and_what_comes_is_whole():
    sensor = Sensor(ramp)
    sensor.start()
    sensor.bus.t_s += 5.0
    assert len(sensor.drain()) == 32
    assert sensor.driver.overruns == 1
    sensor.bus.t_s += 0.4
    assert all(infrared - red == 30_000 for red, infrared in sensor.drain())


def test_another_chip_none_and_a_nak_at_any_transaction_are_oserrors_and_the_next_start_works():
    sensor = Sensor()
    sensor.start()
    total = sensor.bus.transactions
    for number in range(1, total + 1):
        sensor = Sensor()
        sensor.bus.nak_at = number
        with pytest.raises(OSError, match="19"):
            sensor.start()
        sensor.start()
    sensor.chip._regs[0xFF] = 0x11  # a MAX30100
    with pytest.raises(OSError, match="no MAX30102"):
        sensor.start()


@pytest.mark.parametrize(
    ("celsius", "failed"), [(31.5, ""), (-5.0, ""), (-40.0, "temperature"), (120.0, "temperature")]
)
def test_its_thermometer_stands_for_a_self_test(celsius, failed):
    sensor = Sensor()
    sensor.chip.celsius = celsius
    assert asyncio.run(sensor.driver.self_test()) == failed


# The beats.


def rates(ppg, seconds):
    """(time, bpm or None) each 0.4 s, through chip and driver."""
    sensor, beats, out = Sensor(ppg.light), Beats(25), []
    sensor.start()
    while sensor.bus.t_s < seconds:
        sensor.bus.t_s += 0.4
        for red, infrared in sensor.drain():
            beats.push(red, infrared)
        out.append((sensor.bus.t_s, beats.bpm))
    return out


@pytest.mark.parametrize("bpm", [42, 57, 71, 96, 124, 152, 178])
def test_a_resting_wearers_rate_is_found_within_ten_beats_and_right(bpm):
    # Of a very slow heart the second wave of a beat looks like another beat, until the depth of beats is known.
    within_s = 3 + 10 * 60 / bpm if bpm > 50 else 25
    found = rates(Ppg(at(bpm), seed=100 + bpm), 60)
    assert next(t for t, rate in found if rate is not None) < within_s
    given = [rate for t, rate in found if t > within_s]
    assert given.count(None) < 0.05 * len(given)
    assert max(abs(rate - bpm) for rate in given if rate is not None) <= 0.03 * bpm + 1


def test_a_rate_that_rises_is_followed():
    def rising(t):
        return 65 + 70 * np.clip((t - 10) / 60, 0, 1)

    found = [(t, rate) for t, rate in rates(Ppg(rising, seed=7), 80) if rate is not None]
    assert len(found) > 150
    assert max(abs(rate - rising(t - 2.5)) for t, rate in found) < 6


@pytest.mark.parametrize(("hz", "share"), list(product((0.0, 1.05, 1.3, 1.75, 2.3), (0.0007, 0.003, 0.006, 0.02))))
def test_whatever_the_movement_a_rate_that_is_given_is_right(hz, share):
    for bpm in (62, 105, 138):
        ppg = Ppg(at(bpm), motion=[Motion(0, 30, share, hz)], seed=bpm)
        assert all(abs(rate - bpm) <= 0.1 * bpm for _, rate in rates(ppg, 30) if rate is not None)


def test_strong_movement_gives_no_signal_and_the_rate_is_back_after_it():
    found = rates(Ppg(at(75), motion=[Motion(20, 40, 0.03, 1.9)], seed=3), 60)
    assert all(rate is None for t, rate in found if 23 < t < 40)
    assert [rate for t, rate in found if t > 52] == [75] * len([t for t, _ in found if t > 52])


def test_without_contact_there_is_no_signal_and_no_beat_reaches_over_the_gap():
    found = rates(Ppg(at(75), off=[(20.0, 30.0)], seed=5), 50)
    assert all(rate is None for t, rate in found if 20.5 < t < 33)
    assert {rate for t, rate in found if t > 42} <= {74, 75, 76}


@pytest.mark.parametrize("light", [steady, ramp, Ppg(at(70), perfusion=0.0, noise=60.0).light])
def test_light_without_a_pulse_gives_no_signal(light):
    class Dead:
        def light(self, t0_s, dt_s, n):
            return light(t0_s, dt_s, n)

    assert all(rate is None for _, rate in rates(Dead(), 30))


# The whole.


class Port:
    def __init__(self, bus):
        self._bus = bus
        self.sleep_ms = bus.sleep_ms

    def ticks_ms(self):
        return round(self._bus.t_s * 1000)

    def ticks_diff(self, later, earlier):
        return later - earlier


class Duty:
    on = True


def worn(ppg_or_light):
    sensor = Sensor(getattr(ppg_or_light, "light", ppg_or_light))
    calls = []
    settings = Section({"rest_bpm": 60, "max_bpm": 185})
    heart = Heart(block, sensor.driver, settings, Port(sensor.bus), lambda: calls.append(sensor.bus.t_s))
    return sensor, heart, calls


def run_until(sensor, heart, seconds):
    duty = Duty()

    def beat():
        duty.on = sensor.bus.t_s < seconds

    async def main():
        await heart.start()
        await heart.run(duty, beat)

    asyncio.run(main())


def test_very_hard_work_is_told_once_and_rest_is_not():
    sensor, heart, calls = worn(Ppg(lambda t: 70 + 100 * np.clip((t - 30) / 60, 0, 1), seed=11))
    run_until(sensor, heart, 400)
    assert len(calls) == 1
    assert heart.high
    sensor, heart, calls = worn(Ppg(at(72), seed=12))
    run_until(sensor, heart, 120)
    assert not calls


def test_of_a_shifts_rounds_with_steps_bends_and_a_sensor_off_the_skin_only_the_hard_work_is_told_once():
    sensor, heart, calls = worn(shift_heart.Heart())
    run_until(sensor, heart, 1000)
    assert len(calls) == shift_heart.spells(1000)
    assert shift_heart.HARD_S[0] < calls[0] < shift_heart.HARD_S[1]


def test_exertion_is_not_known_any_more_a_minute_after_the_last_heart_rate():
    def seconds(silent_s):
        sensor, heart, calls = worn(Ppg(at(170), off=[(180, 180 + silent_s)], seed=15))
        run_until(sensor, heart, 180 + silent_s)
        assert len(calls) == 1
        return heart.high

    assert seconds(50)
    assert not seconds(70)


def test_a_short_loss_of_the_heart_rate_does_not_tell_the_wearer_twice():
    sensor, heart, calls = worn(Ppg(at(170), off=[(180, 200), (240, 260)], seed=16))
    run_until(sensor, heart, 320)
    assert len(calls) == 1
    assert heart.high


def test_time_in_which_the_sensor_had_failed_is_time_without_a_heart_rate():
    sensor, heart, _ = worn(Ppg(at(170), off=[(180, 3600)], seed=17))
    run_until(sensor, heart, 180)
    sensor.chip.write(MODE, b"\x80", sensor.bus.t_s)
    with pytest.raises(OSError, match="no samples"):
        asyncio.run(heart.run(Duty(), lambda: None))
    sensor.bus.t_s += 600
    run_until(sensor, heart, sensor.bus.t_s + 15)
    assert heart.beats.bpm is None
    assert not heart.high


def test_a_frozen_a_silent_and_an_unplugged_sensor_are_oserrors():
    sensor, heart, _ = worn(Ppg(at(72), seed=13))
    run_until(sensor, heart, 5)
    sensor.chip.frozen = True
    with pytest.raises(OSError, match="frozen"):
        run_until(sensor, heart, 60)
    sensor, heart, _ = worn(Ppg(at(72), seed=14))
    run_until(sensor, heart, 5)
    sensor.chip.write(MODE, b"\x80", sensor.bus.t_s)
    with pytest.raises(OSError, match="no samples"):
        asyncio.run(heart.run(Duty(), lambda: None))
    sensor.bus.nak_at = sensor.bus.transactions + 1
    with pytest.raises(OSError, match="19"):
        asyncio.run(heart.run(Duty(), lambda: None))
