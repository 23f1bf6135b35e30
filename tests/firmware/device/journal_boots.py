"""Boots with unsent records, each with the UTC its clock had, then one more that sends them.

The first argument is a list of [UTC of the boot or null, quality, records].
"""

# ruff: noqa: T201 - device code: MicroPython lacks pathlib and contextlib; stdout is the result.

import json
import sys

from long_time import UP_MS

from jikimi.edge.boot_count import next_boot
from jikimi.edge.journal import Journal
from jikimi.edge.port import port
from jikimi.wire import kinds

files = port().files("flash")
for epoch, quality, n in json.loads(sys.argv[1]):
    journal = Journal(files, next_boot(files, files), epoch, quality)
    for i in range(n):
        journal.append(kinds.STREAM_ALARM, kinds.SOS, UP_MS + i, {})
sent = []
after = (0, 0)
while True:
    batch = journal.batch(kinds.STREAM_ALARM, after, 20, 900)
    if batch is None:
        break
    sent.append(
        [batch.boot, batch.boot_epoch_ms, batch.quality, [[record[0], record[2] - UP_MS] for record in batch.records]]
    )
    after = (batch.boot, batch.records[-1][0])
print(json.dumps(sent))
