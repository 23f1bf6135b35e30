"""The world the boards live in: it holds their chips and the radio between them, and serves their sockets.

Its event loop runs in a thread of its own, so that a busy program (a page, a broker client) does not slow the chips
down. `Body` and `Channel` are called from that thread. Public methods may be called from any other thread.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from jikimi.fleet.virtual.hardware import Faults, Hardware, Output
from jikimi.fleet.virtual.interpreter import build_rom
from jikimi.fleet.virtual.radio import Air, UwbMedium
from jikimi.fleet.virtual.session import Session
from jikimi.fleet.virtual.wiring import BUTTON_PIN, CHARGER_PIN

_T = TypeVar("_T")


class Body(Protocol):
    """What a board's motion sensor feels."""

    def samples(self, t0_s: float, dt_s: float, n: int) -> NDArray[np.float64]:
        """(n, 6): g and deg/s in the board's axes at t0_s, t0_s + dt_s, … (seconds since the world started)."""
        ...


class Channel(Protocol):
    """The radio paths between boards, named by strings."""

    def rssi_dbm(self, tx: str, rx: str, t_s: float) -> float | None:
        """Signal strength of one advert; None when it is not received."""
        ...

    def range_m(self, a: str, b: str, t_s: float) -> float | None:
        """Result of one UWB exchange; None when it fails."""
        ...


class StillBody:
    """Lies on a bench, z up."""

    def samples(self, t0_s: float, dt_s: float, n: int) -> NDArray[np.float64]:  # noqa: ARG002
        """One g along z, no rotation."""
        return np.tile([0.0, 0.0, 1.0, 0.0, 0.0, 0.0], (n, 1))


class Vacuum:
    """Nobody hears anybody."""

    def rssi_dbm(self, tx: str, rx: str, t_s: float) -> float | None:  # noqa: ARG002
        """Nothing."""
        return None

    def range_m(self, a: str, b: str, t_s: float) -> float | None:  # noqa: ARG002
        """Nothing."""
        return None


class Bench:
    """All boards lie on one bench, a metre from each other."""

    def rssi_dbm(self, tx: str, rx: str, t_s: float) -> float | None:  # noqa: ARG002
        """What a 0 dBm sender gives at a metre."""
        return -59.0

    def range_m(self, a: str, b: str, t_s: float) -> float | None:  # noqa: ARG002
        """A metre."""
        return 1.0


class World:
    """A context manager; boards without an entry in `bodies` lie still.

    An exception of a body or a channel is logged at once and raised again when the world is left.
    """

    def __init__(
        self, bodies: Mapping[str, Body] | None = None, channel: Channel | None = None, *, seed: int = 0
    ) -> None:
        self._bodies = dict(bodies or {})
        self._channel = channel or Vacuum()
        self._seed = seed
        self._boards: dict[str, Hardware] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="world", daemon=True)
        self._start = time.monotonic()
        self._failures: list[Exception] = []
        self.sessions: dict[str, list[Session]] = {}
        self.controllers: dict[str, Controller] = {}

    # Life.

    def __enter__(self) -> World:
        self._directory = Path(tempfile.mkdtemp(prefix="jikimi-"))
        self.rom_dir = self._directory / "rom"
        build_rom(self.rom_dir)
        self.air = Air(self._channel, self.now, self._seed)
        self.uwb = UwbMedium(self._channel, self.now)
        self._thread.start()
        self._server = self.call(self._serve())
        return self

    def __exit__(self, kind: object, *_exc: object) -> None:
        for controller in list(self.controllers.values()):
            controller.close()
        self.call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self._directory)
        if self._failures and kind is None:
            raise self._failures[0]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._failed)
        self._loop.run_forever()

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something in the world's thread raised: say it now, and raise it where the world is left."""
        if isinstance(error := context.get("exception"), Exception):
            self._failures.append(error)
        loop.default_exception_handler(context)

    async def _serve(self) -> asyncio.Server:
        return await self._loop.create_unix_server(lambda: Session(self), self.socket_path)

    def disconnect(self, name: str) -> None:
        """The board's process is gone: what it still had to say is void. In the world's thread."""
        self.air.silence(name)
        for session in self.sessions.pop(name, []):
            session.close()

    def send_event(self, name: str, kind: int, payload: bytes) -> None:
        """An interrupt for the board `name`. In the world's thread."""
        for session in self.sessions.get(name, []):
            session.send_event(kind, payload)

    async def _shut(self) -> None:
        self._server.close()
        for name in self._boards:
            self.disconnect(name)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def socket_path(self) -> str:
        """Where boards connect; the folder is private to this user."""
        return str(self._directory / "world.sock")

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the world's thread."""
        return self._loop

    def now(self) -> float:
        """Seconds since the world was made."""
        return time.monotonic() - self._start

    def call(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run `coroutine` in the world's thread and return its result; from any other thread."""
        assert threading.current_thread() is not self._thread, "it would wait for itself"
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def do(self, function: Callable[[], _T]) -> _T:
        """Run `function` in the world's thread and return its result; from any other thread."""

        async def run() -> _T:
            return function()

        return self.call(run())

    # Boards.

    def hardware(self, name: str) -> Hardware:
        """The circuit of a board, made on first use. Touch it through `do`."""
        if name not in self._boards:
            body = self._bodies.get(name) or StillBody()
            board = Hardware(name, body.samples, self.uwb.exchange, self.now)
            self.uwb.add(name, board.uwb)
            self._boards[name] = board
        return self._boards[name]

    def faults(self, name: str) -> Faults:
        """What is wrong with a board; set its attributes at any time."""
        return self.do(lambda: self.hardware(name)).faults

    def outputs(self, name: str) -> list[Output]:
        """Changes of output pins so far, the last 100,000 at most."""
        return self.do(lambda: list(self.hardware(name).outputs))

    def set_battery(self, name: str, millivolts: int) -> None:
        """Set the cell's voltage."""

        def change() -> None:
            self.hardware(name).battery_mv = millivolts

        self.do(change)

    def set_docked(self, name: str, docked: bool) -> None:
        """Put the board on its charger, or take it off."""
        self.do(lambda: self.hardware(name).drive_input(CHARGER_PIN, int(docked)))

    def press(self, name: str, seconds: float) -> None:
        """Press the board's button now and let go after `seconds`."""

        def push() -> None:
            self.hardware(name).drive_input(BUTTON_PIN, 0)
            self._loop.call_later(seconds, self.hardware(name).drive_input, BUTTON_PIN, 1)

        self.do(push)


class Controller(Protocol):
    """Who owns the process of a board: the world tells it what the board asks for. Called in the world's thread."""

    def booted(self) -> int:
        """The process is about to run /boot.py; returns 1 when /main.py is to be skipped, else 0."""
        ...

    def restart(self, cause: int, after_s: float) -> None:
        """Kill the process and start it again with this reset cause."""
        ...

    def close(self) -> None:
        """The world ends; called from the thread that ends it."""
        ...
