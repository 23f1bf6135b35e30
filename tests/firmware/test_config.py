"""A device starts with the configuration it was given, or says what is wrong with it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

TAG: dict[str, Any] = {
    "version": 1,
    "site": "fab",
    "device": "dabc",
    "kind": "tag",
    "zone": "조립",
    "broker": {"host": "10.0.0.1", "port": 8883, "server_name": "fab", "others": "10.0.0.2:8883 [fd00::3]:8883"},
    "board": "virtual",
    "imu": {"driver": "lsm6dsox", "rate_hz": 104, "placement": "waist"},
    "uwb": None,
    "ephemeral_secret": "00112233445566778899aabbccddeeff",
    "vitals_s": 30,
}
NODE: dict[str, Any] = {
    "version": 1,
    "site": "fab",
    "device": "dabc",
    "kind": "node",
    "broker": {"host": "h", "port": 1},
    "machine": {"kind": "press", "name": "P", "warn_mm": 3000, "danger_mm": 1500},
    "uwb": {"driver": "ryuw122"},
}


_HEART = {"driver": "max30102", "rest_bpm": 60, "max_bpm": 185}


def _machine(**more: Any) -> dict[str, Any]:
    return {**NODE["machine"], "separation": {"max_mm_s": 2000, "braking_mm_s2": 1000}, **more}


def _modbus(**changes: Any) -> dict[str, Any]:
    return _machine(speed={"modbus": {"over": "tcp", "host": "10.0.0.9", "register": 40} | changes})


# What is changed in TAG or NODE ("a.b" is inside a), and what the message must name.
WRONG: dict[str, tuple[dict[str, Any], str, Any, str]] = {
    "unknown key": (TAG, "brokr", {}, "brokr"),
    "unknown key inside": (TAG, "broker.prot", 1, "broker.prot"),
    "missing": (TAG, "site", ..., "site is missing"),
    "missing inside": (TAG, "broker.port", ..., "broker.port is missing"),
    "text for a number": (TAG, "vitals_s", "30", "vitals_s"),
    "true for a number": (TAG, "vitals_s", True, "vitals_s"),
    "fraction": (TAG, "vitals_s", 1.5, "vitals_s"),
    "below range": (TAG, "vitals_s", 0, "vitals_s"),
    "above range": (TAG, "broker.port", 65536, "broker.port"),
    "a node of the broker without a port": (TAG, "broker.others", "10.0.0.2", "broker.others"),
    "a node of the broker with a wrong port": (TAG, "broker.others", "10.0.0.2:8883 10.0.0.3:0", "broker.others"),
    "cancel window too long": (TAG, "alarms", {"cancel_s": 121}, "alarms.cancel_s"),
    "no-motion too long": (TAG, "alarms", {"no_motion_min": 31}, "alarms.no_motion_min"),
    "check-in too often": (TAG, "alarms", {"check_in_min": 4}, "alarms.check_in_min"),
    "check-in too seldom": (TAG, "alarms", {"check_in_min": 181}, "alarms.check_in_min"),
    "no-motion before it begins": (TAG, "alarms", {"no_motion_min": -1}, "alarms.no_motion_min"),
    "cancel window before it begins": (TAG, "alarms", {"cancel_s": -1}, "alarms.cancel_s"),
    "a shift of two days": (TAG, "alarms", {"shift_min": 2880}, "alarms.shift_min"),
    "a number for the truth": (TAG, "alarms", {"silent_sos": 1}, "alarms.silent_sos"),
    "text for the truth": (TAG, "wearer", {"hears": "no"}, "wearer.hears"),
    "bad name": (TAG, "device", "Tag 1", "device"),
    "long name": (TAG, "site", "a" * 33, "site"),
    "other version": (TAG, "version", 2, "version"),
    "other kind": (TAG, "kind", "gateway", "kind"),
    "rate the chip lacks": (TAG, "imu.rate_hz", 100, "imu.rate_hz"),
    "rate of another chip": (TAG, "imu", {"driver": "mpu6050", "rate_hz": 104}, "imu.rate_hz"),
    "chip there is no driver for": (TAG, "imu.driver", "adxl345", "imu.driver"),
    "a heart that hardly beats": (
        TAG,
        "heart",
        {"driver": "max30102", "rest_bpm": 20, "max_bpm": 180},
        "heart.rest_bpm",
    ),
    "a heart without reserve": (TAG, "heart", {"driver": "max30102", "rest_bpm": 90, "max_bpm": 110}, "heart.max_bpm"),
    "not an object": (TAG, "broker", [], "broker"),
    "null where needed": (TAG, "broker", None, "broker"),
    "secret too short": (TAG, "ephemeral_secret", "0011", "ephemeral_secret"),
    "secret not hexadecimal": (TAG, "ephemeral_secret", "zz112233445566778899aabbccddeeff", "ephemeral_secret"),
    "tag without a sensor": (TAG, "imu", None, "imu"),
    "tag without a secret": (TAG, "ephemeral_secret", None, "ephemeral_secret"),
    "node without a machine": (NODE, "machine", None, "machine"),
    "danger not inside warn": (NODE, "machine.danger_mm", 3000, "danger_mm"),
    "zone larger than an advert can say": (NODE, "machine.warn_mm", 25600, "machine.warn_mm"),
}

_SEPARATION = {"max_mm_s": 2000, "braking_mm_s2": 1000}
_TCP = {"over": "tcp", "host": "10.0.0.9", "register": 40}
WRONG |= {
    "separation without the highest speed": (NODE, "machine.separation", {"braking_mm_s2": 1000}, "max_mm_s"),
    "braking of nothing": (NODE, "machine.separation", _SEPARATION | {"braking_mm_s2": 99}, "braking_mm_s2"),
    "speed without separation": (NODE, "machine.speed", {"pulses_per_m": 10}, "machine.separation is needed"),
    "pulses and Modbus": (NODE, "machine", _machine(speed={"pulses_per_m": 10, "modbus": _TCP}), "either"),
    "neither pulses nor Modbus": (NODE, "machine", _machine(speed={}), "either"),
    "no pulse a metre": (NODE, "machine", _machine(speed={"pulses_per_m": 0}), "pulses_per_m"),
    "stale before it is asked again": (
        NODE, "machine", _machine(speed={"pulses_per_m": 9, "poll_ms": 900, "stale_ms": 800}), "stale_ms",
    ),
    "Modbus over something else": (NODE, "machine", _modbus(over="udp"), "machine.speed.modbus.over"),
    "Modbus over TCP to nobody": (NODE, "machine", _modbus(host=None), "machine.speed.modbus.host"),
    "a register there is not": (NODE, "machine", _modbus(register=65536), "machine.speed.modbus.register"),
    "a unit there is not": (NODE, "machine", _modbus(unit=256), "machine.speed.modbus.unit"),
    "a line speed nobody has": (NODE, "machine", _modbus(baud=19201), "machine.speed.modbus.baud"),
    "a parity nobody has": (NODE, "machine", _modbus(parity="mark"), "machine.speed.modbus.parity"),
    "a scale of nothing": (NODE, "machine", _modbus(um_s_per_count=0), "machine.speed.modbus.um_s_per_count"),
    "an exemption without end": (NODE, "machine.pairing", {"minutes": 481}, "machine.pairing.minutes"),
    "an exemption from afar": (NODE, "machine.pairing", {"contact_mm": 3001}, "machine.pairing.contact_mm"),
    "slow at some time": (NODE, "machine.slow_at", "never", "machine.slow_at"),
    "a signal of its own": (NODE, "machine.slow_signal", "inverted", "machine.slow_signal"),
}  # fmt: skip


def _changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(base)
    *parents, last = path.split(".")
    inside = config
    for parent in parents:
        inside = inside[parent]
    if value is ...:
        del inside[last]
    else:
        inside[last] = value
    return config


@pytest.fixture
def answers(run_device, tmp_path: Path):
    def ask(configs):
        path = tmp_path / "configs"
        path.write_text("".join(json.dumps(config) + "\n" for config in configs))
        return run_device("config_cases", path)

    return ask


def test_configurations_of_tag_and_node_are_taken_with_their_defaults(answers):
    assert answers([TAG, NODE]) == [["ok", "dabc", 30, 104, 30], ["ok", "dabc", 30, None, 30]]


def test_a_sensor_measures_at_the_rate_its_chip_has_nearest_100_hz(answers):
    chips = {"lsm6dsox": 104, "lsm6ds3trc": 104, "mpu6050": 100, "bmi270": 100}
    found = answers([TAG | {"imu": {"driver": driver}} for driver in chips])
    assert [answer[3] for answer in found] == list(chips.values())


def test_every_wrong_configuration_is_refused_with_the_name_of_what_is_wrong(answers):
    found = answers([_changed(base, path, value) for base, path, value, _ in WRONG.values()])
    for case, answer in zip(WRONG, found, strict=True):
        assert answer[0] == "refused", case
        assert WRONG[case][3] in answer[1], case


def test_a_nodes_speed_separation_and_pairing_are_taken(answers):
    for speed in ({"pulses_per_m": 10}, {"modbus": _TCP}, {"modbus": {"over": "rtu", "register": 0, "unit": 7}}):
        node = NODE | {"machine": _machine(speed=speed, pairing={}, slow_at="warn", slow_signal="level")}
        assert answers([node]) == [["ok", "dabc", 30, None, 30]]


def test_the_ends_of_every_range_are_taken(answers):
    ends = {"check_in_min": (5, 180), "no_motion_min": (0, 30), "cancel_s": (0, 120), "shift_min": (30, 1440)}
    configs = [TAG | {"alarms": {key: value}} for key, values in ends.items() for value in values]
    assert [answer[0] for answer in answers(configs)] == ["ok"] * 8


def test_a_refused_secret_is_not_repeated_on_the_console(answers):
    secret = "zz112233445566778899aabbccddeeff"
    assert secret not in answers([TAG | {"ephemeral_secret": secret}])[0][1]
