"""Cuts the power inside, or fails, every file operation of a life of the journal; then checks what the next one knows.

The life: records of both streams, acknowledgements whole and partial, enough events to give segments up, two boots.
"""

# ruff: noqa: T201, PTH107, PTH208, SIM105 - device code: MicroPython lacks pathlib and contextlib; stdout is the result.

import json
import os

from cut_files import CutFiles, PowerCut

from jikimi.edge import journal as journal_module
from jikimi.edge.boot_count import next_boot
from jikimi.edge.files import Files
from jikimi.edge.journal import Journal
from jikimi.wire import kinds

journal_module.SEGMENT_BYTES = 200  # small, so that a short life has every kind of operation


class Ledger:
    """What the outside world was told: durable records, acknowledgements, and ranges reported lost."""

    def __init__(self):
        self.durable = set()
        self.acked = set()

        self.lost = set()

    def hear(self, found, upto=None):
        """Take the LOST records among `found`; those that were acknowledged, if `upto` = (boot, stream, seq)."""
        for key, (kind, data) in found.items():
            if kind == kinds.LOST and (upto is None or (key <= upto and key[:2] == upto[:2])):
                for seq in range(data[kinds.LOST_FIRST], data[kinds.LOST_LAST] + 1):
                    self.lost.add((data[kinds.LOST_BOOT], data[kinds.LOST_STREAM], seq))


def life(files, ledger):
    for round_ in range(2):
        boot = next_boot(files, files)
        journal = Journal(files, boot, None if round_ else 1_000_000, 1 - round_, alarm_segments=3, event_segments=3)
        journal.on_append = lambda stream, seq, _kind, _t_ms, boot=boot: ledger.durable.add((boot, stream, seq))
        attempt(journal.report_lost, 0)
        for i in range(24):
            data = {kinds.LEVEL: 1, kinds.DISTANCE_MM: 1000 + i}
            attempt(journal.append, kinds.STREAM_EVENT, kinds.WARNING, i * 10, data)
            if i % 6 == 5:
                attempt(journal.append, kinds.STREAM_ALARM, kinds.FALL, i * 10, {kinds.CONFIDENCE_PERMILLE: 900})
            if i in (3, 9, 15):
                acknowledge(journal, ledger, boot, kinds.STREAM_EVENT, i)
        acknowledge(journal, ledger, boot, kinds.STREAM_ALARM, 2)
        if round_:
            acknowledge(journal, ledger, boot - 1, kinds.STREAM_ALARM, 4)
        journal.close()


def attempt(call, *args):
    """The application logs an OSError of the flash and goes on."""
    try:
        call(*args)
    except OSError:
        pass


def acknowledge(journal, ledger, boot, stream, upto):
    ledger.hear(everything(journal), (boot, stream, upto))
    for seq in range(1, upto + 1):
        ledger.acked.add((boot, stream, seq))
    attempt(journal.acknowledge, boot, stream, upto)


def everything(journal):
    """All records that would be sent, by key; checks order and uniqueness on the way."""
    found = {}
    for stream in (kinds.STREAM_ALARM, kinds.STREAM_EVENT):
        after = (0, 0)
        while True:
            batch = journal.batch(stream, after, 5, 400)
            if batch is None:
                break
            for seq, kind, _t_ms, data in batch.records:
                assert (batch.boot, seq) > after, "out of order"
                after = (batch.boot, seq)
                assert (batch.boot, stream, seq) not in found, "twice"
                found[(batch.boot, stream, seq)] = (kind, data)
    return found


def wipe(root):
    for name in os.listdir(root):
        os.remove(root + "/" + name)


def check(files, ledger, where):
    boot = next_boot(files, files)
    for told in ledger.durable:
        assert told[0] < boot, (where, "boot number used again")
    journal = Journal(files, boot, None, 0, alarm_segments=3, event_segments=3)
    journal.report_lost(0)
    for stream in (kinds.STREAM_ALARM, kinds.STREAM_EVENT):
        assert journal.append(stream, kinds.SOS if stream == 0 else kinds.WARNING, 5, {}) >= 1
    found = everything(journal)
    ledger.hear(found)
    missing = ledger.durable - ledger.acked - ledger.lost
    for key in found:
        missing.discard(key)
    assert not missing, (where, "lost without a word", sorted(missing))
    assert not [name for name in files.names() if name.endswith(".lost")], where
    journal.close()


def main():
    # The cuts are simulated, so nothing has to reach a real disk.
    files = Files("flash", lambda file: file.flush(), lambda _path: None)
    ledger = Ledger()
    rehearsal = CutFiles(files)
    life(rehearsal, ledger)
    check(files, ledger, "uncut")
    for name in ("create", "write", "rename", "remove"):
        assert name in rehearsal.log, "the life has no " + name
    cuts = 0
    for how in ("before", "half", "after", "error"):
        for cut_at in range(rehearsal.operations):
            wipe("flash")
            ledger = Ledger()
            try:
                life(CutFiles(files, cut_at, how), ledger)
            except PowerCut:
                cuts += 1
            except OSError:
                assert rehearsal.log[cut_at] != "remove"  # only counting the boot may fail as a whole
            check(files, ledger, (how, cut_at, rehearsal.log[cut_at]))
    print(json.dumps({"operations": rehearsal.operations, "cuts": cuts}))


main()
