"""The flash journal: a record is the device's until the fleet manager says it has it.

Layout, below two directories (see `files.Files`):

    state/boot               number of the current boot (`boot_count`)
    journal/0-7-1            segment: stream 0 (alarms), boot 7, first record 1
    journal/1-7-58           segment: stream 1 (events), boot 7, first record 58
    journal/1-3-1.lost       segment given up to make room, until LOST records report it

`segment.py` has the format of one file. Every operation leaves a state that the next `Journal(...)` reads correctly,
wherever the power is cut:

1. inside a write: the torn frame fails its checksum; frames before it stay; nobody was told of the torn one.
2. between create and first write, or inside the header: the segment holds nothing and is removed.
3. before the rename to `.lost`: nothing was given up. After it: the next start reports it (again). A LOST record names
   its range, so that hearing it twice says nothing twice.
4. before an acknowledged segment is removed: it is sent again, and the receiver knows the records by their key.

Streams are separate classes with separate room, so events never push out an alarm.

An alarm that the flash does not take is held in memory, in its place among the others, and sent like them: its wearer
needs help now, whatever the flash is worth. A segment that the flash does not give now keeps nothing else from being
sent.
"""

from jikimi.edge.lost import missing, ranges
from jikimi.edge.segment import FRAME_BYTES, Segment, header_frame, last_seq, read_header, read_records, record_frame
from jikimi.wire import kinds

# One flash block of littlefs, so that a segment never costs more flash than it holds.
SEGMENT_BYTES = 4096
# Segments kept per stream. A boot with unsent records needs one of its own: 24 allow 23 restarts without a network.
ALARM_SEGMENTS = 16
EVENT_SEGMENTS = 24
# Alarms in memory at most: more than a wearer raises before the site acknowledges the first.
MOST_HELD = 8


class Batch:
    """Records of one boot and stream, in order, as `wire.messages.encode_records` takes them."""

    def __init__(self, segment, records):
        self.boot = segment.boot
        self.stream = segment.stream
        self.boot_epoch_ms = segment.boot_epoch_ms
        self.quality = segment.quality
        self.records = records


class Journal:
    """Append, read in order, free by acknowledgement. One instance owns the directory.

    `boot_epoch_ms` (UTC of this boot's t = 0, or None) and `quality` are stored with this boot's segments.
    `on_append(stream, seq, kind, t_ms)`, when set, hears of every record that has become durable; `on_held(stream,
    kind)` of every one that is in memory only.
    """

    def __init__(
        self, files, boot, boot_epoch_ms, quality, alarm_segments=ALARM_SEGMENTS, event_segments=EVENT_SEGMENTS
    ):
        self.boot = boot
        self.boot_epoch_ms = boot_epoch_ms
        self.quality = quality
        self.lost = 0
        self.on_append = None
        self.on_held = None
        self._files = files
        self._limits = {kinds.STREAM_ALARM: alarm_segments, kinds.STREAM_EVENT: event_segments}
        self._segments = {stream: [] for stream in self._limits}
        self._open = {stream: None for stream in self._limits}
        self._next = {stream: 1 for stream in self._limits}
        self._given_up = []
        self._damaged = []
        self._recover()

    def append(self, stream, kind, t_ms, data):
        """Store one record; its seq once it is durable, or held. OSError: neither, and its seq will be used again."""
        try:
            seq = self._store(stream, kind, t_ms, data)
        except OSError:
            if stream != kinds.STREAM_ALARM or self._count_held() >= MOST_HELD:
                raise
            return self._hold(stream, kind, t_ms, data)
        if self._given_up or self._damaged:
            try:
                self.report_lost(t_ms)
            except OSError:
                pass  # this record is safe; what was given up stays as .lost files, and the next append tries again
        return seq

    def report_lost(self, t_ms):
        """Append LOST records for what was given up or damaged, in earlier boots too, then let the files go."""
        while self._given_up or self._damaged:
            given_up, damaged = self._given_up, self._damaged
            for lost in ranges(given_up, damaged, self._files):
                self._store(kinds.STREAM_EVENT, kinds.LOST, t_ms, lost)
            self._given_up = self._given_up[len(given_up) :]
            self._damaged = self._damaged[len(damaged) :]
            for segment in given_up:
                self._files.remove(segment.name)

    def batch(self, stream, after, max_records, max_bytes):
        """The next records after position `after` = (boot, seq) as a `Batch`, oldest boot first; None: no more."""
        for segment in self._segments[stream][:]:
            start = segment.acked if segment.boot != after[0] else max(segment.acked, after[1])
            if segment.boot < after[0] or segment.last <= start:
                continue
            records = self._read(segment, start, max_records, max_bytes)
            if records:
                return Batch(segment, records)
            if records is not None:
                self._on_damage(segment, start)
        return None

    def acknowledge(self, boot, stream, upto):
        """Free the records of a boot and stream up to a seq; how many that were."""
        freed = 0
        for segment in self._segments[stream][:]:
            if segment.boot == boot and segment.acked < upto:
                now = min(upto, segment.last)
                freed += now - segment.acked
                segment.acked = now
                if not segment.pending():
                    self._drop(segment)
                    if segment.held is None:
                        self._files.remove(segment.name)
        return freed

    def set_clock(self, boot_epoch_ms, quality):
        """This boot's UTC has become known: it goes out with the records of this boot that have not been sent."""
        self.boot_epoch_ms = boot_epoch_ms
        self.quality = quality
        for segments in self._segments.values():
            for segment in segments:
                if segment.boot == self.boot:
                    segment.boot_epoch_ms = boot_epoch_ms
                    segment.quality = quality

    def holds(self, stream, boot, seq):
        """Whether this record still waits for its acknowledgement."""
        return any([segment.boot == boot and segment.acked < seq <= segment.last for segment in self._segments[stream]])

    def depth(self, stream):
        """How many records wait for their acknowledgement."""
        return sum([segment.pending() for segment in self._segments[stream]])

    def close(self):
        """Let the files go; nothing is lost by not calling it."""
        for stream in self._open:
            self._close(stream)

    def _read(self, segment, after, max_records, max_bytes):
        """Records above `after`, none where they are damaged; None: the flash does not give them now, perhaps later."""
        if segment.held is not None:
            return [segment.held]
        try:
            with self._files.open(segment.name) as file:
                return read_records(file, after, max_records, max_bytes)
        except OSError:
            return None

    def _count_held(self):
        return sum([segment.held is not None for segment in self._segments[kinds.STREAM_ALARM]])

    def _hold(self, stream, kind, t_ms, data):
        """Keep a record in memory, as a segment of its own; its seq."""
        seq = self._next[stream]
        segment = Segment(self.boot, stream, seq, self.boot_epoch_ms, self.quality)
        segment.held = (seq, kind, t_ms, data)
        segment.last = seq
        self._segments[stream].append(segment)
        self._next[stream] = seq + 1
        if self.on_held:
            self.on_held(stream, kind)
        return seq

    def _store(self, stream, kind, t_ms, data):
        seq = self._next[stream]
        frame = record_frame(seq, kind, t_ms, data)
        segment = self._segment_for(stream, len(frame) + FRAME_BYTES)
        head = b"" if segment.size else header_frame(segment)
        try:
            segment.write(self._files, self._open[stream], head, frame)
        except OSError:
            self._after_failed_write(segment)
            if segment.last < seq:
                raise
            # The flash complained, but the record is there whole: to use its seq again would make two of one key.
        segment.last = seq
        self._next[stream] = seq + 1
        if self.on_append:
            self.on_append(stream, seq, kind, t_ms)
        return seq

    def _segment_for(self, stream, size):
        segments = self._segments[stream]
        if self._open[stream] is not None:
            if segments[-1].size + size <= SEGMENT_BYTES:
                return segments[-1]
            self._close(stream)
        while len(segments) >= self._limits[stream]:
            self._give_up(segments[0])
        segment = Segment(self.boot, stream, self._next[stream], self.boot_epoch_ms, self.quality)
        self._open[stream] = self._files.create(segment.name)
        segments.append(segment)
        return segment

    def _after_failed_write(self, segment):
        """Read back what the flash has: the segment may have kept the frame, a part of it, or nothing at all."""
        self._close(segment.stream)
        try:
            last = self._last_seq(segment.name)
        except OSError:
            last = 0
        segment.last = last or segment.first - 1
        if not last:
            self._drop(segment)  # the next one has the same name and replaces the file

    def _last_seq(self, name):
        with self._files.open(name) as file:
            return last_seq(file)

    def _close(self, stream):
        handle, self._open[stream] = self._open[stream], None
        if handle is not None:
            try:
                self._files.close(handle)
            except OSError:
                pass  # every write was synchronised by itself: closing has nothing left to save

    def _on_damage(self, segment, readable):
        """Flash no longer holds what was written after `readable`: say so rather than try for ever."""
        if self._segments[segment.stream][-1] is segment:
            self._close(segment.stream)
        self.lost += segment.last - readable
        self._damaged = self._damaged + [missing(segment, readable + 1, segment.last)]
        segment.last = readable
        if not segment.pending():
            self._drop(segment)
            self._files.remove(segment.name)

    def _drop(self, segment):
        if self._segments[segment.stream][-1] is segment:
            self._close(segment.stream)
        self._segments[segment.stream].remove(segment)

    def _give_up(self, segment):
        if segment.held is not None:
            self.lost += 1
            self._damaged = self._damaged + [missing(segment, segment.first, segment.last)]
            self._drop(segment)
            return
        lost_name = segment.name + ".lost"
        if self._segments[segment.stream][-1] is segment:
            self._close(segment.stream)
        self._files.rename(segment.name, lost_name)
        self._drop(segment)
        self.lost += segment.pending()
        segment.name = lost_name
        self._given_up = self._given_up + [segment]

    def _recover(self):
        for name in self._files.names():
            if len(name.split("-")) == 3:
                try:
                    self._recover_segment(name)
                except OSError:
                    pass  # the flash does not give it, or does not let it go: it stays for a later start
        for segments in self._segments.values():
            segments.sort(key=lambda segment: (segment.boot, segment.first))
            for i in range(1, len(segments)):
                before, after = segments[i - 1], segments[i]
                if before.boot == after.boot and before.last + 1 < after.first:
                    # Damaged where it was thought whole: unexplained, the gap would hold up all that follows it.
                    self._damaged.append(missing(before, before.last + 1, after.first - 1))

    def _recover_segment(self, name):
        with self._files.open(name) as file:
            segment = read_header(file)
        last = self._last_seq(name) if segment else 0
        if not last or segment.stream not in self._segments:
            self._files.remove(name)  # power was cut before its first record was whole
            return
        segment.name = name
        segment.last = last
        if name.endswith(".lost"):
            self._given_up.append(segment)
        else:
            self._segments[segment.stream].append(segment)
