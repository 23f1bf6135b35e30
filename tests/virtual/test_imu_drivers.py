# mypy: allow-untyped-calls
"""Every driver of an inertial unit against its emulated chip, register by register, with the faults of real ones."""

from __future__ import annotations

import random
from array import array

import numpy as np
import pytest

from jikimi.fleet.floor.physics import PhysicsMotion
from jikimi.sigcore import block
from tests.virtual.imu_bench import CLASSES, Bench

KINDS = sorted(CLASSES)
FELT = [0.1, -0.2, 1.0, 10.0, -20.0, 30.0]
FALLING, FALL = 1, 2
TOO_LONG_S = 12.0  # more than any of the FIFOs holds
AXES = ["acc x", "acc y", "acc z", "gyro x", "gyro y", "gyro z"]


def felt(t0_s, dt_s, n):
    return np.tile(FELT, (n, 1))


def ramp(t0_s, dt_s, n):
    """Every axis tells the time, each in its own way: a mixed-up sample cannot look right."""
    t = t0_s + dt_s * np.arange(n)
    return np.outer(t, [0.1, 0.2, 0.3, 10.0, 20.0, 30.0])


def wearing(clip):
    def samples(t0_s, dt_s, n):
        return clip.sample(t0_s + dt_s * np.arange(n))

    return samples


@pytest.fixture(scope="module")
def blob(tmp_path_factory):
    """In place of Bosch's file: any 8 KiB."""
    path = tmp_path_factory.mktemp("bosch") / "bmi270.bin"
    path.write_bytes(random.Random(3).randbytes(8192))
    return path


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def started(kind, blob, samples=felt, **options):
    bench = Bench(kind, samples, blob, **options)
    bench.start()
    return bench


def test_what_the_sensor_feels_comes_out_in_the_units_the_driver_says(kind, blob):
    rows = (bench := started(kind, blob)).run(0.5)
    assert bench.physical(rows) == pytest.approx(np.tile(FELT, (len(rows), 1)), abs=0.08)
    assert np.abs(bench.physical(rows)[:, :3] - FELT[:3]).max() < 0.001


@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_rate_of_the_configuration_is_the_chips_rate(kind, blob, which):
    from jikimi.wire.settings import IMU_RATES

    rate_hz = IMU_RATES[kind][which]
    bench = started(kind, blob, rate_hz=rate_hz)
    assert len(bench.run(10.0)) == pytest.approx(10 * rate_hz, abs=0.05 * rate_hz)
    assert bench.imu.overruns == 0


def test_every_sample_arrives_once_and_in_order(kind, blob):
    rows = (bench := started(kind, blob, ramp)).run(3.0)
    steps = np.diff(bench.physical(rows)[:, 5])
    assert steps == pytest.approx(30.0 / bench.imu.rate_hz, abs=0.15)
    assert bench.physical(rows)[:, 3:] == pytest.approx(bench.physical(rows)[:, :3] * 100, abs=0.3)


def test_after_an_overrun_it_is_counted_and_only_whole_new_samples_come(kind, blob):
    bench = started(kind, blob, ramp)
    bench.bus.t_s += TOO_LONG_S
    bench.drain()
    assert bench.imu.overruns >= 1
    before = bench.imu.overruns
    rows = bench.physical(bench.run(1.0))
    assert rows[:, 3:] == pytest.approx(rows[:, :3] * 100, abs=0.3)
    assert rows[-1, 5] == pytest.approx(30.0 * bench.bus.t_s, rel=0.02)
    assert bench.imu.overruns == before


def test_an_empty_fifo_gives_no_sample(kind, blob):
    assert len(started(kind, blob).drain()) == 0


def test_another_chip_at_the_address_is_refused_by_name(kind, blob):
    other = {"lsm6dsox": "lsm6ds3trc", "lsm6ds3trc": "lsm6dsox", "mpu6050": "bmi270", "bmi270": "mpu6050"}[kind]
    with pytest.raises(OSError, match=r"no .* at this address"):
        Bench(kind, felt, blob, chip=other).start()


def _start_and_run(bench):
    bench.start()
    bench.run(0.1)


def test_a_nak_at_any_transaction_is_an_oserror_and_the_next_start_works(kind, blob):
    counting = started(kind, blob)
    counting.run(0.04)
    total = counting.bus.transactions
    for number in sorted({*range(1, min(total, 40)), *range(max(1, total - 25), total + 1)}):
        bench = Bench(kind, felt, blob)
        bench.bus.nak_at = number
        with pytest.raises(OSError, match="19"):
            _start_and_run(bench)
        bench.start()
        assert len(bench.run(0.1)) >= 8


def test_a_chip_that_lost_power_gives_nothing_until_it_is_started_again(kind, blob):
    bench = started(kind, blob)
    bench.chip.power_up(bench.bus.t_s)
    assert len(bench.run(1.0)) == 0
    bench.start()
    assert len(bench.run(0.5)) > 40


def test_a_chip_that_is_switched_off_gives_nothing_until_it_is_started_again(kind, blob):
    bench = started(kind, blob)
    bench.run(0.2)
    bench.imu.stop()
    bench.drain()  # what had come before
    assert len(bench.run(1.0)) == 0
    bench.start()
    assert len(bench.run(0.5)) > 40


def test_a_frozen_sensor_repeats_itself_and_fails_its_own_test(kind, blob):
    bench = started(kind, blob, ramp)
    bench.run(0.2)
    bench.chip.frozen = True
    assert len(np.unique(bench.run(0.5), axis=0)) == 1
    assert bench.self_test() != ""


def test_a_good_chip_passes_its_own_test(kind, blob):
    assert Bench(kind, felt, blob).self_test() == ""


def test_a_good_chip_on_a_wearer_who_walks_is_never_called_bad(kind, blob):
    for seed in range(8):
        clip = PhysicsMotion().walk(np.random.default_rng(seed))
        assert Bench(kind, wearing(clip), blob).self_test() in ("", None)


@pytest.mark.parametrize("axis", range(6))
def test_an_axis_that_does_not_follow_the_test_is_named(kind, blob, axis):
    bench = Bench(kind, felt, blob)
    bench.chip.stuck_axis = axis
    assert bench.self_test() == AXES[axis]


def test_measuring_goes_on_after_a_self_test(kind, blob):
    bench = started(kind, blob)
    assert bench.self_test() == ""
    bench.start()
    assert bench.physical(bench.run(0.2))[-1] == pytest.approx(FELT, abs=0.1)


def story(seed):
    """Walking, work, standing, a fall: what the sensor feels at any time."""
    rng, motion = np.random.default_rng(seed), PhysicsMotion()
    parts = [(8.0, motion.walk(rng)), (16.0, motion.work(rng)), (20.0, motion.stand(rng)), (40.0, motion.fall(rng))]

    def samples(t0_s, dt_s, n):
        t = t0_s + dt_s * np.arange(n)
        out, start = np.zeros((n, 6)), 0.0
        for end, clip in parts:
            inside = (t >= start) & (t < end)
            if inside.any():
                out[inside] = clip.sample(t[inside] - start)
            start = end
        return out

    return samples


def events(kind, blob, seed):
    """Kinds and times of what the signal core finds, fed as the application feeds it."""
    bench = started(kind, blob, story(seed))
    imu, found = bench.imu, []
    motion = block.motion_new(imu.rate_hz, imu.acc_lsb_per_g, imu.gyro_lsb_per_dps_x100)
    detectors = block.fall_new(0, 10), block.bend_new()
    rows = array("i", [0] * 32)
    while bench.bus.t_s < 39.0:
        bench.bus.t_s += 0.04
        while count := imu.read_into(bench.samples):
            n = block.motion_push(motion, *detectors, bench.samples, count, rows)
            found += [(rows[4 * i], rows[4 * i + 1] / 1000) for i in range(n)]
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("other", [kind for kind in KINDS if kind != "lsm6dsox"])
def test_the_same_motion_gives_the_same_events_from_every_chip(blob, other, seed):
    reference, got = events("lsm6dsox", blob, seed), events(other, blob, seed)
    # A fall is announced ("falling") or not by a single sample of it, which differs with the chips' rates.
    reference, got = ([pair for pair in found if pair[0] != FALLING] for found in (reference, got))
    assert [event for event, _ in reference] == [event for event, _ in got]
    assert FALL in [event for event, _ in got]
    assert [t for _, t in got] == pytest.approx([t for _, t in reference], abs=0.25)


def test_the_bmi270_gets_every_byte_of_its_configuration_file(blob):
    bench = started("bmi270", blob)
    assert bytes(bench.chip.config_file) == blob.read_bytes()


def test_without_the_bmi270s_file_it_says_which_file_it_needs(tmp_path):
    with pytest.raises(OSError, match=r"needs Bosch's configuration file as .*bmi270\.bin"):
        Bench("bmi270", felt, tmp_path / "bmi270.bin").start()


@pytest.mark.parametrize(("content", "said"), [(b"x" * 8191, "not 8192 bytes"), (bytes(8192), "refuses")])
def test_a_bmi270_file_that_is_short_or_wrong_is_refused(tmp_path, content, said):
    (tmp_path / "bmi270.bin").write_bytes(content)
    with pytest.raises(OSError, match=said):
        Bench("bmi270", felt, tmp_path / "bmi270.bin").start()
