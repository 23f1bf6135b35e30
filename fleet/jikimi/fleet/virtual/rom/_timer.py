# mypy: ignore-errors
"""`machine.Timer`: its handler interrupts a program that is busy, which events of the world cannot do."""

import _thread
import os
import sys
import time

if sys.implementation.name == "micropython":
    from micropython import schedule as _interrupt
else:

    def _interrupt(handler, argument):
        handler(argument)


class Timer:
    """As on an ESP32: the handler runs between two byte codes of the program, and is not called twice for one delay.

    A thread tells when it is time. CPython has nothing to interrupt a program with and runs the handler in that thread.
    """

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **settings):
        self._number = 0  # of the setting that counts
        self._waits = False
        if settings:
            self.init(**settings)

    def init(self, *, mode=PERIODIC, period=-1, callback=None, hard=False):
        if hard:
            raise ValueError("hard Timers are not implemented")
        self._number += 1
        self._waits = False
        self._callback = callback
        _thread.start_new_thread(self._run, (self._number, mode, period / 1000))

    def deinit(self):
        self._number += 1

    def _run(self, number, mode, period_s):
        try:
            self._tick(number, mode, period_s)
        except KeyboardInterrupt:
            # Ctrl-C meets this thread when the program's has signals blocked, as while it starts a thread. It was meant
            # for the program: it is sent again, a little later, and by a shell, for there is nothing else to send with.
            os.system("{ sleep 0.05; kill -INT $PPID; } &")
            _thread.start_new_thread(self._run, (number, mode, period_s))

    def _tick(self, number, mode, period_s):
        while True:
            time.sleep(period_s)
            if number != self._number:
                return
            if not self._waits:
                self._waits = True
                self._interrupt(number)
            if mode == Timer.ONE_SHOT:
                return

    def _interrupt(self, number):
        try:
            _interrupt(self._called, number)
        except RuntimeError:
            self._waits = False  # the queue of handlers is full: this one is lost, as on the chip

    def _called(self, number):
        self._waits = False
        if number == self._number:
            self._callback(self)
