"""The task of a trial, on a clock of its own: connected at once, late, or never. Prints what became of each."""

# ruff: noqa: T201, N818, SIM105, PTH123, PTH107, PTH208 - device code: MicroPython lacks pathlib; stdout is the result.

import asyncio
import json
import os

from jikimi.edge.adopting import TRIAL_MS, note, taken_up, trial_of, watch
from jikimi.edge.port import port
from jikimi.wire.messages import ARG_DIGEST, ARG_SIZE


class Stopped(Exception):
    """The device restarts."""


class Port:
    """The real one, but time passes by itself."""

    def __init__(self):
        self.ms = 0
        self.said = []

    def files(self, root):
        return port().files(root)

    def say(self, text):
        self.said.append(text)

    def reset(self):
        raise Stopped

    async def sleep_ms(self, ms):
        self.ms += ms
        if self.ms > 100 * TRIAL_MS:
            raise Stopped


class Link:
    up = False
    on_piece = None


def life(connected_at_ms):
    for folder in ("state", "."):
        for name in os.listdir(folder):
            if name.startswith(("config.", "trial", "refused")):
                os.remove(folder + "/" + name)
    with open("config.json", "w") as file:
        json.dump({"site": "fab", "device": "dabc", "sequence": 7, "vitals_s": 60}, file)
    with open("config.old", "w") as file:
        json.dump({"site": "fab", "device": "dabc", "vitals_s": 30}, file)
    here, link = Port(), Link()
    trial = trial_of(here, ".")
    trial.begin()

    def beat():
        link.up = connected_at_ms is not None and here.ms >= connected_at_ms

    try:
        asyncio.run(watch(here, trial, link, beat))
    except Stopped:
        pass
    with open("config.json") as file:
        values = json.load(file)
    return [values["vitals_s"], trial.on, trial.refused, here.ms <= TRIAL_MS + 1000]


class Busy:
    """A port on which each look at whether the device may restart is counted by who looks."""

    def __init__(self):
        self.said = []
        self.sleeping = 0

    def say(self, text):
        self.said.append(text)

    def reset(self):
        raise Stopped

    async def sleep_ms(self, _ms):
        self.sleeping += 1
        await asyncio.sleep(0)
        self.sleeping -= 1


async def offered_again_and_again():
    """Offers at each reconnection while a wearer is in danger: how many wait, and the one that is noted."""
    here, trial = Busy(), trial_of(port(), ".")
    danger, tasks = [True], []
    for i in range(5):
        arguments = {ARG_DIGEST: bytes([i]) * 32, ARG_SIZE: 100 + i}
        tasks.append(asyncio.create_task(until_stopped(note(arguments, here, trial, lambda: not danger[0]))))
        await asyncio.sleep(0)
    waiting = here.sleeping
    danger[0] = False
    for _ in range(5):
        await asyncio.sleep(0)
    return [waiting, here.said, taken_up(trial)[1]]


async def until_stopped(work):
    try:
        await work
    except Stopped:
        pass


def taken_again(digest, trial):
    """For how long an offer waits until the device restarts for it, which then takes it up."""
    here = Port()
    try:
        asyncio.run(note({ARG_DIGEST: digest, ARG_SIZE: 100}, here, trial, lambda: True))
    except Stopped:
        pass
    assert taken_up(trial) == (digest, 100)
    return here.ms


def in_vain():
    """The same offer at every birth, as nothing ever comes of it; then another one, and the first again."""
    trial = trial_of(port(), ".")
    waited = [taken_again(b"v" * 32, trial_of(port(), ".")) for _ in range(14)]
    return [waited, taken_again(b"w" * 32, trial), taken_again(b"w" * 32, trial)]


async def another_meanwhile():
    """An offer that was in vain is made again, and again, then another one: what is said after each."""
    here, trial = Busy(), trial_of(port(), ".")
    tasks, said = [], []
    for digest in (b"m" * 32, b"m" * 32, b"n" * 32):
        work = note({ARG_DIGEST: digest, ARG_SIZE: 100}, here, trial, lambda: True)
        tasks.append(asyncio.create_task(until_stopped(work)))
        for _ in range(5):
            await asyncio.sleep(0)
        said.append([here.sleeping, trial.pause_ms > 0, len(here.said)])
    return said


def illegible():
    """What stands of a trial on the flash cannot be read any more."""
    with open("config.old", "w") as file:
        file.write("{}")
    for name in ("trial", "refused", "taken-up", "offer"):
        with open("state/" + name, "wb") as file:
            file.write(b"\xff 7")
    trial = trial_of(port(), ".")
    begun = [trial.begin() for _ in range(2)]
    os.remove("config.old")
    return [begun, trial.refused, trial.refused_sequence(), taken_up(trial)]


port().files("state")
found = {str(at): life(at) for at in (0, TRIAL_MS - 1000, None)}
found["again and again"] = asyncio.run(offered_again_and_again())
found["in vain"] = in_vain()
taken_again(b"m" * 32, trial_of(port(), "."))
found["meanwhile"] = asyncio.run(another_meanwhile())
found["illegible"] = illegible()
print(json.dumps(found))
