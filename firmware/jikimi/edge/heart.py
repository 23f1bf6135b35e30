"""The wearer's heart rate and how hard the work is: judged here, told the wearer alone, written and sent nowhere."""

from array import array

from jikimi.edge.beats import Beats
from jikimi.edge.drivers.max30102 import BURST, MOST_BURSTS, Max30102
from jikimi.edge.faults import keep
from jikimi.edge.warn import EXERTION, EXERTION_MS

_PERIOD_MS = 400
# Without a sample for so long the sensor is broken, whatever it answers.
_SILENCE_MS = 3000
# So many equal pairs: noise alone would change them.
_FROZEN = 50
# How often the monitor is told that there is no rate. A minute of that, and it knows nothing, as it should; told at
# every look it would take it for artefacts, and know nothing after four seconds.
_GAP_MS = 10_000
_TIME_MASK = 0x3FFFFFFF  # small integers on a 32-bit chip; the monitor takes the step back for no time


class Heart:
    """`chip` as drivers.max30102.Max30102, `settings` with the wearer's `rest_bpm` and `max_bpm`.

    `on_high()` is called when the exertion reaches 7 on Borg's CR10 scale ("very hard"), once until it has eased.
    """

    def __init__(self, core, chip, settings, port, on_high):
        self.beats = Beats(chip.rate_hz)
        self.high = False
        self._core = core
        self._chip = chip
        self._port = port
        self._on_high = on_high
        self._state = core.exertion_new(settings.rest_bpm, settings.max_bpm)
        self._red = array("i", [0] * BURST)
        self._infrared = array("i", [0] * BURST)
        self._t_ms = self._gap_ms = 0
        self._ticks = port.ticks_ms()
        self._same = 0
        self._last = -1

    async def start(self):
        """Light up; OSError when the sensor fails, or its own test does."""
        failed = await self._chip.self_test()
        if failed:
            raise OSError("MAX30102 fails its own test: " + failed)
        await self._chip.start()
        self.beats.restart()
        self._same = 0

    async def run(self, duty, beat):
        """Read while on duty; OSError when the sensor gives nothing, or the same for ever."""
        port = self._port
        sample_at = port.ticks_ms()
        while duty.on:
            beat()
            await port.sleep_ms(_PERIOD_MS)
            if self.drain():
                sample_at = port.ticks_ms()
            elif port.ticks_diff(port.ticks_ms(), sample_at) > _SILENCE_MS:
                raise OSError("MAX30102 gives no samples")
            self._judge()

    def drain(self):
        """Everything in the FIFO to the beats; how many pairs. OSError when they never change, or never end."""
        total = 0
        for _ in range(MOST_BURSTS):
            count = self._chip.read_into(self._red, self._infrared)
            for i in range(count):
                self._look(self._red[i], self._infrared[i])
            total += count
            if count < BURST:
                return total
        raise OSError("MAX30102 is never empty")

    def _look(self, red, infrared):
        self._same = self._same + 1 if infrared == self._last else 0
        self._last = infrared
        if self._same > _FROZEN:
            self._same = 0
            raise OSError("MAX30102 is frozen")
        self.beats.push(red, infrared)

    def _judge(self):
        self._pass_time()
        bpm = self.beats.bpm
        if bpm is not None or self._gap_ms >= _GAP_MS:
            self._gap_ms = 0
            self._core.exertion_push(self._state, self._t_ms, bpm or 0)
        high = self._core.exertion_high(self._state)
        if high and not self.high:
            self._on_high()
        self.high = high

    def _pass_time(self):
        """Pauses count too: while the sensor had failed nothing was known of the wearer."""
        now = self._port.ticks_ms()
        step_ms = max(0, self._port.ticks_diff(now, self._ticks))
        self._ticks = now
        self._t_ms = (self._t_ms + step_ms) & _TIME_MASK
        self._gap_ms += step_ms


def add(tasks, core, hardware, settings, port, duty, warner, fault):
    """The task of a tag's heart-rate sensor; `tasks` as supervisor.Supervisor."""
    chip = Max30102(hardware.i2c(), port.sleep_ms)
    heart = Heart(core, chip, settings, port, lambda: warner.briefly(EXERTION, EXERTION_MS))

    async def run(beat):
        await heart.run(duty, beat)

    tasks.add("heart", lambda beat: keep(heart.start, run, chip.stop, fault, duty, port.sleep_ms, beat))
