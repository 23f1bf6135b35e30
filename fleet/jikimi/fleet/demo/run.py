"""One run of the whole factory: start, play, drain, stop, account."""

from __future__ import annotations

import math
import queue
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from jikimi.fleet.agreement import example
from jikimi.fleet.alarms import responders
from jikimi.fleet.demo import account, connections, stage, stored
from jikimi.fleet.demo.acts import CLEAR_S, Acts
from jikimi.fleet.demo.check_ins import steps
from jikimi.fleet.demo.feed import Feed
from jikimi.fleet.demo.ledger import Ledger
from jikimi.fleet.demo.summary import Summary
from jikimi.fleet.demo.view import State, View
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.floor import Floor, cast, default_plan, workers
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.store import Store
from jikimi.fleet.virtual import VirtualBoard, World

_RESPONDER = "first-aider"
_TICK_S = 0.2
_ONLINE_S = 30.0  # for all devices to be connected
_DRAIN_S = 20.0  # for what is on the devices to reach the database
_QUIET_TICKS = 5  # without a new record: nothing is under way any more


@dataclass(frozen=True)
class Options:
    """What the command line asks for. `seconds` None: until `stop` is set."""

    seconds: float | None
    tags: int
    machines: int
    recordings: Path | None
    web: bool
    seed: int
    directory: Path


class Factory:
    """Everything one run starts; leaving the context stops all of it."""

    def __init__(self, options: Options, view: View, stop: threading.Event) -> None:
        self._options = options
        self._view = view
        self._stop = stop
        self._stack = ExitStack()
        self._began = time.monotonic()
        self._startup_s: float | None = None
        self._said: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()  # (device, console line)
        self.ledger = Ledger()

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
        options, plan = self._options, default_plan(self._options.machines)
        motions = workers(options.tags, options.recordings, options.seed)
        self.site = stage.make_site(options.directory)
        example.put_in_force(self.site)
        self._view.say("an example of a data-use agreement is in force, which nobody but this run has signed")
        parts = cast(options.tags, self._seconds)
        self.members = stage.register(self.site, plan, options.tags, parts)
        stage.flash(self.members)
        tags = [member.device for member in self.members if member.is_tag]
        nodes = [member.device for member in self.members if not member.is_tag]
        self.floor = Floor(plan, dict(zip(tags, motions, strict=True)), nodes, options.seed, parts)
        self._tags = tags
        self._supervisor = Supervisor(self.site, standard_services(self.site, web=options.web), self._view.say)
        self._stack.callback(self._supervisor.stop)
        self._supervisor.start()
        self._start_boards()
        store = self._stack.enter_context(Store.open(self.site.database_url, self.site.name))
        self._feed = Feed(store)

    def _start_boards(self) -> None:
        self._world = self._stack.enter_context(World(self.floor.bodies, self.floor.channel, seed=self._options.seed))
        self.world_epoch_ms = time.time() * 1000 - self._world.now() * 1000
        self._acts = Acts(self._tags, self._world.press, self.floor.lone, steps(self._seconds))
        self._boards = [self._stack.enter_context(self._board(member)) for member in self.members]
        for board in self._boards:
            board.start()

    def _board(self, member: stage.Member) -> VirtualBoard:
        gateway = [sys.executable, "-u", "-m", "jikimi.edge", "--root", str(member.root)]
        board = VirtualBoard(
            member.device,
            member.root,
            self._world,
            log_path=self.site.log_dir / f"{member.device}.console",
            command=gateway if member.gateway else None,
        )
        board.console.listeners.append(lambda line: self._said.put((member.device, line)))
        return board

    # Run.

    def run(self) -> Summary:
        """The whole run: from all devices online to the account."""
        self._wait_online()
        self._play()
        self._drain()
        return self._summary()

    def _wait_online(self) -> None:
        """Return when every device has a connection to the broker, or stopped; ServiceError names those without."""
        deadline = time.monotonic() + _ONLINE_S
        while not self._stop.is_set():
            self._tick()
            waiting = [board for board in self._boards if not self.ledger.linked.get(board.name)]
            if not waiting:
                self._startup_s = time.monotonic() - self._began
                return
            if time.monotonic() > deadline:
                raise ServiceError(_not_connected(waiting))
            self._stop.wait(_TICK_S)

    def _play(self) -> None:
        """Open the floor and let it run for the time asked for, or until stopped; then close it."""
        self.floor.open(self._world.now())
        if self._startup_s is not None:
            self._view.say(f"the floor is open ({self._startup_s:.1f} s after the start)")
        if page := self._page():
            self._view.say(f"live page: {page}")
            code = responders.add(self.site, _RESPONDER)
            self._view.say(f"to take alarms on there as {_RESPONDER}, sign in below them with {code}")
        while not self._stop.is_set() and not self._over():
            self._tick()
            self._act(self._world.now())
            self._view.show(self._state())
            self._stop.wait(_TICK_S)
        self.end_s = self._world.now()
        self.floor.close(self.end_s)
        self.tls = connections.over_tls(self.site)

    def _act(self, now_s: float) -> None:
        falls, rests = self.floor.acted_falls(now_s), self.floor.rests(now_s + CLEAR_S)
        self._acts.tick(self.floor.opened_s or 0.0, now_s, falls, rests)

    def _drain(self) -> None:
        """Wait until every record a device has written is stored and no new one comes, or the deadline passes."""
        self._view.say("waiting until everything the devices hold is stored")
        deadline, quiet, before = time.monotonic() + _DRAIN_S, 0, -1
        while quiet < _QUIET_TICKS and time.monotonic() < deadline:
            self._tick()
            count = len(self.ledger.records)
            kept = stored.stored_keys(self.site.database_url, self.site.name)
            all_stored = self.ledger.records.keys() <= kept and not self.ledger.unacknowledged()
            quiet = quiet + 1 if all_stored and count == before else 0
            before = count
            time.sleep(_TICK_S)

    def _summary(self) -> Summary:
        """The account of the run, from the consoles, the database and the floor's truth."""
        due = frozenset(self.ledger.records)
        kept = stored.read(self.site.database_url, self.site.name)
        self._listen()
        scores = account.score(self.members, self.floor, kept, self.world_epoch_ms, self.end_s)
        services = {status.name: status.restarts for status in self._supervisor.status() if status.restarts}
        boards = {board.name: board.boots - 1 for board in self._boards if board.boots > 1}
        return Summary(
            seed=self._options.seed,
            seconds=round(self.floor.shift_s(self.end_s), 1),
            startup_s=None if self._startup_s is None else round(self._startup_s, 1),
            devices=len(self.members),
            devices_native=sum(core.how == "native" for core in self.ledger.cores.values()),
            devices_tls=sum(member.device in self.tls for member in self.members),
            gateways=sum(member.gateway for member in self.members),
            acted_falls=scores.falls.acted,
            detected_falls=scores.falls.detected,
            false_falls=scores.falls.false,
            incursions=scores.incursions.acted,
            detected_incursions=scores.incursions.detected,
            false_incursions=scores.incursions.false,
            marginal_incursions=scores.marginal,
            restarts=services | boards,
            missed=[*scores.falls.missed, *scores.incursions.missed],
            interrupted=self._stop.is_set(),
            **account.button_figures(self._acts, self.floor.rests(self.end_s), kept, self.world_epoch_ms, self.end_s),
            **account.figures(self.ledger, due, kept),
        )

    @property
    def _seconds(self) -> float:
        """How long the floor is open, infinity: until stopped."""
        return math.inf if self._options.seconds is None else self._options.seconds

    def _over(self) -> bool:
        return self.floor.shift_s(self._world.now()) >= self._seconds

    def _tick(self) -> None:
        self._supervisor.wait(0)  # raises when a service cannot be kept running
        self._listen()
        for line in self._feed.news():
            self._view.event(line)

    def _listen(self) -> None:
        while not self._said.empty():
            self.ledger.feed(*self._said.get())

    def _state(self) -> State:
        nodes = {member.device: member.name for member in self.members if not member.is_tag}
        return State(
            elapsed_s=self.floor.shift_s(self._world.now()),
            seconds=self._options.seconds,
            online=sum(self.ledger.linked.get(member.device, False) for member in self.members),
            devices=len(self.members),
            open_alarms=self._feed.open_alarms(),
            near_misses=[(name, self._feed.near_misses.get(device, 0)) for device, name in nodes.items()],
            stored=self._feed.stored,
            page=self._page(),
        )

    def _page(self) -> str | None:
        return f"http://127.0.0.1:{self.site.ports().web}/" if self._options.web else None


def _not_connected(boards: list[VirtualBoard]) -> str:
    """The sentence for boards that did not connect in time, with what the first of them complained of."""
    names = ", ".join(board.name for board in boards)
    complaints = [line for line in boards[0].lines() if "Error" in line or line.startswith("jk log")]
    why = f'; {boards[0].name} said "{complaints[-1]}"' if complaints else ""
    return (
        f"not connected after {_ONLINE_S:.0f} s: {names}{why}: run it with --dir DIR and read the consoles in DIR/log "
        "(after a change of the C core, `make setup` builds the boards' native module)"
    )
