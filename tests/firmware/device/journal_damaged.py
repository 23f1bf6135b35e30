"""Flash that forgets: one byte in the middle of the first segment changes while the journal is open."""

# ruff: noqa: T201, PTH123 - device code: MicroPython lacks pathlib and contextlib; stdout is the result.

import json

from jikimi.edge import journal as journal_module
from jikimi.edge.boot_count import next_boot
from jikimi.edge.journal import Journal
from jikimi.edge.port import port
from jikimi.wire import kinds

journal_module.SEGMENT_BYTES = 100
files = port().files("flash")
journal = Journal(files, next_boot(files, files), None, 0)
for i in range(9):
    journal.append(kinds.STREAM_EVENT, kinds.WARNING, i, {kinds.LEVEL: 1})


def sent():
    seqs = []
    lost = []
    after = (0, 0)
    while True:
        batch = journal.batch(kinds.STREAM_EVENT, after, 3, 900)
        if batch is None:
            return seqs, lost
        after = (batch.boot, batch.records[-1][0])
        for seq, kind, _t_ms, data in batch.records:
            if kind == kinds.LOST:
                lost.append([data[kinds.LOST_FIRST], data[kinds.LOST_LAST]])
            else:
                seqs.append(seq)


before, _none = sent()
first = "1-1-1"
content = bytearray(files.read(first))
content[len(content) - 20] ^= 1
with open("flash/" + first, "wb") as file:
    file.write(content)
sent()
journal.report_lost(0)
after, lost = sent()
gone = [seq for seq in before if seq not in after]
print(
    json.dumps(
        {
            "sent": before,
            "after_damage": after,
            "kept": [s for s in before if s not in gone],
            "lost": lost,
            "gone": [[gone[0], gone[-1]]],
        }
    )
)
