"""Walks people past a machine on a clock of our own; prints what node and tag made of it."""

# ruff: noqa: T201 - stdout is the result.

import json

from long_time import UP_MS

from jikimi.edge import payload
from jikimi.edge.duty import Always
from jikimi.edge.identity import short_id
from jikimi.edge.port import port
from jikimi.edge.proximity_node import NodeProximity
from jikimi.edge.proximity_tag import TagProximity
from jikimi.edge.radio import Radio
from jikimi.edge.zones import Zones
from jikimi.wire import kinds, radio
from jikimi.wire.section import Section

here = port()
core = here.load_core()
machine = Section({"kind": "press", "name": "P", "warn_mm": 3000, "danger_mm": 1500, "separation": None})
CONFIG = Section({"device": "dnode", "machine": machine})
FAR_DBM = -85
NEAR_DBM = -45


class Clock:
    def __init__(self):
        self.ms = UP_MS
        self.known = True

    def up_ms(self):
        return self.ms

    def epoch_ms(self):
        return 1_790_000_000_000 + self.ms - UP_MS if self.known else None


class Heard:
    def __init__(self, data, rssi_dbm):
        self.data = data
        self.rssi_dbm = rssi_dbm
        self.ticks = here.ticks_ms()

    def payload(self):
        return memoryview(self.data)


class World:
    """A node, its clock, and what it wrote and showed."""

    def __init__(self, uwb=True):
        self.clock = Clock()
        self.levels = []
        self.records = []
        self.where = {}
        self.node = NodeProximity(
            core,
            CONFIG,
            None,
            object() if uwb else None,
            self.clock,
            here,
            lambda level, source, _ms: self.levels.append([level, source]),
            lambda kind, data: self.records.append(data),
            Zones(core, machine, None),
        )

    def step(self, tag, distance_mm, rssi_dbm=FAR_DBM):
        """100 ms: an advert of the tag, and an exchange if it is due (distance None: it fails)."""
        self.clock.ms += 100
        self.where[tag] = distance_mm
        if rssi_dbm is not None:
            self.node.on_heard(Heard(radio.tag_advert(tag), rssi_dbm))
        if self.node._uwb is not None:
            contact = self.node.most_overdue(self.clock.ms)
            if contact is not None and contact.on_range(self.clock.ms, self.where[contact.ephemeral]):
                self.node._tell(kinds.SOURCE_UWB, here.ticks_ms())
        self.node.let_go(self.clock.ms)


def walk(world, tag, distances, rssi_dbm=FAR_DBM):
    for distance_mm in distances:
        world.step(tag, distance_mm, rssi_dbm)


def incursion(records):
    record = records[0]
    return {
        "level": record[kinds.LEVEL],
        "min": record[kinds.DISTANCE_MM],
        "closing": record[kinds.CLOSING_MM_S],
        "dwell": record[kinds.DWELL_MS],
        "who": record[kinds.EPHEMERAL].hex(),
        "period": record[kinds.PERIOD],
    }


ANNA = b"anna-ida"
BORA = b"bora-idb"
result = {}

world = World()
walk(world, ANNA, list(range(8000, 1000, -150)) + list(range(1000, 8000, 150)))
result["passing"] = {"levels": world.levels, "records": len(world.records), "first": incursion(world.records)}

world = World()
world.clock.known = False
walk(world, ANNA, [2800] * 10 + [8000] * 20)  # in and out before the site has told the time
walk(world, ANNA, [2800] * 10)
world.clock.known = True
walk(world, ANNA, [2800] * 10 + [8000] * 20)
result["clock set late"] = [record[kinds.PERIOD] for record in world.records]

world = World()
walk(world, ANNA, range(8000, 3500, -100))
result["outside"] = [world.levels, world.records]

world = World()
walk(world, ANNA, [2800] * 30)
for _ in range(50):  # the tag is switched off inside the zone
    world.step(ANNA, None, None)
result["vanished"] = [len(world.records), world.levels[-1][0], len(world.node.contacts)]

world = World()
walk(world, ANNA, ([2800] * 5 + [3100] * 5) * 10)
result["flicker"] = [len(world.records), len(world.levels)]

world = World()
for i in range(30):
    world.step(b"crowd-%02d" % i, 9000)
result["crowd"] = len(world.node.contacts)

world = World()
walk(world, ANNA, [None] * 30, NEAR_DBM)
quiet = list(world.levels)
walk(world, ANNA, [None] * 30, NEAR_DBM)
result["no answer"] = [quiet, world.levels]

world = World(uwb=False)
walk(world, ANNA, [None] * 20, -80)
weak = list(world.levels)
walk(world, ANNA, [None] * 60, NEAR_DBM)
result["ble only"] = [weak, world.levels]

world = World()
walk(world, ANNA, [1000] * 10)
walk(world, BORA, [2500] * 10)
advert = radio.parse_advert(world.node.advert())
result["advert"] = [[prefix.decode(), level] for prefix, level in advert[1][5]]


class Ephemeral:
    value = ANNA

    def rotate(self):
        return False


def tag(uwb):
    clock = Clock()
    levels = []
    records = []
    made = TagProximity(
        core, None, uwb, Ephemeral(), clock, here, Always(), lambda level, source, _ms: levels.append([level, source]),
        lambda kind, data: records.append(data), lambda: 0,
    )  # fmt: skip
    return made, clock, levels, records


near, clock, levels, records = tag(object())
near.on_payload(payload.encode(1, 2900, short_id("dnode")), here.ticks_ms())
near.on_payload(payload.encode(2, 1400, short_id("dnode")), here.ticks_ms())
near.on_payload("nonsense", here.ticks_ms())
clock.ms += 5000
near.expire(clock.ms)
result["tag by uwb"] = [levels, [[r[kinds.LEVEL], r[kinds.DISTANCE_MM]] for r in records]]

near, clock, levels, records = tag(object())
near.on_heard(Heard(radio.node_advert(b"abcd", 2, 30, 15, 0, [(b"bo", 2)]), NEAR_DBM))
other = list(levels)
near.on_heard(Heard(radio.node_advert(b"abcd", 2, 30, 15, 0, [(b"an", 2)]), FAR_DBM))
result["tag by advert"] = [other, levels]

near, clock, levels, records = tag(None)
for _ in range(10):
    clock.ms += 200
    near.on_heard(Heard(radio.node_advert(b"abcd", 2, 30, 15), NEAR_DBM))
result["tag by strength"] = levels

# Anybody can put anything on the air: radii that no machine has, levels that there are not.
near, clock, levels, records = tag(None)
honest = radio.node_advert(b"abcd", 2, 30, 15, 0, [(b"an", 2)])
for warn_dm, danger_dm, level in ((0, 0, 0), (0, 15, 1), (15, 30, 1), (30, 15, 3), (30, 15, 127), (255, 0, 255)):
    forged = bytearray(honest)
    forged[16], forged[17], forged[21] = warn_dm, danger_dm, level
    clock.ms += 200
    near.on_heard(Heard(bytes(forged), NEAR_DBM))
result["forged adverts"] = levels[:]
near.on_heard(Heard(honest, NEAR_DBM))
result["an honest advert after forged ones"] = levels

# An id that is never changed, and a machine beside which a tag stays: neither is ever out of the core's time.

DAY_MS = 86_400_000
world = World()
walk(world, ANNA, [2800] * 10)
for _ in range(40):
    world.clock.ms += DAY_MS
    walk(world, ANNA, [2800] * 2)
near, clock, levels, records = tag(None)
for _ in range(40 * 8):
    clock.ms += DAY_MS // 8
    near.on_heard(Heard(radio.node_advert(b"abcd", 2, 30, 15, 0, [(b"an", 2)]), NEAR_DBM))
result["for forty days"] = [world.levels[-1][0], len(world.node.contacts), levels[-1][0]]


class Crowd:
    """A controller that hears the next advert before the last one is dealt with."""

    def active(self, _on):
        pass

    def irq(self, handler):
        self.says = lambda: handler(5, (0, b"address", 0, FAR_DBM, honest))

    def gap_scan(self, *_settings):
        pass


crowd = Crowd()
air = Radio(crowd, here.ticks_ms)
air.start()
crowd.says()
taken = []


def on_heard(heard):
    taken.append(heard.rssi_dbm)
    if len(taken) < 1000:
        crowd.says()


air.take(on_heard)
at_once = len(taken)
air.take(on_heard)
result["a crowd that talks faster"] = [at_once, len(taken)]

air.stop()
crowd.says()  # the interrupt was on its way
air.start()
late = air.heard()
crowd.says()
result["switched off and on"] = [late is None, air.heard() is not None]
print(json.dumps(result))
