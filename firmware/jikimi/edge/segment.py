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
        self.held = None  # its one record, when it is in memory and not on flash
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


def read_header(file):
    """The `Segment` that `file`, open at its start, holds, without its records; None: not even the header is whole."""
    for payload in _frames(file):
        try:
            boot, stream, first, boot_epoch_ms, quality = cbor.loads(payload)
        except (WireError, ValueError, TypeError):
            return None  # checksum right, content not ours: a file somebody else put there
        return Segment(boot, stream, first, boot_epoch_ms, quality)
    return None


def read_records(file, after, max_records, max_bytes):
    """Whole records [seq, kind, t_ms, data] with seq above `after`, in order, within both limits (at least one)."""
    records = []
    size = 0
    for payload, record in _records(file):
        if record[0] <= after:
            continue
        size += len(payload)
        if records and (len(records) >= max_records or size > max_bytes):
            break
        records.append(record)
    return records


def read_kind(file, kind, after):
    """The data of all records of a kind with seq above `after`, one by one."""
    for _payload, record in _records(file):
        if record[1] == kind and record[0] > after:
            yield record[3]


def last_seq(file):
    """Number of the last record that is whole; 0: none is."""
    last = 0
    for _payload, record in _records(file):
        last = record[0]
    return last


def _records(file):
    frames = _frames(file)
    next(frames, None)  # the header
    for payload in frames:
        yield payload, cbor.loads(payload)


def _frames(file):
    """Payloads one by one: a device has memory for a record, and not always in one piece for a whole segment."""
    crc = _SEED
    while True:
        head = file.read(2)
        if len(head) < 2:
            return
        (length,) = struct.unpack("<H", head)
        if length > _LONGEST:
            return
        frame = file.read(length + 4)
        if len(frame) < length + 4:
            return
        payload = frame[:length]
        crc = binascii.crc32(payload, crc)
        if struct.unpack_from("<I", frame, length)[0] != crc:
            return
        yield payload
