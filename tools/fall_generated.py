"""Tags without a person: generated recordings in which nobody falls, for training and for evaluation.

No public set has them, so they are made from physics, with every number drawn from a range: a tag that lies somewhere
or is held, flies freely (only spin and noise are felt), hits something (half-sine pulses of 4 to 25 ms in any
direction, with bounces whose flights get shorter) and comes to rest another way round; a tag in a toolbox that is
carried, set down and rattled; a tag on the seat of a forklift that vibrates and hits bumps; a tag taken off, turned
and put on a table. 200 Hz, clipped at 16 g, noise of a cheap chip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tools.fall_data import Trial

RATE_HZ = 200
TRIALS_PER_KIND = 60
GROUPS = 4  # made-up "people", so that evaluation can leave a part of them out, too
JUDGED_SEED = 1
MORE_SEEDS = (2, 3, 4)  # to train on only
MORE = "generated more"
_NOISE_G, _NOISE_DPS = 0.006, 0.3

Part = tuple[NDArray[np.float64], NDArray[np.float64]]  # acc (n, 3) in g, gyro (n, 3) in deg/s


def _direction(rng: Generator) -> NDArray[np.float64]:
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def _steps(seconds: float) -> int:
    return max(1, round(seconds * RATE_HZ))


def _rest(rng: Generator, gravity: NDArray[np.float64], seconds: float, tremor_g: float = 0.0) -> Part:
    n = _steps(seconds)
    return np.tile(gravity, (n, 1)) + rng.normal(0, tremor_g, (n, 3)), rng.normal(0, 20 * tremor_g, (n, 3))


def _flight(rng: Generator, seconds: float, spin_dps: float) -> Part:
    n = _steps(seconds)
    spin = _direction(rng) * spin_dps
    felt_g = np.radians(spin_dps) ** 2 * rng.uniform(0.002, 0.02) / 9.81  # the chip is a little off the centre
    return np.tile(_direction(rng) * felt_g, (n, 1)), np.tile(spin, (n, 1))


def _hit(rng: Generator, peak_g: float) -> Part:
    n = _steps(rng.uniform(0.004, 0.025))
    pulse = np.sin(np.pi * (np.arange(n) + 0.5) / n)
    return pulse[:, None] * _direction(rng) * peak_g, np.tile(_direction(rng) * rng.uniform(50, 600), (n, 1))


def _turn(rng: Generator, start: NDArray[np.float64], end: NDArray[np.float64], seconds: float) -> Part:
    n = _steps(seconds)
    share = np.linspace(0, 1, n)[:, None]
    mixed = (1 - share) * start + share * end + 1e-3
    angle = np.degrees(np.arccos(np.clip(start @ end, -1, 1)))
    acc = mixed / np.linalg.norm(mixed, axis=1, keepdims=True) + rng.normal(0, 0.08, (n, 3))
    return acc, np.tile(_direction(rng) * angle / seconds, (n, 1))


def _tumble(rng: Generator, first_flight_s: float, peak_g: float, spin_dps: float) -> list[Part]:
    parts = [_flight(rng, first_flight_s, spin_dps), _hit(rng, peak_g)]
    flight_s = first_flight_s
    for _ in range(int(rng.integers(0, 5))):
        bounce = rng.uniform(0.2, 0.55)
        flight_s, peak_g, spin_dps = flight_s * bounce, peak_g * bounce, spin_dps * rng.uniform(0.3, 1)
        parts += [_flight(rng, flight_s, spin_dps), _hit(rng, peak_g)]
    return parts


def dropped(rng: Generator) -> list[Part]:
    """Slips from a hand or a table edge, 0.2 to 1.6 m."""
    flight_s = float(np.sqrt(2 * rng.uniform(0.2, 1.6) / 9.81))
    before = _rest(rng, _direction(rng), rng.uniform(4, 8), rng.choice([0.0, 0.03, 0.1]))
    fall = _tumble(rng, flight_s, rng.uniform(3, 16), rng.uniform(0, 700))
    return [before, *fall, _rest(rng, _direction(rng), rng.uniform(6, 10))]


def thrown(rng: Generator) -> list[Part]:
    """Thrown into a locker or a bin."""
    held = _rest(rng, _direction(rng), rng.uniform(3, 6), 0.1)
    swing = _rest(rng, _direction(rng) * rng.uniform(1.5, 3.5), rng.uniform(0.1, 0.3), 0.1)
    flight = _tumble(rng, rng.uniform(0.15, 0.7), rng.uniform(4, 16), rng.uniform(100, 1200))
    return [held, swing, *flight, _rest(rng, _direction(rng), rng.uniform(6, 10))]


def toolbox(rng: Generator) -> list[Part]:
    """Carried in a toolbox, rattled, set down hard."""
    gravity, parts = _direction(rng), []
    for _ in range(int(rng.integers(8, 25))):
        parts += [_rest(rng, gravity, rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.25)), _hit(rng, rng.uniform(1, 7))]
        gravity = gravity + 0.3 * rng.normal(size=3)
        gravity /= np.linalg.norm(gravity)
    return [*parts, _hit(rng, rng.uniform(2, 9)), _rest(rng, gravity, rng.uniform(5, 9))]


def forklift(rng: Generator) -> list[Part]:
    """On the seat of a forklift: engine, floor joints, kerbs."""
    gravity = _direction(rng)
    n = _steps(20)
    t = np.arange(n) / RATE_HZ
    engine = rng.uniform(0.05, 0.3) * np.sin(2 * np.pi * rng.uniform(8, 30) * t) + rng.normal(0, 0.1, n)
    for at in rng.integers(0, n - 60, int(rng.integers(2, 12))):
        size = _steps(rng.uniform(0.05, 0.2))
        engine[at : at + size] += rng.uniform(-2.5, 2.5) * np.sin(np.pi * np.arange(size) / size)
    return [(gravity * (1 + engine[:, None]) + rng.normal(0, 0.05, (n, 3)), rng.normal(0, 8, (n, 3)))]


def put_down(rng: Generator) -> list[Part]:
    """Taken off, turned, put on a table with a knock."""
    worn, table = _direction(rng), _direction(rng)
    before = _rest(rng, worn, rng.uniform(4, 8), 0.05)
    turn = _turn(rng, worn, table, rng.uniform(0.4, 2.5))
    return [before, turn, _hit(rng, rng.uniform(1, 5)), _rest(rng, table, rng.uniform(6, 10))]


KINDS: dict[str, Callable[[Generator], list[Part]]] = {
    "G01 dropped": dropped,
    "G02 thrown": thrown,
    "G03 toolbox": toolbox,
    "G04 forklift": forklift,
    "G05 put down": put_down,
}


def generated(seed: int = JUDGED_SEED) -> Iterator[Trial]:
    """TRIALS_PER_KIND recordings of every kind, the same ones for the same seed; those of JUDGED_SEED are judged."""
    for kind_number, (kind, make) in enumerate(KINDS.items()):
        for number in range(TRIALS_PER_KIND):
            rng = np.random.default_rng([seed, kind_number, number])
            acc, gyro = (np.vstack(parts) for parts in zip(*make(rng), strict=True))
            acc = np.clip(acc + rng.normal(0, _NOISE_G, acc.shape), -16, 16)
            gyro = np.clip(gyro + rng.normal(0, _NOISE_DPS, gyro.shape), -2000, 2000)
            group = f"generated {number % GROUPS}" if seed == JUDGED_SEED else MORE
            yield Trial(f"{kind}_{number}", kind, group, RATE_HZ, acc, gyro, None)
