"""Write proto/vectors/valid.json: messages as this code encodes them, and what they say. `--check` only compares.

The file is golden: a difference means that the wire has changed, and that is a decision, not a side effect.
invalid.json is written by hand, since no encoder of ours makes such messages.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from jikimi.wire import cbor, kinds, messages, transfer

FILE = Path(__file__).parents[1] / "proto" / "vectors" / "valid.json"
EPOCH_MS = 1_795_487_501_234  # 2026-11-24
TAG = bytes.fromhex("9f3c5a7711d0e842")
OTHER_TAG = bytes.fromhex("04b1c6aa90fe3321")
DIGEST = bytes(range(32))
FORKLIFT = bytes.fromhex("c0ffee01")
PERIOD = 1_994_986
BIRTH = {
    "boot": 12,
    "status": "online",
    "kind": "tag",
    "reset_reason": "power",
    "firmware": "5d1c0e9a33b7f2c4",
    "config": "a1b2c3d4e5f60718",
    "core": "0.1.0",
    "epoch_ms": EPOCH_MS,
    "clock_quality": kinds.CLOCK_SET,
    "capabilities": ["imu", "ble", "uwb"],
}
VITALS = {
    "boot": 12,
    "up_ms": 3_600_000,
    "battery_pct": 87,
    "heap_free": 101_344,
    "journal_alarm": 0,
    "journal_event": 3,
    "rssi_dbm": -61,
    "dropped_samples": 0,
    "dropped_adverts": 2,
    "dropped_records": 0,
}


def near_miss(seq: int, ephemeral: bytes = TAG) -> tuple[int, int, int, dict[int, object]]:
    """One of a row of near misses, every one at another distance."""
    data: dict[int, object] = {
        kinds.LEVEL: kinds.LEVEL_DANGER,
        kinds.DISTANCE_MM: 1500 + 37 * seq,
        kinds.CLOSING_MM_S: 800 - 11 * seq,
        kinds.DWELL_MS: 2400 + 110 * seq,
        kinds.EPHEMERAL: ephemeral,
        kinds.PERIOD: PERIOD,
    }
    return seq, kinds.NEAR_MISS, 60_000 + 4_321 * seq, data


def warning(seq: int) -> tuple[int, int, int, dict[int, object]]:
    """One of a row of warnings by the same machine."""
    data: dict[int, object] = {
        kinds.LEVEL: kinds.LEVEL_WARN,
        kinds.SOURCE: kinds.SOURCE_UWB,
        kinds.DISTANCE_MM: 4800 - 61 * seq,
        kinds.MACHINE: FORKLIFT,
    }
    return seq, kinds.WARNING, 60_000 + 4_321 * seq, data


def _records() -> list[tuple[str, str, str, bytes]]:
    fall: tuple[int, int, int, dict[int, object]] = (1, kinds.FALL, 83_120, {kinds.CONFIDENCE_PERMILLE: 994})
    recovered: dict[int, object] = {kinds.REF_SEQ: 1, kinds.WHY: kinds.WHY_RECOVERED}
    lost: dict[int, object] = {
        kinds.LOST_COUNT: 40,
        kinds.LOST_BOOT: 11,
        kinds.LOST_STREAM: kinds.STREAM_EVENT,
        kinds.LOST_FIRST: 1,
        kinds.LOST_LAST: 40,
    }
    gap = [near_miss(3), near_miss(9)]
    twenty = [near_miss(seq, TAG if seq % 2 else OTHER_TAG) for seq in range(1, 21)]

    def encode(stream: int, records: list[Any], epoch_ms: int | None = EPOCH_MS) -> bytes:
        return messages.encode_records(12, stream, records, epoch_ms, kinds.CLOCK_SET if epoch_ms else 0)

    return [
        ("fall", "A fall, alone in its message.", "al", encode(0, [fall])),
        ("fall-cleared", "A fall, and its clearing 9 s later.", "al", encode(0, [fall, (2, 6, 92_120, recovered)])),
        ("sos-no-clock", "A call for help by a tag that never had a clock.", "al", encode(0, [(1, 2, 500, {})], None)),
        (
            "fall-confirmed",
            "A fall that could be cancelled for half a minute, and was not.",
            "al",
            encode(0, [(1, 1, 83_120, {9: 994, 22: 30_000}), (2, 7, 113_120, {10: 1})]),
        ),
        ("sos-silent", "A call for help that the tag does not show.", "al", encode(0, [(3, 2, 500, {23: 1})])),
        ("check-in-missed", "Nobody answered the tag.", "al", encode(0, [(4, 8, 1_800_000, {})])),
        (
            "still-open",
            "Nobody has taken on a fall of the boot before, ten minutes after it.",
            "al",
            encode(0, [(5, 9, 600_000, {10: 1, 11: 11, 24: 600_000, 25: 1})]),
        ),
        (
            "battery-short",
            "Two hours short of the shift.",
            "al",
            encode(0, [(6, 10, 9_000, {15: 21, 26: 90, 27: 210})]),
        ),
        ("self-test", "All but the UWB module passed.", "ev", encode(1, [(1, 22, 900, {28: 38, 29: 8})])),
        ("near-miss", "One near miss.", "ev", encode(1, [near_miss(1)])),
        ("near-miss-20", "Twenty near misses of two tags in turn.", "ev", encode(1, twenty)),
        ("warning", "One warning.", "ev", encode(1, [warning(1)])),
        ("warning-20", "Twenty warnings by one machine.", "ev", encode(1, [warning(seq) for seq in range(1, 21)])),
        ("gap", "Records 4 to 8 are not there: the second record says that five were skipped.", "ev", encode(1, gap)),
        ("lost", "A journal that ran full tells which records it gave up.", "ev", encode(1, [(41, 20, 9_000, lost)])),
        (
            "back-in-time",
            "The second record began before the first.",
            "ev",
            encode(1, [(1, 21, 900, {}), (2, 21, 100, {})]),
        ),
        (
            "same-again",
            "A record that differs only in its time.",
            "ev",
            encode(1, [(1, 21, 900, {}), (2, 21, 950, {})]),
        ),
        (
            "unmeasured",
            "A distance that was not measured is null.",
            "ev",
            encode(1, [(1, 18, 5, {1: 2, 2: 3, 3: None})]),
        ),
        ("unknown-kind", "A kind of a later version is kept as it is.", "ev", encode(1, [(1, 999, 5, {77: "later"})])),
    ]


def _others() -> list[tuple[str, str, str, bytes]]:
    later = cbor.dumps({0: 1, 1: 12, 2: 0, 3: 7, 40: [1, {2: b"x"}]})
    state, command = messages.encode_state, messages.encode_command
    seen: dict[int, object] = {messages.ARG_BOOT: 12, messages.ARG_SEQ: 1}
    release: dict[int, object] = {messages.ARG_DIGEST: DIGEST, messages.ARG_SIZE: 1893}
    time_now: dict[int, object] = {messages.ARG_EPOCH_MS: EPOCH_MS}
    return [
        ("birth", "A tag is there.", "st", state(dict(BIRTH))),
        (
            "birth-after-crash",
            "A tag in safe mode tells of its last crash.",
            "st",
            state(BIRTH | {"crash": "OSError-3f9a1c07", "safe": 1}),
        ),
        (
            "birth-after-refusal",
            "A tag refused a configuration and offers its next key.",
            "st",
            state(BIRTH | {"refused": "12 signature", "offered_key": "A2sX0fLhLEJH+Lzm5WOkQPJ3A32BLesz9KDIpEUM2MKW"}),
        ),
        (
            "birth-after-rollback",
            "A tag went back to its slot a after release 8 had failed.",
            "st",
            state(BIRTH | {"slot": "a", "release": 7, "trial": 0, "failed_release": 8, "failed_why": "radio"}),
        ),
        ("will", "The broker says that a device is gone.", "st", state({"boot": 12, "status": "lost"})),
        ("docked", "A tag went to its charger on purpose.", "st", state({"boot": 12, "status": "docked"})),
        ("host-birth", "The host is there.", "st", state({"boot": 1_795_487_501, "status": "online", "kind": "host"})),
        ("vitals", "All a tag can say about its health.", "vt", messages.encode_vitals(dict(VITALS))),
        ("vitals-least", "The least that is vitals.", "vt", messages.encode_vitals({"boot": 1, "up_ms": 0})),
        ("ack", "Events of boot 12 are stored up to number 400.", "ack", messages.encode_ack(12, 1, 400)),
        ("ack-later", "An acknowledgement with a key of a later version, which is ignored.", "ack", later),
        ("set-time", "Set the clock.", "cmd", command(messages.CMD_TIME, time_now, 7, EPOCH_MS + 5_000)),
        ("alarm-seen", "Somebody has taken on the wearer's alarm.", "cmd", command(messages.CMD_ALARM_SEEN, seen, 8)),
        ("off-duty", "The shift is over.", "cmd", command(messages.CMD_DUTY, {messages.ARG_ON: 0}, 10)),
        ("restart", "Restart, without arguments.", "cmd", command(messages.CMD_RESTART, None, 9)),
        ("take-release", "A release is there to be fetched.", "cmd", command(messages.CMD_RELEASE, release, 11)),
        ("get", "A tag asks for the second piece of a file.", "get", transfer.encode_request(3, DIGEST, 896)),
        ("put", "The last piece of that file.", "put", transfer.encode_chunk(3, 896, 900, b"last")),
        ("put-busy", "The site asks for patience.", "put", transfer.encode_busy(3, 1500)),
        ("put-unknown", "Nobody knows such a file.", "put", transfer.encode_unknown(3)),
    ]


DECODERS = {
    "al": messages.decode_records,
    "ev": messages.decode_records,
    "st": messages.decode_state,
    "vt": messages.decode_vitals,
    "ack": messages.decode_ack,
    "cmd": messages.decode_command,
    "get": transfer.decode_request,
    "put": transfer.decode_answer,
}


def plain(value: Any) -> Any:
    """A decoded value as JSON can hold it: text keys, lists for tuples, byte strings as `{"hex": …}`."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def vectors() -> list[dict[str, Any]]:
    """All valid vectors."""
    return [
        {"name": name, "says": says, "leaf": leaf, "bytes": payload.hex(), "value": plain(DECODERS[leaf](payload))}
        for name, says, leaf, payload in _records() + _others()
    ]


def rendered() -> str:
    """The content of valid.json: one vector a line, so that a change shows as one line."""
    return "[\n" + ",\n".join(json.dumps(vector) for vector in vectors()) + "\n]\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with --check say whether it is current."""
    if arguments != ["--check"]:
        FILE.write_text(rendered(), encoding="utf-8")
        return 0
    current = FILE.read_text(encoding="utf-8") == rendered()
    print("current" if current else "the wire has changed: run tools/make_vectors.py if that is meant")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
