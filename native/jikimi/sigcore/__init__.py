"""The signal core on CPython: detectors over NumPy arrays. Gateways use `jikimi.sigcore.block`."""

from jikimi.sigcore.events import Event
from jikimi.sigcore.falls import FallDetector

__all__ = ["Event", "FallDetector"]
