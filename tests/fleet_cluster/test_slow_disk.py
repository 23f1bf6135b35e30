"""The disk that can be slow and full is so for SQLite in a process that has it, and for nobody else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.slow_disk import Disk

_PROGRAM = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA synchronous=FULL")
connection.execute("CREATE TABLE t (x)")
print("ready", flush=True)
for _ in sys.stdin:
    start = time.monotonic()
    try:
        connection.execute("INSERT INTO t VALUES (zeroblob(10000))")
        print("stored", time.monotonic() - start, flush=True)
    except sqlite3.OperationalError as error:
        print(f"error: {error}", flush=True)
"""
_SYNC_MS = 300


class _Writer:
    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", _PROGRAM, str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def store(self) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with Disk(tmp_path) as one:
        yield one


@pytest.fixture
def writer(disk: Disk, tmp_path: Path) -> Iterator[_Writer]:
    one = _Writer(tmp_path / "t.db")
    yield one
    one.close()


def test_a_slow_disk_makes_each_commit_wait_for_it(disk, writer):
    assert writer.store().startswith("stored")
    disk.sync_ms = _SYNC_MS
    answer, took_s = writer.store().split()
    assert answer == "stored"
    assert float(took_s) >= _SYNC_MS / 1000


def test_a_full_disk_is_told_as_such_and_heals(disk, writer):
    disk.full = True
    assert writer.store() == "error: database or disk is full"
    disk.heal()
    assert writer.store().startswith("stored")
