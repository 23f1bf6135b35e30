"""Settings of a site: `site.toml`, typed, checked, unknown keys refused.

The dataclasses below are the whole definition: names, types, defaults, ranges and the comment that `jikimi site init`
writes beside each setting.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import tomllib
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, get_type_hints

from jikimi.fleet.errors import SiteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


def _setting(default: Any, text: str, low: int | None = None, high: int | None = None) -> Any:
    return field(default=default, metadata={"text": text, "low": low, "high": high})


@dataclass(frozen=True)
class SiteSettings:
    """Section [site]."""

    name: str = _setting("site", "in every topic: a-z, 0-9 and -; devices must be provisioned again if it changes")

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ValueError(f"name must be 1 to 32 of a-z, 0-9 and -, not {self.name!r}")


@dataclass(frozen=True)
class BrokerSettings:
    """Section [broker]."""

    host: str = _setting("127.0.0.1", "address to listen on; 0.0.0.0: every interface")
    mqtt_port: int = _setting(8883, "MQTT over TLS, for devices and ingest; 0: a free one", 0, 65535)
    names: tuple[str, ...] = _setting((), "names and addresses devices dial, first one preferred; default: host")
    max_connections: int = _setting(10_000, "devices and services together", 16, 1_000_000)
    max_payload_bytes: int = _setting(65_536, "of one message; devices stay under 1024", 4_096, 8_388_608)
    store_max_mb: int = _setting(4_096, "disk space for sessions and messages waiting for ingest", 64, 1_048_576)
    sync_s: int = _setting(10, "how often messages are forced to disk, against power loss", 1, 3_600)

    def __post_init__(self) -> None:
        _check_address("host", self.host)
        for name in self.names:
            if not (_is_address(name) or _HOST_NAME.fullmatch(name)):
                raise ValueError(f"names: {name!r} is neither a host name nor an address")


@dataclass(frozen=True)
class WebSettings:
    """Section [web]."""

    host: str = _setting("127.0.0.1", "address of the live page")
    port: int = _setting(8080, "of the live page; 0: a free one", 0, 65535)

    def __post_init__(self) -> None:
        _check_address("host", self.host)


@dataclass(frozen=True)
class DatabaseSettings:
    """Section [database]."""

    url: str = _setting("sqlite:///jikimi.db", "SQLAlchemy URL; a relative SQLite path is inside the site")

    def __post_init__(self) -> None:
        if "://" not in self.url:
            raise ValueError("url must look like sqlite:///jikimi.db or postgresql+psycopg://user@host/name")


@dataclass(frozen=True)
class TlsSettings:
    """Section [tls]."""

    device_days: int = _setting(3_650, "validity of a device certificate; devices can be revoked at any time", 1, 7_300)
    broker_days: int = _setting(397, "validity of the broker's certificate; renewed by `jikimi up`", 1, 825)


@dataclass(frozen=True)
class AlarmSettings:
    """Section [alarms]."""

    silent_s: int = _setting(60, "least silence that is an alarm; a device may miss four of its vitals", 10, 86_400)


@dataclass(frozen=True)
class RetentionSettings:
    """Section [retention]: days after which records are deleted; what is counted from them stays."""

    emergency_days: int = _setting(
        365, "falls, calls for help and what ends them; never those of an open alarm", 1, 36_500
    )
    proximity_days: int = _setting(90, "near misses and warnings", 1, 36_500)
    posture_days: int = _setting(30, "bends", 1, 36_500)
    device_days: int = _setting(90, "faults and batteries of devices", 1, 36_500)
    unknown_days: int = _setting(30, "records of a kind this version does not know", 1, 36_500)
    letter_days: int = _setting(90, "messages that could not be stored", 1, 36_500)

    def by_category(self) -> dict[str, int]:
        """Days by data category."""
        names = ("emergency", "proximity", "posture", "device", "unknown")
        return {name: getattr(self, f"{name}_days") for name in names}


@dataclass(frozen=True)
class Settings:
    """All settings of a site."""

    site: SiteSettings = field(default_factory=SiteSettings)
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    web: WebSettings = field(default_factory=WebSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)


def is_name(text: str) -> bool:
    """Whether `text` can name a site, a device or a zone in a topic."""
    return _NAME.fullmatch(text) is not None


def load(path: Path) -> Settings:
    """Settings read from a TOML file; SiteError names the file and the setting that is wrong."""
    try:
        return parse(path.read_text("utf-8"))
    except OSError as error:
        raise SiteError(f"{path} cannot be read ({error.strerror}): restore it or start a new site") from error
    except UnicodeDecodeError as error:
        raise SiteError(f"{path} is not UTF-8 text: restore it from a backup") from error
    except ValueError as error:
        raise SiteError(f"{path}: {error}") from error


def parse(text: str) -> Settings:
    """Settings from TOML text; ValueError says what is wrong and where."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not valid TOML: {error}") from error
    hints = get_type_hints(Settings)
    _refuse_unknown(document, list(hints), "section")
    return Settings(**{name: _section(hints[name], name, document.get(name, {})) for name in hints})


def render(settings: Settings) -> str:
    """TOML text that `parse` reads back to the same settings, each with its comment."""
    return "\n".join(_render_lines(settings))


def _render_lines(settings: Settings) -> Iterator[str]:
    yield "# Settings of this site. `jikimi up` reads them at start."
    for section in fields(settings):
        values = getattr(settings, section.name)
        yield f"\n[{section.name}]"
        for item in fields(values):
            value = getattr(values, item.name)
            # JSON strings, integers and lists of strings are TOML too.
            shown = json.dumps(list(value) if isinstance(value, tuple) else value)
            yield f"{item.name} = {shown}  # {item.metadata['text']}"
    yield ""


def _section(cls: Any, name: str, table: Any) -> Any:
    if not isinstance(table, dict):
        raise ValueError(f"{name} must be a section [{name}]")  # noqa: TRY004 (one class for all bad settings)
    hints = get_type_hints(cls)
    _refuse_unknown(table, list(hints), f"setting of [{name}]")
    known = {item.name: item for item in fields(cls)}
    try:
        return cls(**{key: _value(known[key], hints[key], value) for key, value in table.items()})
    except ValueError as error:
        raise ValueError(f"[{name}] {error}") from error


def _refuse_unknown(table: dict[str, Any], known: list[str], what: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise ValueError(f"{key!r} is not a {what}; {hint}")


def _value(item: Field[Any], kind: Any, value: Any) -> Any:
    if kind is int:
        return _integer(item, value)
    if kind is str:
        if not isinstance(value, str):
            raise ValueError(f"{item.name} must be text in quotes, not {value!r}")
        return value
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError(f"{item.name} must be a list of texts, not {value!r}")
    return tuple(value)


def _integer(item: Field[Any], value: Any) -> int:
    low, high = item.metadata["low"], item.metadata["high"]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{item.name} must be a whole number from {low} to {high}, not {value!r}")
    return value


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_address(name: str, text: str) -> None:
    if not _is_address(text):
        raise ValueError(f"{name} must be an IP address such as 127.0.0.1, not {text!r}")
