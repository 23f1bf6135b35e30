# mypy: allow-untyped-calls
"""The emulated MPU-6050, BMI270 and LSM6DS3TR-C, register by register, against the numbers of their data sheets."""

from __future__ import annotations

import random

import numpy as np
import pytest

from jikimi.fleet.virtual.chips import bmi270, lsm6ds3trc, mpu6050

FELT = [0.1, -0.2, 1.0, 10.0, -20.0, 30.0]


def felt(t0_s, dt_s, n):
    return np.tile(FELT, (n, 1))


def ramp(t0_s, dt_s, n):
    return np.outer(t0_s + dt_s * np.arange(n), np.ones(6)) * 0.1


def words(raw, order):
    return np.frombuffer(raw, f"{order}i2").tolist()


# MPU-6050: register map RM-MPU-6000A-00.

MPU_PWR, MPU_DIV, MPU_CONFIG, MPU_GYRO, MPU_ACC, MPU_FIFO_EN, MPU_USER = 0x6B, 0x19, 0x1A, 0x1B, 0x1C, 0x23, 0x6A
MPU_STATUS, MPU_ACC_OUT, MPU_GYRO_OUT, MPU_COUNT, MPU_FIFO, MPU_WHO = 0x3A, 0x3B, 0x43, 0x72, 0x74, 0x75


def mpu(samples=felt, **registers):
    """Awake at 100 Hz with both sensors in the FIFO from t = 0, ±16 g and ±2000 dps."""
    chip = mpu6050.Mpu6050(samples, noise=False)
    settings = {MPU_PWR: 1, MPU_DIV: 9, MPU_CONFIG: 3, MPU_GYRO: 0x18, MPU_ACC: 0x18, MPU_FIFO_EN: 0x78, MPU_USER: 0x40}
    for register, value in (settings | {int(k): v for k, v in registers.items()}).items():
        chip.write(register, bytes([value]), 0.0)
    return chip


def mpu_level(chip, t_s):
    high, low = chip.read(MPU_COUNT, 2, t_s)
    return high << 8 | low


def test_mpu6050_wakes_asleep_and_says_0x68():
    chip = mpu6050.Mpu6050(felt)
    assert chip.read(MPU_WHO, 1, 0.0) == b"\x68"
    assert chip.read(MPU_PWR, 1, 0.0) == b"\x40"
    chip.write(MPU_FIFO_EN, b"\x78", 0.0)
    chip.write(MPU_USER, b"\x40", 0.0)
    assert mpu_level(chip, 5.0) == 0


@pytest.mark.parametrize(("low_pass", "divider", "rate_hz"), [(3, 9, 100), (3, 4, 200), (0, 79, 100), (7, 7, 1000)])
def test_mpu6050_divides_1_khz_or_8_khz_without_the_filter(low_pass, divider, rate_hz):
    chip = mpu(**{str(MPU_CONFIG): low_pass, str(MPU_DIV): divider})
    assert mpu_level(chip, 0.0501) == 12 * int(0.0501 * rate_hz)


@pytest.mark.parametrize(("scale", "lsb_per_g"), [(0, 16384), (1, 8192), (2, 4096), (3, 2048)])
def test_mpu6050_acceleration_is_big_endian_in_the_scale_set(scale, lsb_per_g):
    chip = mpu(**{str(MPU_ACC): scale << 3})
    assert words(chip.read(MPU_ACC_OUT, 6, 0.1), ">") == [round(g * lsb_per_g) for g in FELT[:3]]


@pytest.mark.parametrize(("scale", "lsb_per_dps"), [(0, 131.0), (1, 65.5), (2, 32.8), (3, 16.4)])
def test_mpu6050_rotation_is_big_endian_in_the_scale_set(scale, lsb_per_dps):
    chip = mpu(**{str(MPU_GYRO): scale << 3})
    assert words(chip.read(MPU_GYRO_OUT, 6, 0.1), ">") == pytest.approx([dps * lsb_per_dps for dps in FELT[3:]], abs=1)


def test_mpu6050_overflow_says_so_keeps_1024_bytes_and_loses_the_alignment():
    chip = mpu(ramp)
    assert mpu_level(chip, 0.85) == 1020
    assert chip.read(MPU_STATUS, 1, 0.85)[0] & 0x10 == 0
    assert mpu_level(chip, 1.0) == 1024
    assert chip.read(MPU_STATUS, 1, 1.0)[0] & 0x10
    assert chip.read(MPU_STATUS, 1, 1.0)[0] & 0x10 == 0  # cleared by reading
    assert 1024 % 12  # so the first byte is not the first of a sample


def test_mpu6050_fifo_is_reset_only_while_it_is_off_and_an_empty_one_repeats_its_last_byte():
    chip = mpu()
    chip.write(MPU_USER, b"\x44", 0.5)
    assert mpu_level(chip, 0.5) == 600
    last = chip.read(MPU_FIFO, 600, 0.5)[-1]
    assert chip.read(MPU_FIFO, 3, 0.5) == bytes([last] * 3)
    chip.write(MPU_USER, b"\x04", 0.7)
    assert mpu_level(chip, 0.7) == 0
    assert chip.read(MPU_USER, 1, 0.7) == b"\x00"


def test_mpu6050_self_test_moves_each_axis_by_about_the_trim_of_its_code():
    chip = mpu(**{str(MPU_ACC): 0xE0 | 0x10, str(MPU_GYRO): 0xE0})
    codes = chip.read(0x0D, 4, 0.0)
    still = mpu(**{str(MPU_ACC): 0x10, str(MPU_GYRO): 0x00})
    acc = np.subtract(words(chip.read(MPU_ACC_OUT, 6, 0.1), ">"), words(still.read(MPU_ACC_OUT, 6, 0.1), ">"))
    gyro = np.subtract(words(chip.read(MPU_GYRO_OUT, 6, 0.1), ">"), words(still.read(MPU_GYRO_OUT, 6, 0.1), ">"))
    for axis in range(3):
        code = codes[axis] >> 5 << 2 | codes[3] >> (4 - 2 * axis) & 3
        assert acc[axis] == pytest.approx(4096 * 0.34 * (0.92 / 0.34) ** ((code - 1) / (2**5 - 2)), rel=0.14)
        sign = -1 if axis == 1 else 1
        assert gyro[axis] == pytest.approx(sign * 25 * 131 * 1.046 ** ((codes[axis] & 31) - 1), rel=0.14)


# BMI270: data sheet BST-BMI270-DS000.

BMI_CONF, BMI_CTRL, BMI_CMD, BMI_STATUS, BMI_LENGTH, BMI_FIFO = 0x7C, 0x7D, 0x7E, 0x21, 0x24, 0x26
BLOB = random.Random(5).randbytes(8192)


def bmi(samples=felt, *, acc_range=3, gyr_range=0, blob=BLOB, save=0):
    """Uploaded, at 100 Hz with headers in the FIFO from t = 0."""
    chip = bmi270.Bmi270(samples, noise=False)
    chip.write(BMI_CONF, bytes([save]), 0.0)
    chip.write(0x59, b"\x00", 0.0)
    for start in range(0, len(blob), 256):
        chip.write(0x5B, bytes([start // 2 & 0x0F, start // 2 >> 4]), 0.0)
        chip.write(0x5E, blob[start : start + 256], 0.0)
    chip.write(0x59, b"\x01", 0.0)
    for register, value in ((0x40, 0xA8), (0x41, acc_range), (0x42, 0xE8), (0x43, gyr_range), (0x49, 0xD0)):
        chip.write(register, bytes([value]), 0.0)
    chip.write(BMI_CTRL, b"\x06", 0.0)
    return chip


def bmi_level(chip, t_s):
    low, high = chip.read(BMI_LENGTH, 2, t_s)
    return low | high << 8


def test_bmi270_says_0x24_and_does_nothing_before_its_file_has_come():
    chip = bmi270.Bmi270(felt)
    assert chip.read(0x00, 1, 0.0) == b"\x24"
    chip.write(BMI_CTRL, b"\x06", 0.0)
    chip.write(0x49, b"\xd0", 0.0)
    assert bmi_level(chip, 5.0) == 0
    assert bmi().read(BMI_STATUS, 1, 0.0)[0] & 0x0F == 1


@pytest.mark.parametrize("wrong", [{"save": 1}, {"blob": BLOB[:-256]}])
def test_bmi270_refuses_a_file_that_is_short_or_sent_in_power_save(wrong):
    assert bmi(**wrong).read(BMI_STATUS, 1, 0.0)[0] & 0x0F == 2


@pytest.mark.parametrize(("code", "full_g"), [(0, 2), (1, 4), (2, 8), (3, 16)])
def test_bmi270_acceleration_is_in_counts_of_its_range(code, full_g):
    raw = bmi(acc_range=code).read(0x0C, 6, 0.1)
    assert words(raw, "<") == [round(g * 32768 / full_g) for g in FELT[:3]]


@pytest.mark.parametrize(("code", "full_dps"), [(0, 2000), (1, 1000), (2, 500), (3, 250), (4, 125)])
def test_bmi270_x_feels_a_part_of_z_as_its_cross_axis_factor_says(code, full_dps):
    chip = bmi(gyr_range=code)
    x, y, z = words(chip.read(0x12, 6, 0.1), "<")
    factor = chip.read(0x3C, 1, 0.1)[0]
    assert [x - factor * z / 512, y, z] == pytest.approx([dps * 32768 / full_dps for dps in FELT[3:]], abs=1.5)


def test_bmi270_fifo_gives_frames_of_13_bytes_gyroscope_first_and_0x80_when_it_is_empty():
    chip = bmi()
    assert bmi_level(chip, 0.0301) == 3 * 13
    raw = chip.read(BMI_FIFO, 3 * 13 + 2, 0.0301)
    assert [raw[at] for at in (0, 13, 26, 39, 40)] == [0x8C, 0x8C, 0x8C, 0x80, 0x80]
    assert words(raw[7:13], "<") == [round(g * 2048) for g in FELT[:3]]


def test_bmi270_repeats_a_frame_that_was_read_in_part():
    chip = bmi(ramp)
    first = chip.read(BMI_FIFO, 20, 0.0301)
    assert chip.read(BMI_FIFO, 13, 0.0301)[:7] == first[13:]


def test_bmi270_overflow_begins_with_a_skip_frame_that_counts_what_is_gone():
    chip = bmi(ramp)
    assert bmi_level(chip, 1.8001) <= 2048
    raw = chip.read(BMI_FIFO, 2 + 13, 1.8001)
    assert raw[0] == 0x40
    assert raw[1] == pytest.approx(180 - 2046 // 13, abs=1)
    assert raw[2] == 0x8C


def test_bmi270_self_test_moves_as_the_data_sheet_demands():
    chip = bmi()
    means: list[list[int]] = []
    for setting in (0x0D, 0x09):
        chip.write(0x6D, bytes([setting]), 0.1)
        means.append(words(chip.read(0x0C, 6, 0.2 + 0.1 * len(means)), "<"))
    x, y, z = (np.array(means[0]) - means[1]) / 2048
    assert (x >= 16, y <= -15, z >= 10) == (True, True, True)


# LSM6DS3TR-C: data sheet DocID030071.


def ds3(samples=felt):
    """At 104 Hz, ±16 g and ±2000 dps, with both sensors in a continuous FIFO from t = 0."""
    chip = lsm6ds3trc.Lsm6ds3trc(samples, noise=False)
    for register, value in ((0x12, 0x44), (0x10, 0x44), (0x11, 0x4C), (0x08, 0x09), (0x0A, 0x26)):
        chip.write(register, bytes([value]), 0.0)
    return chip


def ds3_status(chip, t_s):
    """(words, flags, pattern)."""
    low, high, pattern, _ = chip.read(0x3A, 4, t_s)
    return low | (high & 7) << 8, high & 0xF8, pattern


def test_lsm6ds3trc_says_0x6a_and_its_fifo_holds_words_gyroscope_first():
    chip = ds3()
    assert chip.read(0x0F, 1, 0.0) == b"\x6a"
    assert ds3_status(chip, 0.0) == (0, 0x10, 0)
    assert ds3_status(chip, 0.1001)[0] == 6 * 10
    raw = words(chip.read(0x3E, 12, 0.1001), "<")
    assert raw[:3] == [round(dps / 0.070) for dps in FELT[3:]]
    assert raw[3:] == [round(g / 0.488e-3) for g in FELT[:3]]


def test_lsm6ds3trc_pattern_tells_which_word_comes_next_also_after_an_overrun():
    chip = ds3(ramp)
    chip.read(0x3E, 2 * 4, 0.1)
    assert ds3_status(chip, 0.1)[2] == 4
    level, flags, pattern = ds3_status(chip, 20.0)
    assert (level, flags & 0x40) == (2047, 0x40)
    acc_x = [0, 1, 2, 3, 4, 5].index(3)
    raw = words(chip.read(0x3E, 2 * 6, 20.0), "<")
    at_acc, at_gyro = raw[(acc_x - pattern) % 6], raw[(0 - pattern) % 6]
    assert at_acc * 0.488e-3 == pytest.approx(at_gyro * 0.070, rel=0.05)  # the ramp is the same on all axes


def test_lsm6ds3trc_bypass_empties_the_fifo():
    chip = ds3()
    chip.write(0x0A, b"\x00", 1.0)
    assert ds3_status(chip, 2.0)[0] == 0
