"""A broker and a site behind it, in memory, over a network that fails as it is told."""

import asyncio
import errno

from jikimi.wire import messages


class Stream:
    """Reader and writer of one connection."""

    def __init__(self, net):
        self._net = net
        self._bytes = b""
        self._more = asyncio.Event()
        self.open = True

    async def readexactly(self, n):
        while len(self._bytes) < n:
            if not self.open:
                raise EOFError
            self._more.clear()
            await self._more.wait()
        data, self._bytes = self._bytes[:n], self._bytes[n:]
        return data

    def feed(self, data):
        if self.open:
            self._bytes += data
            self._more.set()

    def write(self, data):
        self._net.on_packet(self, bytes(data))

    async def drain(self):
        pass

    def close(self):
        self.open = False
        self._more.set()

    async def wait_closed(self):
        pass


class Net:
    """`mode`: up, gone, half open, refuses, untrusted (a certificate that has expired is one of those).

    With `faults` messages of either direction are lost, doubled and overtaken by the next one; the site acknowledges,
    as the real one does, the last record before the first gap.
    """

    def __init__(self, port):
        self.mode = "up"
        self.faults = False
        self.attempts = []  # ms at which a connection was tried
        self.births = []
        self.pids = []
        self.stored = {}  # (boot, stream): seqs
        self._port = port
        self._rolls = 12345
        self._late_up = None
        self._late_down = None
        self._streams = []

    def fail(self, mode):
        """Go over to `mode`; what is open ends, but for connections that are half open from now on."""
        self.mode = mode
        if mode != "half open":
            for stream in self._streams:
                stream.close()
            del self._streams[:]

    async def open_stream(self):
        self.attempts.append(self._port.ms)
        if self.mode == "gone":
            raise OSError(errno.ECONNREFUSED, "refused")
        if self.mode == "untrusted":
            raise ValueError("certificate verification failed")
        stream = Stream(self)
        self._streams.append(stream)
        return stream, stream

    def on_packet(self, stream, packet):
        if self.mode == "half open" or not stream.open:
            return
        kind, body = packet[0] & 0xF0, _body(packet)
        if kind == 0x10:
            stream.feed(b"\x20\x02\x00\x05" if self.mode == "refuses" else b"\x20\x02\x00\x00")
        elif kind == 0x80:
            stream.feed(b"\x90\x03" + body[:2] + b"\x01")
        elif kind == 0xC0:
            stream.feed(b"\xd0\x00")
        elif kind == 0x30 and packet[0] & 2:
            self._on_publish(stream, body)

    def _on_publish(self, stream, body):
        end = 2 + (body[0] << 8 | body[1])
        leaf = str(body[2:end], "utf-8").split("/")[3]
        pid, payload = body[end : end + 2], body[end + 2 :]
        self.pids.append(pid[0] << 8 | pid[1])
        fate = self._fate() if leaf in ("al", "ev") else "kept"
        if fate not in ("lost", "unanswered"):
            stream.feed(b"\x40\x02" + pid)
        if leaf == "st":
            self.births.append(messages.decode_state(payload)["reset_reason"])
            return
        came, self._late_up = self._delivered(fate, payload, self._late_up)
        for one in came:
            self._store(stream, one)

    def _store(self, stream, payload):
        boot, kind, _epoch, _quality, records = messages.decode_records(payload)
        seqs = self.stored.setdefault((boot, kind), set())
        seqs.update([record[0] for record in records])
        upto = 0
        while upto + 1 in seqs:
            upto += 1
        if not upto:
            return
        said, self._late_down = self._delivered(self._fate(), messages.encode_ack(boot, kind, upto), self._late_down)
        for one in said:
            body = b"\x00\x0ajk/s/d/ack" + one
            stream.feed(bytes([0x30, len(body)]) + body)

    def _delivered(self, fate, message, late):
        """(what arrives now, what arrives after the next one)."""
        before = [] if late is None else [late]
        if fate == "late":
            return before, message
        return ([] if fate == "lost" else [message] * (2 if fate == "doubled" else 1)) + before, None

    def _fate(self):
        if not self.faults:
            return "kept"
        self._rolls = (self._rolls * 1103515245 + 12345) & 0x7FFFFFFF
        return ("kept", "kept", "lost", "unanswered", "doubled", "late", "kept")[(self._rolls >> 16) % 7]


def _body(packet):
    at = 1
    while packet[at] & 0x80:
        at += 1
    return packet[at + 1 :]
