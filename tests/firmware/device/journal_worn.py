"""Flash that does not read or write for a while: what is sent meanwhile, and what afterwards."""

# ruff: noqa: T201 - stdout is the result.

import json

from jikimi.edge import journal as journal_module
from jikimi.edge.boot_count import next_boot
from jikimi.edge.journal import Journal
from jikimi.edge.port import port
from jikimi.wire import kinds

journal_module.SEGMENT_BYTES = 100
ALARM, EVENT = kinds.STREAM_ALARM, kinds.STREAM_EVENT


class Worn:
    """As `Files`; opening the files `unreadable`, and all writing while `writes` is False, is an OSError."""

    def __init__(self, name):
        self._files = port().files(name)
        self.unreadable = []
        self.writes = True

    def open(self, name):
        if name in self.unreadable:
            raise OSError(5)
        return self._files.open(name)

    def create(self, name):
        if not self.writes:
            raise OSError(5)
        return self._files.create(name)

    def write(self, file, data):
        if not self.writes:
            raise OSError(5)
        self._files.write(file, data)

    def __getattr__(self, name):
        return getattr(self._files, name)


def start(files):
    return Journal(files, next_boot(files, files), None, 0)


def sent(journal, stream):
    seqs = []
    after = (0, 0)
    while True:
        batch = journal.batch(stream, after, 20, 900)
        if batch is None:
            return seqs
        after = (batch.boot, batch.records[-1][0])
        seqs += [[batch.boot, record[0], record[1]] for record in batch.records]


def refused(journal, stream):
    try:
        journal.append(stream, kinds.SOS if stream == ALARM else kinds.WARNING, 0, {})
    except OSError:
        return True
    return False


result = {}

# ---- reading ----
files = Worn("reading")
journal = start(files)
for i in range(18):
    journal.append(ALARM, kinds.FALL, i, {kinds.CONFIDENCE_PERMILLE: i})
whole = sent(journal, ALARM)
second = sorted([name for name in files.names() if name.startswith("0-1-")], key=lambda name: int(name.split("-")[2]))[
    1
]
files.unreadable = [second]
gap = sent(journal, ALARM)
journal.close()
journal = start(files)
restarted = sent(journal, ALARM)
journal.close()
files.unreadable = []
result["reading"] = [
    gap == restarted,
    0 < len(gap) < len(whole),
    gap[-1] == whole[-1],
    sent(start(files), ALARM) == whole,
]

# ---- writing ----
files = Worn("writing")
journal = start(files)
held = []
journal.on_held = lambda stream, kind: held.append([stream, kind])
journal.append(ALARM, kinds.FALL, 1, {})
files.writes = False
journal.append(ALARM, kinds.SOS, 2, {kinds.SILENT: 1})
result["held"] = [held[:], sent(journal, ALARM), journal.depth(ALARM), journal.holds(ALARM, 1, 2)]
result["events are not held"] = refused(journal, EVENT)
files.writes = True
journal.append(ALARM, kinds.NO_MOTION, 3, {})
result["in order"] = sent(journal, ALARM)
journal.acknowledge(1, ALARM, 2)
result["acknowledged"] = [sent(journal, ALARM), journal.holds(ALARM, 1, 2), journal.depth(ALARM)]
files.writes = False
count = 0
while not refused(journal, ALARM):
    count += 1
result["most"] = [count == journal_module.MOST_HELD, journal.depth(ALARM) == 1 + count]
files.writes = True
journal.acknowledge(1, ALARM, 3 + count)
files.writes = False
result["room again"] = [refused(journal, ALARM), journal.depth(ALARM)]
files.writes = True
journal.append(ALARM, kinds.SOS, 9, {})
journal.close()
result["after a restart"] = [record[1:] for record in sent(start(files), ALARM)]
print(json.dumps(result))
