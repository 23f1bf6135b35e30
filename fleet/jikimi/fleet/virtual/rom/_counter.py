# mypy: ignore-errors
"""`machine.Counter` of the ESP32 port."""


class Counter:
    """Counts edges of a pin; the emulation has one unit, and counts by the pin's events."""

    RISING = 1
    FALLING = 2

    def __init__(self, id, src, *, edge=RISING):
        self._count = 0
        src.irq(self._on_edge, edge)

    def _on_edge(self, _pin):
        self._count += 1

    def value(self, value=None):
        before = self._count
        if value is not None:
            self._count = value
        return before
