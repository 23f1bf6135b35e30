"""What a device says about itself: birth, farewell, last will, vitals."""

import asyncio

from jikimi.wire import kinds, messages


class Reports:
    """Values come from the parts named; `core` and hashes are texts, `battery` a battery.Battery or None.

    `starts` as starts.Starts.
    """

    def __init__(self, config, port, clock, journal, core, reset_reason, firmware_hash, config_hash, battery, starts):
        self.reset_reason = reset_reason
        self.dropped = {}  # name of a field of vitals: function that counts
        self.release = dict  # function that gives the fields about the release that runs
        self._config = config
        self._port = port
        self._clock = clock
        self._journal = journal
        self._core = core
        self._hashes = (firmware_hash, config_hash)
        self._battery = battery
        self._starts = starts

    def state(self, docked):
        """What this device is, and whether it is here (birth) or docked (farewell)."""
        config = self._config
        capabilities = [self._port.CORE]
        capabilities += [name for name in ("imu", "uwb", "machine") if getattr(config, name) is not None]
        fields = self.release()
        fields.update(
            {
                "boot": self._journal.boot,
                "status": "docked" if docked else "online",
                "kind": config.kind,
                "reset_reason": self.reset_reason,
                "firmware": self._hashes[0],
                "config": self._hashes[1],
                "core": self._core,
                "epoch_ms": self._clock.epoch_ms(),
                "clock_quality": self._clock.quality,
                "capabilities": capabilities,
                "crash": self._starts.crash,
                "safe": 1 if self._starts.safe else None,
            }
        )
        return messages.encode_state(fields)

    def will(self, docked):
        """The state message the broker publishes when this device falls silent, which is no matter when docked."""
        return messages.encode_state({"boot": self._journal.boot, "status": "docked" if docked else "lost"})

    def vitals(self):
        """How this device is doing."""
        fields = {
            "boot": self._journal.boot,
            "up_ms": self._clock.up_ms(),
            "battery_pct": None if self._battery is None else self._battery.percent(),
            "heap_free": self._port.heap_free(),
            "journal_alarm": self._journal.depth(kinds.STREAM_ALARM),
            "journal_event": self._journal.depth(kinds.STREAM_EVENT),
        }
        for name, count in self.dropped.items():
            fields[name] = count()
        return messages.encode_vitals(fields)

    async def run(self, send, duty, beat):
        """`await send(payload)` every `vitals_s`, on duty."""
        while True:
            for _ in range(self._config.vitals_s):
                beat()
                await asyncio.sleep(1)
            if duty.on:
                try:
                    await send(self.vitals())
                except MemoryError:
                    self._port.say("jk log no memory for vitals")  # a warning is worth a restart, a number is not
