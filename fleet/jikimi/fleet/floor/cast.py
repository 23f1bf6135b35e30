"""Who has a part of their own in a run that is long enough for it: one who lies still, one who works alone.

The shortest times a tag can be set to are a minute of stillness and five minutes between check-ins, so a short run
has neither part, and every worker of it does what all do.
"""

from __future__ import annotations

from dataclasses import dataclass

REST_FROM_S, LONE_FROM_S = 100.0, 400.0  # a run lasts at least this to have the part
LONE_CREW = 3  # tags, so that somebody is left to fall and to call for help
REST_BEGIN_S, REST_END_S = 10.0, 85.0  # lying motionless, in seconds of the shift


@dataclass(frozen=True)
class Cast:
    """Numbers of the workers (0 = the first) with a part; None: nobody has it.

    The `resting` one lies motionless from REST_BEGIN_S to REST_END_S. The `lone` one is asked to check in, and neither
    falls nor calls for help, as either starts the time to the next question again.
    """

    resting: int | None = None
    lone: int | None = None


NO_PARTS = Cast()


def cast(crew: int, seconds: float) -> Cast:
    """The parts among `crew` workers in a run of `seconds` (infinite: without end)."""
    return Cast(
        resting=crew - 1 if seconds >= REST_FROM_S else None,
        lone=crew - 2 if seconds >= LONE_FROM_S and crew >= LONE_CREW else None,
    )
