"""Bodies made from physics: people who fall and people who do not, for training and for evaluation.

Acted falls end on mats, and everybody in a set wears one chip. Here a trunk leans and twists, is carried by the ground
or not, and is hit by it: the height and what still carries the body give the speed, an effective mass on a stiffness
gives the length of the pulse, speed and length give its peak. So hard and soft ground, heavy and light people, short
and long impacts all occur, each number drawn from a range, and none of them is what tells a person from a thing. As
many activities are made in the same way, with knocks, jumps and stumbles, so that nobody learns that what is
generated is a fall. 200 Hz, clipped at 16 g, noise of a cheap chip, any mounting. Neither the demo's floor nor the
stories of the tests come from here: they show how far it carries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tools.fall_data import Trial

RATE_HZ = 200
TRIALS_PER_KIND = 40
GROUPS = 4  # made-up "people", so that evaluation can leave a part of them out, too
JUDGED_SEED = 1
MORE_SEEDS = (2, 3)  # to train on only
MORE = "made more"
_GRAVITY_MS2 = 9.81
_SETTLING_S = 0.4
_LIMIT_G, _LIMIT_DPS = 16.0, 2000.0

Track = NDArray[np.float64]  # (n,)


@dataclass(frozen=True)
class Part:
    """A stretch of motion of the trunk: `lean_deg` from upright and `twist_deg` about its length (n,), what carries it
    (`up_g` (n,), along the world's vertical; 1 at rest), and whatever else is felt in its own axes (`push_g` (n, 3)).
    In one of them a fall ends (`is_impact`)."""

    lean_deg: Track
    twist_deg: Track
    up_g: Track
    push_g: NDArray[np.float64]
    is_impact: bool = False


def _time(seconds: float) -> Track:
    return np.arange(max(1, round(seconds * RATE_HZ))) / RATE_HZ


def _part(lean: Track, up: Track | None = None, push: NDArray[np.float64] | None = None) -> Part:
    n = len(lean)
    return Part(lean, np.zeros(n), np.ones(n) if up is None else up, np.zeros((n, 3)) if push is None else push)


def _wavering(rng: Generator, n: int, spread: float, period_s: float) -> Track:
    """Noise that changes within about `period_s`."""
    window = np.hanning(max(3, round(period_s * RATE_HZ)))
    noise = np.convolve(rng.normal(size=n + len(window) - 1), window / np.sqrt((window**2).sum()), "valid")
    return np.asarray(spread * noise)


def _eased(start: float, end: float, seconds: float) -> Track:
    share = np.linspace(0, 1, len(_time(seconds)))
    return start + (end - start) * share**2 * (3 - 2 * share)


def _direction(rng: Generator) -> NDArray[np.float64]:
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def _still(rng: Generator, lean_deg: float, seconds: float, tremor_g: float = 0.0) -> Part:
    n = len(_time(seconds))
    push = np.stack([_wavering(rng, n, tremor_g, 0.15) for _ in range(3)], axis=1)
    return _part(lean_deg + _wavering(rng, n, rng.uniform(0, 1), 1.0), push=push)


def _walking(rng: Generator, lean_deg: float, seconds: float) -> Part:
    t_s = _time(seconds)
    strength = rng.uniform(0.1, 0.5)
    turn = 2 * np.pi * rng.uniform(1.3, 2.6) * t_s + rng.uniform(0, 6)
    up = 1 + strength * (np.sin(turn) + rng.uniform(0.1, 0.6) * np.sin(2 * turn + rng.uniform(0, 6)))
    ahead = strength * rng.uniform(0.2, 0.7) * np.sin(turn + rng.uniform(0, 6))
    side = strength * rng.uniform(0.2, 0.5) * np.sin(turn / 2)
    push = np.stack([ahead, side, _wavering(rng, len(t_s), rng.uniform(0, 0.1), 0.05)], axis=1)
    lean = lean_deg + rng.uniform(0, 3) * np.sin(turn / 2) + _wavering(rng, len(t_s), 2, 1.0)
    return Part(lean, rng.uniform(0, 8) * np.sin(turn / 2), up, push)


def _pulse(rng: Generator, seconds: float) -> Track:
    """A push of height 1: a half sine, a triangle with any flank the steeper one, or nearly square."""
    share = (_time(seconds) + 0.5 / RATE_HZ) / seconds
    kind = rng.integers(3)
    if kind == 0:
        return np.asarray(np.sin(np.pi * share).clip(0))
    if kind == 1:
        top = rng.uniform(0.1, 0.7)
        return np.asarray(np.minimum(share / top, (1 - share) / (1 - top)).clip(0))
    return np.asarray((np.minimum(share, 1 - share) / rng.uniform(0.02, 0.2)).clip(0, 1))


def _hit(rng: Generator, lean_deg: float, speed_ms: float, seconds: float) -> Part:
    """The ground takes `speed_ms` away within `seconds`, mostly from below, and the trunk swings on a little."""
    pulse = _pulse(rng, seconds)
    peak_g = speed_ms / _GRAVITY_MS2 * RATE_HZ / max(float(pulse.sum()), 1.0)
    below = rng.uniform(0.4, 1)
    ring_s = _time(rng.uniform(0.05, 0.4))
    ring = np.exp(-ring_s / rng.uniform(0.02, 0.1)) * np.sin(2 * np.pi * rng.uniform(5, 15) * ring_s)
    shape = peak_g * np.concatenate([pulse, -rng.uniform(0, 0.3) * ring])
    push = shape[:, None] * _direction(rng) * np.sqrt(1 - below**2)
    return _part(np.full(len(shape), lean_deg), 1 + below * shape, push)


def _length_s(rng: Generator) -> float:
    """Half a period of an effective mass on what gives way: flesh, mats, floors."""
    mass_kg = rng.uniform(45, 120) * rng.uniform(0.25, 0.6)
    stiffness = np.exp(rng.uniform(np.log(4e4), np.log(4e5)))  # N/m: harder than the mats of the recordings
    return float(np.clip(np.pi * np.sqrt(mass_kg / stiffness), 0.025, 0.12))


def _dropping(rng: Generator, start_deg: float, end_deg: float, seconds: float, carried: float) -> Part:
    """Losing the ground; a stick that topples speeds up."""
    share = np.linspace(0, 1, len(_time(seconds)))
    up = 1 - (1 - carried) * np.clip(share / rng.uniform(0.15, 0.8), 0, 1)
    flailing = np.stack([_wavering(rng, len(share), rng.uniform(0, 0.25), 0.15) for _ in range(3)], axis=1)
    lean = start_deg + (end_deg - start_deg) * share ** rng.uniform(1, 3)
    return Part(lean, rng.choice([0.0, 1.0]) * rng.uniform(-90, 90) * share**2, up, flailing)


def _down(rng: Generator, start_deg: float) -> tuple[list[Part], float]:
    """From the loss of balance to the floor, and the lean there."""
    end_deg = float(rng.choice([rng.uniform(55, 110), rng.uniform(110, 180), rng.uniform(15, 55)], p=[0.8, 0.08, 0.12]))
    height_m = rng.uniform(1.2, 3.0) if rng.uniform() < 0.12 else rng.uniform(0.5, 1.2)
    carried = rng.uniform(0.02, 0.5)
    seconds = float(np.sqrt(2 * height_m / ((1 - carried) * _GRAVITY_MS2)))
    speed_ms = (1 - carried) * _GRAVITY_MS2 * seconds
    done = start_deg + (end_deg - start_deg) * rng.uniform(0.6, 1)
    parts = [_dropping(rng, start_deg, done, seconds, carried)]
    if rng.uniform() < 0.3:  # knees or hands first
        caught_deg = done * 0.6 + start_deg * 0.4
        parts = [_dropping(rng, start_deg, caught_deg, seconds * 0.7, carried)]
        parts.append(_hit(rng, caught_deg, speed_ms * rng.uniform(0.15, 0.4), _length_s(rng)))
        parts.append(_dropping(rng, caught_deg, done, rng.uniform(0.08, 0.3), carried))
        speed_ms *= rng.uniform(0.6, 0.85)
    impact = replace(_hit(rng, done, speed_ms * rng.uniform(1, 1.3), _length_s(rng)), is_impact=True)
    return [*parts, impact, _part(_eased(done, end_deg, rng.uniform(0.1, 0.5)))], end_deg


def _bounces(rng: Generator, lean_deg: float) -> list[Part]:
    parts = []
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        seconds = rng.uniform(0.05, 0.2)
        parts += [
            _part(np.full(len(_time(seconds)), lean_deg), np.full(len(_time(seconds)), rng.uniform(0, 0.8))),
            _hit(rng, lean_deg, rng.uniform(0.2, 1.0), _length_s(rng)),
        ]
    return parts


def _afterwards(rng: Generator, lean_deg: float) -> list[Part]:
    """Motionless, moving on the floor, or up again."""
    lying = _still(rng, lean_deg, rng.uniform(7, 10), rng.choice([0.0, 0.0, 0.01, 0.05, 0.15]))
    if rng.uniform() < 0.75:
        return [lying]
    up = _part(_eased(lean_deg, 0, rng.uniform(1.5, 3)))
    return [_still(rng, lean_deg, rng.uniform(2.5, 5), 0.08), up, _walking(rng, 0, rng.uniform(3, 5))]


def _before(rng: Generator, lean_deg: float = 0.0) -> Part:
    if rng.uniform() < 0.5:
        return _walking(rng, lean_deg + rng.uniform(-5, 10), rng.uniform(4, 8))
    return _still(rng, lean_deg + rng.uniform(-5, 10), rng.uniform(4, 8), rng.uniform(0, 0.05))


def _falling(rng: Generator, before: list[Part]) -> list[Part]:
    down, end_deg = _down(rng, float(before[-1].lean_deg[-1]))
    return [*before, *down, *_bounces(rng, end_deg), *_afterwards(rng, end_deg)]


def fall_walking(rng: Generator) -> list[Part]:
    """Trips or slips on the way."""
    return _falling(rng, [_walking(rng, rng.uniform(-5, 10), rng.uniform(5, 9))])


def fall_standing(rng: Generator) -> list[Part]:
    """Faints, or loses hold."""
    return _falling(rng, [_still(rng, rng.uniform(-5, 20), rng.uniform(5, 9), rng.uniform(0, 0.05))])


def fall_bending(rng: Generator) -> list[Part]:
    """At work, leaning over."""
    lean_deg = rng.uniform(25, 70)
    working = _still(rng, lean_deg, rng.uniform(1, 6), rng.uniform(0.02, 0.1))
    return _falling(rng, [_before(rng), _part(_eased(0, lean_deg, rng.uniform(0.6, 1.5))), working])


def knocked(rng: Generator) -> list[Part]:
    """The tag hits a table's edge or a door frame, once or more; its wearer goes on."""
    parts = [_before(rng)]
    for _ in range(int(rng.integers(1, 4))):
        parts += [_hit(rng, 0, rng.uniform(0.1, 0.8), rng.uniform(0.005, 0.04)), _before(rng)]
    return parts


def jumps(rng: Generator) -> list[Part]:
    """Off the ground, or down a step or a platform, and lands on the feet."""
    flight_s, knees_deg = rng.uniform(0.15, 0.55), rng.uniform(0, 30)
    pushing = 1 + rng.uniform(0, 1.2) * np.sin(np.pi * np.linspace(0, 1, len(_time(rng.uniform(0.2, 0.4)))))
    flying = _dropping(rng, 0, 0, flight_s, rng.uniform(0, 0.3))
    landing = _hit(rng, 0, _GRAVITY_MS2 * flight_s * rng.uniform(0.6, 1), rng.uniform(0.03, 0.15))
    absorbing = [_part(_eased(0, knees_deg, 0.3)), _part(_eased(knees_deg, 0, 0.5))]
    off = [_before(rng), _part(np.zeros(len(pushing)), pushing), flying]
    return [*off, landing, *absorbing, _before(rng), _before(rng)]


def stumbles(rng: Generator) -> list[Part]:
    """Loses balance, and finds it again."""
    lean_deg = rng.choice([-1, 1]) * rng.uniform(10, 45)
    losing = _dropping(rng, 0, lean_deg, rng.uniform(0.15, 0.4), rng.uniform(0.3, 0.9))
    catching = _hit(rng, lean_deg, rng.uniform(0.5, 1.8), rng.uniform(0.05, 0.2))
    upright = _part(_eased(lean_deg, 0, rng.uniform(0.3, 1.0)))
    return [_before(rng), losing, catching, upright, _walking(rng, 0, rng.uniform(4, 8)), _before(rng)]


def sits_down(rng: Generator) -> list[Part]:
    """Onto a seat, softly or like a sack, and up again."""
    lean_deg, back_deg = rng.uniform(15, 50), rng.uniform(-25, 10)
    sinking = _dropping(rng, lean_deg, lean_deg * 0.7, rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.95))
    seat = _hit(rng, lean_deg * 0.7, rng.uniform(0.2, 1.8), rng.uniform(0.05, 0.25))
    sitting = _still(rng, back_deg, rng.uniform(3, 7), rng.uniform(0, 0.05))
    down = [_part(_eased(0, lean_deg, rng.uniform(0.3, 0.8))), sinking, seat]
    up = [_part(_eased(back_deg, lean_deg, 0.7)), _part(_eased(lean_deg, 0, 0.8))]
    return [_before(rng), *down, _part(_eased(lean_deg * 0.7, back_deg, 0.6)), sitting, *up, _before(rng)]


def lies_down(rng: Generator) -> list[Part]:
    """To rest or to work below something, as fast as people do, and maybe turns over."""
    lean_deg = rng.choice([-1, 1]) * rng.uniform(60, 100)
    going = _part(_eased(0, lean_deg, rng.uniform(0.9, 3.0)))
    bed = _hit(rng, lean_deg, rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.25))
    lying = _still(rng, lean_deg, rng.uniform(3, 6), rng.uniform(0, 0.03))
    over = replace(_still(rng, lean_deg, 3), twist_deg=_eased(0, rng.choice([0, 90, -90, 180]), 3))
    again = replace(lying, twist_deg=np.full(len(lying.up_g), over.twist_deg[-1]))
    return [_before(rng), going, bed, lying, over, again]


def bends(rng: Generator) -> list[Part]:
    """Bends and lifts, some of them in haste and with a jerk."""
    parts = [_before(rng)]
    for _ in range(int(rng.integers(2, 5))):
        lean_deg = rng.uniform(30, 100)
        parts += [_part(_eased(0, lean_deg, rng.uniform(0.4, 1.5))), _still(rng, lean_deg, rng.uniform(0.2, 2), 0.03)]
        parts += [_hit(rng, lean_deg, rng.uniform(0, 0.5), rng.uniform(0.02, 0.2))]
        parts += [_part(_eased(lean_deg, 0, rng.uniform(0.4, 1.5))), _before(rng)]
    return parts


KINDS: dict[str, Callable[[Generator], list[Part]]] = {
    "M01 falls walking": fall_walking,
    "M02 falls standing": fall_standing,
    "M03 falls bending": fall_bending,
    "M04 knocked": knocked,
    "M05 jumps": jumps,
    "M06 stumbles": stumbles,
    "M07 sits down": sits_down,
    "M08 lies down": lies_down,
    "M09 bends": bends,
}


def _joined(tracks: list[Track]) -> Track:
    """One after the other; where two do not meet, the later one begins where the earlier ends and settles."""
    joined: list[Track] = []
    for track in tracks:
        gap = joined[-1][-1] - track[0] if joined else 0.0
        settling = 1 - np.clip(np.arange(len(track)) / (_SETTLING_S * RATE_HZ), 0, 1)
        joined.append(track + gap * settling**2 * (3 - 2 * settling))
    return np.concatenate(joined)


def _felt(parts: list[Part], axis: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Acceleration (g) and rotation (deg/s), (n, 3) each, of a trunk along z that leans about `axis`."""
    lean, twist = np.radians(_joined([p.lean_deg for p in parts])), np.radians(_joined([p.twist_deg for p in parts]))
    along = np.array([0.0, 0.0, 1.0])
    above = np.cos(lean)[:, None] * along - np.sin(lean)[:, None] * np.cross(axis, along)
    acc = np.concatenate([p.up_g for p in parts])[:, None] * above + np.concatenate([p.push_g for p in parts])
    gyro = np.degrees(np.gradient(lean) * RATE_HZ)[:, None] * axis
    twisting = np.degrees(np.gradient(twist) * RATE_HZ)[:, None] * along
    return _turned(acc, twist), _turned(gyro, twist) + twisting


def _turned(vectors: NDArray[np.float64], angle: Track) -> NDArray[np.float64]:
    """As seen by who has turned by `angle` about z."""
    x, y, z = vectors.T
    return np.stack([np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x, z], axis=1)


def _recorded(rng: Generator, parts: list[Part], name: str, kind: str, group: str) -> Trial:
    """What a tag says that is worn in any way by somebody who leans in any direction."""
    ahead = rng.uniform(0, 2 * np.pi)
    acc, gyro = _felt(parts, np.array([np.cos(ahead), np.sin(ahead), 0.0]))
    mounting, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    mounting *= np.linalg.det(mounting)
    acc, gyro = acc @ mounting, gyro @ mounting
    acc = np.clip(acc + rng.normal(0, rng.uniform(0.002, 0.01), acc.shape), -_LIMIT_G, _LIMIT_G)
    gyro = np.clip(gyro + rng.normal(0, rng.uniform(0.1, 1.0), gyro.shape), -_LIMIT_DPS, _LIMIT_DPS)
    return Trial(name, kind, group, RATE_HZ, acc, gyro, _impact_s(parts, acc))


def _impact_s(parts: list[Part], acc: NDArray[np.float64]) -> float | None:
    start = 0
    for part in parts:
        end = start + len(part.up_g)
        if part.is_impact:
            return (start + int(np.argmax((acc[start:end] ** 2).sum(axis=1)))) / RATE_HZ
        start = end
    return None


def made(seed: int = JUDGED_SEED, per_kind: int = TRIALS_PER_KIND) -> Iterator[Trial]:
    """`per_kind` recordings of every kind, the same ones for the same seed; those of JUDGED_SEED are judged."""
    for kind_number, (kind, make) in enumerate(KINDS.items()):
        for number in range(per_kind):
            rng = np.random.default_rng([seed, 100 + kind_number, number])
            group = f"made {number % GROUPS}" if seed == JUDGED_SEED else MORE
            yield _recorded(rng, make(rng), f"{kind}_{number}", kind, group)
