"""One journal file: a row of frames `length u16 | CBOR | crc32`, little endian.

The first frame is the header (boot, stream, first seq, boot_epoch_ms or null, clock quality), the others are records
(seq, kind, t_ms, data) with consecutive seq. Each checksum is seeded with the one before, so that a frame left
over from another use of the same flash cannot pass. Reading stops at the first frame that is not whole.
"""

import binascii
import struct

from jikimi.wire import WireError, cbor

FRAME_BYTES = 6
_LONGEST = 512
_SEED = 0x4A4B4A31


class Segment:
    """What memory holds of a file: its records are `first` … `last`, of which those up to `acked` are free."""

    def __init__(self, boot, stream, first, boot_epoch_ms, quality):
        self.name = f"{stream}-{boot}-{first}"
        self.boot = boot
        self.stream = stream
        self.first = first
        self.last = first - 1
        self.acked = first - 1
        self.boot_epoch_ms = boot_epoch_ms
        self.quality = quality
        self.size = 0
        self._crc = _SEED

    def pending(self):
        """How many records are not acknowledged."""
        return self.last - self.acked

    def write(self, files, file, *payloads):
        """Append frames in one write; OSError may leave any part of them in the file."""
        crc = self._crc
        data = b""
        for payload in payloads:
            if payload:
                crc = binascii.crc32(payload, crc)
                data += struct.pack("<H", len(payload)) + payload + struct.pack("<I", crc)
        files.write(file, data)
        self._crc = crc
        self.size += len(data)


def header_frame(segment):
    """Payload of the first frame of a segment."""
    return cbor.dumps([segment.boot, segment.stream, segment.first, segment.boot_epoch_ms, segment.quality])


def record_frame(seq, kind, t_ms, data):
    """Payload of a record; ValueError when it is too long to be one."""
    payload = cbor.dumps([seq, kind, t_ms, data])
    if len(payload) > _LONGEST:
        raise ValueError(f"a record of {len(payload)} bytes; at most {_LONGEST}")
    return payload


def read_header(content):
    """The `Segment` whose file holds `content`, without its records; None when not even the header is whole."""
    for payload in _frames(content):
        try:
            boot, stream, first, boot_epoch_ms, quality = cbor.loads(payload)
        except (WireError, ValueError, TypeError):
            return None  # checksum right, content not ours: a file somebody else put there
        return Segment(boot, stream, first, boot_epoch_ms, quality)
    return None


def read_records(content, after, max_records=100000, max_bytes=100000):
    """Whole records [seq, kind, t_ms, data] with seq above `after`, in order, within both limits (at least one)."""
    records = []
    size = 0
    header = True
    for payload in _frames(content):
        record = cbor.loads(payload)
        if header or record[0] <= after:
            header = False
            continue
        size += len(payload)
        if records and (len(records) >= max_records or size > max_bytes):
            break
        records.append(record)
    return records


def _frames(content):
    view = memoryview(content)
    crc = _SEED
    at = 0
    while at + FRAME_BYTES <= len(view):
        (length,) = struct.unpack_from("<H", view, at)
        end = at + 2 + length
        if length > _LONGEST or end + 4 > len(view):
            return
        payload = bytes(view[at + 2 : end])
        crc = binascii.crc32(payload, crc)
        if struct.unpack_from("<I", view, end)[0] != crc:
            return
        yield payload
        at = end + 4
