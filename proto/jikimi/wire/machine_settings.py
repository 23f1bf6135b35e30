"""Sections of settings.py that few devices have: what a node knows of its machine, and a wearer's heart."""

from jikimi.wire import radio
from jikimi.wire.section import Section
from jikimi.wire.settings import REQUIRED, ConfigError, integer, one_of, section, text, truth


def _check_speed(machine: "Section") -> None:
    speed = machine.speed
    if speed is None:
        return
    if machine.separation is None:
        raise ConfigError("machine.separation is needed with machine.speed")
    if (speed.pulses_per_m is None) == (speed.modbus is None):
        raise ConfigError("machine.speed must have either pulses_per_m or modbus")
    if speed.modbus is not None and speed.modbus.over == "tcp" and speed.modbus.host is None:
        raise ConfigError("machine.speed.modbus.host is needed with tcp")
    if speed.stale_ms < speed.poll_ms:
        raise ConfigError("machine.speed.stale_ms must not be less than poll_ms")


def check(value: object, where: str) -> object:
    """Return the section of a machine node, checked; ConfigError."""
    # What the protective separation distance depends on; firmware/README.md, "Machine nodes", explains each.
    separation = section(
        {
            "max_mm_s": (integer(1, 30000), REQUIRED),
            "braking_mm_s2": (integer(100, 20_000), REQUIRED),
            "reaction_ms": (integer(0, 10_000), 1000),
            "human_mm_s": (integer(1, 10_000), 1600),
            "intrusion_mm": (integer(0, 5000), 0),
            "human_error_mm": (integer(0, 20_000), 300),
            "machine_error_mm": (integer(0, 20_000), 100),
        }
    )
    machine = section(
        {
            "kind": (one_of(radio.MACHINES), REQUIRED),
            "name": (text(64), REQUIRED),
            "warn_mm": (integer(200, 25500), REQUIRED),
            "danger_mm": (integer(100, 25400), REQUIRED),
            "slow_at": (one_of(("warn", "danger")), "danger"),
            "slow_signal": (one_of(("pulses", "level")), "pulses"),
            "separation": (separation, None),
            "speed": (_speed, None),
            "pairing": (section({"minutes": (integer(1, 480), 30), "contact_mm": (integer(200, 3000), 800)}), None),
        }
    )(value, where)
    assert isinstance(machine, Section)
    if machine.danger_mm >= machine.warn_mm:
        raise ConfigError("machine.danger_mm must be less than machine.warn_mm")
    _check_speed(machine)
    return machine


def _speed(value: object, where: str) -> object:
    """Check how a machine's speed is read."""
    modbus = section(
        {
            "over": (one_of(("rtu", "tcp")), REQUIRED),
            "unit": (integer(0, 255), 1),
            "register": (integer(0, 65_535), REQUIRED),
            "input_register": (truth, False),
            "um_s_per_count": (integer(1, 1_000_000), 1000),
            "host": (text(253), None),
            "port": (integer(1, 65_535), 502),
            "baud": (one_of((1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200)), 19_200),
            "parity": (one_of(("even", "odd", "none")), "even"),
            "timeout_ms": (integer(20, 5000), 300),
        }
    )
    return section(
        {
            "pulses_per_m": (integer(1, 100_000), None),
            "modbus": (modbus, None),
            "poll_ms": (integer(20, 5000), 200),
            "stale_ms": (integer(100, 60_000), 2000),
        }
    )(value, where)


def check_heart(value: object, where: str) -> object:
    """Return the section of a tag's heart-rate sensor, checked; ConfigError."""
    heart = section(
        {
            "driver": (one_of(("max30102",)), REQUIRED),
            "rest_bpm": (integer(30, 120), REQUIRED),
            "max_bpm": (integer(100, 230), REQUIRED),
        }
    )(value, where)
    assert isinstance(heart, Section)
    if heart.max_bpm < heart.rest_bpm + 30:
        raise ConfigError("heart.max_bpm must be at least 30 above heart.rest_bpm")
    return heart
