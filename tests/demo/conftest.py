"""A demo as a process of its own, watched from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

COMMAND = Path(sys.executable).with_name("jikimi")
DEADLINE_S = 90.0


class Demo:
    """A demo on the site `place`; stderr is collected as it comes."""

    def __init__(self, place: Path, *arguments: str, command: Sequence[str] = ("demo", "--no-web")) -> None:
        self.place = place
        # A session of its own, as a terminal would give it: Ctrl-C goes to the whole process group.
        self.process = subprocess.Popen(
            [str(COMMAND), *command, "--dir", str(place), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(line.rstrip("\n") for line in iter(self.process.stderr.readline, ""))

    def wait_for(self, text: str) -> None:
        """Return when a line of stderr contains `text`."""
        self.until(lambda: any(text in line for line in self.said), f"no line with {text!r}")

    def until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Poll a condition; the demo must go on meanwhile."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert self.process.poll() is None, self.talk()
            assert time.monotonic() < deadline, f"{otherwise}\n{self.talk()}"
            time.sleep(0.05)

    def result(self) -> dict[str, Any]:
        """The summary of a demo that ended by itself and well."""
        out = self.output()
        return dict(json.loads(out.splitlines()[-1]))

    def output(self) -> str:
        """Standard output of a demo that ended well."""
        assert self.process.wait(DEADLINE_S) == 0, self.talk()
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def interrupt(self) -> None:
        """Ctrl-C on its terminal."""
        os.killpg(self.process.pid, signal.SIGINT)

    def boards(self) -> dict[str, int]:
        """Process ids of the devices by name, found in /proc."""
        return {
            environment["JIKIMI_BOARD"]: pid
            for pid, environment in _environments().items()
            if environment.get("JIKIMI_FLASH", "").startswith(f"{self.place}/")
        }

    def processes(self) -> list[int]:
        """Every process that has to do with the site, except the demo itself."""
        return [pid for pid in _pids() if pid != self.process.pid and str(self.place) in _traces(pid)]

    def talk(self) -> str:
        """What it said, for failures."""
        return "\n".join(self.said[-60:])

    def end(self) -> None:
        """Whatever happened, nothing stays."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _traces(pid: int) -> str:
    """Command line and environment of a process; nothing for one that has ended or is not ours."""
    texts = []
    for name in ("cmdline", "environ"):
        try:
            texts.append(Path(f"/proc/{pid}/{name}").read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return "\0".join(texts)


def _environments() -> dict[int, dict[str, str]]:
    found = {}
    for pid in _pids():
        pairs = [text.partition("=") for text in _traces(pid).split("\0")]
        found[pid] = {name: value for name, mark, value in pairs if mark}
    return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts demos that are gone when the test ends."""
    started: list[Demo] = []

    def start(*arguments: str) -> Demo:
        started.append(Demo(tmp_path / f"site-{len(started)}", *arguments))
        return started[-1]

    yield start
    for one in started:
        one.end()
