"""Which of the two Pythons this is."""

import sys

try:
    from micropython import const
except ImportError:  # CPython has no such compile-time marker

    def const(value):
        return value


def port():
    """The module with everything that differs: the signal core, short waits, the clock, TLS, files, restart."""
    if sys.implementation.name == "micropython":
        from jikimi.edge import port_micropython as chosen
    else:
        from jikimi.edge import port_cpython as chosen
    return chosen
