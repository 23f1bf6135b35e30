"""Asks a lone worker, every so often, whether all is well; whoever does not answer in time has an alarm raised."""

# As long as somebody may need who must first put a load down.
_ANSWER_MS = 60_000


class CheckIn:
    """`period_ms` between an answer and the next question, None: never asks."""

    def __init__(self, period_ms, now_ms):
        self._period_ms = period_ms
        self._since_ms = now_ms
        self._asked_ms = None

    def answered(self, now_ms):
        """A sign of life; the next question is a whole period away."""
        self._since_ms = now_ms
        self._asked_ms = None

    def asking(self, now_ms):
        """Whether the question is being put."""
        if self._period_ms is not None and self._asked_ms is None and now_ms - self._since_ms >= self._period_ms:
            self._asked_ms = now_ms
        return self._asked_ms is not None

    def missed(self, now_ms):
        """True once, when nobody has answered in time."""
        if self._asked_ms is None or now_ms - self._asked_ms < _ANSWER_MS:
            return False
        self.answered(now_ms)
        return True
