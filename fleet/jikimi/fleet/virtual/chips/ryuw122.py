"""REYAX RYUW122, ultra-wideband ranging module, at command level (REYAX AT command guide for RYUW122).

A module is a TAG or an ANCHOR. The anchor names a tag, sends it up to twelve bytes, gets the tag's waiting bytes and
the distance; the tag is told the anchor's bytes and nothing else. Lines end in CR LF. A range that fails is silence:
the anchor's UART says only +OK.
"""

from __future__ import annotations

import random
from collections.abc import Callable

PAYLOAD_MAX = 12
_LINE_MAX = 128

# Ranging exchange, air time and processing of the module: some tens of milliseconds at 6.8 Mbit/s.
EXCHANGE_S = 0.03

_ERR_NO_AT, _ERR_PARAMETER, _ERR_MODE, _ERR_COMMAND = 2, 3, 4, 5

# name -> (default, checker); those kept over a reset by the module's own flash.
_SETTINGS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "MODE": ("0", lambda v: v in ("0", "1", "2")),
    "IPR": ("115200", lambda v: v in ("9600", "57600", "115200")),
    "CHANNEL": ("5", lambda v: v in ("5", "9")),
    "BANDWIDTH": ("0", lambda v: v in ("0", "1")),
    "NETWORKID": ("REYAX123", lambda v: 1 <= len(v) <= 8),
    "ADDRESS": ("DAVID123", lambda v: 1 <= len(v) <= 8),
    "CPIN": ("FABC0002EEDCAA90FABC0002EEDCAA90", lambda v: len(v) == 32),
    "CRFOP": ("5", lambda v: v in ("0", "1", "2", "3", "4", "5")),
    "RSSI": ("0", lambda v: v in ("0", "1")),
    "CAL": ("0", lambda v: v.lstrip("-").isdigit() and -100 <= int(v) <= 100),
    "TAGD": ("0,0", lambda v: all(part.isdigit() for part in v.split(","))),
}


class Ryuw122:
    """One module. `send(bytes)` carries its output to the UART; `range_to(module, payload)` starts an exchange."""

    def __init__(
        self, send: Callable[[bytes], None], exchange: Callable[[Ryuw122, str, bytes], None], seed: int = 0
    ) -> None:
        self.garbage = 0.0  # fault: chance that a byte on the line is spoilt, both ways
        self.silent = False  # fault: the module has died
        self.powered = True
        self.settings = {name: default for name, (default, _) in _SETTINGS.items()}
        self.uid = f"{random.Random(seed).getrandbits(64):016X}"
        self._rng = random.Random(seed)
        self._send = send
        self._exchange = exchange
        self._line = bytearray()
        self._tag_data = b""

    @property
    def address(self) -> str:
        """Up to eight ASCII characters."""
        return self.settings["ADDRESS"]

    @property
    def is_tag(self) -> bool:
        """Listens for anchors."""
        return self.settings["MODE"] == "0" and self.works

    @property
    def works(self) -> bool:
        """Has power and has not died."""
        return self.powered and not self.silent

    def power_up(self) -> None:
        """Say +READY; settings are kept by the module."""
        self._line.clear()
        self._tag_data = b""
        self._say("+READY")

    def receive(self, data: bytes) -> None:
        """Bytes from the board."""
        for byte in self._spoil(data):
            if byte == 0x0A and self._line.endswith(b"\r"):
                line, self._line = bytes(self._line[:-1]), bytearray()
                if self.works:
                    self._command(line.decode("latin-1"))
            elif len(self._line) < _LINE_MAX:
                self._line.append(byte)
            else:
                self._line.clear()

    def tag_asked(self, payload: bytes) -> bytes:
        """An anchor's exchange reached this tag: tell the board, and return the data that waited for it (once)."""
        data, self._tag_data = self._tag_data, b""
        self._say_bytes(b"+TAG_RCV=%d," % len(payload) + payload + self._rssi_suffix())
        return data

    def tag_answered(self, address: str, data: bytes, distance_m: float) -> None:
        """The exchange this anchor asked for succeeded."""
        centimetres = max(0, round(distance_m * 100) + int(self.settings["CAL"]))
        head = f"+ANCHOR_RCV={address},{len(data)},".encode()
        self._say_bytes(head + data + f",{centimetres} cm".encode() + self._rssi_suffix())

    def _rssi_suffix(self) -> bytes:
        return b",-70" if self.settings["RSSI"] == "1" else b""

    def _command(self, line: str) -> None:
        if line == "AT":
            self._say("+OK")
        elif not line.startswith("AT+"):
            self._say(f"+ERR={_ERR_NO_AT}")
        elif line.endswith("?"):
            self._query(line[3:-1])
        elif line in ("AT+RESET", "AT+FACTORY"):
            self._reset(line[3:])
        else:
            name, _, value = line[3:].partition("=")
            self._assign(name, value)

    def _query(self, name: str) -> None:
        fixed = {"VER": "RYUW122_V1.0.3", "UID": self.uid}
        if name in fixed:
            self._say(f"+{name}={fixed[name]}")
        elif name in self.settings:
            self._say(f"+{name}={self.settings[name]}")
        else:
            self._say(f"+ERR={_ERR_COMMAND}")

    def _reset(self, kind: str) -> None:
        if kind == "FACTORY":
            self.settings = {name: default for name, (default, _) in _SETTINGS.items()}
        self._say(f"+{kind}")
        self.power_up()

    def _assign(self, name: str, value: str) -> None:
        if name == "ANCHOR_SEND":
            self._anchor_send(value)
        elif name == "TAG_SEND":
            self._tag_send(value)
        elif name not in _SETTINGS:
            self._say(f"+ERR={_ERR_COMMAND}")
        elif not _SETTINGS[name][1](value):
            self._say(f"+ERR={_ERR_PARAMETER}")
        else:
            self.settings[name] = value
            self._say("+OK")

    def _anchor_send(self, value: str) -> None:
        address, _, rest = value.partition(",")
        payload = _payload(rest)
        if self.settings["MODE"] != "1":
            self._say(f"+ERR={_ERR_MODE}")
        elif not 1 <= len(address) <= 8 or payload is None:
            self._say(f"+ERR={_ERR_PARAMETER}")
        else:
            self._say("+OK")
            self._exchange(self, address, payload)

    def _tag_send(self, value: str) -> None:
        payload = _payload(value)
        if self.settings["MODE"] != "0":
            self._say(f"+ERR={_ERR_MODE}")
        elif payload is None:
            self._say(f"+ERR={_ERR_PARAMETER}")
        else:
            self._tag_data = payload
            self._say("+OK")

    def _say(self, line: str) -> None:
        self._say_bytes(line.encode())

    def _say_bytes(self, line: bytes) -> None:
        if self.works:
            self._send(self._spoil(line + b"\r\n"))

    def _spoil(self, data: bytes) -> bytes:
        if not self.garbage:
            return data
        return bytes(self._rng.randrange(256) if self._rng.random() < self.garbage else byte for byte in data)


def _payload(text: str) -> bytes | None:
    """`<length>,<data>` as bytes; None when the length does not fit the data or is over the limit."""
    length, comma, data = text.partition(",")
    if not comma or not length.isdigit() or not int(length) == len(data) <= PAYLOAD_MAX:
        return None
    return data.encode("latin-1")
