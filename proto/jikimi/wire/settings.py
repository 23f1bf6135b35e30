"""What a device can be told: its configuration, checked key by key, by the same code on the device and on the host.

A misspelt key, a wrong type or a value out of range is an error and not a default: a tag that silently falls back
to some other broker or zone is worse than one that refuses to start and says why.
"""

import hashlib

from jikimi.wire.section import Section

TYPE_CHECKING = False  # as typing's, which MicroPython lacks
if TYPE_CHECKING:
    from collections.abc import Callable

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
    if config.imu is not None:
        rates = IMU_RATES[config.imu.driver]
        config.imu.rate_hz = one_of(rates)(config.imu.rate_hz or rates[0], "imu.rate_hz")
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


def integer(low: int, high: int) -> "Checker":
    """Return a checker of whole numbers from `low` to `high`."""

    def checked(value: object, where: str) -> object:
        # `type is` and not isinstance: on CPython a bool is an int.
        if type(value) is not int or not low <= value <= high:
            raise ConfigError(f"{where} must be a whole number from {low} to {high}, not {value!r}")
        return value

    return checked


def truth(value: object, where: str) -> object:
    """Return `value` when it is true or false, else ConfigError."""
    if type(value) is not bool:
        raise ConfigError(f"{where} must be true or false, not {value!r}")
    return value


def text(longest: int) -> "Checker":
    """Return a checker of texts of 1 to `longest` characters."""

    def checked(value: object, where: str) -> object:
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise ConfigError(f"{where} must be text of 1 to {longest} characters")
        return value

    return checked


def _name(value: object, where: str) -> object:
    if not isinstance(value, str) or not 1 <= len(value) <= 32 or any(c not in _NAME_CHARS for c in value):
        raise ConfigError(f"{where} must be 1 to 32 of a-z, 0-9 and '-', not {value!r}")
    return value


def one_of(allowed: "tuple[object, ...]") -> "Checker":
    """Return a checker of the values in `allowed`."""

    def checked(value: object, where: str) -> object:
        if value not in allowed:
            raise ConfigError(f"{where} must be one of {', '.join([str(one) for one in allowed])}, not {value!r}")
        return value

    return checked


def _addresses(value: object, where: str) -> object:
    message = f"{where} must be HOST:PORT, several separated by blanks"
    if not isinstance(value, str) or not 1 <= len(value) <= 253:
        raise ConfigError(message)
    for part in value.split():
        host, _, port = part.rpartition(":")
        if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ConfigError(message)
    return value


def _secret(value: object, where: str) -> object:
    # The value is never part of the message: consoles are logged.
    message = f"{where} must be 16 to 64 hexadecimal digits"
    if not isinstance(value, str) or not 16 <= len(value) <= 64:
        raise ConfigError(message)
    try:
        return bytes.fromhex(value)
    except ValueError:
        raise ConfigError(message) from None


REQUIRED = object()


def section(fields: "dict[str, tuple[Checker, object]]") -> "Checker":
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
    if value is REQUIRED:
        raise ConfigError(f"{prefix}{key} is missing")
    return None if value is None and default is None else checker(value, prefix + key)


# Sections that most devices do not have are checked by code that is loaded when it is wanted: memory is short.


def _machine(value: object, where: str) -> object:
    from jikimi.wire import machine_settings

    return machine_settings.check(value, where)


def _heart(value: object, where: str) -> object:
    from jikimi.wire import machine_settings

    return machine_settings.check_heart(value, where)


_TOP = section(
    {
        "version": (integer(1, 1), REQUIRED),
        "site": (_name, REQUIRED),
        "device": (_name, REQUIRED),
        "kind": (one_of(KINDS), REQUIRED),
        "zone": (text(64), None),
        "broker": (
            section(
                {
                    "host": (text(253), REQUIRED),
                    "port": (integer(1, 65535), REQUIRED),
                    "server_name": (text(253), None),
                    "others": (_addresses, None),  # further nodes of the broker, HOST:PORT, separated by blanks
                }
            ),
            REQUIRED,
        ),
        "board": (text(32), "virtual"),
        "wifi": (section({"ssid": (text(32), REQUIRED), "password": (text(63), None)}), None),
        "imu": (
            section(
                {
                    "driver": (one_of(tuple(sorted(IMU_RATES))), REQUIRED),
                    "rate_hz": (integer(50, 208), None),
                    "placement": (one_of(PLACEMENTS), "waist"),
                }
            ),
            None,
        ),
        "heart": (_heart, None),
        "alarms": (
            section(
                {
                    "cancel_s": (integer(0, 120), 30),
                    "no_motion_min": (integer(0, 30), 2),
                    "check_in_min": (integer(5, 180), None),
                    "silent_sos": (truth, False),
                    "shift_min": (integer(30, 1440), None),
                }
            ),
            {},
        ),
        "wearer": (section({"hears": (truth, True), "sees_colour": (truth, True)}), {}),
        "machine": (_machine, None),
        "uwb": (section({"driver": (one_of(("ryuw122",)), REQUIRED)}), None),
        "ephemeral_secret": (_secret, None),
        "vitals_s": (integer(1, 3600), 30),
        "sequence": (integer(0, 0xFFFFFFFF), 0),
    }
)
