"""From the IMU's FIFO through the signal core to events. Everything is allocated here, once."""

from array import array

from jikimi.edge.drivers.imu import MOST_BURSTS
from jikimi.edge.faults import until_on
from jikimi.edge.port import const
from jikimi.wire import kinds

_BLOCK_SAMPLES = const(16)
_SAMPLE_BYTES = const(12)
_EVENT_ROWS = const(8)
_EVENT_WORDS = const(4)
# How often the FIFO is emptied: the largest part of the time from a sample to a warning.
_PERIOD_MS = const(40)
# Without a sample at so many looks, a second, the sensor is broken, whatever it answers. Looks and not time: when the
# program itself is held up, by a handshake or a flash that erases, the samples are there, or were there too long.
_SILENCE = const(25)
# The same sample at so many is none: the noise of a sensor that lives is larger than its resolution.
_FROZEN = const(50)
# For who asks whether samples come, and does not look himself.
_LATE_MS = const(1000)
_RETRY_MS = const(2000)
_TRY_MS = const(300)
# The check of a day on duty looks at the newest sample of every block for so long. Each axis must have changed by then,
# and in a second in which the wearer keeps still the acceleration must be that of the earth, within a fifth: more than
# any offset in the data sheets.
_LOOKS = const(1500)
_STILL_LOOKS = const(25)
_ALL_AXES = const(0x3F)
_LEAST_PERCENT = const(64)  # of 1 g, squared
_MOST_PERCENT = const(144)
# What the core takes for "do not watch for stillness".
_NEVER_S = const(-1)

PLACEMENTS = ("waist", "wrist")  # the position is the core's code


class Sensing:
    """`imu` as drivers.lsm6dsox.Lsm6dsox, `core` the signal core.

    Stillness of `no_motion_min` minutes is an event; 0: never. Off `duty` nothing is read.
    `on_event(kind, t_ms, confidence_permille, latency_ms)` is called at once for every event: `t_ms` counts from the
    first sample of the stream, `latency_ms` is the age of the oldest sample of the block that gave it.
    `on_fault(kinds.FAULT_… or 0)` is told, again and again, whether the sensor fails.
    """

    def __init__(self, core, imu, placement, no_motion_min, port, duty, on_event, on_fault):
        self._core = core
        self._imu = imu
        self._port = port
        self._duty = duty
        self._on_event = on_event
        self._on_fault = on_fault
        self._samples = bytearray(_BLOCK_SAMPLES * _SAMPLE_BYTES)
        self._events = array("i", [0] * (_EVENT_ROWS * _EVENT_WORDS))
        rate_hz, acc, gyro = imu.rate_hz, imu.acc_lsb_per_g, imu.gyro_lsb_per_dps_x100
        self._motion = core.motion_new(rate_hz, acc, gyro)
        self._fall = core.fall_new(PLACEMENTS.index(placement), no_motion_min * 60 or _NEVER_S)
        self._bend = core.bend_new()
        self._sample_at = 0
        self._silent = self._same = 0  # looks since there was a sample, and since there was another one
        self._last = bytearray(_SAMPLE_BYTES)
        self._tested = False
        self._weakness = 0
        self._implausible = 0
        self._lost = False
        self._axes = 0  # that have changed, a bit each

    async def run(self, beat):
        """Read while on duty, after a self-test; a sensor that fails is started again."""
        while True:
            beat()
            fault = kinds.FAULT_SILENT
            try:
                if not self._duty.on:
                    self._imu.stop()
                    await until_on(self._duty, self._port.sleep_ms, beat)
                    self._tested = False
                    self._implausible = 0
                if not self._tested:
                    self._weakness = await self._self_test()
                await self._imu.start()
                fault = await self._read_until_fault(beat)
                if not self._duty.on:
                    continue
            except OSError:
                pass  # bus or chip: what matters is said by the next line, and it is tried again
            beat()
            if self._duty.on:
                self._on_fault(fault)
            await self._port.sleep_ms(_RETRY_MS)  # off duty, too: a chip that cannot be switched off holds up nobody

    async def works(self):
        """Whether samples come; off duty the sensor is switched on for a moment to tell. OSError when it fails."""
        port = self._port
        if self._duty.on:
            return port.ticks_diff(port.ticks_ms(), self._sample_at) < _LATE_MS
        await self._imu.start()
        await port.sleep_ms(_TRY_MS)
        count = self._imu.read_into(self._samples)
        if not self._duty.on:
            self._imu.stop()
        return count > 0

    async def check(self, beat):
        """What can be told without switching anything, while it is worn: kinds.FAULT_…, 0, or None when duty ends.

        Settings that are lost are set again at once. OSError when the chip does not answer.
        """
        if not self._imu.kept():
            self._lost = True
            return kinds.FAULT_SELF_TEST
        self._axes = 0
        gravity = _Gravity(self._imu.acc_lsb_per_g)
        for _ in range(_LOOKS):
            beat()
            await self._port.sleep_ms(_PERIOD_MS)
            if not self._duty.on:
                return None
            gravity.look(self._last)
        self._implausible = kinds.FAULT_FROZEN if self._axes != _ALL_AXES else gravity.fault
        return self._implausible or self._weakness

    async def _self_test(self):
        """The chip's own test: what it says goes for as long as the duty does."""
        failed = await self._imu.self_test()
        self._tested = True
        if not failed:
            return 0
        self._port.say("jk log self-test of the inertial unit: " + failed)
        return kinds.FAULT_SELF_TEST

    async def _read_until_fault(self, beat):
        """kinds.FAULT_… when the sensor has stopped, or says the same for ever; 0 when the duty ends."""
        port = self._port
        self._sample_at = port.ticks_ms()
        self._silent = self._same = 0
        self._lost = False
        while self._duty.on:
            beat()
            if self._lost:
                return kinds.FAULT_SELF_TEST
            self._silent += 1
            self._same += 1
            if self._drain() and not self._same:
                self._on_fault(self._implausible or self._weakness)
            if self._silent > _SILENCE:
                return kinds.FAULT_SILENT
            if self._same > _FROZEN:
                return kinds.FAULT_FROZEN
            await port.sleep_ms(_PERIOD_MS)
        return 0

    def _drain(self):
        """Everything in the FIFO, block by block; how many samples. A chip that is never empty holds up nobody."""
        total = 0
        for _ in range(MOST_BURSTS):
            count = self._imu.read_into(self._samples)
            if not count:
                break
            now = self._port.ticks_ms()
            self._sample_at = now
            self._silent = 0
            if self._changed(count):
                self._same = 0
            total += count
            self._push(count, now)
            if count < _BLOCK_SAMPLES:
                break
        return total

    def _changed(self, count):
        """Whether the newest sample differs from the one kept, which it replaces: noise alone changes a live one."""
        samples, last = self._samples, self._last
        start = (count - 1) * _SAMPLE_BYTES
        changed = False
        for i in range(_SAMPLE_BYTES):
            if samples[start + i] != last[i]:
                last[i] = samples[start + i]
                self._axes |= 1 << (i >> 1)
                changed = True
        return changed

    def _push(self, count, now):
        age_ms = count * 1000 // self._imu.rate_hz
        rows = self._events
        found = self._core.motion_push(self._motion, self._fall, self._bend, self._samples, count, rows)
        for row in range(0, found * _EVENT_WORDS, _EVENT_WORDS):
            latency_ms = age_ms + self._port.ticks_diff(self._port.ticks_ms(), now)
            self._on_event(rows[row], rows[row + 1], rows[row + 2], latency_ms)


class _Gravity:
    """Whether the acceleration, while it does not change, is that of the earth: `fault` as kinds.FAULT_…, or 0."""

    def __init__(self, lsb_per_g):
        self.fault = 0
        self._g_percent = (lsb_per_g >> 3) ** 2 // 100  # an eighth of the counts: their squares stay below 2^30
        self._least = self._most = self._looks = 0

    def look(self, sample):
        """The newest sample (int16 LE, acceleration first)."""
        squared = sum([(_signed(sample, at) >> 3) ** 2 for at in (0, 2, 4)]) // self._g_percent
        least, most = min(self._least, squared), max(self._most, squared)
        if not self._looks or most - least > _LEAST_PERCENT // 6:
            least, most, self._looks = squared, squared, 0
        self._least, self._most, self._looks = least, most, self._looks + 1
        if self._looks == _STILL_LOOKS:
            self._looks = 0
            well = _LEAST_PERCENT <= (least + most) // 2 <= _MOST_PERCENT
            self.fault = 0 if well else kinds.FAULT_SELF_TEST


def _signed(sample, at):
    value = sample[at] | sample[at + 1] << 8
    return value - 65536 if value > 32767 else value
