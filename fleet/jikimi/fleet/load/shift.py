"""Days made from a model of work in shifts.

A tag lies on its charger until its shift begins, and is taken within minutes of all others; it is there again in the
long break, now and then in a short one, and when it changes hands between shifts. At work its wearer meets machines.
People meet them in clusters, as where aisles cross: clusters come by a Poisson process, the people of one follow each
other within seconds at the same machine. The tag records a warning for each zone that is entered, the machine's node
one near miss for each person. Beside that a tag records quarter hours with bends, falls, calls for help, a low battery,
and the test of itself when a duty begins. Most falls are cancelled, because most are none; what is not is confirmed,
and like a call for help told again with growing pauses until somebody has come. Now and then a tag loses its
connection, and at an outage a share of all at once. Exertion is not in it: it never leaves a tag.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from jikimi.fleet.load.day import GONE, OFF, ON, Act, Script, Scripts
from jikimi.wire import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HOUR_S: Final = 3600.0
_BEGINS_S: Final = 7 * 3600 + 30 * 60
_SECONDS: Final = 10 * 3600
TAGS_PER_MACHINE: Final = 10


class _Pause(NamedTuple):
    """A break; times in seconds of the day, and the share of the tags that go on their chargers meanwhile."""

    from_s: float
    to_s: float
    docked: float


_START_S: Final = 0.5 * _HOUR_S  # 08:00
_CHANGE_S: Final = 8.5 * _HOUR_S  # 16:00
_PAUSES: Final = (
    _Pause(2.5 * _HOUR_S, 2.75 * _HOUR_S, 0.2),
    _Pause(4.5 * _HOUR_S, 5.25 * _HOUR_S, 0.9),
    _Pause(6.5 * _HOUR_S, 6.75 * _HOUR_S, 0.2),
)
_EARLY_S, _RUSH_S = 300.0, 180.0  # tags are taken so long before the shift, give or take this standard deviation
_SLOW_S: Final = 120.0  # a break begins and ends within this
_HANDOVER_S: Final = (60.0, 600.0)  # a tag lies on its charger for so long at the change of shifts
_SELF_TEST_S: Final = 1.5  # after duty began
_CLUSTER_MORE: Final = 1.5  # people of a cluster besides the first, on average
_FOLLOW_S: Final = 10.0  # behind each other, on average
_TRIES: Final = 20
_DANGER: Final = 0.35  # share of encounters that reach the danger zone, as on the demo's floor
_DEEPER_S: Final = (0.5, 2.0)  # from the warning zone into the danger zone
_DWELL_S: Final = (1.0, 8.0)
_LOST_S: Final = 3.0  # a node takes somebody for gone after it
_ENCOUNTER_S: Final = 120.0  # from the first of a cluster until its last near miss, nearly always
_WINDOW_S: Final = 900.0  # bends are counted over a quarter of an hour
_IMPACT_S: Final = 1.5  # after the fall began
_CANCELLED: Final = 0.7
_CANCEL_S: Final = 30.0
_HELP_S: Final = 180.0  # until somebody has come, on average
_ASK_S: Final = (30.0, 600.0)  # the first and the longest pause before an alarm is told again
_LATE_S: Final = 2 * _HOUR_S
_LOW_BATTERY: Final = 0.02  # share of tags in a day


@dataclass(frozen=True)
class Model:
    """What days differ in. Rates are by tag and hour of work."""

    name: str
    encounters: float
    bends: float  # share of quarter hours
    falls: float
    calls: float
    dropouts: float
    outages: tuple[tuple[float, float], ...]  # so many hours after the day's beginning that share of tags is cut off

    begins_s: int = _BEGINS_S
    seconds: int = _SECONDS

    def scripts(self, n_tags: int, seed: int, from_s: float = 0.0, to_s: float = math.inf) -> Scripts:
        """What `n_tags` tags and a machine for each ten of them do in that part of the day."""
        rng = random.Random(f"{self.name} {seed}")
        duties = [_duties(rng) for _ in range(n_tags)]
        tags = [[*_chargers(spans), *self._alone(rng, spans)] for spans in duties]
        machines: list[list[Act]] = [[] for _ in range(max(1, n_tags // TAGS_PER_MACHINE))]
        # Of a short part of the day of many tags no more is made than belongs to it.
        near = [[clipped for duty in own if (clipped := duty.within(from_s - _ENCOUNTER_S, to_s))] for own in duties]
        self._meet(rng, near, tags, machines)
        return Scripts(
            tags=[Script(on=False, acts=sorted(acts)) for acts in tags],
            machines=[Script(on=True, acts=sorted(acts)) for acts in machines],
        ).part(from_s, to_s)

    def _alone(self, rng: random.Random, duties: list[_Duty]) -> Iterator[Act]:
        """What happens to one tag by itself."""
        for duty in duties:
            yield from (Act(t_s, kinds.BENDS) for t_s in _windows(duty) if rng.random() < self.bends)
            for t_s in _moments(rng, self.falls, duty):
                yield from _fall(rng, t_s)
            for t_s in _moments(rng, self.calls, duty):
                yield Act(t_s, kinds.SOS)
                yield from _until_help(rng, t_s)
            yield from (Act(t_s, GONE) for t_s in _moments(rng, self.dropouts, duty))
            for hour, share in self.outages:
                if duty.from_s < hour * _HOUR_S < duty.to_s and rng.random() < share:
                    yield Act(hour * _HOUR_S + rng.random(), GONE)
        if rng.random() < _LOW_BATTERY:
            yield Act(duties[-1].to_s - rng.uniform(0, min(_LATE_S, duties[-1].hours * _HOUR_S)), kinds.LOW_BATTERY)

    def _meet(
        self, rng: random.Random, duties: list[list[_Duty]], tags: list[list[Act]], machines: list[list[Act]]
    ) -> None:
        """Let people meet machines in clusters."""
        spans = [(duty, number) for number, own in enumerate(duties) for duty in own]
        if not spans:
            return
        hours = [duty.hours for duty, _ in spans]
        expected = self.encounters * sum(hours) / (1 + _CLUSTER_MORE)
        for duty, first in rng.choices(spans, hours, k=_poisson(rng, expected)):
            t_s, machine = rng.uniform(*duty), rng.choice(machines)
            _encounter(rng, t_s, tags[first], machine)
            for _ in range(_poisson(rng, _CLUSTER_MORE)):
                t_s += rng.expovariate(1 / _FOLLOW_S)
                _encounter(rng, t_s, tags[_somebody(rng, duties, t_s, first)], machine)


# calm: nobody works near machines. busy: some 200 records in a shift of eight hours, with which sizing counts. storm:
# everybody meets machines as often as on the demo's floor, where the real firmware records 110 warnings and 75 near
# misses an hour and tag, and moves all day as in recordings that were made to provoke false alarms (0.7 an hour).
MODELS: Final = {
    model.name: model
    for model in (
        Model("calm", encounters=0.5, bends=0.3, falls=0.005, calls=0.001, dropouts=0.05, outages=()),
        Model("busy", encounters=9.0, bends=0.9, falls=0.05, calls=0.005, dropouts=0.2, outages=((3.0, 0.2),)),
        Model(
            "storm",
            encounters=80.0,
            bends=1.0,
            falls=0.7,
            calls=0.05,
            dropouts=1.0,
            outages=((1.5, 1.0), (3.0, 1.0), (6.0, 1.0), (8.0, 1.0)),
        ),
    )
}


class _Duty(NamedTuple):
    """A tag is worn from then to then, seconds of the day."""

    from_s: float
    to_s: float

    @property
    def hours(self) -> float:
        return (self.to_s - self.from_s) / _HOUR_S

    def within(self, from_s: float, to_s: float) -> _Duty | None:
        """What of it lies between these times, if anything does."""
        clipped = _Duty(max(self.from_s, from_s), min(self.to_s, to_s))
        return clipped if clipped.from_s < clipped.to_s else None


def _duties(rng: random.Random) -> list[_Duty]:
    """The spans of one day in which a tag is worn."""
    cuts = [max(0.0, rng.gauss(_START_S - _EARLY_S, _RUSH_S))]
    for pause in _PAUSES:
        if rng.random() < pause.docked:
            cuts += [pause.from_s + rng.uniform(0, _SLOW_S), pause.to_s + rng.uniform(-_SLOW_S, _SLOW_S)]
    over_s = _CHANGE_S + rng.uniform(-_SLOW_S, _SLOW_S)
    cuts += [over_s, over_s + rng.uniform(*_HANDOVER_S), _SECONDS]
    return [_Duty(*cuts[i : i + 2]) for i in range(0, len(cuts), 2)]


def _chargers(duties: list[_Duty]) -> Iterator[Act]:
    """Taken from the charger and put back; the day ends while the last shift is at work."""
    for duty in duties:
        yield Act(duty.from_s, ON)
        yield Act(duty.from_s + _SELF_TEST_S, kinds.SELF_TEST)
    yield from (Act(before.to_s, OFF) for before, _ in pairwise(duties))


def _windows(duty: _Duty) -> Iterable[float]:
    return (duty.from_s + (number + 1) * _WINDOW_S for number in range(int(duty.hours * _HOUR_S // _WINDOW_S)))


def _fall(rng: random.Random, t_s: float) -> Iterator[Act]:
    yield Act(t_s, kinds.FALLING)
    yield Act(t_s + _IMPACT_S, kinds.FALL)
    if rng.random() < _CANCELLED:
        yield Act(t_s + _IMPACT_S + rng.uniform(3.0, _CANCEL_S - 1), kinds.CLEARED)
        return
    yield Act(t_s + _IMPACT_S + _CANCEL_S, kinds.CONFIRMED)
    yield from _until_help(rng, t_s + _IMPACT_S)


def _until_help(rng: random.Random, raised_s: float) -> Iterator[Act]:
    """Tell an alarm again and again, and its end when somebody has come, later than it can be confirmed."""
    help_s = raised_s + _CANCEL_S + 1 + rng.expovariate(1 / _HELP_S)
    pause_s, t_s = _ASK_S[0], raised_s + _ASK_S[0]
    while t_s < help_s:
        yield Act(t_s, kinds.STILL_OPEN)
        pause_s = min(2 * pause_s, _ASK_S[1])
        t_s += pause_s
    yield Act(help_s, kinds.CLEARED)


def _encounter(rng: random.Random, t_s: float, tag: list[Act], machine: list[Act]) -> None:
    tag.append(Act(t_s, kinds.WARNING))
    if rng.random() < _DANGER:
        tag.append(Act(t_s + rng.uniform(*_DEEPER_S), kinds.WARNING))
    machine.append(Act(t_s + rng.uniform(*_DWELL_S) + _LOST_S, kinds.NEAR_MISS))


def _somebody(rng: random.Random, duties: list[list[_Duty]], t_s: float, otherwise: int) -> int:
    """A tag that is worn at that time, the same as before perhaps; `otherwise` when hardly any is."""
    for _ in range(_TRIES):
        number = rng.randrange(len(duties))
        if any(duty.from_s <= t_s < duty.to_s for duty in duties[number]):
            return number
    return otherwise


def _moments(rng: random.Random, rate: float, duty: _Duty) -> list[float]:
    """Of a Poisson process with `rate` an hour, in the order of time."""
    return sorted(rng.uniform(*duty) for _ in range(_poisson(rng, rate * duty.hours)))


def _poisson(rng: random.Random, mean: float) -> int:
    """Count the arrivals of one unit of time (Knuth 1997 counts in products of uniforms; sums do not underflow)."""
    count, t = 0, rng.expovariate(1.0)
    while t < mean:
        count += 1
        t += rng.expovariate(1.0)
    return count
