"""What an update costs: bytes and seconds by real virtual boards, verification in MicroPython."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from jikimi.fleet import registry, release, signing
from jikimi.fleet.release import Published
from jikimi.fleet.rollout import Plan, approve_rollout, rollouts, start_rollout
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.virtual import VirtualBoard, World, image
from jikimi.fleet.virtual.compiler import compile_module
from jikimi.wire import cbor, cose, manifest

_ROOT = Path(__file__).resolve().parent.parent
_PROGRAMS = Path(sys.executable).parent
_HEAPS_KIB = (24, 28, 32, 36, 40, 48, 64)
_WITHIN_S = 180.0

Row = tuple[str, str, str]


def verification(directory: Path) -> Iterator[Row]:
    """Time of one verification, and the least heap in which it runs with its code."""
    key = signing.SigningKey.create(directory / "key", 10)
    (directory / "envelope").write_bytes(key.sign(cose.RELEASE, bytes(300)))
    (directory / "root").write_bytes(key.public_key)
    for name in ("__init__", "cbor", "cose", "lms"):
        _compile(_ROOT / f"proto/jikimi/wire/{name}.py", directory / f"jikimi/wire/{name}.mpy")
    _compile(_ROOT / "tests/wire/verify_cost.py", directory / "verify_cost.mpy")
    (directory / "run.py").write_text("import verify_cost\n")
    found = {heap: _verified(directory, heap) for heap in _HEAPS_KIB}
    least = min(heap for heap, result in found.items() if result is not None)
    time_us = found[_HEAPS_KIB[-1]]
    yield "verify a signed manifest in MicroPython", f"{time_us} µs", f"heap of {least} KiB, code included"


def _compile(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(compile_module(source.stem, source.read_text(encoding="utf-8")))


def _verified(directory: Path, heap_kib: int) -> int | None:
    done = subprocess.run(
        [
            *(_PROGRAMS / "micropython", "-X", f"heapsize={heap_kib}k"),
            *(directory / "run.py", directory / "envelope", directory / "root"),
        ],
        env={**os.environ, "MICROPYPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    return int(ast.literal_eval(lines[-1])[0]) if done.returncode == 0 and lines else None


def updates(directory: Path) -> Iterator[Row]:
    """A first release onto a tag that was provisioned by cable, and a second one with one changed file."""
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    site = Site.init(directory / "site", "bench", settings)
    with Supervisor(site, standard_services(site, web=False)), World() as world:
        board = _tag(site, directory, world)
        try:
            cable = release.application_files("x64")
            everything = {path: data + bytes(1) for path, data in cable.items()}
            yield "update, every file changed", *_update(site, directory / "1", cable, everything, board)
            name = "jikimi/edge/app.mpy"
            one = {**everything, name: everything[name] + bytes(1)}
            yield (
                f"update, one file of {len(one[name])} bytes changed",
                *_update(site, directory / "2", everything, one, board),
            )
        finally:
            board.close()


def _tag(site: Site, directory: Path, world: World) -> VirtualBoard:
    files = registry.add_device(site, "tag", "Tag 1", "hall")
    broker = {"host": files.broker.host, "port": files.broker.port, "server_name": files.broker.server_name}
    named = {"version": 1, "site": site.name, "device": files.device, "kind": "tag", "board": "virtual"}
    imu = {"driver": "lsm6dsox", "rate_hz": 104, "placement": "waist"}
    config = {**named, "broker": broker, "imu": imu, "ephemeral_secret": "00" * 16}
    flash = directory / "flash"
    image.write_image(image.device_image(config, image.Tls(files.ca_der, files.cert_der, files.key_der)), flash)
    trusted = cbor.dumps(signing.roots(site, signing.RELEASE))
    image.write_image({"/trust/release": trusted}, flash)
    board = VirtualBoard(files.device, flash, world)
    board.start()
    world.set_docked(files.device, docked=True)
    board.wait_for("^jk duty off", _WITHIN_S)
    board.wait_for("^jk link up", _WITHIN_S)  # who is away when it is offered is offered it again a minute later
    return board


def _update(
    site: Site, out: Path, runs: dict[str, bytes], files: dict[str, bytes], board: VirtualBoard
) -> tuple[str, str]:
    published = _publish(site, out, files)
    seen, started = len(board.lines()), time.monotonic()
    number = start_rollout(site, "x64", published.sequence, Plan(), "one")
    approve_rollout(site, number, "two")
    board.wait_for("^jk log busy", _WITHIN_S, seen)
    quiet = time.monotonic()
    board.wait_for("^jk update installs", _WITHIN_S, seen)
    installed = time.monotonic()
    board.wait_for("^jk update confirmed", _WITHIN_S, seen)
    done = time.monotonic()
    while rollouts(site)[0].state != "done":
        time.sleep(0.1)
    index = (out / "index").read_bytes()
    changed = [entry for entry in manifest.decode_index(index) if runs.get(entry.path) != files[entry.path]]
    size = published.envelope_bytes + len(index) + sum(entry.stored_size for entry in changed)
    return f"{done - started:.1f} s", f"{size} bytes fetched, {installed - quiet:.1f} s of the time in the quiet life"


def _publish(site: Site, out: Path, files: dict[str, bytes]) -> Published:
    release.build(site, out, version=out.name, arch="x64", files=files)
    release.sign(site, out)
    return release.publish(site, out)


def measure() -> list[Row]:
    """All rows: what, time, how much."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        return [*verification(Path(one)), *updates(Path(two))]


if __name__ == "__main__":
    for row in measure():
        print("\t".join(row))
