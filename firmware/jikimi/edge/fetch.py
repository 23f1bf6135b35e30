"""Fetching content from the site, piece by piece, over the link that is there. Resumable at any byte."""

import asyncio
import hashlib

from jikimi.wire import cbor, transfer

_ANSWER_MS = 4_000
_LONGEST_MS = 60_000
_TRIES = 8  # in a row without an answer: the caller may try again another time


class Unknown(OSError):
    """The site has no such content."""


class Fetcher:
    """One request at a time. `link` as link.Link; `beat` tells the supervisor that this is alive."""

    def __init__(self, link, port, beat):
        self._link = link
        self._port = port
        self._beat = beat
        self._ident = 0
        self._answer = None
        self._arrived = asyncio.Event()
        link.on_piece = self._heard

    async def content(self, digest, size):
        """All of a small content, its digest checked; OSError when it does not come, or is not what was asked for."""
        found = bytearray()
        await self.rest(digest, size, 0, found.extend)
        if hashlib.sha256(found).digest() != digest:
            raise OSError("what came is not what was asked for")
        return bytes(found)

    async def rest(self, digest, size, offset, sink):
        """Give what stands from `offset` on to `sink`, piece by piece; the digest is the caller's to check."""
        while offset < size:
            piece = await self._piece(digest, size, offset)
            sink(piece)
            offset += len(piece)

    async def _piece(self, digest, size, offset):
        wait_ms, tries = _ANSWER_MS, 0
        while True:
            answer = await self._asked(digest, offset, wait_ms)
            if answer is None:
                tries += 1
                if tries == _TRIES:
                    raise OSError("no answer from the site")
                wait_ms = min(2 * wait_ms, _LONGEST_MS)
                continue
            _ident, status, at, total, data, retry_ms = answer
            if status == transfer.UNKNOWN:
                raise Unknown("the site does not have it")
            if status == transfer.BUSY:  # the site asks for patience: no failure, and not counted as one
                await self._sleep(min(retry_ms, _LONGEST_MS))
            elif at == offset and total == size and data:
                return data
            else:
                raise OSError("an answer that does not fit")

    async def _asked(self, digest, offset, wait_ms):
        """The answer to one request, or None when none came in time."""
        self._ident += 1
        self._answer = None
        self._arrived.clear()
        self._beat()
        await self._link.ask(transfer.encode_request(self._ident, digest, offset))
        while wait_ms > 0 and self._answer is None:
            self._beat()
            try:
                await self._port.wait_for_ms(self._arrived.wait(), min(wait_ms, 1000))
            except asyncio.TimeoutError:
                wait_ms -= 1000
        return self._answer

    def _heard(self, payload):
        # As a view of the message: there may be no room for the data twice.
        answer = transfer.unpack_answer(cbor.loads(payload, views=True))
        if answer[0] == self._ident:  # a late answer to an earlier request says nothing about this one
            self._answer = answer
            self._arrived.set()

    async def _sleep(self, ms):
        while ms > 0:
            self._beat()
            await self._port.sleep_ms(min(ms, 1000))
            ms -= 1000
