"""Networks of one hidden layer in the shape the core runs: bytes in, int8 weights, log odds in 1/256 out.

Small on purpose: NumPy only, in 64 bits, so that what is rounded to a byte at the end is the same anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ONE = 64  # the input that stands for the bias
_INPUT, _WEIGHT = 32, 64  # steps of an input to its standard deviation, of a weight to 1
_GAIN_SHIFT, _HIDDEN_SHIFT, _OUT_SHIFT = 4, 6, 3
_LARGEST = 127
_SCORE = 256.0  # scores are in 1/256 log odds

Features = NDArray[np.uint8]
Vector = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Scale:
    """How bytes become inputs: (feature - middle) * gain / 16, within +-127."""

    middle: Ints
    gain: Ints

    def inputs(self, features: Features) -> Ints:
        """Inputs of every row, and behind them the constant."""
        scaled = (features.astype(np.int64) - self.middle) * self.gain >> _GAIN_SHIFT
        return np.hstack([scaled.clip(-_LARGEST, _LARGEST), np.full((len(features), 1), ONE)])


def scale_of(features: Features) -> Scale:
    """From what features are usually like."""
    gain = np.rint(_INPUT * 2**_GAIN_SHIFT / np.maximum(features.std(axis=0), 1))
    return Scale(np.rint(features.mean(axis=0)).astype(np.int64), gain.clip(1, 255).astype(np.int64))


@dataclass(frozen=True)
class Net:
    """`units` (n, inputs + 2): of each hidden unit the weights, the bias, and the weight of what it gives."""

    bias: int
    units: Ints
    scale: Scale

    def score(self, features: Features) -> Ints:
        """Log odds (1/256) of every row, exactly as the core computes them."""
        hidden = self.scale.inputs(features) @ self.units[:, :-1].T
        return self.bias + ((hidden.clip(min=0) >> _HIDDEN_SHIFT) @ self.units[:, -1] >> _OUT_SHIFT)


@dataclass(frozen=True)
class Settings:
    """How to learn: hidden units, passes, step of Adam, weight decay, noise on the inputs (standard deviations)."""

    units: int
    passes: int = 15
    rate: float = 3e-3
    decay: float = 1e-4
    noise: float = 0.1
    seed: int = 1
    batch: int = 256


class _Adam:
    """Kingma and Ba 2015, with a step that falls to nothing."""

    def __init__(self, parts: list[Vector], rate: float, steps: int) -> None:
        self._parts, self._rate, self._steps, self._step = parts, rate, steps, 0
        self._mean, self._square = [np.zeros_like(p) for p in parts], [np.zeros_like(p) for p in parts]

    def take(self, gradients: list[Vector]) -> None:
        self._step += 1
        rate = self._rate * (1 - self._step / (self._steps + 1))
        first, second = 1 - 0.9**self._step, 1 - 0.999**self._step
        for part, mean, square, gradient in zip(self._parts, self._mean, self._square, gradients, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            part -= rate * (mean / first) / (np.sqrt(square / second) + 1e-8)


def train(features: Features, labels: NDArray[np.bool_], weights: Vector, scale: Scale, settings: Settings) -> Net:
    """Fit the logistic loss; rows count as much as `weights` says."""
    rng = np.random.default_rng(settings.seed)
    inputs = scale.inputs(features) / _INPUT
    n = inputs.shape[1]
    first, last = rng.normal(0, np.sqrt(2 / n), (n, settings.units)), rng.normal(0, 0.4, (settings.units, 1))
    bias = np.zeros(1)
    batches = len(labels) // settings.batch
    adam = _Adam([first, last, bias], settings.rate, settings.passes * batches)
    weights = weights / weights.mean() / settings.batch
    for _ in range(settings.passes):
        order = rng.permutation(len(labels))
        for start in range(0, batches * settings.batch, settings.batch):
            rows = order[start : start + settings.batch]
            given = inputs[rows] + settings.noise * rng.standard_normal((settings.batch, n))
            hidden = np.maximum(given @ first, 0)
            p = 1 / (1 + np.exp(-(hidden @ last + bias)))
            error = weights[rows, None] * (p - labels[rows, None])
            back = (error @ last.T) * (hidden > 0)
            decayed = settings.decay * first, settings.decay * last
            adam.take([given.T @ back + decayed[0], hidden.T @ error + decayed[1], error.sum(axis=0)])
    units = np.rint(np.hstack([first.T, last]) * _WEIGHT).clip(-_LARGEST, _LARGEST).astype(np.int64)
    return Net(round(float(bias[0]) * _SCORE), units, scale)
