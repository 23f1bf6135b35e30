"""Two starts with alarms, the power cut inside every file operation; then what the next start shows."""

# ruff: noqa: T201, PTH107, PTH123, PTH208 - device code: MicroPython lacks pathlib; stdout is the result.

import json
import os

from cut_files import CutFiles, PowerCut

from jikimi.edge.boot_count import next_boot
from jikimi.edge.journal import Journal
from jikimi.edge.open_alarms import OpenAlarms
from jikimi.edge.port import port
from jikimi.wire import kinds

state, flash = port().files("state"), port().files("flash")


def start(files, durable):
    journal = Journal(flash if files is None else files[1], next_boot(state, flash), None, 0)
    journal.on_append = lambda stream, seq, kind, _t_ms: durable.append((kind, journal.boot, seq))

    def record(kind, data):
        return journal.append(kinds.stream_of(kind), kind, 0, data)

    return journal, OpenAlarms(state if files is None else files[0], journal, record)


def life(files, durable):
    journal, alarms = start(None, durable)
    alarms.start(kinds.FALL, {})
    journal.acknowledge(journal.boot, kinds.STREAM_ALARM, 1)  # the site has it: the journal lets it go
    journal.close()
    journal, alarms = start(files, durable)
    try:
        fall = alarms.all[0]
        alarms.start(kinds.SOS, {})
        journal.acknowledge(journal.boot, kinds.STREAM_ALARM, 1)
        alarms.end([fall], kinds.WHY_CANCELLED)
    finally:
        journal.close()


def expected(known):
    """By how many records of the second boot are durable: the first calls for help, the second ends the fall."""
    return [[(kinds.FALL, 1, 1)], [(kinds.FALL, 1, 1), (kinds.SOS, 2, 1)], [(kinds.SOS, 2, 1)]][known]


def empty():
    for directory in ("state", "flash"):
        for name in os.listdir(directory):
            os.remove(directory + "/" + name)


def story(cut_state, cut_flash, how):
    """Whether the power was cut, and whether the next start shows what it should."""
    empty()
    durable = []
    cut = False
    try:
        life((CutFiles(state, cut_state, how), CutFiles(flash, cut_flash, how)), durable)
    except PowerCut:
        cut = True
    journal, alarms = start(None, [])
    journal.close()
    shown = sorted([(alarm.kind, alarm.boot, alarm.seq) for alarm in alarms.all])
    known = sum([boot == 2 for _kind, boot, _seq in durable])
    right = [expected(known)]
    if cut and known < 2:
        right.append(expected(known + 1))  # whole on flash, although the power went before anybody was told
    return cut, shown in right, shown


cuts = wrong = 0
for how in ("before", "half", "after"):
    for which in (0, 1):
        at = 0
        cut = True
        while cut:
            cut, right, shown = story(at if which == 0 else None, at if which == 1 else None, how)
            cuts += cut
            wrong += not right
            at += 1
_, _, whole = story(None, None, "before")


def rotten(content):
    """The alarms that are on after the file that keeps them has become something else; the journal has them all."""
    empty()
    journal, alarms = start(None, [])
    alarms.start(kinds.FALL, {})
    journal.close()
    with open("state/alarms", "wb") as file:
        file.write(content)
    journal, alarms = start(None, [])
    journal.close()
    return [alarm.kind for alarm in alarms.all]


found = [rotten(content) for content in (b"", b"null", b"7", b"[]", b"{}", b'{"upto": 1, "on": [[]]}', b"\xff\x00")]
print(json.dumps({"cuts": cuts, "wrong": wrong, "uncut": whole, "rotten": found}))
