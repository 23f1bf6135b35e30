"""Answers requests for pieces of content, and says "busy" before it would slow the site down."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from jikimi.wire import WireError, host, topics, transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from jikimi.fleet.mqtt import Incoming

    Pieces = Callable[[bytes, int, int], tuple[bytes, int] | None]

MAX_ACTIVE = 40  # devices that fetch at once; each holds a broker connection that also carries its alarms
_IDLE_S = 10.0  # a device that asked nothing for so long has finished, or is gone
RETRY_MS = 4_000  # a busy answer says so, and the same again for each device that waits in front
_RETRY_MAX_MS = 60_000


class Server:
    """Requests in, answers out; no state but who is fetching now. `pieces(digest, offset, count)` gives content.

    Not `alone`: other machines hear the same requests, and what is not here may be there.
    """

    def __init__(
        self, pieces: Pieces, clock: Callable[[], float], max_active: int = MAX_ACTIVE, *, alone: bool = True
    ) -> None:
        self.served_bytes = 0
        self.busy = 0
        self.refused = 0
        self._pieces = pieces
        self._clock = clock
        self._max_active = max_active
        self._alone = alone
        self._active: OrderedDict[str, float] = OrderedDict()  # device: when it last asked, the longest ago first
        self._waiting: OrderedDict[str, float] = OrderedDict()

    def answer(self, message: Incoming) -> tuple[str, bytes] | None:
        """(topic, payload) for a message on a device's `get`; None when it is no request."""
        try:
            site, device, _leaf = topics.split_topic(message.topic)
            request = host.decode(topics.GET, message.payload)
        except WireError:
            self.refused += 1
            return None
        assert isinstance(request, host.ChunkRequest)
        payload = self._payload(device, request)
        return None if payload is None else (topics.topic(site, device, topics.PUT), payload)

    def _payload(self, device: str, request: host.ChunkRequest) -> bytes | None:
        if not self._alone and self._pieces(request.digest, 0, 1) is None:
            return None
        if not self._admitted(device):
            self.busy += 1
            return transfer.encode_busy(request.ident, self._retry_ms(device))
        found = self._pieces(request.digest, request.offset, request.count)
        if found is None or request.offset > found[1]:
            return transfer.encode_unknown(request.ident)
        self.served_bytes += len(found[0])
        return transfer.encode_chunk(request.ident, request.offset, found[1], found[0])

    def _admitted(self, device: str) -> bool:
        now = self._clock()
        _forget_older(self._active, now - _IDLE_S)
        if device not in self._active and len(self._active) >= self._max_active:
            return False
        self._waiting.pop(device, None)
        self._active[device] = now
        self._active.move_to_end(device)
        return True

    def _retry_ms(self, device: str) -> int:
        """The more wait, the longer: they shall not all ask again at once."""
        now = self._clock()
        _forget_older(self._waiting, now - 2 * _RETRY_MAX_MS / 1000)
        self._waiting.setdefault(device, now)
        place = list(self._waiting).index(device) // self._max_active
        return min(_RETRY_MAX_MS, RETRY_MS * (1 + place))


def _forget_older(times: OrderedDict[str, float], limit: float) -> None:
    while times and next(iter(times.values())) < limit:
        times.popitem(last=False)
