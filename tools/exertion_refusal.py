"""What the exertion monitor answers when the sensor fails: recordings with more and more readings spoilt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tools import card
from tools.exertion_model import Constants, Session, at_ratings, estimate, trace

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LOWEST_BPM, _HIGHEST_BPM = 30, 230  # noise is drawn from all that a heart can do


@dataclass(frozen=True)
class Spoilt:
    """How often readings were answered when a share of them was spoilt, and by how much the answers were wrong."""

    answered: float
    rated: int  # ratings that had an answer
    ratings: int
    error: float  # mean absolute, RPE, over those ratings; nan of none


def spoilt(people: list[Session], left_out: Mapping[str, Constants], share: float, *, noise: bool) -> Spoilt:
    """A random `share` of everybody's readings as noise, or as a sensor that has lost the heart (0)."""
    answers, readings, errors = 0, 0, []
    for number, person in enumerate(people):
        rng = np.random.default_rng([5, number])
        heart = np.array(person.hr_bpm)
        bad = rng.random(len(heart)) < share
        heart[bad] = rng.integers(_LOWEST_BPM, _HIGHEST_BPM + 1, int(bad.sum())) if noise else 0
        of = trace(replace(person, hr_bpm=heart.tolist()))
        features, rated = at_ratings(person, of)
        answers, readings = answers + int(of.known.sum()), readings + len(of.known)
        errors.append(np.abs(estimate(features, left_out[person.person]) - rated) / 100)
    pooled = np.concatenate(errors)
    error = float(pooled.mean()) if len(pooled) else float("nan")
    return Spoilt(answers / readings, len(pooled), sum(len(person.ratings) for person in people), error)


def _cell(found: Spoilt) -> tuple[str, str]:
    return f"{100 * found.answered:.1f} %", "none" if found.rated == 0 else f"{found.error:.2f} of {found.rated}"


def refusals(people: list[Session], left_out: Mapping[str, Constants]) -> str:
    """Share of readings that are answered, and the error at ratings that are, by how much is spoilt."""
    lines = []
    for share in _SHARES:
        lost, noise = (_cell(spoilt(people, left_out, share, noise=kind)) for kind in (False, True))
        lines.append((f"{100 * share:.0f} %", *lost, *noise))
    head = ("readings spoilt", "lost: answered", "mean error (RPE) of ratings answered", "noise: answered",
            "mean error (RPE) of ratings answered")  # fmt: skip
    return card.table(head, lines)
