"""Fills the event class many times over and says what is left."""

# ruff: noqa: T201, PTH116 - device code: MicroPython lacks pathlib and contextlib; stdout is the result.

import json
import os

from jikimi.edge.boot_count import next_boot
from jikimi.edge.journal import Journal
from jikimi.edge.port import port
from jikimi.wire import kinds

files = port().files("flash")
journal = Journal(files, next_boot(files, files), None, 0, alarm_segments=2, event_segments=3)
for i in range(5000):
    if i % 1000 == 0:
        journal.append(kinds.STREAM_ALARM, kinds.FALL, i, {kinds.CONFIDENCE_PERMILLE: 900})
    journal.append(kinds.STREAM_EVENT, kinds.WARNING, i, {kinds.LEVEL: 1, kinds.DISTANCE_MM: i})

lost = []
events = 0
after = (0, 0)
while True:
    batch = journal.batch(kinds.STREAM_EVENT, after, 20, 900)
    if batch is None:
        break
    after = (batch.boot, batch.records[-1][0])
    events += len(batch.records)
    lost += [data for _seq, kind, _t_ms, data in batch.records if kind == kinds.LOST]
names = [name for name in files.names() if name != "boot"]
print(
    json.dumps(
        {
            "alarms": journal.depth(kinds.STREAM_ALARM),
            "events": events,
            "evicted": journal.lost,
            # The newest report has what the ones before it said, as far as those were pushed out themselves.
            "lost_count": sum(data[kinds.LOST_COUNT] for data in lost),
            "lost_records": journal.append(kinds.STREAM_EVENT, kinds.WARNING, 0, {}) - 1 - 5000,
            "lost_first": min(data[kinds.LOST_FIRST] for data in lost),
            "files": len(names),
            "bytes": sum(os.stat("flash/" + name)[6] for name in names),
        }
    )
)
