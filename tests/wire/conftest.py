"""One MicroPython process for the whole folder, and schemas of the law."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pycddl import Schema  # type: ignore[import-untyped]

_ROOT = Path(__file__).parents[2]
_MICROPYTHON = Path(sys.executable).with_name("micropython")


class Device:
    """The wire package in a real MicroPython interpreter with a tag's heap; calls are batched for speed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [_MICROPYTHON, "-X", "heapsize=256k", Path(__file__).with_name("device_worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "MICROPYPATH": str(_ROOT / "proto")},
        )

    def calls(self, module: str, function: str, calls: Sequence[tuple[Any, ...]]) -> list[tuple[str, Any]]:
        """Call `jikimi.wire.{module}.{function}` once for each tuple of arguments."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(ascii((module, function, list(calls))).encode() + b"\n")
        stdin.flush()
        answers: list[tuple[str, Any]] = ast.literal_eval(stdout.readline().decode())
        assert [text for status, text in answers if status == "crashed"] == []
        assert len(answers) == len(calls)
        return answers

    def call(self, module: str, function: str, *arguments: Any) -> tuple[str, Any]:
        """Call it once: ("ok", result) or ("refused", reason)."""
        return self.calls(module, function, [arguments])[0]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@pytest.fixture(scope="session")
def device() -> Iterator[Device]:
    running = Device()
    yield running
    running.close()


@cache
def _schema(rule: str) -> Schema:
    return Schema(f"root = {rule}\n" + (_ROOT / "proto" / "wire.cddl").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def schema() -> Callable[[str], Schema]:
    """The law with one of its rules as the root."""
    return _schema
