"""One drill: bring the cluster up, let tags report, kill parts of it, see everything arrive, account for it."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from jikimi.fleet import registry
from jikimi.fleet.drill import order, stage
from jikimi.fleet.drill.database import NAME as DATABASE
from jikimi.fleet.drill.database import PrivateServer
from jikimi.fleet.drill.incident import Incident, Moment, is_node, is_worker
from jikimi.fleet.drill.script import Script
from jikimi.fleet.drill.summary import Summary
from jikimi.fleet.drill.traffic import Traffic
from jikimi.fleet.drill.view import Row, State, View
from jikimi.fleet.drill.watch import Watch, balance
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.load import account, enrol
from jikimi.fleet.load.run import raise_file_limit
from jikimi.fleet.services import Service, Status, Supervisor
from jikimi.fleet.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

_BATCH: Final = 5  # events in a message
_TICK_S = 0.1
_START_S = 60.0  # for every tag to have something acknowledged
_DRAIN_S = 60.0  # for everything that was sent to be acknowledged
_QUEUE_S = 15.0  # for the broker to give out again what a dead worker held
_LEADER, _WORKER, _DATABASE = "the node that leads", "a worker", "the database"


@dataclass(frozen=True)
class Options:
    """What the command line asks for. `seconds` None: until the script is over, or without one until stopped."""

    nodes: int
    workers: int
    tags: int
    postgresql: bool
    kill: bool
    pause_s: float  # between two kills, and how long what was killed stays away
    seconds: float | None
    directory: Path
    kept: bool  # the site stays when the drill is over


class Stop:
    """How a drill is asked to end: in order the first time, at once the second."""

    def __init__(self) -> None:
        self.asked, self.at_once = threading.Event(), threading.Event()
        self.while_starting: Callable[[], None] | None = None

    def ask(self) -> None:
        """A signal handler may call it."""
        if self.asked.is_set():
            self.at_once.set()
        self.asked.set()
        if self.while_starting is not None:
            self.while_starting()


class Drill:
    """Everything one drill starts; leaving the context stops all of it."""

    def __init__(self, options: Options, view: View, stop: Stop) -> None:
        self._options, self._view, self.stop = options, view, stop
        self._stack = ExitStack()
        self._began_s = time.monotonic()
        self._failed_start: str | None = None
        self._up = False
        self._killed: set[str] = set()  # by us, and not noticed yet
        self._restarts: dict[str, int] = {}
        self._open: dict[str, Incident] = {}  # by the process's name
        self._leader: str | None = None
        self.incidents: list[Incident] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._stack.close()

    # Start.

    def _start(self) -> None:
        options = self._options
        raise_file_limit()
        server = self._stack.enter_context(PrivateServer()) if options.postgresql else None
        self.site = stage.make_site(options.directory, options.nodes, options.workers, server.url if server else None)
        services = stage.services(self.site, options.workers, options.pause_s)
        if server is not None:
            services.insert(0, server.service(options.pause_s))
        self._bring_up(services)
        store = self._stack.enter_context(Store.open(self.site.database_url, self.site.name))
        self._say(f"making keys for {options.tags} tags")
        self._traffic = self._stack.enter_context(Traffic(enrol(self.site, options.tags, _BATCH)))
        self._watch = self._stack.enter_context(Watch(self.site, store, self._traffic))
        self._store = store
        acts = [_LEADER, _WORKER, *([_DATABASE] if options.postgresql else [])]
        self._script = Script(acts if options.kill else [], options.pause_s)

    def _bring_up(self, services: list[Service]) -> None:
        if self._options.kept:
            self._stack.callback(self._retire_tags)
        supervisor = self._supervisor = Supervisor(self.site, services, self._hear)
        self._stack.callback(supervisor.stop)
        self.stop.while_starting = supervisor.request_stop
        if not self.stop.asked.is_set():
            supervisor.start()
        self.stop.while_starting = None
        if self._failed_start is not None:
            raise ServiceError(self._failed_start)
        if self.stop.asked.is_set():
            raise ServiceError("stopped before the cluster was up")
        self._up = True

    def _retire_tags(self) -> None:
        """When everything has stopped, so that nobody misses them when the site is up again."""
        registry.retire_all(self.site, [device.device for device in registry.devices(self.site)])

    def _hear(self, line: str) -> None:
        """What the supervisor says, from its thread; while starting, an end is the end."""
        if self._up:
            return  # incidents tell it
        if " ended (" not in line:
            self._say(line)
        elif self._failed_start is None:
            self._failed_start = f"{line.partition(';')[0]} while starting{self._last_words(line.split()[0])}"
            self._supervisor.request_stop()

    def _last_words(self, name: str) -> str:
        lines = (self.site.log_dir / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()
        return f'; the last line of its log is "{lines[-1].strip()}"' if lines else ""

    # Run.

    def run(self) -> Summary:
        """The whole drill: from the first event to the account."""
        self._traffic.start()
        self._wait_until_all_report()
        self._play()
        self._drain()
        return self._summary()

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
        seconds, kill = self._options.seconds, self._options.kill
        until_s = math.inf if seconds is None else time.monotonic() + seconds
        while not self.stop.asked.is_set():
            moment = self._tick()
            act = self._script.next(moment.now_s, well=not self._open and moment.seen.trouble is None)
            if act is not None:
                self._kill(act, moment)
            over = seconds is None and kill and self._script.over(moment.now_s)
            if over or moment.now_s >= until_s:
                return
            self.stop.asked.wait(_TICK_S)

    def _kill(self, act: str, moment: Moment) -> None:
        name = self._victim(act, moment)
        pid = None if name is None else moment.services[name].pid
        if name is None or pid is None:
            return  # somebody else was quicker
        self._say(f"now {act} is killed: kill -9 {pid} ({name})")
        self._killed.add(name)
        os.kill(pid, signal.SIGKILL)

    def _victim(self, act: str, moment: Moment) -> str | None:
        if act == _LEADER:
            return self._leader
        if act == _DATABASE:
            return DATABASE
        return next(name for name in moment.services if is_worker(name))

    def _drain(self) -> None:
        """Wait until everything sent is acknowledged and nothing is left in the broker, or nobody wants to wait."""
        self._say("no new events; waiting until everything has arrived (Ctrl-C: at once, and without a verdict)")
        self._traffic.stop()
        until_s = time.monotonic() + _DRAIN_S
        while not self._traffic.done() and not self.stop.at_once.is_set() and time.monotonic() < until_s:
            self._tick("waiting until everything has arrived")
            self.stop.at_once.wait(_TICK_S)
        self._traffic.abandon()
        until_s = time.monotonic() + _QUEUE_S
        while self._watch.latest().queued and not self.stop.at_once.is_set() and time.monotonic() < until_s:
            self._tick("waiting until the broker has given everything out")
            self.stop.at_once.wait(_TICK_S)

    def _summary(self) -> Summary:
        options, counts = self._options, self._traffic.counts()
        rows = self._store.sequences()
        report = account(
            self._traffic.tags, _BATCH, max(self._traffic.took_s, _TICK_S), {row.device: row.stored for row in rows}
        )
        waiting = sum(count.waiting for count in counts.values())
        if waiting:  # still on its way, neither here nor lost
            acked = {device: count.acked for device, count in counts.items()}
            report = report._replace(lost=balance(acked, rows, acked).lost)
        kept, late = order.read(self.site.database_url, self.site.name)
        return Summary(
            nodes=options.nodes,
            workers=options.workers,
            database="PostgreSQL" if options.postgresql else "SQLite",
            load=report,
            events=sum(count.sent for count in counts.values()),
            waiting=waiting,
            in_order=kept,
            late=late,
            incidents=[incident.figures for incident in self.incidents],
        )

    # Look.

    def _tick(self, doing: str | None = None) -> Moment:
        """Notice and tell what has happened since the last time, and show how everything is."""
        self._supervisor.wait(0)  # raises when a service cannot be kept running
        self._traffic.done()  # raises when the tags cannot go on
        moment = self._look()
        self._leader = moment.seen.leader or self._leader
        for status in moment.services.values():
            if status.restarts > self._restarts.get(status.name, 0):
                self._restarts[status.name] = status.restarts
                self._begin(moment, status.name)
        for name, incident in list(self._open.items()):
            for sentence in incident.follow(moment):
                self._say(sentence)
            if incident.over:
                del self._open[name]
        self._view.show(self._state(moment, doing or self._doing(moment)))
        return moment

    def _look(self) -> Moment:
        return Moment(
            now_s=time.monotonic(),
            services={status.name: status for status in self._supervisor.status()},
            seen=self._watch.latest(),
            tags=self._traffic.counts(),
        )

    def _begin(self, moment: Moment, name: str) -> None:
        by_hand = name not in self._killed
        self._killed.discard(name)
        incident = Incident(moment, name, led=name == self._leader, by_hand=by_hand)
        self.incidents.append(incident)
        self._open[name] = incident
        self._say(incident.first_words())

    def _doing(self, moment: Moment) -> str:
        now_s = moment.now_s
        if self._open:
            return "; ".join(self._amiss(incident, now_s) for incident in self._open.values())
        if moment.seen.trouble is not None:
            return moment.seen.trouble
        due_s, coming = self._script.due_in_s(now_s), self._script.coming
        if due_s is None or not self._options.kill:
            return "all is well"
        if coming is not None:
            return f"all is well; in {due_s:.0f} s {coming} is killed"
        return "all is well" if self._options.seconds is not None else f"all is well; the end is in {due_s:.0f} s"

    def _amiss(self, incident: Incident, now_s: float) -> str:
        name, figures = incident.figures.name, incident.figures
        if figures.back_after_s is None:
            return f"{name} is away{self._return(incident, now_s)}"
        if figures.goes_on_after_s is None:
            return f"{name} is back, not every tag has gone on"
        return f"{name} fetches what it has missed" if is_node(name) else f"{name} is back"

    def _return(self, incident: Incident, now_s: float) -> str:
        left_s = incident.began_s + self._options.pause_s - now_s
        return f", back in {left_s:.0f} s" if left_s >= 1 else ", coming back"

    def _state(self, moment: Moment, doing: str) -> State:
        return State(
            elapsed_s=moment.now_s - self._began_s,
            doing=doing,
            rows=[self._row(moment, status) for status in moment.services.values()],
            books=moment.seen.books,
        )

    def _row(self, moment: Moment, status: Status) -> Row:
        node = moment.seen.nodes.get(status.name)
        tags = None if node is None or not node.answers else node.tags
        return Row(status.name, status.pid, self._state_of(moment, status), tags)

    def _state_of(self, moment: Moment, status: Status) -> str:
        incident, node = self._open.get(status.name), moment.seen.nodes.get(status.name)
        if status.pid is None:
            return "gone" + ("" if incident is None else self._return(incident, moment.now_s))
        if node is None:
            return "runs" if status.ready else "starts"
        if not node.answers:
            return "does not answer" if incident is None else "starts"
        if node.leads:
            return "runs, leads"
        if moment.seen.leader is None:
            return "chooses a leader"
        return "runs" if node.current else "catches up"

    def _say(self, text: str) -> None:
        self._view.say(time.monotonic() - self._began_s, text)
