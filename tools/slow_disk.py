"""A disk that becomes slow or full, and well again, for the processes that are started meanwhile; no rights needed.

    with slow_disk.Disk(directory) as disk:
        ...                      # start the services of a site, or a PostgreSQL
        disk.sync_ms = 500       # from now on each fsync of theirs takes half a second longer
        disk.full = True         # and what they write at a place of a file finds no space
        disk.heal()

It works by a small C library that is put before the system's (`LD_PRELOAD`), so it needs a C compiler, and does nothing
to programs that make their system calls themselves, as the broker does. Other ways need root: limits of I/O by control
groups and a device of one's own, or a file system in user space and the right to mount it.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final, Self

_SOURCE: Final = Path(__file__).with_suffix(".c")
_FLAGS: Final = ("-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
_NAMES: Final = ("LD_PRELOAD", "JIKIMI_DISK")
_FORMAT: Final = "=II"  # milliseconds of each sync, whether it is full


class Disk:
    """Programs that this process starts while it is entered have this disk, until they end."""

    def __init__(self, directory: Path) -> None:
        """`directory` must be reachable by those programs, whoever they run as."""
        self._directory = directory
        self._before = {name: os.environ.get(name) for name in _NAMES}
        self._sync_ms, self._full = 0, False

    def __enter__(self) -> Self:
        compiler = shutil.which("cc")
        if compiler is None:
            raise FileNotFoundError("no C compiler here: apt install gcc")
        library, control = self._directory / "slow_disk.so", self._directory / "disk"
        command = [compiler, *_FLAGS, str(_SOURCE), "-o", str(library), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        control.write_bytes(struct.pack(_FORMAT, 0, 0))
        with control.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), struct.calcsize(_FORMAT))
        os.environ.update(zip(_NAMES, (str(library), str(control)), strict=True))
        return self

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        self.heal()
        self._map.close()

    @property
    def sync_ms(self) -> int:
        """How much longer each fsync takes."""
        return self._sync_ms

    @sync_ms.setter
    def sync_ms(self, value: int) -> None:
        self._sync_ms = value
        self._tell()

    @property
    def full(self) -> bool:
        """Whether writing at a place of a file fails with ENOSPC."""
        return self._full

    @full.setter
    def full(self, value: bool) -> None:
        self._full = value
        self._tell()

    def heal(self) -> None:
        """Neither slow nor full any more."""
        self._sync_ms, self._full = 0, False
        self._tell()

    def _tell(self) -> None:
        self._map[:] = struct.pack(_FORMAT, self._sync_ms, self._full)
