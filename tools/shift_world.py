"""A world for one virtual board whose waiting is skipped (tools/fast_clock.c), and the wearer in it."""

from __future__ import annotations

import heapq
import mmap
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jikimi.fleet.errors import BoardError
from jikimi.fleet.floor.clips import Floats, blend
from jikimi.fleet.floor.physics import PhysicsMotion
from jikimi.fleet.virtual import World
from jikimi.fleet.virtual.wiring import BUTTON_PIN
from jikimi.fleet.virtual.world import Body
from jikimi.wire import radio

_SOURCE = Path(__file__).with_name("fast_clock.c")
_SHARED = struct.Struct("=qq")  # microseconds: skipped, UTC off
_LOOK_S = 0.001  # real time between two looks at the script while the board asks for nothing
MACHINE = "press"
_MACHINE_ID = b"\x01\x02\x03\x04"
_ADVERT_TYPE = 3
_ROUND_S = 300.0  # a wearer's round: walk, stand, bend, stand
_RISE_S = 3.0
_FADE_S = 0.5


class FastClock:
    """The file with what has been skipped, and the environment that makes a process live by it.

    `utc_off_s`: how far the process's UTC is off.
    """

    def __init__(self, folder: Path, utc_off_s: int = 0) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise BoardError("a simulated shift needs a C compiler")
        library, path = folder / "fast_clock.so", folder / "clock"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, _SOURCE, "-ldl"], check=True)
        path.write_bytes(_SHARED.pack(0, utc_off_s * 1_000_000))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _SHARED.size)
        self.environment = {"LD_PRELOAD": str(library), "FAST_CLOCK": str(path)}

    def skipped_s(self) -> float:
        """Seconds that were not waited for so far."""
        skipped_us: int = _SHARED.unpack_from(self._page)[0]
        return skipped_us * 1e-6


class FastWorld(World):
    """A world in the time of its board. `at(t_s, act)` does something at a moment of it, in the world's thread."""

    def __init__(self, name: str, body: Body, clock: FastClock) -> None:
        super().__init__({name: body}, Nearby())
        self._clock = clock
        self._script: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._acting = False
        self._board = name

    def __enter__(self) -> FastWorld:
        super().__enter__()
        self.do(self._look)
        return self

    def now(self) -> float:
        """Seconds since the world was made, those skipped included; what is due by then has happened."""
        now_s = super().now() + self._clock.skipped_s()
        if not self._acting:
            self._acting = True
            while self._script and self._script[0][0] <= now_s:
                heapq.heappop(self._script)[2]()
            self._acting = False
        return now_s

    def at(self, t_s: float, act: Callable[[], None]) -> None:
        """Have `act()` called once the world's time has come to `t_s`; before the board is started."""
        self._number += 1
        heapq.heappush(self._script, (t_s, self._number, act))

    def press_at(self, t_s: float, seconds: float) -> None:
        """A press of the button."""
        self.at(t_s, lambda: self.hardware(self._board).drive_input(BUTTON_PIN, 0))
        self.at(t_s + seconds, lambda: self.hardware(self._board).drive_input(BUTTON_PIN, 1))

    def pass_machine(self, t_s: float, seconds: float) -> None:
        """A machine is near for so long: adverts five times a second."""
        advert = radio.node_advert(_MACHINE_ID, 0, 30, 15)
        for number in range(int(seconds * 5)):
            self.at(t_s + number / 5, lambda: self.air.send_once(MACHINE, _ADVERT_TYPE, advert))

    def _look(self) -> None:
        self.now()
        self.loop.call_later(_LOOK_S, self._look)


class Nearby:
    """What is on the air is near: a machine at arm's length, and nobody measures."""

    def rssi_dbm(self, tx: str, rx: str, t_s: float) -> float | None:  # noqa: ARG002
        """As at a metre."""
        return -50.0

    def range_m(self, a: str, b: str, t_s: float) -> float | None:  # noqa: ARG002
        """No exchange succeeds."""
        return None


class Wearer:
    """Rounds of walking, standing and bending, and one fall; the same for the same seed (`Body` of the world)."""

    def __init__(self, fall_s: float, seed: int = 7) -> None:
        rng, motion = np.random.default_rng(seed), PhysicsMotion()
        self._walk, self._stand, self._fall = motion.walk(rng), motion.stand(rng), motion.fall(rng)
        self._bend = motion.work(rng)
        self._after_s, self._fall_s = fall_s, np.inf
        self.up_s = np.inf

    def begin(self, t_s: float) -> None:
        """The shift begins at this time of the world."""
        self._fall_s = t_s + self._after_s
        self.up_s = self._fall_s + self._fall.duration_s

    def samples(self, t0_s: float, dt_s: float, n: int) -> Floats:
        """As Body.samples; a block belongs to one movement."""
        times: Floats = t0_s + dt_s * np.arange(n, dtype=np.float64)
        if self._fall_s <= t0_s < self.up_s:
            return self._fall.sample(times - self._fall_s)
        usual = self._usual(times)
        if self.up_s <= t0_s < self.up_s + _RISE_S:
            share = np.clip((times - self.up_s) / _RISE_S, 0, 1)
            return blend(self._fall.sample(times - self._fall_s), usual, share)
        return usual

    def _usual(self, times: Floats) -> Floats:
        phase: Floats = times - _ROUND_S * np.floor(times[0] / _ROUND_S)
        if phase[0] < 60.0:
            return self._walk.sample(phase)
        if phase[0] < 120.0:
            return self._stand.sample(phase)
        if phase[0] < 180.0:
            every_s = self._bend.duration_s + _FADE_S
            return self._bend.sample(np.mod(phase, every_s))
        if phase[0] < 240.0:
            return self._walk.sample(phase - 180.0)
        return self._stand.sample(phase)
