"""Recorded trials of SisFall (Sucerquia et al. 2017), in both layouts they are found in.

- `SA01.npz …`: one file a person, arrays named `F05_SA01_R04`, int16 (n, 6): ADXL345 x, y, z, ITG3200 x, y, z;
- `SA01/F05_SA01_R04.txt …`, as its authors publish it: a line per sample, nine comma-separated integers ended by
  a semicolon: ADXL345, ITG3200 and MMA8451Q (left out here).

200 Hz; ±16 g on 13 bits and ±2000 deg/s on 16 bits, so g = raw·32/8192 and deg/s = raw·4000/65536.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jikimi.fleet.errors import JikimiError
from jikimi.fleet.floor.clips import Clip, Floats, back_and_forth

Trial = NDArray[np.float32]

RATE_HZ = 200.0
_SCALE = np.array([32 / 8192] * 3 + [4000 / 65536] * 3)
_TRIAL = re.compile(r"([DF]\d\d)_(S[AE]\d\d)_R\d\d")

# Anti-alias filter and interpolator in one: a Hann-windowed sinc that cuts at 45 Hz, below half of the slowest
# rate the tag's chip is run at (104 Hz), evaluated at the exact time of each of the chip's samples.
_CUT_HZ = 45.0
_HALF_TAPS = 16

# What the daily activities of SisFall are on a shop floor. Lying down (D12–D14) is left out: nobody does it there
# on purpose. Stumbling (D18) and jumping down (D19) stay, as the movements most like a fall.
_WALK = ("D01", "D02")
_WORK = ("D05", "D06", "D07", "D08", "D09", "D10", "D11", "D15", "D16", "D17", "D18", "D19")
_STAND = ("D15", "D16", "D07", "D08", "D09", "D10")

_LIE_S = (8.0, 16.0)  # time on the floor after the end of the trial: short, or long enough for a no-motion alarm
_LYING_S = 3.0  # end of a fall's trial in which everybody lies
_HARD, _PEAK_S = 0.7, 0.1  # of the greatest peak; an impact is over after this
_STILL_S = 1.0  # stretch that is repeated to go on standing or lying


class Person:
    """The trials of one person, read when first asked for."""

    def __init__(self, name: str, files: Mapping[str, Path]) -> None:
        self.name = name
        self._files = dict(files)

    def names(self, *codes: str) -> list[str]:
        """Trials of the given activities (`F` for all falls), sorted."""
        return sorted(name for name in self._files if name.startswith(codes))

    def trial(self, name: str) -> Trial:
        """One trial: (n, 6) in g and deg/s at 200 Hz."""
        return _read(self._files[name], name)


@lru_cache(maxsize=128)  # a walk of 100 s is half a megabyte, most trials an eighth of that
def _read(path: Path, name: str) -> Trial:
    if path.suffix == ".npz":
        with np.load(path) as archive:
            raw = archive[name]
    else:
        raw = _parse(path)
    if raw.ndim != 2 or raw.shape[1] < 6 or len(raw) < 2 * _HALF_TAPS:
        raise JikimiError(f"{path}: {name} is not a SisFall trial (six columns, at least a few hundred rows)")
    return np.asarray(raw[:, :6] * _SCALE, dtype=np.float32)


def _parse(path: Path) -> NDArray[np.int64]:
    """Rows of the authors' text file; a last line cut short is left out, any other bad line is an error."""
    entries = [entry.strip() for entry in path.read_text("ascii", "replace").split(";")]
    entries.pop()  # what follows the last semicolon: nothing, or a line that was never finished
    try:
        return np.array([[int(value) for value in entry.split(",")[:6]] for entry in entries if entry])
    except ValueError as error:
        raise JikimiError(f"{path} is not a SisFall file: {error}") from error


def load(folder: Path) -> list[Person]:
    """People of a SisFall folder who have falls, walks and other activities.

    Raises JikimiError when the folder holds none, saying what was looked for.
    """
    files: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("S[AE]*.npz")):
        with np.load(path) as archive:
            for name in archive.files:
                _note(files, name, path)
    for path in sorted([*folder.glob("S[AE]*_R*.txt"), *folder.glob("S[AE]*/*.txt")]):
        _note(files, path.stem, path)
    people = [Person(name, trials) for name, trials in sorted(files.items())]
    complete = [p for p in people if p.names("F") and p.names(*_WALK) and p.names(*_WORK)]
    if not complete:
        raise JikimiError(_nothing_found(folder, people))
    return complete


def _note(files: dict[str, dict[str, Path]], name: str, path: Path) -> None:
    if match := _TRIAL.fullmatch(name):
        files.setdefault(match[2], {})[name] = path


def _nothing_found(folder: Path, people: list[Person]) -> str:
    if people:
        return f"{folder}: none of its {len(people)} people has falls (F…), walks (D01, D02) and other activities"
    return (
        f"{folder} holds no SisFall recordings: expected SA01.npz … with arrays like F05_SA01_R04, "
        "or folders SA01 … with files like F05_SA01_R04.txt"
    )


class RecordedMotion:
    """The movements of one recorded person (`clips.Motion`)."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def stand(self, rng: np.random.Generator) -> Clip:
        """The stillest second at the very beginning of a trial that starts upright, over and over."""
        codes = self._person.names(*_STAND) or self._person.names(*_WORK)
        trial = self._person.trial(_pick(codes, rng))
        start = _stillest(trial[: int(1.6 * RATE_HZ)])
        return _Cut(trial, start, start + _STILL_S, np.inf)

    def lie(self, rng: np.random.Generator) -> Clip:
        """The stillest second of the end of a fall, over and over."""
        trial = self._person.trial(_pick(self._person.names("F"), rng))
        rest = max(len(trial) - int(_LYING_S * RATE_HZ), 0)
        start = rest / RATE_HZ + _stillest(trial[rest:])
        return _Cut(trial, start, start + _STILL_S, np.inf)

    def walk(self, rng: np.random.Generator) -> Clip:
        """A stretch from somewhere in the first half of a walk, to its end."""
        trial = self._person.trial(_pick(self._person.names(*_WALK), rng))
        length = len(trial) / RATE_HZ
        return _Cut(trial, rng.uniform(0.05, 0.5) * length, length, np.inf)

    def work(self, rng: np.random.Generator) -> Clip:
        """A whole trial of a daily activity."""
        trial = self._person.trial(_pick(self._person.names(*_WORK), rng))
        return _Cut(trial, 0.0, len(trial) / RATE_HZ, np.inf)

    def fall(self, rng: np.random.Generator) -> Clip:
        """A whole fall, then the stillness of its last second for a while."""
        trial = self._person.trial(_pick(self._person.names("F"), rng))
        length = len(trial) / RATE_HZ
        return _Cut(trial, 0.0, length, length + float(rng.choice(_LIE_S)), impact_s=_impact(trial))


def _pick(names: list[str], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]


def _impact(trial: Trial) -> float:
    """When the body hits the floor, in seconds: the last peak of acceleration that is near the greatest one.

    Who trips while running has hit the floor as hard with each step before (F05 of SA02: 5.3 g at a step, 5.0 g at
    the impact three seconds later).
    """
    magnitude = np.linalg.norm(trial[:, :3], axis=1)
    last = int(np.flatnonzero(magnitude >= _HARD * magnitude.max())[-1])
    first = max(last - int(_PEAK_S * RATE_HZ), 0)
    return (first + int(np.argmax(magnitude[first : last + 1]))) / RATE_HZ


def _stillest(trial: Trial) -> float:
    """Start, in seconds, of the second of least motion."""
    window = int(_STILL_S * RATE_HZ)
    sums = np.cumsum(np.vstack([np.zeros(6), trial]), axis=0)
    squares = np.cumsum(np.vstack([np.zeros(6), trial.astype(np.float64) ** 2]), axis=0)
    mean = (sums[window:] - sums[:-window]) / window
    spread = (squares[window:] - squares[:-window]) / window - mean**2
    # Acceleration counts in g, rotation in units of 100 deg/s, so that neither drowns the other.
    return float(np.argmin(spread[:, :3].sum(1) + spread[:, 3:].sum(1) / 1e4)) / RATE_HZ


class _Cut:
    """A stretch of a trial; past its end the last second goes back and forth."""

    def __init__(
        self, trial: Trial, begin_s: float, end_s: float, last_s: float, impact_s: float | None = None
    ) -> None:
        self._trial = trial
        self._begin_s = begin_s
        self._length_s = max(end_s - begin_s - (_HALF_TAPS + 1) / RATE_HZ, 1 / RATE_HZ)
        self.duration_s = self._length_s if np.isinf(last_s) else last_s
        self.impact_s = impact_s

    def sample(self, t_s: Floats) -> Floats:
        still = min(_STILL_S, self._length_s)
        past = self._length_s - back_and_forth(t_s - self._length_s, still)
        inside = np.where(t_s > self._length_s, past, np.maximum(t_s, 0.0))
        return resample(self._trial, self._begin_s + inside)


def resample(trial: Trial, t_s: Floats) -> Floats:
    """Values of a 200 Hz recording (m, k) at any times `t_s` (n,), low-passed at 45 Hz; the ends are held."""
    position = t_s * RATE_HZ
    first = np.floor(position).astype(np.int64) - _HALF_TAPS + 1
    taps = first[:, None] + np.arange(2 * _HALF_TAPS)
    away = position[:, None] - taps
    weights = np.sinc(2 * _CUT_HZ / RATE_HZ * away) * np.cos(np.pi * away / (2 * _HALF_TAPS + 2)) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    values = trial[np.clip(taps, 0, len(trial) - 1)]
    return np.asarray(np.einsum("nt,ntk->nk", weights, values), dtype=np.float64)
