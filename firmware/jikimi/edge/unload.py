"""Modules that are needed now and then: on a device, code takes memory of the same heap as everything else."""

import gc
import sys


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
