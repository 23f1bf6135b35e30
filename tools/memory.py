"""Memory of processes over time: samples at even distances, and the straight line through them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SETTLED_S = 600.0  # caches fill and pools reach their size first; a run that is shorter gives no slope


def resident_kib(pid: int) -> int:
    """Memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


class Samples:
    """The resident memory of `pids` every `every_s` seconds, each sample also a line of `file` as it is taken."""

    def __init__(self, pids: Mapping[str, int], every_s: float, file: Path | None = None) -> None:
        self._pids, self._every_s, self._file = pids, every_s, file
        self._taken: list[tuple[float, dict[str, int]]] = []
        self._begun_s = time.monotonic()
        if file is not None:
            file.write_text(f"s,{','.join(f'{name}_kib' for name in pids)}\n")

    async def take_all(self) -> None:
        """Sample until cancelled."""
        while True:
            self.take()
            await asyncio.sleep(self._every_s)

    def take(self) -> None:
        """One sample now."""
        after_s = time.monotonic() - self._begun_s
        found = {name: resident_kib(pid) for name, pid in self._pids.items()}
        self._taken.append((after_s, found))
        if self._file is not None:
            with self._file.open("a") as lines:
                lines.write(f"{after_s:.0f},{','.join(map(str, found.values()))}\n")

    def summary(self) -> dict[str, Any]:
        """For each process growth and slope from minute ten on; empty for a shorter run."""
        late = [one for one in self._taken if one[0] >= _SETTLED_S]
        if len(late) < 3:
            return {}
        times = [after_s for after_s, _ in late]
        series = {name: [found[name] for _, found in late] for name in self._pids}
        return {
            name: {
                "from_kib": values[0], "to_kib": values[-1], "most_kib": max(values),
                "slope_kib_per_hour": round(3600 * slope(times, values), 1),
            }
            for name, values in series.items()
        }  # fmt: skip


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """That of the line with the least squares of distances; `times` are not all the same."""
    middle_t, middle_v = sum(times) / len(times), sum(values) / len(values)
    over = sum((t - middle_t) * (v - middle_v) for t, v in zip(times, values, strict=True))
    return over / sum((t - middle_t) ** 2 for t in times)
