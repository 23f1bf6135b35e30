"""The virtual shop floor: people and machines that move, the radio between them, and the truth about both."""

from jikimi.fleet.floor.cast import NO_PARTS, Cast, cast
from jikimi.fleet.floor.hall import Floor, WornBody, workers
from jikimi.fleet.floor.plan import MAX_MACHINES, Machine, Plan, Zone, default_plan
from jikimi.fleet.floor.truth import ActedFall, Incursion, Rest

__all__ = [
    "MAX_MACHINES",
    "NO_PARTS",
    "ActedFall",
    "Cast",
    "Floor",
    "Incursion",
    "Machine",
    "Plan",
    "Rest",
    "WornBody",
    "Zone",
    "cast",
    "default_plan",
    "workers",
]
