"""Names for the small integers of a record's data, for output in which people read or programs look up."""

from __future__ import annotations

from typing import Any, Final

import cbor2

from jikimi.fleet.store.alarm_rows import WHY
from jikimi.wire import kinds

# Without EPHEMERAL and PERIOD: who was near what is nobody's business, so they never leave the store.
_FIELDS: Final = {
    kinds.LEVEL: "level",
    kinds.SOURCE: "source",
    kinds.DISTANCE_MM: "distance_mm",
    kinds.CLOSING_MM_S: "closing_mm_s",
    kinds.DWELL_MS: "dwell_ms",
    kinds.MACHINE: "machine",
    kinds.CONFIDENCE_PERMILLE: "confidence_permille",
    kinds.REF_SEQ: "alarm_seq",
    kinds.REF_BOOT: "alarm_boot",
    kinds.WHY: "why",
    kinds.COUNT: "count",
    kinds.WINDOW_MS: "window_ms",
    kinds.BATTERY_PCT: "battery_pct",
    kinds.SENSOR: "sensor",
    kinds.LOST_COUNT: "lost_count",
    kinds.LOST_BOOT: "lost_boot",
    kinds.LOST_STREAM: "lost_stream",
    kinds.LOST_FIRST: "lost_first",
    kinds.LOST_LAST: "lost_last",
    kinds.CANCEL_MS: "cancel_ms",
    kinds.SILENT: "silent",
    kinds.WAITING_MS: "waiting_ms",
    kinds.ALARM_KIND: "alarm",
    kinds.LASTS_MIN: "lasts_min",
    kinds.NEEDED_MIN: "needed_min",
    kinds.PASSED: "passed",
    kinds.FAILED: "failed",
    kinds.FAULT: "fault",
}
_SENSORS: Final = {
    kinds.SENSOR_IMU: "imu",
    kinds.SENSOR_BLE: "ble",
    kinds.SENSOR_UWB: "uwb",
    kinds.SENSOR_CLOCK: "clock",
    kinds.SENSOR_FLASH: "flash",
    kinds.SENSOR_HEART: "heart",
    kinds.SENSOR_BATTERY: "battery",
    kinds.SENSOR_SPEED: "speed",
}
_VALUES: Final[dict[int, dict[int, str]]] = {
    kinds.LEVEL: {kinds.LEVEL_WARN: "warn", kinds.LEVEL_DANGER: "danger"},
    kinds.SOURCE: {kinds.SOURCE_BLE: "ble", kinds.SOURCE_UWB: "uwb", kinds.SOURCE_FALL: "fall"},
    kinds.WHY: WHY,
    kinds.SENSOR: _SENSORS,
    kinds.ALARM_KIND: {kind: kinds.name(kind) for kind in kinds.KINDS},
    kinds.FAULT: {
        kinds.FAULT_SILENT: "silent",
        kinds.FAULT_FROZEN: "frozen",
        kinds.FAULT_SELF_TEST: "self-test",
    },
}
_SETS: Final = (kinds.PASSED, kinds.FAILED)


def named(body: bytes) -> dict[str, Any]:
    """A record's data as stored, by name; keys not listed here are left out, bytes are written in hexadecimal."""
    data = cbor2.loads(body)
    return {name: _value(key, data[key]) for key, name in _FIELDS.items() if key in data}


def _value(key: int, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if key in _SETS and isinstance(value, int):
        return [name for sensor, name in _SENSORS.items() if value >> sensor & 1]
    return _VALUES[key].get(value, value) if key in _VALUES and isinstance(value, int) else value
