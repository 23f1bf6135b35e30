"""The signal core on CPython: detectors over NumPy arrays. Gateways use `jikimi.sigcore.block`."""

from jikimi.sigcore.bend import BendCounter
from jikimi.sigcore.events import Event
from jikimi.sigcore.exertion import ExertionMonitor
from jikimi.sigcore.falls import FallDetector
from jikimi.sigcore.load import LoadMonitor
from jikimi.sigcore.proximity import BleProximity, UwbRange, UwbTrack, ZoneMonitor, protective_distance_m

__all__ = [
    "BendCounter",
    "BleProximity",
    "Event",
    "ExertionMonitor",
    "FallDetector",
    "LoadMonitor",
    "UwbRange",
    "UwbTrack",
    "ZoneMonitor",
    "protective_distance_m",
]
