"""The task of a trial, on a clock of its own: connected at once, late, or never. Prints what became of each."""

# ruff: noqa: T201, N818, SIM105, PTH123, PTH107, PTH208 - device code: MicroPython lacks pathlib; stdout is the result.

import asyncio
import json
import os

from jikimi.edge.adopting import TRIAL_MS, trial_of, watch
from jikimi.edge.port import port


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
        if self.ms > 4 * TRIAL_MS:
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


port().files("state")
print(json.dumps({str(at): life(at) for at in (0, TRIAL_MS - 1000, None)}))
