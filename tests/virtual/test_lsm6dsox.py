# mypy: allow-untyped-calls
"""The inertial unit, register by register."""

from __future__ import annotations

import numpy as np
import pytest

from jikimi.fleet.virtual.chips.lsm6dsox import FIFO_WORDS, Lsm6dsox

WHO_AM_I, CTRL1_XL, CTRL2_G, CTRL3_C, STATUS = 0x0F, 0x10, 0x11, 0x12, 0x1E
FIFO_CTRL1, FIFO_CTRL3, FIFO_CTRL4, FIFO_STATUS1, FIFO_TAG = 0x07, 0x09, 0x0A, 0x3A, 0x78
ODR_104, CONTINUOUS, STOP_WHEN_FULL = 0x40, 6, 1
ACC_TAG, GYRO_TAG = 2, 1
FELT = [0.1, -0.2, 1.0, 10.0, -20.0, 30.0]


def felt(t0_s, dt_s, n):
    return np.tile(FELT, (n, 1))


def chip(samples=felt, **registers):
    """At 104 Hz into a continuous FIFO from t = 0, without noise."""
    sensor = Lsm6dsox(samples, noise=False)
    settings = {"ctrl1": ODR_104, "ctrl2": ODR_104, "batch": ODR_104 | ODR_104 >> 4, "mode": CONTINUOUS} | registers
    sensor.write(CTRL1_XL, bytes([settings["ctrl1"]]), 0.0)
    sensor.write(CTRL2_G, bytes([settings["ctrl2"]]), 0.0)
    sensor.write(FIFO_CTRL3, bytes([settings["batch"]]), 0.0)
    sensor.write(FIFO_CTRL4, bytes([settings["mode"]]), 0.0)
    return sensor


def level(sensor, t_s):
    low, high = sensor.read(FIFO_STATUS1, 2, t_s)
    return low | (high & 3) << 8


def words(sensor, count, t_s):
    raw = sensor.read(FIFO_TAG, 7 * count, t_s)
    return [raw[i : i + 7] for i in range(0, len(raw), 7)]


def counts(word):
    return np.frombuffer(word[1:], "<i2").tolist()


def test_it_says_who_it_is_and_cannot_be_told_otherwise():
    sensor = Lsm6dsox(felt)
    sensor.write(WHO_AM_I, b"\x00", 0.0)
    assert sensor.read(WHO_AM_I, 1, 0.0) == b"\x6c"


def test_reset_restores_the_registers_and_clears_itself():
    sensor = chip()
    sensor.write(CTRL3_C, b"\x01", 1.0)
    assert sensor.read(CTRL1_XL, 3, 1.0) == b"\x00\x00\x04"
    assert level(sensor, 2.0) == 0


def test_nothing_is_sampled_before_a_rate_is_set():
    sensor = Lsm6dsox(felt)
    sensor.write(FIFO_CTRL4, bytes([CONTINUOUS]), 0.0)
    assert level(sensor, 10.0) == 0
    assert sensor.read(STATUS, 1, 10.0) == b"\x00"


def test_one_second_at_104_hz_gives_104_pairs_gyroscope_first():
    sensor = chip()
    assert level(sensor, 1.0001) == 208
    tags = [word[0] >> 3 for word in words(sensor, 208, 1.0001)]
    assert tags == [GYRO_TAG, ACC_TAG] * 104
    assert level(sensor, 1.0001) == 0


def test_tags_count_the_words_and_have_even_parity():
    got = words(sensor := chip(), level(sensor, 0.5), 0.5)
    assert [word[0] >> 1 & 3 for word in got[:6]] == [0, 1, 2, 3, 0, 1]
    assert all(word[0].bit_count() % 2 == 0 for word in got)


@pytest.mark.parametrize(("full_scale", "mg_per_lsb"), [(0b00, 0.061), (0b01, 0.488), (0b10, 0.122), (0b11, 0.244)])
def test_acceleration_is_in_counts_of_the_full_scale_set(full_scale, mg_per_lsb):
    sensor = chip(ctrl1=ODR_104 | full_scale << 2)
    acc = counts(words(sensor, 2, 0.02)[1])
    assert acc == [round(g * 1000 / mg_per_lsb) for g in FELT[:3]]


@pytest.mark.parametrize(
    ("ctrl2", "mdps_per_lsb"), [(0x00, 8.75), (0x04, 17.5), (0x08, 35.0), (0x0C, 70.0), (0x02, 4.375)]
)
def test_rotation_is_in_counts_of_the_full_scale_set(ctrl2, mdps_per_lsb):
    sensor = chip(ctrl2=ODR_104 | ctrl2)
    gyro = counts(words(sensor, 1, 0.02)[0])
    assert gyro == [round(dps * 1000 / mdps_per_lsb) for dps in FELT[3:]]


def test_what_is_beyond_the_full_scale_is_clipped_and_does_not_wrap():
    sensor = chip(lambda t0, dt, n: np.tile([50.0, -50.0, 0, 9999.0, -9999.0, 0], (n, 1)))
    gyro, acc = words(sensor, 2, 0.02)
    assert counts(acc) == counts(gyro) == [32767, -32768, 0]


def test_the_watermark_flag_rises_at_its_level():
    sensor = chip()
    sensor.write(FIFO_CTRL1, b"\x14", 0.0)
    at_19 = sensor.read(FIFO_STATUS1, 2, 9.5 / 104)
    at_20 = sensor.read(FIFO_STATUS1, 2, 10.5 / 104)
    assert (at_19[0], at_19[1] & 0x80) == (18, 0)
    assert (at_20[0], at_20[1] & 0x80) == (20, 0x80)


def test_a_full_continuous_fifo_keeps_the_newest_and_says_overrun_once_latched():
    sensor = chip(lambda t0, dt, n: np.outer(t0 + dt * np.arange(n), np.ones(6)) * 0.1)
    t_s = 3.001  # 312 pairs have come, 256 fit
    status = sensor.read(FIFO_STATUS1, 2, t_s)[1]
    assert status & 0x68 == 0x68
    assert level(sensor, t_s) == FIFO_WORDS
    assert sensor.read(FIFO_STATUS1, 2, t_s)[1] & 0x08 == 0  # reading cleared the latch
    newest = counts(words(sensor, FIFO_WORDS, t_s)[-1])[0]
    assert newest == pytest.approx(0.3 / 0.061e-3, rel=0.01)


def test_a_fifo_that_stops_when_full_keeps_the_oldest():
    sensor = chip(lambda t0, dt, n: np.outer(t0 + dt * np.arange(n), np.ones(6)) * 0.1, mode=STOP_WHEN_FULL)
    assert level(sensor, 3.001) == FIFO_WORDS
    first = counts(words(sensor, FIFO_WORDS, 3.001)[1])[0]
    assert first == round(0.1 / 104 / 0.061e-3)


def test_a_sleep_of_an_hour_costs_no_more_than_two_fifos_of_samples():
    asked = []

    def samples(t0_s, dt_s, n):
        asked.append(n)
        return felt(t0_s, dt_s, n)

    sensor = chip(samples)
    assert level(sensor, 3600.0) == FIFO_WORDS
    assert sum(asked) <= 2 * FIFO_WORDS


def test_bypass_empties_the_fifo():
    sensor = chip()
    assert level(sensor, 1.0) > 0
    sensor.write(FIFO_CTRL4, b"\x00", 1.0)
    assert level(sensor, 1.0) == 0


def test_reading_an_empty_fifo_gives_zeros_with_tag_zero():
    assert words(chip(), 1, 0.0) == [bytes(7)]


def test_a_burst_gives_the_same_bytes_as_single_reads():
    burst = chip().read(FIFO_TAG, 70, 0.3)
    alone = (sensor := chip()).read(FIFO_TAG, 1, 0.3) + sensor.read(FIFO_TAG + 1, 69, 0.3)
    assert burst == alone


def test_a_burst_from_the_tag_register_rolls_back_to_it():
    sensor = chip()
    burst = sensor.read(FIFO_TAG, 14, 0.1)
    assert (burst[0] >> 3, burst[7] >> 3) == (GYRO_TAG, ACC_TAG)


def test_a_slower_batch_rate_leaves_samples_out():
    sensor = chip(batch=0x20 | 0x02)  # 26 Hz of 104
    assert level(sensor, 1.0001) == 52


def test_the_output_registers_hold_the_newest_sample_and_reading_clears_the_ready_flags():
    sensor = chip()
    assert sensor.read(STATUS, 1, 0.5)[0] & 3 == 3
    raw = np.frombuffer(sensor.read(0x22, 12, 0.5), "<i2")
    assert raw[5] == round(1.0 / 0.061e-3)
    assert sensor.read(STATUS, 1, 0.5)[0] & 3 == 0


def test_the_time_stamp_counts_25_us_steps_when_enabled():
    sensor = chip()
    assert sensor.read(0x40, 4, 1.0) == bytes(4)
    sensor.write(0x19, b"\x20", 1.0)
    assert int.from_bytes(sensor.read(0x40, 4, 2.0), "little") == pytest.approx(80_000, abs=1)


def test_a_frozen_sensor_repeats_its_last_sample_bit_for_bit():
    rng = np.random.default_rng(1)
    sensor = Lsm6dsox(lambda t0, dt, n: rng.standard_normal((n, 6)))
    sensor.write(CTRL1_XL, bytes([ODR_104, ODR_104]), 0.0)
    sensor.read(STATUS, 1, 1.0)
    sensor.frozen = True
    assert len({sensor.read(0x22, 12, t) for t in (2.0, 3.0, 4.0)}) == 1


def test_noise_has_the_data_sheets_size():
    sensor = Lsm6dsox(felt, seed=3)
    sensor.write(CTRL1_XL, bytes([ODR_104, ODR_104]), 0.0)
    sensor.write(FIFO_CTRL3, bytes([0x44, CONTINUOUS]), 0.0)
    acc = np.array([counts(word) for word in words(sensor, 400, 1.95) if word[0] >> 3 == ACC_TAG])
    assert np.std(acc * 0.061, axis=0) == pytest.approx([0.11 * 52**0.5] * 3, rel=0.25)


def test_samples_are_asked_for_at_the_times_of_the_output_data_rate_without_gap_or_repeat():
    times = []

    def samples(t0_s, dt_s, n):
        times.extend(t0_s + dt_s * np.arange(n))
        return felt(t0_s, dt_s, n)

    sensor = chip(samples)
    for t_s in (0.1, 0.100001, 0.33, 0.5, 1.2):
        sensor.read(STATUS, 1, t_s)
    assert np.diff(times) == pytest.approx(1 / 104)
