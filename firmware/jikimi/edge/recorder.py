"""One way to make a record: durable in the journal, on the console's ledger, and on its way."""

from jikimi.wire import kinds

_ALWAYS = (kinds.SOS, kinds.CLEARED, kinds.CONFIRMED)


class Recorder:
    """`record(kind, data)` from anywhere. `failed` counts records the flash did not take, held or not.

    `on_record(stream)` hears that there is something to send. While `on` is False (off duty) nothing is recorded but a
    call for help and what follows from it.
    """

    def __init__(self, journal, clock, port):
        self.failed = 0
        self.on = True
        self.on_record = None
        self._journal = journal
        self._clock = clock
        self._port = port
        journal.on_append = self._on_append
        journal.on_held = self._on_held

    def record(self, kind, data):
        """Store it; its seq, or None: off duty, or the flash failed (the warning on the spot does not depend on it).

        An alarm is sent even if the flash does not take it.
        """
        if not self.on and kind not in _ALWAYS:
            return None
        stream = kinds.stream_of(kind)
        try:
            return self._journal.append(stream, kind, self._clock.up_ms(), data)
        except OSError as error:
            self.failed += 1
            self._port.say(f"jk log record of kind {kind} not stored: {self._port.describe(error)}")
            return None

    def _on_append(self, stream, seq, kind, t_ms):
        base = self._clock.boot_epoch_ms
        epoch_ms = 0 if base is None else base + t_ms
        self._port.say(f"jk rec {self._journal.boot} {stream} {seq} {kind} {epoch_ms}")
        if self.on_record:
            self.on_record(stream)

    def _on_held(self, stream, kind):
        """No `jk rec`: that is the list of what is durable."""
        self.failed += 1
        self._port.say(f"jk log record of kind {kind} in memory only: the flash does not take it")
        if self.on_record:
            self.on_record(stream)
