"""Speed, zones, stack light, relay and pairing on a clock of our own; prints what came of each case."""

# ruff: noqa: T201, SIM105 - device code: MicroPython lacks contextlib; stdout is the result.

import asyncio
import json

from long_time import UP_MS

from jikimi.edge import identity
from jikimi.edge.duty import Always
from jikimi.edge.identity import pair_answer as answer
from jikimi.edge.node_parts import watch_button
from jikimi.edge.pairing import Pairing
from jikimi.edge.port import port
from jikimi.edge.proximity_node import NodeProximity
from jikimi.edge.proximity_tag import TagProximity
from jikimi.edge.speed import Pulses, Register, Speed
from jikimi.edge.stack_light import StackLight
from jikimi.edge.warn import IDENTIFY
from jikimi.edge.zones import Zones
from jikimi.wire import kinds, radio
from jikimi.wire.section import Section

core = port().load_core()
result = {}
DEVICE = "dnode"
SHORT = identity.short_id(DEVICE)
FAR_DBM = -85
_WRAP = 1 << 30  # of MicroPython's ticks


class Port:
    """The real one with a clock that the case sets."""

    def __init__(self):
        self.ms = UP_MS + 1000

    def ticks_ms(self):
        return self.ms % _WRAP

    def ticks_diff(self, later, earlier):
        return (later - earlier + _WRAP // 2) % _WRAP - _WRAP // 2

    def up_ms(self):
        return self.ms

    def epoch_ms(self):
        return 1_790_000_000_000 + self.ms


class Level:
    """A pin, or a buzzer."""

    def __init__(self):
        self.on = None

    def value(self, level=None):
        if level is None:
            return self.on
        self.on = level
        return None

    def duty_u16(self, duty):
        self.on = 1 if duty else 0


def settings(**changes):
    values = {"stale_ms": 2000, "poll_ms": 200, "input_register": False, "register": 3, "um_s_per_count": 10_000}
    values.update(changes)
    return Section(values)


# A machine whose pulses come, stop while its drive is on, and stop while it is off.


def pulses(rate_hz, may_move, seconds, ppm=10):
    here, faults, state = Port(), [], {"count": 0.0}
    source = Pulses(lambda: int(state["count"]), lambda: may_move, ppm, here)
    speed = Speed(source, settings(), 2000, here, faults.append)
    seen = []
    for rate in rate_hz:
        for _ in range(seconds * 5):
            here.ms += 200
            state["count"] += rate / 5
            asyncio.run(speed.poll())
            seen.append(speed.mm_s)
        seen.append([speed.known, faults[-1] if faults else None])
    return seen


result["steady pulses"] = pulses([15], True, 5)[-2:]
result["pulses stop while the drive is on"] = pulses([15, 0], True, 5)[-2:]
result["pulses stop while the drive is off"] = pulses([15, 0], False, 5)[-2:]
result["no pulse ever"] = pulses([0], True, 5)[-2:]
result["slow pulses"] = pulses([1], True, 6)[6:-1]
result["pulses come back"] = pulses([15, 0, 15], True, 5)[-2:]


class Client:
    def __init__(self, answers):
        self.answers = list(answers)
        self.asked = []

    async def read(self, function, address):
        self.asked.append([function, address])
        value = self.answers.pop(0)
        if value is None:
            raise OSError("no answer")
        return (value,)


def register(answers, **changes):
    here, faults = Port(), []
    client = Client(answers)
    speed = Speed(Register(client, settings(**changes)), settings(**changes), 2000, here, faults.append)
    seen = [speed.mm_s]
    while client.answers:
        here.ms += 900
        asyncio.run(speed.poll())
        seen.append(speed.mm_s)
    return [seen, faults, client.asked[0]]


result["register"] = register([100, 0xFFFF - 99, 0])
result["register goes silent"] = register([100, None, None, None, None, 50])
result["input register"] = register([5], input_register=True)[2]
result["faster than it can be"] = register([900])[0][-1]


# Zones that grow with the speed.


class Fixed:
    def __init__(self, mm_s):
        self.mm_s = mm_s


def machine(**changes):
    separation = {"max_mm_s": 2000, "braking_mm_s2": 1000, "reaction_ms": 500, "human_mm_s": 1600, "intrusion_mm": 200,
                  "human_error_mm": 300, "machine_error_mm": 100}  # fmt: skip
    values = {"kind": "forklift", "name": "F", "warn_mm": 3000, "danger_mm": 1500, "separation": Section(separation)}
    values.update(changes)
    return Section(values)


def sizes(speed, **changes):
    zones = Zones(core, machine(**changes), speed)
    return [zones.danger_mm, zones.warn_mm, zones.moving]


result["zones"] = {
    "at rest": sizes(Fixed(0)),
    "slow": sizes(Fixed(500)),
    "fast": sizes(Fixed(2000)),
    "no input": sizes(None),
    "fixed": sizes(None, separation=None),
    "beyond what an advert can say": sizes(Fixed(30_000)),
}


# A node with people around it.


class Heard:
    def __init__(self, data):
        self.data = data
        self.rssi_dbm = FAR_DBM
        self.ticks = 0

    def payload(self):
        return memoryview(self.data)


class Node:
    def __init__(self, speed, minutes=30):
        self.here = here = Port()
        self.levels, self.records = [], []
        self.speed = speed
        pairing = Pairing(SHORT, Section({"minutes": minutes, "contact_mm": 800}))
        self.near = NodeProximity(
            core, Section({"device": DEVICE, "machine": machine()}), None, object(), here, here,
            lambda level, _source, _ms: self.levels.append(level),
            lambda kind, data: self.records.append(data[kinds.LEVEL]), Zones(core, machine(), speed), pairing,
        )  # fmt: skip

    def stay(self, where, seconds):
        """`where`: id of a tag -> (distance in mm, its answer when paired)."""
        for _ in range(int(seconds * 10)):
            self.here.ms += 100
            for ephemeral, (_distance_mm, paired) in where.items():
                self.near.on_heard(Heard(radio.tag_advert(ephemeral, 0, paired)))
            contact = self.near.most_overdue(self.here.ms)
            if contact is not None:
                place = where.get(contact.ephemeral)
                if contact.on_range(self.here.ms, place and place[0]):
                    self.near._tell(kinds.SOURCE_UWB, self.here.ms)
            self.near._zones.update()
            self.near.let_go(self.here.ms)

    def level(self):
        return self.levels[-1] if self.levels else 0

    def said(self):
        """[short name, level] of each tag in the advert."""
        return [[prefix.decode(), level] for prefix, level in radio.parse_advert(self.near.advert())[1][5]]


ANNA, ANNA2, BORA = b"anna-one", b"nana-two", b"bora-one"

speed = Fixed(0)
node = Node(speed)
node.stay({ANNA: (4000, None)}, 2)
at_rest = node.level()
speed.mm_s = 2000
node.stay({ANNA: (4000, None)}, 2)
moving = node.level()
speed.mm_s = 0
node.stay({ANNA: (4000, None)}, 3)
result["the same place while the machine speeds up and stops"] = [at_rest, moving, node.level()]
result["the advert's radii in motion"] = [sizes(Fixed(2000))[1] // 100, sizes(Fixed(2000))[0] // 100]

node = Node(Fixed(0))
node.stay({ANNA: (700, None)}, 2)
result["paired in contact"] = node.near.pair()
node.stay({ANNA: (2500, None)}, 3)
result["operator in the outer zone"] = [node.level(), node.said(), node.records[:]]
node.stay({ANNA: (1000, None)}, 2)
result["operator in the inner zone"] = node.level()
node.stay({ANNA: (2500, None), BORA: (2500, None)}, 3)
result["somebody else in the outer zone"] = node.level()

node = Node(Fixed(0))
node.stay({ANNA: (700, None)}, 2)
node.near.pair()
node.stay({ANNA: (2500, answer(SHORT, ANNA))}, 3)
node.stay({ANNA2: (2500, answer(SHORT, ANNA2))}, 5)
result["id rotates and the tag answers for itself"] = [node.level(), node.said()]
node.stay({BORA: (2500, b"xx")}, 5)
result["a stranger with a wrong answer"] = node.level()

node = Node(Fixed(0))
node.stay({ANNA: (700, None)}, 2)
node.near.pair()
node.stay({ANNA: (2500, None), BORA: (9000, answer(SHORT, BORA))}, 3)
result["two at once with an answer"] = [node.near._pairing.is_exempt(ANNA), node.near._pairing.is_exempt(BORA)]

node = Node(Fixed(0))
node.stay({ANNA: (700, None)}, 2)
node.near.pair()
node.stay({ANNA: (9000, None)}, 15)
node.stay({ANNA: (2500, None)}, 3)
result["left and came back"] = node.level()

node = Node(Fixed(0), minutes=1)
node.stay({ANNA: (700, None)}, 2)
node.near.pair()
node.stay({ANNA: (2500, None)}, 50)
before = node.level()
node.stay({ANNA: (2500, None)}, 20)
result["time is up"] = [before, node.level()]

node = Node(Fixed(0))
node.stay({ANNA: (2500, None)}, 2)
result["nobody in contact"] = node.near.pair()
node = Node(Fixed(0))
node.stay({ANNA: (700, None), BORA: (600, None)}, 3)
result["two in contact"] = node.near.pair()
node.stay({ANNA: (700, None)}, 5)
result["vanished operator"] = [node.near.pair(), node.stay({}, 20), node.near._pairing.ephemeral]


# A ranging module that dies while nobody is near.


class DeadModule:
    asked = 0

    async def alive(self):
        self.asked += 1
        if self.asked == 3:
            raise OSError("no answer")


def idle():
    node, module = Node(Fixed(0)), DeadModule()
    node.near._uwb = module

    async def sleep_ms(ms):
        node.here.ms += ms

    node.here.sleep_ms = sleep_ms
    try:
        asyncio.run(node.near.measure(lambda: None))
    except OSError as error:
        return [str(error), (node.here.ms - UP_MS) // 60_000]


result["the module dies while nobody is near"] = idle()


# The button, at the moment at which the operator's id rotates.


def press(node, then, seconds):
    """What the console says and whether the lights blink: the button goes down, and `then` is what is around."""
    said, blinks, levels = [], [], [0, 1]
    port = node.here
    port.say = said.append

    async def tick(_ms):
        if said or port.ms >= until_ms:
            raise OSError("end")
        node.stay(then, 0.1)

    port.sleep_ms = tick
    until_ms = port.ms + seconds * 1000
    signs = Section({"briefly": lambda *what: blinks.append(what[0] == IDENTIFY)})
    pressed = lambda: levels.pop(0) if levels else 1  # noqa: E731
    try:
        asyncio.run(watch_button(pressed, node.near.pair, signs, port, lambda: None))
    except OSError:
        pass
    return [said, blinks, node.near._pairing.ephemeral == ANNA2]


def operator(seconds_after_rotation):
    node = Node(Fixed(0))
    node.stay({ANNA: (700, None)}, 2)
    node.stay({ANNA2: (700, None)}, seconds_after_rotation)
    return node


for case, passed in (("at", 0), ("just after", 0.4)):
    result["press " + case + " rotation"] = press(operator(passed), {ANNA2: (700, None)}, 5)
node = Node(Fixed(0))
node.stay({ANNA: (700, None), ANNA2: (600, None)}, 3)
result["press between two"] = press(node, {ANNA: (700, None), ANNA2: (600, None)}, 5)


# The tag's side.


class Ephemeral:
    value = ANNA

    def rotate(self):
        return False


def tag():
    here = Port()
    levels, records = [], []
    made = TagProximity(
        core, None, None, Ephemeral(), here, here, Always(), lambda level, _s, _ms: levels.append(level),
        lambda kind, data: records.append(data), lambda: 0,
    )  # fmt: skip
    return made, here, levels


class Near(Heard):
    def __init__(self, data, rssi_dbm):
        super().__init__(data)
        self.rssi_dbm = rssi_dbm


def hear(near, here, warned, seconds, rssi_dbm=-65, radii=(30, 4)):
    for _ in range(seconds * 5):
        here.ms += 200
        near.on_heard(Near(radio.node_advert(SHORT, 2, radii[0], radii[1], 0, warned), rssi_dbm))


near, here, levels = tag()
hear(near, here, [(b"an", 0x80)], 4)
paired = near.advert()
result["paired tag close to its machine"] = [levels[:], radio.parse_advert(paired)[1][2] == answer(SHORT, ANNA)]
Ephemeral.value = ANNA2
result["its answer after rotation"] = radio.parse_advert(near.advert())[1][2] == answer(SHORT, ANNA2)
Ephemeral.value = ANNA
hear(near, here, [(b"an", 0x82)], 1)
result["paired tag in the inner zone"] = levels[-1]
near, here, levels = tag()
hear(near, here, [(b"bo", 0x80)], 4)
result["another is paired"] = [levels[:1], radio.parse_advert(near.advert())[1][2]]


# Stack light and relay.


def signs(slow_at="danger", pulses=False):
    pins = [Level() for _ in range(5)]
    return StackLight(pins[0], pins[1], pins[2], pins[3], pins[4], slow_at, pulses), pins


def shown(pins):
    """Red, amber, green, buzzer, relay."""
    return "".join([str(pin.on) for pin in pins])


light, pins = signs()
states = {"nobody watches yet": shown(pins)}
light.alive()
light.level(0)
states["all clear"] = shown(pins)
light.level(1)
states["outer zone"] = shown(pins)
light.level(2)
states["inner zone"] = shown(pins)
light.level(0)
light.fault(kinds.SENSOR_UWB, True)
states["a sensor failed"] = shown(pins)
light.level(2)
states["inner zone with a failed sensor"] = shown(pins)
light.fault(kinds.SENSOR_UWB, False)
light.level(0)
states["mended"] = shown(pins)
for _ in range(20):
    light._advance(50)
states["nothing said for a second"] = shown(pins)
light._advance(50)
states["the watching task stands still"] = shown(pins)
light.alive()
light.briefly(IDENTIFY, 700)
states["identify"] = shown(pins)
result["signs"] = states
result["lamps work"] = asyncio.run(light.works())
pins[0].on = 0
result["a lamp that does not follow"] = asyncio.run(light.works())
light, pins = signs("warn")
light.alive()
light.level(1)
result["slow at the outer zone"] = shown(pins)


# The program hangs: its steps end, its timer goes on.


def hung(level, pulses):
    """What is shown after each quarter of a second without a step, then after the next step."""
    light, pins = signs(pulses=pulses)
    light.alive()
    light.level(level)
    light._advance(50)
    seen = []
    for _ in range(5):
        light.overdue(None)
        seen.append(shown(pins))
    light.alive()
    light._advance(50)
    return seen, shown(pins)


result["hung"] = [hung(0, False), hung(2, False)]
light, pins = signs(pulses=True)
levels = []
for step in range(40):
    if step < 30:
        light.alive()
    light.level(2 if 10 <= step < 20 else 0)
    light._advance(50)
    levels.append(pins[4].on)
result["pulses"] = levels
bare = StackLight(None, None, None, None, None, "danger")
bare.alive()
bare.level(2)
result["without any lamp"] = bare.slow
print(json.dumps(result))
