"""A new configuration on trial: kept when the device has connected with it, undone when it has not.

    config.json     in force
    config.new      being written; means nothing
    config.old      the one before; as long as it is there, config.json is on trial
    config.prev     the one before, once the trial is over
    state/trial     starts of this trial
    state/refused   "SEQUENCE REASON" of the last configuration this device did not keep
    state/taken-up  "DIGEST TIMES" of the last offer, and how often a start was spent on it

A trial ends badly when there is no connection in time (`adopting`), or at the fourth start: then config.old is in force
again, and the next birth says so.
"""

import json

STARTS = 3
TRIAL, REFUSED, TAKEN_UP = "trial", "refused", "taken-up"
NOW, OLD, PREVIOUS = "config.json", "config.old", "config.prev"
_REASON_CHARS = 48  # of a text of the wire, which has 64 bytes, beside the number


class Trial:
    """`flash` and `state` are `Files` of the root and of `state`.

    `pause_ms` is how long the offer that is noted still has to wait (`adopting`).
    """

    def __init__(self, flash, state):
        self.flash = flash
        self.state = state
        self.pause_ms = 0

    @property
    def on(self):
        return OLD in self.flash.names()

    @property
    def refused(self):
        """What the birth says: "SEQUENCE REASON", or None."""
        return text(self.state, REFUSED)

    def begin(self):
        """At each start, before the configuration is read: True when it has just gone back and must start anew."""
        if not self.on:
            return False
        noted = text(self.state, TRIAL) or ""
        starts = int(noted) + 1 if noted.isdigit() else 1
        if starts > STARTS:
            self.go_back("restarts")
            return True
        write(self.state, TRIAL, str(starts))
        return False

    def confirm(self):
        """The device has connected: the trial is over."""
        if self.on:
            self.flash.rename(OLD, PREVIOUS)
            remove(self.state, TRIAL)
            remove(self.state, REFUSED)

    def go_back(self, why):
        """The configuration before is in force at the next start; the reason is noted first."""
        self.note(self.current().get("sequence", 0), why)
        remove(self.state, TRIAL)
        self.flash.rename(OLD, NOW)

    def current(self):
        """The values in force."""
        return json.loads(self.flash.read(NOW))

    def refused_sequence(self):
        number = (self.refused or "0").split(" ")[0]
        return int(number) if number.isdigit() else 0

    def note(self, sequence, reason):
        """`sequence` 0: of something whose signature proves nothing; the number noted before stays."""
        write(self.state, REFUSED, f"{sequence or self.refused_sequence()} {reason[:_REASON_CHARS]}")


def text(files, name):
    """Content of a file; None when there is none, or nothing that can be read any more."""
    try:
        return files.read(name).decode() if name in files.names() else None
    except ValueError:  # a UnicodeError is one on both Pythons
        return None


def write(files, name, content):
    """`name` as a whole or not at all."""
    file = files.create(name + ".tmp")
    try:
        files.write(file, content.encode())
    finally:
        files.close(file)
    files.rename(name + ".tmp", name)


def remove(files, name):
    if name in files.names():
        files.remove(name)
