"""Pins that say yes or no."""


class Input:
    """Whether `pin` (machine.Pin) is at `level` (0 or 1); never without a pin."""

    def __init__(self, pin, level):
        self._pin = pin
        self._level = level

    def __call__(self):
        return self._pin is not None and bool(self._pin.value()) == bool(self._level)
