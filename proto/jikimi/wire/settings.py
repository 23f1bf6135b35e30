"""What a device can be told: its configuration, checked key by key, by the same code on the device and on the host.

A misspelt key, a wrong type or a value out of range is an error and not a default: a tag that silently falls back
to some other broker or zone is worse than one that refuses to start and says why.
"""

import hashlib

from jikimi.wire import radio

TYPE_CHECKING = False  # as typing's, which MicroPython lacks
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Checker = Callable[[object, str], object]

KINDS = ("tag", "node")
# Who a device is: decided once, on the bench. All other keys are settings, which the site may change later.
IDENTITY = ("version", "site", "device", "kind", "ephemeral_secret", "sequence")
_DIGEST_DIGITS = 16
PLACEMENTS = ("waist", "wrist")
# Rates in Hz of each chip's FIFO, the one nearest 100 first: the default.
IMU_RATES = {
    "lsm6dsox": (104, 52, 208),
    "lsm6ds3trc": (104, 52, 208),
    "mpu6050": (100, 50, 200),
    "bmi270": (100, 50, 200),
}

_NAME_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789-"


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the key and what it may be."""


class Section:
    """Checked values as attributes."""

    def __init__(self, values: "dict[str, object]") -> None:
        for key in values:
            setattr(self, key, values[key])

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> "Any":
            """Values are set by name."""


def check(values: object) -> "Section":
    """Return decoded JSON `values` as a `Section`, with sections inside and defaults filled in; or ConfigError."""
    config = _TOP(values, "")
    assert isinstance(config, Section)
    if config.kind == "tag" and config.imu is None:
        raise ConfigError("imu is needed on a tag")
    if config.kind == "node" and config.machine is None:
        raise ConfigError("machine is needed on a node")
    if config.kind == "tag" and config.ephemeral_secret is None:
        raise ConfigError("ephemeral_secret is needed on a tag")
    if config.machine is not None and config.machine.danger_mm >= config.machine.warn_mm:
        raise ConfigError("machine.danger_mm must be less than machine.warn_mm")
    if config.imu is not None:
        rates = IMU_RATES[config.imu.driver]
        config.imu.rate_hz = _one_of(rates)(config.imu.rate_hz or rates[0], "imu.rate_hz")
    return config


def digest(values: "dict[str, object]") -> str:
    """Return 16 hexadecimal digits that stand for the settings in a configuration, whoever's it is."""
    chosen = {key: values[key] for key in values if key not in IDENTITY}
    return hashlib.sha256(_canonical(chosen).encode()).digest().hex()[:_DIGEST_DIGITS]


def _canonical(value: object) -> str:
    """Return one text per value, whatever the order of keys; null is as good as absent. Texts have their length."""
    if isinstance(value, dict):
        inside = [_canonical(key) + _canonical(value[key]) for key in sorted(value) if value[key] is not None]
        return "{" + "".join(inside) + "}"
    if isinstance(value, str):
        return f"{len(value)}:{value}"
    return repr(value) + ";"


def _integer(low: int, high: int) -> "Checker":
    def checked(value: object, where: str) -> object:
        # `type is` and not isinstance: on CPython a bool is an int.
        if type(value) is not int or not low <= value <= high:
            raise ConfigError(f"{where} must be a whole number from {low} to {high}, not {value!r}")
        return value

    return checked


def _truth(value: object, where: str) -> object:
    if type(value) is not bool:
        raise ConfigError(f"{where} must be true or false, not {value!r}")
    return value


def _text(longest: int) -> "Checker":
    def checked(value: object, where: str) -> object:
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise ConfigError(f"{where} must be text of 1 to {longest} characters")
        return value

    return checked


def _name(value: object, where: str) -> object:
    if not isinstance(value, str) or not 1 <= len(value) <= 32 or any(c not in _NAME_CHARS for c in value):
        raise ConfigError(f"{where} must be 1 to 32 of a-z, 0-9 and '-', not {value!r}")
    return value


def _one_of(allowed: "tuple[object, ...]") -> "Checker":
    def checked(value: object, where: str) -> object:
        if value not in allowed:
            raise ConfigError(f"{where} must be one of {', '.join([str(one) for one in allowed])}, not {value!r}")
        return value

    return checked


def _secret(value: object, where: str) -> object:
    # The value is never part of the message: consoles are logged.
    message = f"{where} must be 16 to 64 hexadecimal digits"
    if not isinstance(value, str) or not 16 <= len(value) <= 64:
        raise ConfigError(message)
    try:
        return bytes.fromhex(value)
    except ValueError:
        raise ConfigError(message) from None


_REQUIRED = object()


def _section(fields: "dict[str, tuple[Checker, object]]") -> "Checker":
    """Checker of an object; `fields` maps a key to (checker, default), and a default of None allows null."""

    def checked(value: object, where: str) -> object:
        if not isinstance(value, dict):
            raise ConfigError(f"{where or 'the configuration'} must be an object")
        prefix = where + "." if where else ""
        for key in value:
            if key not in fields:
                raise ConfigError(f"{prefix}{key} is not a known key")
        return Section({key: _field(value, key, fields[key], prefix) for key in fields})

    return checked


def _field(values: "dict[str, object]", key: str, field: "tuple[Checker, object]", prefix: str) -> object:
    checker, default = field
    value = values.get(key, default)
    if value is _REQUIRED:
        raise ConfigError(f"{prefix}{key} is missing")
    return None if value is None and default is None else checker(value, prefix + key)


_TOP = _section(
    {
        "version": (_integer(1, 1), _REQUIRED),
        "site": (_name, _REQUIRED),
        "device": (_name, _REQUIRED),
        "kind": (_one_of(KINDS), _REQUIRED),
        "zone": (_text(64), None),
        "broker": (
            _section(
                {
                    "host": (_text(253), _REQUIRED),
                    "port": (_integer(1, 65535), _REQUIRED),
                    "server_name": (_text(253), None),
                }
            ),
            _REQUIRED,
        ),
        "board": (_text(32), "virtual"),
        "wifi": (_section({"ssid": (_text(32), _REQUIRED), "password": (_text(63), None)}), None),
        "imu": (
            _section(
                {
                    "driver": (_one_of(tuple(sorted(IMU_RATES))), _REQUIRED),
                    "rate_hz": (_integer(50, 208), None),
                    "placement": (_one_of(PLACEMENTS), "waist"),
                }
            ),
            None,
        ),
        "alarms": (
            _section(
                {
                    "cancel_s": (_integer(0, 120), 30),
                    "no_motion_min": (_integer(0, 30), 2),
                    "check_in_min": (_integer(5, 180), None),
                    "silent_sos": (_truth, False),
                }
            ),
            {},
        ),
        "wearer": (_section({"hears": (_truth, True), "sees_colour": (_truth, True)}), {}),
        "machine": (
            _section(
                {
                    "kind": (_one_of(radio.MACHINES), _REQUIRED),
                    "name": (_text(64), _REQUIRED),
                    "warn_mm": (_integer(200, 25500), _REQUIRED),
                    "danger_mm": (_integer(100, 25400), _REQUIRED),
                }
            ),
            None,
        ),
        "uwb": (_section({"driver": (_one_of(("ryuw122",)), _REQUIRED)}), None),
        "ephemeral_secret": (_secret, None),
        "vitals_s": (_integer(1, 3600), 30),
        "sequence": (_integer(0, 0xFFFFFFFF), 0),
    }
)
