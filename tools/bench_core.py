"""Time of the fall detector beside a textbook rule in numpy, on the same generated motion."""

from __future__ import annotations

import statistics
import time
from array import array
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jikimi.sigcore import block

_RATE_HZ = 104
_MINUTES = 10
_BLOCK = 16  # samples, as the firmware reads them
_RUNS = 7


def _motion() -> NDArray[np.int16]:
    """Ten minutes of walking with a jolt every 20 s, in chip counts."""
    random = np.random.default_rng(7)
    n = _RATE_HZ * 60 * _MINUTES
    t = np.arange(n) / _RATE_HZ
    raw = random.normal(0, 60, (n, 6))
    raw[:, 1] -= 2048 + 500 * np.sin(2 * np.pi * 1.9 * t)
    raw[(t % 20) < 0.05, 0] += 6000
    return raw.clip(-32768, 32767).astype("<i2")


def _ours(samples: NDArray[np.int16]) -> Callable[[], None]:
    out = array("i", [0] * 32)
    blocks = [samples[i : i + _BLOCK].tobytes() for i in range(0, len(samples), _BLOCK)]

    def run() -> None:
        motion, fall = block.motion_new(_RATE_HZ, 2048, 1640), block.fall_new(0)
        for data in blocks:
            block.motion_push(motion, fall, None, data, len(data) // 12, out)

    return run


def _numpy_rule(samples: NDArray[np.int16]) -> Callable[[], None]:
    """Peak above 2.5 g and trunk turned by 45 degrees, looked at in the same blocks over the last two seconds."""

    def run() -> None:
        window = 2 * _RATE_HZ
        for end in range(window, len(samples), _BLOCK):
            acc = samples[end - window : end, :3] / 2048.0
            if np.linalg.norm(acc, axis=1).max() > 2.5:
                before, after = acc[:_RATE_HZ].mean(axis=0), acc[_RATE_HZ:].mean(axis=0)
                np.degrees(np.arccos(before @ after / (np.linalg.norm(before) * np.linalg.norm(after))))

    return run


def _seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure() -> list[tuple[str, str, str]]:
    """Rows (what, ns a sample, times ours); the two run in turns, medians of seven."""
    samples = _motion()
    ours, rule = _ours(samples), _numpy_rule(samples)
    pairs = [(_seconds(ours), _seconds(rule)) for _ in range(_RUNS)]
    ns = [statistics.median(column) / len(samples) * 1e9 for column in zip(*pairs, strict=True)]
    ratio = statistics.median(rule_s / ours_s for ours_s, rule_s in pairs)
    return [
        ("signal core through cffi (networks)", f"{ns[0]:.0f}", "1"),
        ("peak-and-tilt rule in numpy", f"{ns[1]:.0f}", f"{ratio:.1f}"),
    ]
