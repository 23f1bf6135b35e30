"""`app.main` where something fails before the application is built."""

# ruff: noqa: T201, PTH102, PTH123 - device code; stdout is the result.

import json
import os

from jikimi.edge import app, assembly


class Time:
    """Nobody waits."""

    @staticmethod
    def sleep(_s):
        pass


app.time = Time


class Reset(BaseException):
    pass


class Port:
    """Its flash raises `error` at the first look."""

    def __init__(self, error):
        self.error = error
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    def describe(self, error):
        return type(error).__name__

    def traceback(self, error):
        return "traceback of " + type(error).__name__

    def files(self, _root):
        raise self.error

    def reset(self):
        raise Reset


def outcome(error):
    here = Port(error)
    app.port = lambda: here
    try:
        app.main(".")
    except Reset:
        return ["reset", here.lines]
    except Exception as escaped:  # noqa: BLE001 - what would end at a prompt
        return [type(escaped).__name__, here.lines]
    return ["returned", here.lines]


result = {error.__name__: outcome(error(5)) for error in (OSError, ValueError, KeyError, MemoryError)}
os.mkdir("slots")
for name, now in (("confirmed", b"a"), ("on trial", b"b a 1")):
    with open("slots/now", "wb") as file:
        file.write(now)
    result[name] = outcome(OSError(5))[0]


class Broken:
    """Any part of an application, whose flash takes nothing."""

    def __init__(self):
        self.on = True
        self.safe = self.quiet = False
        self.kind, self.device, self.reset_reason, self.boot, self.CORE = "tag", "dabc", "power", 7, "native"
        self.lines = []
        self.starts = self.config = self.port = self.journal = self.reports = self.core = self.clock = self.duty = self

    def say(self, line):
        self.lines.append(line)

    def describe(self, error):
        return type(error).__name__

    def version(self):
        return "1"

    def up_ms(self):
        return 0

    def report_lost(self, _t_ms):
        raise OSError(28)


broken = Broken()
assembly._say_hello(broken)
result["nothing can be written"] = broken.lines[-1]
print(json.dumps(result))
