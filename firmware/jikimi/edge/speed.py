"""How fast the machine moves: from pulses or from a register, and what is reckoned with when nobody knows."""

from jikimi.edge import modbus
from jikimi.wire import kinds

_WINDOW_MS = 1000
_HIGHEST_MM_S = 30_000


class Speed:
    """`source.read()` is a coroutine: mm/s, None when it cannot tell; OSError when it fails.

    `mm_s` is what to reckon with: the speed last read, or `max_mm_s` when that is older than `settings.stale_ms` or
    never was. `fault(kinds.FAULT_… or 0)` hears whether the input fails. A machine that is faster
    than its configured maximum is believed: the larger zone is the safe one.
    """

    def __init__(self, source, settings, max_mm_s, port, fault):
        self.mm_s = max_mm_s
        self._max_mm_s = max_mm_s
        self.known = False
        self._source = source
        self._settings = settings
        self._port = port
        self._fault = fault
        self._good = port.ticks_ms()

    async def run(self, beat):
        """Read for ever."""
        while True:
            beat()
            await self.poll()
            await self._port.sleep_ms(self._settings.poll_ms)

    async def poll(self):
        """Read once."""
        try:
            read = await self._source.read()
        except OSError:
            read = None  # its cause does not matter: while the speed is unknown, the highest is assumed
        now = self._port.ticks_ms()
        if read is not None:
            self._good = now
            self.known, self.mm_s = True, min(read, _HIGHEST_MM_S)
            self._fault(0)
        elif self._port.ticks_diff(now, self._good) > self._settings.stale_ms:
            self.known, self.mm_s = False, self._max_mm_s
            self._fault(kinds.FAULT_SILENT)


class Pulses:
    """`count()` gives the pulses since the start, `may_move()` whether the drive is on.

    No pulse means standstill only while the drive is off: a cut wire gives none either. Until the next one comes, the
    speed is at most one pulse in the time that has gone.
    """

    def __init__(self, count, may_move, pulses_per_m, port):
        self._count = count
        self._may_move = may_move
        self._pulses_per_m = pulses_per_m
        self._port = port
        self._seen = []  # (ticks, count), of the last second
        self._pulse_at = None

    async def read(self):
        """As Speed says."""
        now, count = self._port.ticks_ms(), self._count()
        seen = [point for point in self._seen if self._port.ticks_diff(now, point[0]) <= _WINDOW_MS]
        if seen and count < seen[-1][1]:
            seen = []  # the counter began anew
        pulses = count - seen[0][1] if seen else 0
        if seen and count > seen[-1][1]:
            self._pulse_at = now
        seen.append((now, count))
        self._seen = seen
        if pulses:
            return self._mm_s(pulses, self._port.ticks_diff(now, seen[0][0]))
        if not self._may_move():
            return 0
        return self._slower_than()

    def _slower_than(self):
        if self._pulse_at is None:
            return None
        since_ms = self._port.ticks_diff(self._seen[-1][0], self._pulse_at)
        # Long after the last pulse a cut wire is as likely as a slow machine.
        return self._mm_s(1, since_ms) if _WINDOW_MS <= since_ms <= 2 * _WINDOW_MS else None

    def _mm_s(self, pulses, ms):
        return pulses * 1_000_000 // (self._pulses_per_m * max(ms, 1))


class Register:
    """A register that holds the speed; `client` as modbus.Rtu or modbus.Tcp."""

    def __init__(self, client, settings):
        self._client = client
        self._function = modbus.INPUT if settings.input_register else modbus.HOLDING
        self._address = settings.register
        self._um_s = settings.um_s_per_count

    async def read(self):
        """As Speed says; the direction (sign of 16 bits) does not matter."""
        value = (await self._client.read(self._function, self._address))[0]
        return abs(value - 0x10000 if value > 0x7FFF else value) * self._um_s // 1000
