"""Runs device code where it belongs: in the real MicroPython, and the same file on CPython."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "device"
PATIENCE_S = 150.0
RUNTIMES = ("micropython", "cpython")

RunDevice = Callable[..., Any]


@pytest.fixture(scope="session")
def device_lib(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`/lib` of a device: one folder `jikimi` with what the source tree keeps in three, and the native core."""
    lib = tmp_path_factory.mktemp("device") / "lib"
    shutil.copytree(ROOT / "firmware/jikimi/edge", lib / "jikimi/edge")
    shutil.copytree(ROOT / "proto/jikimi/wire", lib / "jikimi/wire")
    shutil.copyfile(ROOT / "native/jikimi/sigcore/mpy/sigcore-x64.mpy", lib / "jikimi/sigcore.mpy")
    return lib


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    name = request.param
    assert isinstance(name, str)
    return name


@pytest.fixture
def run_device(device_lib: Path, runtime: str, tmp_path: Path) -> RunDevice:
    """`run_device("script", arg, …)` runs device/script.py in an empty directory; its last line, which is JSON.

    `more` is added to its environment; on a busy machine it may take `patience_s`.
    """

    def run(
        script: str,
        *args: object,
        heap: str = "2m",
        more: Mapping[str, str] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> Any:
        done = subprocess.run(
            [*interpreter(runtime, heap), str(SCRIPTS / f"{script}.py"), *map(str, args)],
            cwd=tmp_path,
            env=environment(runtime, device_lib) | dict(more or {}),
            capture_output=True,
            text=True,
            timeout=patience_s,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


def interpreter(runtime: str, heap: str = "2m") -> list[str]:
    """Command of a runtime; `heap` is the size of MicroPython's."""
    if runtime == "cpython":
        return [sys.executable, "-W", "error"]
    return [str(Path(sys.executable).parent / "micropython"), "-X", f"heapsize={heap}"]


def environment(runtime: str, lib: Path, *more: Path) -> dict[str, str]:
    """Module search path; CPython has the package installed, MicroPython finds it in `lib`."""
    extra = [str(SCRIPTS), *map(str, more)]
    if runtime == "cpython":
        return {"PYTHONPATH": ":".join(extra), "PATH": "/usr/bin:/bin"}
    return {"MICROPYPATH": ":".join([str(lib), *extra, ".frozen"])}
