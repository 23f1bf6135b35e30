"""Time on a device: milliseconds since this boot, and when that boot was, if anybody knows."""

from jikimi.wire import kinds


class Clock:
    """t = 0 is when it is made. Once known, the boot's UTC is fixed: a record's time is not improved afterwards."""

    def __init__(self, port):
        self._port = port
        self._last = port.ticks_ms()
        self._up_ms = 0
        self.boot_epoch_ms = port.epoch_ms()
        self.quality = kinds.CLOCK_NONE if self.boot_epoch_ms is None else kinds.CLOCK_RTC

    def up_ms(self):
        """Milliseconds since t = 0. Ask at least once in six days: the tick counter behind it wraps."""
        now = self._port.ticks_ms()
        self._up_ms += self._port.ticks_diff(now, self._last)
        self._last = now
        return self._up_ms

    def up_s(self):
        return self.up_ms() // 1000

    def set(self, epoch_ms):
        """Take the UTC that somebody else knows, if this boot has none; True when taken."""
        if self.boot_epoch_ms is not None:
            return False
        self.boot_epoch_ms = epoch_ms - self.up_ms()
        self.quality = kinds.CLOCK_SET
        self._port.set_clock(epoch_ms)
        return True

    def epoch_ms(self):
        """UTC in milliseconds, or None while it is not known."""
        return None if self.boot_epoch_ms is None else self.boot_epoch_ms + self.up_ms()
