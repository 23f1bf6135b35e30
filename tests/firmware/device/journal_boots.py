"""Two boots with unsent records, then a third that sends them."""

# ruff: noqa: T201 - device code: MicroPython lacks pathlib and contextlib; stdout is the result.

import json

from jikimi.edge.journal import Journal, next_boot
from jikimi.edge.port import port
from jikimi.wire import kinds

files = port().files("flash")
for epoch, quality, n in ((1000, 1, 2), (None, 0, 1), (5000, 1, 0)):
    journal = Journal(files, next_boot(files, files), epoch, quality)
    for i in range(n):
        journal.append(kinds.STREAM_ALARM, kinds.SOS, i, {})
sent = []
after = (0, 0)
while True:
    batch = journal.batch(kinds.STREAM_ALARM, after, 20, 900)
    if batch is None:
        break
    sent.append([batch.boot, batch.boot_epoch_ms, batch.quality, [record[0] for record in batch.records]])
    after = (batch.boot, batch.records[-1][0])
print(json.dumps(sent))
