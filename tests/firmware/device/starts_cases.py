"""Starts of one flash: what they say they are, after which failures."""

# ruff: noqa: T201 - stdout is the result.

import json

from jikimi.edge.port import port
from jikimi.edge.starts import Starts

here = port()


def start(name, reason="hard"):
    return Starts(here.files(name), reason)


def said(starts):
    return [starts.safe, starts.crash]


def raised(text):
    try:
        int(text)
    except ValueError as error:
        return here.traceback(error)


result = {"first": said(start("first", "power"))}

for _ in range(5):
    start("cuts", "power")
result["power cuts"] = said(start("cuts", "power"))

found = []
for _ in range(3):
    start("loop").failed("ValueError", raised("x"))
    found.append(int(here.files("loop").read("failed")[:1]))
safe = start("loop")
result["loop"] = [found, safe.safe, safe.crash == start("loop").crash]
whole = start("loop")
whole.failed("ValueError", raised("x"))
result["last chance"] = [whole.safe, start("loop").safe]

good = start("good")
good.failed("ValueError", raised("x"))
good = start("good")
good.failed("ValueError", raised("x"))
good = start("good")
good.works()
result["good again"] = [good.crash is not None, start("good")._failed]
good.told()
result["told"] = said(start("good"))

for _ in range(3):
    last = start("bites", "watchdog")
result["watchdog"] = said(last)

same = start("digest")
same.failed("ValueError", raised("x"))
first = same.crash
same.failed("ValueError", raised("x"))
result["digest"] = [len(first), first == same.crash, len(here.files("digest").read("traceback")) > 20]
same.failed("N" * 200, "y" * 9000)
result["bounded"] = [len(same.crash), len(here.files("digest").read("traceback"))]


class Full:
    def names(self):
        return []

    def read(self, _name):
        raise OSError(2)

    def create(self, _name):
        raise OSError(28)


broken = Starts(Full(), "hard")
broken.failed("ValueError", "trace")
result["no flash"] = broken.safe
print(json.dumps(result))
