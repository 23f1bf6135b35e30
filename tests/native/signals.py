"""Generated motion: enough of a body to make the detectors decide something, with a seed that replays it."""

from array import array
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from jikimi.sigcore import block

Motion = NDArray[np.float64]  # (n, 6): g and deg/s
Raw = NDArray[np.int16]  # (n, 6): counts

RAW_ACC_LSB, RAW_GYRO_LSB_X100 = 256, 1638  # SisFall's chips


def walk(rng: Generator, seconds: float, rate_hz: float, bounce_g: float = 0.3) -> Motion:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    acc = np.stack([0.1 * np.sin(9 * t), -1 - bounce_g * np.sin(11 * t), 0.05 * np.cos(5 * t)], axis=1)
    gyro = np.stack([30 * np.sin(9 * t), 20 * np.cos(11 * t), 10 * np.sin(4 * t)], axis=1)
    return np.hstack([acc + rng.normal(0, 0.02, acc.shape), gyro + rng.normal(0, 1, gyro.shape)])


def stand(rng: Generator, seconds: float, rate_hz: float) -> Motion:
    """Upright as in `walk`, without a step."""
    n = int(seconds * rate_hz)
    acc = np.tile([0.0, -1.0, 0.0], (n, 1)) + rng.normal(0, 0.01, (n, 3))
    return np.hstack([acc, rng.normal(0, 0.5, (n, 3))])


def lie(rng: Generator, seconds: float, rate_hz: float) -> Motion:
    n = int(seconds * rate_hz)
    acc = np.tile([0.95, -0.1, 0.28], (n, 1)) + rng.normal(0, 0.01, (n, 3))
    return np.hstack([acc, rng.normal(0, 0.5, (n, 3))])


def fall(rng: Generator, rate_hz: float) -> Motion:
    """Half a second of dropping and turning, an impact of 100 ms, a bounce."""
    drop = np.linspace(1, 0.3, int(0.5 * rate_hz))[:, None] * [[0.2, -0.9, 0.1]]
    hit = np.tile([[3.5, -2.0, 1.5]], (max(1, int(0.1 * rate_hz)), 1))
    bounce = np.tile([[0.4, -0.2, 0.2]], (max(1, int(0.15 * rate_hz)), 1))
    acc = np.vstack([drop, hit, bounce])
    gyro = np.vstack([np.tile([[180.0, 60.0, 40.0]], (len(drop), 1)), np.zeros((len(hit) + len(bounce), 3))])
    return np.hstack([acc + rng.normal(0, 0.05, acc.shape), gyro + rng.normal(0, 2, gyro.shape)])


def story(seed: int, rate_hz: float, seconds: float = 6) -> Motion:
    """Walk, fall, lie, walk again: (n, 6) in g and deg/s."""
    rng = np.random.default_rng(seed)
    parts = [walk(rng, seconds, rate_hz), fall(rng, rate_hz), lie(rng, seconds, rate_hz)]
    return np.vstack([*parts, walk(rng, seconds + 2, rate_hz, bounce_g=0.4)])


def rotation(seed: int) -> NDArray[np.float64]:
    """Any mounting of the tag."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(q * np.linalg.det(q))


def turned(motion: Motion, rotation: NDArray[np.float64]) -> Motion:
    """What a tag that is mounted another way round measures."""
    return np.hstack([motion[:, :3] @ rotation.T, motion[:, 3:] @ rotation.T])


def to_raw(motion: Motion) -> Raw:
    scaled = motion * ([RAW_ACC_LSB] * 3 + [RAW_GYRO_LSB_X100 / 100] * 3)
    return np.clip(np.rint(scaled), -32768, 32767).astype("<i2")


def block_events(
    raw: NDArray[Any],
    rate_hz: int,
    placement: int = 0,
    chunk: int = 1000,
    acc_lsb: int = RAW_ACC_LSB,
    gyro_lsb_x100: int = RAW_GYRO_LSB_X100,
    still: int = 0,
) -> list[tuple[int, ...]]:
    """Rows (kind, t_ms, confidence, data) through the block API of CPython."""
    motion, fall = block.motion_new(rate_hz, acc_lsb, gyro_lsb_x100), block.fall_new(placement, still)
    out = array("i", [0] * 4 * 64)
    rows: list[tuple[int, ...]] = []
    for start in range(0, len(raw), chunk):
        part = np.ascontiguousarray(raw[start : start + chunk], dtype="<i2")
        n = block.motion_push(motion, fall, None, part.tobytes(), len(part), out)
        rows += [tuple(out[4 * i : 4 * i + 4]) for i in range(n)]
    return rows
