"""Started by MicroPython after boot.py, in the flash's root directory: choose the slot, run the application in it.

Never part of a release, so it must need no change. What is in `slots/now`:

    a         slot a is confirmed; nothing, or `cable`: what came by cable runs, which is in /lib
    b a 1     slot b is on trial: if it is not confirmed, a is the way back, after at most one more start

Paths are relative, although here is "/": the unix port's VfsPosix builds both absolute paths of a rename in one buffer.
"""

import gc
import os
import sys

import machine

# Collected this often, in bytes, what loading leaves behind does not come to lie between what stays: a heap that was
# once full of both has no room for anything large, however much of it is free.
_COLLECT_EVERY = 8192


def read(name):
    try:
        with open("slots/" + name) as file:
            return file.read().split()
    except OSError:
        return []


def listed(slot):
    try:
        return os.listdir("slots/" + slot)
    except OSError:
        return []


def write(name, text):
    with open("slots/new", "w") as file:
        file.write(text)
    os.rename("slots/new", "slots/" + name)  # whole or not at all, whatever happens to the power


def back(words, why):
    """Leave a slot that does not work; the reason first, so that it is not lost."""
    write("failed", words[0] + " " + why)
    write("now", words[1])
    machine.reset()


def chosen(words):
    """The slot to start; a trial that was started already loses its second chance unless the power was to blame."""
    if len(words) < 3:
        return words[0] if words else "cable"
    watchdog = machine.reset_cause() == machine.WDT_RESET
    if words[2] == "0" or (words[2] == "1" and watchdog):
        back(words, "watchdog" if watchdog else "restart")
    write("now", words[0] + " " + words[1] + " " + str(int(words[2]) - 1))
    return words[0]


def run():
    words = read("now")
    slot = chosen(words)
    if slot != "cable":
        sys.path.insert(0, "slots/" + slot)
    status, unknown = 1, True
    try:
        from jikimi.edge.app import main

        unknown = False
        status = main(".")
    except Exception as error:  # noqa: BLE001 - whatever it is, the way back is the same
        sys.print_exception(error)
    if len(read("now")) == 3:
        back(words, "settings" if status == 2 else "crash")
    if unknown and slot != "cable":  # it worked once and is not even loaded any more: the flash may be damaged
        other = "b" if slot == "a" else "a"
        usable = "envelope" in listed(other) and read("failed")[:1] != [other]
        back([slot, other if usable else "cable"], "crash")


gc.threshold(_COLLECT_EVERY)
try:
    run()
except OSError as error:  # the flash itself: the REPL is all that is left
    sys.print_exception(error)
