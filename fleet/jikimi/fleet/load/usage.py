"""What processes of this machine take: processor time and memory, as Linux counts them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Usage(NamedTuple):
    """Of one process since it began: seconds of processor time, and the most memory it had, in KiB."""

    processor_s: float
    peak_kib: int


class Watch:
    """Of processes (name: pid) from now on; one that ends meanwhile, or was started anew, is left out."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._before = {name: usage(pid) for name, pid in pids.items()}

    def taken(self, took_s: float) -> dict[str, dict[str, float]]:
        """By name: cores kept busy, on average over `took_s` seconds, and the most memory in MiB."""
        found = {}
        for name, before in self._before.items():
            now = usage(self._pids[name])
            if before is not None and now is not None:
                cores = (now.processor_s - before.processor_s) / took_s
                found[name] = {"cores": round(cores, 3), "mib": round(now.peak_kib / 1024, 1)}
        return found


def usage(pid: int) -> Usage | None:
    """What the process has taken until now; None: it is gone."""
    folder = Path(f"/proc/{pid}")
    try:
        # The name in parentheses may hold anything; user and system time are the 14th and 15th field of all.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        lines = (folder / "status").read_text().splitlines()
        peak_kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return None  # a process that has ended has no memory, while somebody has to take note of its end
    return Usage((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), peak_kib)
