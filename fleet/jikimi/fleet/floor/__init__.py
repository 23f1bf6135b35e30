"""The virtual shop floor: people and machines that move, the radio between them, and the truth about both."""

from jikimi.fleet.floor.hall import Floor, WornBody, workers
from jikimi.fleet.floor.plan import MAX_MACHINES, Machine, Plan, Zone, default_plan
from jikimi.fleet.floor.truth import ActedFall, Incursion

__all__ = [
    "MAX_MACHINES",
    "ActedFall",
    "Floor",
    "Incursion",
    "Machine",
    "Plan",
    "WornBody",
    "Zone",
    "default_plan",
    "workers",
]
