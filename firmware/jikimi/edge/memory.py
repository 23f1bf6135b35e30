"""What lets a device live in a small heap: code that is needed now and then is let go, and a piece is put aside.

The piece is for the moment in which there is nothing left: for an alarm, and for the note of why a device restarts.
Nothing that waits may rely on it: once it is let go, whoever runs next may take it.
"""

import gc
import sys

# An alarm's record in a new segment, with the list of those that are on, takes 1.25 to 1.5 KiB on a 64-bit port.
_RESERVE_BYTES = 2048
_reserve = [None]


def unload(*names):
    """Give back what modules (`jikimi.edge.boards`) take, if nobody holds anything of theirs; nothing on CPython."""
    if sys.implementation.name != "micropython":
        return
    for name in names:
        package, _, module = name.rpartition(".")
        sys.modules.pop(name, None)
        if package in sys.modules and hasattr(sys.modules[package], module):
            delattr(sys.modules[package], module)
    gc.collect()


def keep():
    """Put the piece aside, if it is not and there is enough for it; nothing on CPython."""
    if _reserve[0] is None and sys.implementation.name == "micropython":
        try:
            _reserve[0] = bytearray(_RESERVE_BYTES)
        except MemoryError:
            pass  # it was let go for something, and what took it still does


def release():
    """Let the piece go, and whatever else nobody holds any more."""
    if _reserve[0] is not None:
        _reserve[0] = None
        gc.collect()
