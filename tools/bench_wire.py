"""Bytes of the same proximity events in our wire format and in what else one could send."""

from __future__ import annotations

import json
from typing import Any

import cbor2

from jikimi.wire import kinds
from jikimi.wire.messages import encode_records

_BOOT_EPOCH_MS = 1_790_000_000_000


def events(count: int) -> list[tuple[int, int, int, dict[int, Any]]]:
    """Near misses some seconds apart, no two alike."""
    return [
        (
            1 + i,
            kinds.NEAR_MISS,
            3_600_000 + 7_919 * i,
            {
                kinds.LEVEL: 1 + i % 2,
                kinds.DISTANCE_MM: 900 + 137 * i % 3000,
                kinds.CLOSING_MM_S: 400 + 61 * i % 1500,
                kinds.DWELL_MS: 800 + 211 * i % 6000,
                kinds.EPHEMERAL: bytes((17 * i + k) % 256 for k in range(8)),
                kinds.PERIOD: 1_988_888,
            },
        )
        for i in range(count)
    ]


def _named(records: list[tuple[int, int, int, dict[int, Any]]]) -> list[dict[str, Any]]:
    names = ("level", "distance_mm", "closing_mm_s", "dwell_ms", "ephemeral", "period")
    return [
        {
            "boot": 12,
            "seq": seq,
            "kind": kinds.name(kind),
            "time": _BOOT_EPOCH_MS + t_ms,
            **dict(zip(names, data.values(), strict=True)),
        }
        for seq, kind, t_ms, data in records
    ]


def _json(records: list[tuple[int, int, int, dict[int, Any]]]) -> bytes:
    return json.dumps(_named(records), default=lambda value: value.hex(), separators=(",", ":")).encode()


def _senml(records: list[tuple[int, int, int, dict[int, Any]]]) -> bytes:
    """SenML in CBOR (RFC 8428): base name and base time once, then one entry a value."""
    rows: list[dict[int | str, Any]] = []
    for item in _named(records):
        for name, value in item.items():
            if name != "time":
                label = 8 if isinstance(value, bytes) else 3 if isinstance(value, str) else 2
                rows.append({0: name, 6: (item["time"] - _BOOT_EPOCH_MS) / 1000, label: value})
    rows[0] = {-2: "device:", -3: _BOOT_EPOCH_MS / 1000, **rows[0]}
    return cbor2.dumps(rows)


def measure() -> list[tuple[str, str, str]]:
    """Rows (what, bytes alone, bytes each in a batch of 20)."""
    one, many = events(1), events(20)
    ours_alone = len(encode_records(12, kinds.STREAM_EVENT, one, _BOOT_EPOCH_MS, kinds.CLOCK_SET))
    ours_batch = len(encode_records(12, kinds.STREAM_EVENT, many, _BOOT_EPOCH_MS, kinds.CLOCK_SET))
    rows = [("jikimi.wire", str(ours_alone), f"{ours_batch / 20:.1f}")]
    for name, encode in (
        ("CBOR, text keys", lambda r: cbor2.dumps(_named(r))),
        ("SenML-CBOR", _senml),
        ("JSON", _json),
    ):
        rows.append((name, str(len(encode(one))), f"{len(encode(many)) / 20:.1f}"))
    return rows
