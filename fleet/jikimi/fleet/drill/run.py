"""One drill: bring the cluster up, let tags report, kill parts of it, see everything arrive, account for it."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

from jikimi.fleet.drill import order, words
from jikimi.fleet.drill.chronicle import Chronicle
from jikimi.fleet.drill.incident import Moment
from jikimi.fleet.drill.kills import Kills, make_script
from jikimi.fleet.drill.processes import Processes
from jikimi.fleet.drill.summary import Summary
from jikimi.fleet.drill.traffic import Traffic
from jikimi.fleet.drill.view import State, View
from jikimi.fleet.drill.watch import Watch, balance
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.load import account, enrol
from jikimi.fleet.load.run import raise_file_limit
from jikimi.fleet.store import Store

if TYPE_CHECKING:
    import threading

    from jikimi.fleet.drill.options import Options, Stop
    from jikimi.fleet.load import Report

_BATCH: Final = 5  # events in a message
_TICK_S = 0.1
_START_S = 60.0  # for every tag to have something acknowledged
_DRAIN_S = 60.0  # for everything that was sent to be acknowledged
_QUEUE_S = 15.0  # for the broker to give out again what a dead worker held


class Drill:
    """Everything one drill starts; leaving the context stops all of it.

    Wiring only: processes, tags, the look at them, incidents and kills each have an owner of their own.
    """

    def __init__(self, options: Options, view: View, stop: Stop) -> None:
        self._options, self._view, self.stop = options, view, stop
        self._stack = ExitStack()
        self._began_s = time.monotonic()
        self._chronicle = Chronicle(self._say)
        self._script = make_script(options)
        self._kills = Kills(self._script, self._chronicle, self._say)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self) -> Summary:
        """The whole drill: from the first event to the account."""
        self._traffic.start()
        self._wait_until_all_report()
        self._play()
        self._drain()
        return self._summary()

    def _start(self) -> None:
        raise_file_limit()
        self._processes = self._stack.enter_context(Processes(self._options, self.stop, self._say))
        site = self.site = self._processes.site
        self._store = self._stack.enter_context(Store.open(site.database_url, site.name))
        self._say(f"making keys for {self._options.tags} tags")
        self._traffic = self._stack.enter_context(Traffic(enrol(site, self._options.tags, _BATCH)))
        self._watch = self._stack.enter_context(Watch(site, self._store, self._traffic))

    def _wait_until_all_report(self) -> None:
        until_s = time.monotonic() + _START_S
        while not self.stop.asked.is_set():
            moment = self._tick("the tags connect")
            if all(count.acked for count in moment.tags.values()) and moment.seen.leader is not None:
                self._say(f"{len(moment.tags)} tags report, and what they report is stored")
                name = next(name for name in moment.seen.nodes if name != moment.seen.leader)
                self._say(f"kill any process yourself, at any moment: kill -9 {moment.services[name].pid} ends {name}")
                return
            if time.monotonic() > until_s:
                raise ServiceError(f"not every tag could report within {_START_S:.0f} s: try fewer --tags")
            self.stop.asked.wait(_TICK_S)

    def _play(self) -> None:
        seconds = self._options.seconds
        until_s = math.inf if seconds is None else time.monotonic() + seconds
        while not self.stop.asked.is_set():
            moment = self._tick()
            self._kills.tick(moment)
            over = seconds is None and self._options.kill and self._script.over(moment.now_s)
            if over or moment.now_s >= until_s:
                return
            self.stop.asked.wait(_TICK_S)

    def _drain(self) -> None:
        """Wait until everything sent is acknowledged and nothing is left in the broker, or nobody wants to wait."""
        self._say("no new events; waiting until everything has arrived (Ctrl-C: at once, and without a verdict)")
        self._traffic.stop()
        enough, until_s = self.stop.at_once, time.monotonic() + _DRAIN_S
        while not self._traffic.done() and not _over(enough, until_s):
            self._tick("waiting until everything has arrived")
            enough.wait(_TICK_S)
        self._traffic.abandon()
        until_s = time.monotonic() + _QUEUE_S
        while self._watch.latest().queued and not _over(enough, until_s):
            self._tick("waiting until the broker has given everything out")
            enough.wait(_TICK_S)

    def _summary(self) -> Summary:
        options, counts = self._options, self._traffic.counts()
        waiting = sum(count.waiting for count in counts.values())
        kept, late = order.read(self.site.database_url, self.site.name)
        return Summary(
            nodes=options.nodes,
            workers=options.workers,
            database="PostgreSQL" if options.postgresql else "SQLite",
            load=self._report(waiting),
            events=sum(count.sent for count in counts.values()),
            waiting=waiting,
            in_order=kept,
            late=late,
            incidents=[incident.figures for incident in self._chronicle.incidents],
        )

    def _report(self, waiting: int) -> Report:
        """The load's account; what is still `waiting` is on its way, neither here nor lost."""
        traffic, rows = self._traffic, self._store.sequences()
        stored = {row.device: row.stored for row in rows}
        report = account(traffic.tags, _BATCH, max(traffic.took_s, _TICK_S), stored)
        if not waiting:
            return report
        acked = {device: count.acked for device, count in traffic.counts().items()}
        return report._replace(lost=balance(acked, rows, acked).lost)

    def _tick(self, doing: str | None = None) -> Moment:
        """Notice and tell what has happened since the last time, and show how everything is."""
        self._processes.check()
        self._traffic.done()  # raises when the tags cannot go on
        moment = Moment(
            now_s=time.monotonic(),
            services=self._processes.status(),
            seen=self._watch.latest(),
            tags=self._traffic.counts(),
        )
        self._chronicle.follow(moment)
        self._show(moment, doing)
        return moment

    def _show(self, moment: Moment, doing: str | None) -> None:
        incidents, options = self._chronicle.open, self._options
        self._view.show(
            State(
                elapsed_s=moment.now_s - self._began_s,
                doing=doing or words.doing(moment, incidents, self._script, options),
                rows=words.rows(moment, incidents, options.pause_s),
                books=moment.seen.books,
            )
        )

    def _say(self, text: str) -> None:
        self._view.say(time.monotonic() - self._began_s, text)


def _over(enough: threading.Event, until_s: float) -> bool:
    """Nobody wants to wait any more, or it has been long enough."""
    return enough.is_set() or time.monotonic() >= until_s
