"""What is on the bench: boards, how to reach them, how to switch them. Virtual ones are made on the spot."""

from __future__ import annotations

import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jikimi.fleet.virtual import Bench as OneMetreApart
from jikimi.fleet.virtual import VirtualBoard, World
from jikimi.wire import settings

VIRTUAL = "virtual"
_VIRTUAL_BOARDS = {"tag": "tag", "node": "node"}  # name -> kind
_NEEDED = {"name", "kind", "port", "arch"}
_KEYS = {*_NEEDED, "pins", "imu", "uwb", "power_on", "power_off"}
IMU = "lsm6dsox"  # what the virtual tag has, and a real one unless its entry says otherwise

Ask = Callable[[str], None]


class Power(Protocol):
    """The supply of one board."""

    def on(self) -> None: ...
    def off(self) -> None: ...


@dataclass(frozen=True)
class Network:
    """How boards reach this computer; without `ssid` they need no Wi-Fi."""

    host: str = "127.0.0.1"
    ssid: str | None = None
    password: str | None = None


@dataclass
class Place:
    """One board on the bench. `press(seconds)` presses its button; `imu` and `uwb` say what is wired to it."""

    name: str
    kind: str
    port: str
    arch: str
    pins: str
    power: Power
    press: Callable[[float], None]
    imu: str = IMU
    uwb: bool = True


@dataclass
class Bench:
    """All places, and the network they share."""

    places: dict[str, Place]
    network: Network


def board_names(option: str) -> dict[str, str]:
    """Names and kinds of the boards on a bench, without touching it."""
    if option == VIRTUAL:
        return dict(_VIRTUAL_BOARDS)
    return {entry["name"]: entry["kind"] for entry in _read(Path(option))["board"]}


@contextmanager
def open_bench(option: str, folder: Path, ask: Ask) -> Iterator[Bench]:
    """The bench an option names; `folder` is for flash directories, `ask` puts a request to a person."""
    if option != VIRTUAL:
        yield _real_bench(Path(option), ask)
        return
    with ExitStack() as stack:
        world = stack.enter_context(World(channel=OneMetreApart()))
        places = {
            name: _virtual_place(stack.enter_context(VirtualBoard(name, folder / name, world)), kind, world)
            for name, kind in _VIRTUAL_BOARDS.items()
        }
        yield Bench(places, Network())


class _VirtualPower:
    def __init__(self, board: VirtualBoard) -> None:
        self.on, self.off = board.start, board.stop


def _virtual_place(board: VirtualBoard, kind: str, world: World) -> Place:
    press = lambda seconds: world.press(board.name, seconds)  # noqa: E731
    return Place(board.name, kind, board.port, "x64", "virtual", _VirtualPower(board), press)


class _CommandPower:
    def __init__(self, on: str, off: str) -> None:
        self._commands = {"on": on, "off": off}

    def on(self) -> None:
        subprocess.run(shlex.split(self._commands["on"]), check=True)

    def off(self) -> None:
        subprocess.run(shlex.split(self._commands["off"]), check=True)


class _PersonPower:
    def __init__(self, name: str, ask: Ask) -> None:
        self._name, self._ask = name, ask
        self._is_on = True  # a bench starts with everything plugged in

    def on(self) -> None:
        if not self._is_on:
            self._ask(f"plug {self._name} in")
        self._is_on = True

    def off(self) -> None:
        if self._is_on:
            self._ask(f"unplug {self._name} and take its battery off")
        self._is_on = False


def _real_bench(path: Path, ask: Ask) -> Bench:
    document = _read(path)
    places = {entry["name"]: _real_place(entry, ask) for entry in document["board"]}
    return Bench(places, Network(**document["network"]))


def _real_place(entry: dict[str, Any], ask: Ask) -> Place:
    name = entry["name"]
    power: Power = _PersonPower(name, ask)
    if "power_on" in entry and "power_off" in entry:
        power = _CommandPower(entry["power_on"], entry["power_off"])

    def press(seconds: float) -> None:
        ask(f"hold the button of {name} for {seconds:g} seconds, then go on")

    pins, imu, uwb = entry.get("pins", VIRTUAL), entry.get("imu", IMU), entry.get("uwb", True)
    return Place(name, entry["kind"], entry["port"], entry["arch"], pins, power, press, imu, uwb)


def _read(path: Path) -> dict[str, Any]:
    document = tomllib.loads(path.read_text())
    for entry in document.get("board", []):
        unknown = set(entry) - _KEYS
        if unknown or not set(entry) >= _NEEDED:
            raise ValueError(f"{path}: a [[board]] needs name, kind, port and arch; not known: {sorted(unknown)}")
        if entry.get("imu", IMU) not in settings.IMU_RATES or not isinstance(entry.get("uwb", True), bool):
            raise ValueError(f"{path}: imu is one of {', '.join(sorted(settings.IMU_RATES))}, uwb true or false")
    if not document.get("board") or "network" not in document:
        raise ValueError(f"{path}: needs [network] and at least one [[board]]; see hil_tests/bench.example.toml")
    return document
