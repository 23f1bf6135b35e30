"""Offers documents to a device and says what became of each; then the same with the power cut at every operation.

Arguments: a JSON file with `roots`, `config` and `documents` (name: hexadecimal).
"""

# ruff: noqa: T201, PTH123, PTH107, PTH208 - device code: MicroPython lacks pathlib; stdout is the result.

import json
import os
import sys

from cut_files import CutFiles, PowerCut

from jikimi.edge.adoption import Adoption
from jikimi.edge.port import port
from jikimi.edge.trial import Trial

with open(sys.argv[1]) as file:
    given = json.load(file)
roots = [bytes.fromhex(root) for root in given["roots"]]
documents = {name: bytes.fromhex(given["documents"][name]) for name in given["documents"]}
flash, state = port().files("flash"), port().files("state")


def fresh():
    for directory in ("state", "flash"):
        for name in os.listdir(directory):
            os.remove(directory + "/" + name)
    with open("flash/config.json", "w") as file:
        json.dump(given["config"], file)


class Device:
    """Trial and adoption of one start."""

    def __init__(self, cut=None, how="before"):
        files, both = flash, state
        if cut is not None:
            files, both = CutFiles(flash, cut, how), CutFiles(state, None)
            both._step = files._step  # one count over both directories
        self.trial = Trial(files, both)
        self._adoption = Adoption(self.trial, lambda: roots)
        self.offer = self._adoption.offer
        self.begin, self.confirm, self.go_back = self.trial.begin, self.trial.confirm, self.trial.go_back

    @property
    def refused(self):
        return self.trial.refused

    @property
    def on_trial(self):
        return self.trial.on


adoption = Device


def in_force():
    with open("flash/config.json") as file:
        values = json.load(file)
    return [values.get("sequence", 0), values["vitals_s"], values["ephemeral_secret"]]


def offers():
    """For each document: (reason or None, what is in force then, what the birth would say)."""
    answers = {}
    for name in documents:
        fresh()
        device = adoption()
        answers[name] = [device.offer(documents[name]), in_force(), device.refused]
    return answers


def after_restart(connects):
    """The next starts until nothing changes: they connect, or never do."""
    for _ in range(6):
        device = adoption()
        if device.begin():
            continue
        if connects:
            device.confirm()
        if not device.on_trial:
            return device.refused
    return "still on trial"


def stories():
    """A good configuration, the replay of it, one that cannot connect, and going back in time."""
    fresh()
    device = adoption()
    told = {"taken": device.offer(documents["good"]), "trial": device.on_trial}
    told["confirmed"] = after_restart(True)
    told["now"] = in_force()
    told["again"] = adoption().offer(documents["good"])
    told["older"] = adoption().offer(documents["older"])
    fresh()
    adoption().offer(documents["good"])
    told["lost"] = after_restart(False)
    told["back"] = in_force()
    told["not again"] = adoption().offer(documents["good"])
    fresh()
    device = adoption()
    device.offer(documents["good"])
    device.begin()
    device.go_back("link")
    told["no link"] = [adoption().refused, in_force(), adoption().on_trial]
    return told


def cuts():
    """Cut at every operation of taking over, confirming and going back: is there always a whole configuration?"""
    bad = []
    count = 0
    for connects in (True, False):
        for how in ("before", "half", "after"):
            cut = 0
            while True:
                fresh()
                try:
                    device = adoption(cut, how)
                    device.offer(documents["good"])
                    device.begin()
                    if connects:
                        device.confirm()
                    else:
                        device.go_back("link")
                    break
                except PowerCut:
                    pass
                refused = after_restart(connects)
                sequence, vitals, secret = in_force()
                whole = secret == given["config"]["ephemeral_secret"] and vitals == {0: 30, 5: 60}.get(sequence)
                # A trial that ended badly stays ended; one that has not begun is offered again.
                settled = (sequence == 0) if not connects and refused else True
                if not whole or not settled or refused == "still on trial":
                    bad.append([connects, how, cut, sequence, vitals, refused])
                count += 1
                cut += 1
    return {"bad": bad, "count": count}


print(json.dumps({"offers": offers(), "stories": stories(), "cuts": cuts()}))
