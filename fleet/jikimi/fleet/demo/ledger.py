"""What the devices say they wrote to their flash and what the fleet manager acknowledged: the consoles' ledger.

The lines are `jk …` of the device console; everything else a device prints is not for us. The ledger knows nothing
of the broker or the database, so that what is lost or doubled on the way can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from jikimi.wire.kinds import STREAM_ALARM


class Key(NamedTuple):
    """What makes a record unique at a site."""

    device: str
    boot: int
    stream: int
    seq: int


@dataclass(frozen=True)
class Entry:
    """One record made durable on a device; `epoch_ms` is None when the device had no clock."""

    kind: int
    epoch_ms: int | None


@dataclass(frozen=True)
class Core:
    """The signal core a device loaded: `how` is native (machine code module) or cffi."""

    version: str
    how: str


@dataclass
class Ledger:
    """Console lines of all devices, in the order they came."""

    records: dict[Key, Entry] = field(default_factory=dict)
    cores: dict[str, Core] = field(default_factory=dict)
    boots: dict[str, list[int]] = field(default_factory=dict)
    linked: dict[str, bool] = field(default_factory=dict)
    warning_ms: list[int] = field(default_factory=list)  # sample to local warning, as the devices measured it
    log: list[tuple[str, str]] = field(default_factory=list)  # (device, text) of `jk log`
    _latency_ms: dict[Key, int] = field(default_factory=dict)
    _waiting: dict[tuple[str, int], set[int]] = field(default_factory=dict)

    def feed(self, device: str, line: str) -> None:
        """Take in one line of a device's console; lines that are not ours, or cut short by a reset, change nothing."""
        words = line.split()
        take = self._takers().get(words[1]) if len(words) > 1 and words[0] == "jk" else None
        if take is None:
            return
        try:
            take(device, words[2:])
        except (ValueError, IndexError):  # a line cut short by kill -9 in the middle of a write
            return

    def alarm_latencies_ms(self) -> list[int]:
        """For each acknowledged alarm record: from durable on flash to its acknowledgement at the device."""
        return list(self._latency_ms.values())

    def unacknowledged(self) -> int:
        """Alarm records no acknowledgement was heard for."""
        return sum(len(waiting) for waiting in self._waiting.values())

    def _takers(self) -> dict[str, Callable[[str, list[str]], None]]:
        return {
            "boot": self._take_boot,
            "core": self._take_core,
            "rec": self._take_rec,
            "ack": self._take_ack,
            "link": self._take_link,
            "warn": self._take_warn,
            "log": self._take_log,
        }

    def _take_boot(self, device: str, words: list[str]) -> None:
        self.boots.setdefault(device, []).append(int(words[0]))
        self.linked[device] = False

    def _take_core(self, device: str, words: list[str]) -> None:
        self.cores[device] = Core(words[0], words[1])

    def _take_link(self, device: str, words: list[str]) -> None:
        self.linked[device] = words[0] == "up"

    def _take_warn(self, _device: str, words: list[str]) -> None:
        self.warning_ms.append(int(words[2]))

    def _take_log(self, device: str, words: list[str]) -> None:
        self.log.append((device, " ".join(words)))

    def _take_rec(self, device: str, words: list[str]) -> None:
        boot, stream, seq, kind = (int(word) for word in words[:4])
        key = Key(device, boot, stream, seq)
        self.records[key] = Entry(kind, _epoch(words[4]))
        if stream == STREAM_ALARM:
            self._waiting.setdefault((device, boot), set()).add(seq)

    def _take_ack(self, device: str, words: list[str]) -> None:
        boot, stream, upto = (int(word) for word in words[:3])
        heard = _epoch(words[3])
        if stream != STREAM_ALARM:
            return
        waiting = self._waiting.get((device, boot), set())
        for seq in [seq for seq in waiting if seq <= upto]:
            waiting.discard(seq)
            key = Key(device, boot, stream, seq)
            written = self.records[key].epoch_ms
            if written is not None and heard is not None:
                self._latency_ms[key] = heard - written


def _epoch(word: str) -> int | None:
    """A time of the console; devices without a clock print 0 or -."""
    return None if word in ("-", "0", "None") else int(word)


def percentile(values: list[int], share: float) -> int | None:
    """The nearest-rank percentile, `share` from above 0 to 1; None of nothing."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else None
