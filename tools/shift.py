"""A whole shift of one tag in minutes: the real application in real MicroPython, over TLS to a real broker and site.

    python -m tools.shift [--hours 10] [--windows 10] [--heap 262144] [--heart-rate] [--json]

The tag is a virtual board with its chips, its clock skips what it would only wait for (tools/fast_clock.c). Its wearer
walks, bends, stands, passes a machine, calls for help once, falls once; the broker is away for a while; at the end the
tag is put on its charger. With `--heart-rate` it has a MAX30102 too (tools/shift_heart.py). What of the heap is free
after a collection comes from the tag's vitals, the size of the journal from its flash. Fails when less is free after
the first window (an hour, of ten), a record is missing, or each hour's hard work was not told the wearer once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from jikimi.fleet import broker, registry
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.store import Store
from jikimi.fleet.virtual import VirtualBoard, image
from jikimi.fleet.virtual.interpreter import DEVICE_HEAP_BYTES, EMULATION_HEAP_BYTES
from jikimi.wire import host as wire
from jikimi.wire import topics
from tools import shift_heart, virtual_tag
from tools.shift_world import FastClock, FastWorld, Wearer

_PATIENCE_S = 60.0
_WINDOWS_HEARD = 3  # fewer say nothing about growth
_LOOK_S = 0.02
_AWAY = (0.6, 0.65)  # of the shift: the broker is frozen, then killed
# A collection leaves what is in flight at that moment: a packet of 1 KiB, its parts, and a task or two. And it keeps
# what a word of memory may point at: of a connection that is over up to 1.4 KiB may stay until another one is.
GROWTH_BYTES = 2048
_COMPLAINT = re.compile(r"^jk log (task|no memory|record of)|MemoryError|Traceback")


@dataclass(frozen=True)
class Shift:
    """What a shift was: all sizes in bytes, times in seconds of the tag."""

    hours: float
    took_s: float  # of real time
    starts: int
    free: list[int]  # of the heap after a collection, the most said in each window
    least: int  # said at all
    growth: int  # how much less that is in the worst of the later windows than in the first
    journal_most: int
    journal_left: int
    records: dict[str, int]  # kind: how many the site has
    recorded: int
    stored: int
    links: int  # connections made
    hard: list[float]  # when its wearer was told of very hard work, minutes of the world
    complaints: list[str]  # console lines about tasks and memory


class Vitals:
    """Hears a tag's vitals: (seconds up, bytes of the heap free after a collection)."""

    def __init__(self, site: Site, device: str) -> None:
        self.heard: list[tuple[float, int]] = []
        topic = topics.topic(site.name, device, topics.VITALS)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=site.client_id("ingest") + "-shift")
        self._client.tls_set_context(broker.host_context(site))
        self._client.on_connect = lambda client, *_: client.subscribe(topic)
        self._client.on_message = self._message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(*broker.host_address(site))
        self._client.loop_start()

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        said = wire.decode(topics.VITALS, bytes(message.payload))
        if not isinstance(said, wire.Vitals) or said.heap_free is None:
            raise TypeError(f"no vitals of a tag: {said}")
        self.heard.append((said.up_ms / 1000, said.heap_free))

    def close(self) -> None:
        """Hear no more."""
        self._client.disconnect()
        self._client.loop_stop()

    def most(self, windows: int, each_s: float) -> list[int]:
        """Most bytes free said in each window in which something was heard.

        Vitals of an outage are gone, and on a busy machine a broker's return lasts more than a window of skipped time.
        """
        heard = [
            [free for t_s, free in self.heard if number * each_s <= t_s < (number + 1) * each_s]
            for number in range(windows)
        ]
        return [max(free) for free in heard if free]


class Plant:
    """A site with its services, and one tag on a board in a world of its own time."""

    def __init__(self, folder: Path, wearer: Wearer, heap_bytes: int, heart: shift_heart.Heart | None) -> None:
        settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
        self.site = Site.init(folder / "site", "plant", settings)
        self.services = Supervisor(self.site, standard_services(self.site, web=False))
        self._clock = FastClock(folder)
        self._folder, self._heap_bytes, self._heart = folder, heap_bytes, heart
        files = registry.add_device(self.site, "tag", "Tag 1", "hall")
        self.device = files.device
        self.world = FastWorld(self.device, wearer, self._clock)
        fitted = {} if heart is None else {"heart": shift_heart.SETTINGS}
        alarms = {"shift_min": 720, "check_in_min": 180}
        config = virtual_tag.configuration(files, vitals_s=30, alarms=alarms, **fitted)
        self._image = image.device_image(config, image.Tls(files.ca_der, files.cert_der, files.key_der))

    @contextlib.contextmanager
    def running(self) -> Iterator[VirtualBoard]:
        """Everything up but the board, which is ready to be started."""
        flash = self._folder / "flash"
        image.write_image(self._image, flash)
        heart = self._heart
        with self.services, self.world:
            if heart is not None:
                self.world.do(lambda: self.world.hardware(self.device).fit_heart(heart.light))
            board = VirtualBoard(
                self.device, flash, self.world, heap_bytes=self._heap_bytes, environment=self._clock.environment
            )
            with board:
                yield board

    def journal_bytes(self) -> int:
        """What the tag's journal takes on its flash."""
        total = 0
        for path in (self._folder / "flash/journal").glob("*"):
            with contextlib.suppress(FileNotFoundError):  # acknowledged in this moment
                total += path.stat().st_size
        return total

    def freeze_broker(self) -> int:
        """Let it answer nobody any more; its process id. When that is killed, its supervisor starts it again."""
        pid = next(one.pid for one in self.services.status() if one.name == "broker")
        if pid is None:
            raise RuntimeError("the broker does not run")
        os.kill(pid, signal.SIGSTOP)
        return pid


def work(hours: float, windows: int, heap_bytes: int, *, heart_rate: bool = False, seed: int = 7) -> Shift:
    """Work one shift of so many hours, looked at in so many windows."""
    began_s, length_s = time.monotonic(), hours * 3600
    with tempfile.TemporaryDirectory() as folder:
        wearer = Wearer(fall_s=0.35 * length_s, seed=seed)
        plant = Plant(Path(folder), wearer, heap_bytes, shift_heart.Heart(seed) if heart_rate else None)
        with plant.running() as board:
            vitals = Vitals(plant.site, plant.device)
            journal_most = _live(plant, board, wearer, length_s)
            vitals.close()
            with Store.open(plant.site.database_url, plant.site.name) as store:
                kinds = Counter(row.kind for row in store.records_after(0, 1_000_000))
            lines, outputs = board.lines(), plant.world.outputs(plant.device)
            left, starts = plant.journal_bytes(), board.boots
    each_s = length_s / windows
    free = vitals.most(windows, each_s)
    if len(free) < _WINDOWS_HEARD:
        raise RuntimeError(f"the tag's memory was heard of in {len(free)} windows only; work a longer shift")
    return Shift(
        hours=hours,
        took_s=round(time.monotonic() - began_s, 1),
        starts=starts,
        free=free,
        least=min(free for _t_s, free in vitals.heard),
        growth=free[0] - min(free[1:]),
        journal_most=journal_most,
        journal_left=left,
        records=dict(sorted(kinds.items())),
        recorded=sum(line.startswith("jk rec ") for line in lines),
        stored=sum(kinds.values()),
        links=sum(line.startswith("jk link up ") for line in lines),
        hard=[round(t_s / 60, 1) for t_s in shift_heart.told(outputs)],
        complaints=[line for line in lines if _COMPLAINT.search(line)],
    )


def _live(plant: Plant, board: VirtualBoard, wearer: Wearer, length_s: float) -> int:
    """From power up to the charger; the largest size of the journal."""
    world = plant.world
    start_s = world.now()
    world.do(lambda: _script(world, start_s, length_s))
    wearer.begin(start_s)
    board.start()
    most, frozen = 0, None
    while world.now() < start_s + length_s:
        share = (world.now() - start_s) / length_s
        if share >= _AWAY[0] and frozen is None:
            frozen = plant.freeze_broker()
        if share >= _AWAY[1] and frozen:
            os.kill(frozen, signal.SIGKILL)
            frozen = 0
        most = max(most, plant.journal_bytes())
        time.sleep(_LOOK_S)
    since = len(board.lines())
    world.set_docked(board.name, True)
    board.wait_for("^jk duty off", _PATIENCE_S, since)  # nothing is recorded from here on
    deadline_s = time.monotonic() + _PATIENCE_S
    while plant.journal_bytes():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"the site has not taken the shift's records within {_PATIENCE_S:g} s")
        time.sleep(_LOOK_S)
    return most


def _script(world: FastWorld, start_s: float, length_s: float) -> None:
    """A call for help and its end, check-ins answered, and a machine passed six times an hour."""
    sos_s = start_s + 0.15 * length_s
    world.press_at(sos_s, 2.0)
    world.press_at(sos_s + 90.0, 0.5)
    asked_s = 180 * 60 + 30  # a check-in is answered half a minute after it was asked
    for answer_s in range(asked_s, int(length_s), asked_s):
        world.press_at(start_s + answer_s, 0.5)
    for pass_s in range(120, int(length_s), 600):
        world.pass_machine(start_s + pass_s, 8.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Work a shift and say how it was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--windows", type=int, default=10, help="how often memory is compared")
    parser.add_argument("--heap", type=int, default=DEVICE_HEAP_BYTES, help="bytes, besides what the emulation takes")
    parser.add_argument("--heart-rate", action="store_true", help="with a heart-rate sensor on the wearer's wrist")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    shift = work(asked.hours, asked.windows, asked.heap + EMULATION_HEAP_BYTES, heart_rate=asked.heart_rate)
    if asked.json:
        print(json.dumps(asdict(shift)))
    else:
        for name, value in asdict(shift).items():
            print(f"{name:13} {value}")
    told = len(shift.hard) == (shift_heart.spells(asked.hours * 3600) if asked.heart_rate else 0)
    good = told and shift.growth <= GROWTH_BYTES and shift.starts == 1 and shift.stored == shift.recorded
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
