"""States of a board and how to bring it into one: a test asks for a state, never for the steps."""

from __future__ import annotations

import enum
import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil_tests.bench import Network, Place
from hil_tests.host import Host
from hil_tests.serial_console import SerialConsole
from jikimi.fleet.errors import BoardError
from jikimi.fleet.provision import usb
from jikimi.fleet.provision.chip import identify
from jikimi.fleet.virtual import image

_log = logging.getLogger(__name__)

PORT_S = 30.0
_LOOK_S = 0.1
BOOT_S = 60.0
ONLINE_S = 60.0
_UNREACHABLE = {"host": "127.0.0.1", "port": 1, "server_name": "nobody"}

# Everything that is not another file system (the emulated modules, a ROMFS).
_ERASE = """
import os
def erase(folder):
    for entry in os.ilistdir(folder):
        path = folder + entry[0]
        if path == '/rom':
            continue
        if entry[1] == 0x4000:
            erase(path + '/')
            os.rmdir(path)
        else:
            os.remove(path)
erase('/')
"""


class State(enum.Enum):
    """What a test may ask for."""

    OFF = "off"
    BLANK = "blank"  # MicroPython and an empty flash, at its prompt
    PROVISIONED = "provisioned"  # runs the application, with a key and a broker it cannot reach
    ONLINE = "online"  # connected to a broker of this computer


class Strategy:
    """One board and the state it is in."""

    def __init__(self, place: Place, network: Network, host: Callable[[], Host], folder: Path) -> None:
        self.place = place
        self.console = SerialConsole(place.name, place.port, folder / f"{place.name}.console")
        self.device = ""  # its id, once it has one
        self._network = network
        self._host = host
        self._state: State | None = None

    def to(self, wanted: State) -> None:
        """Bring the board into a state; nothing when it is in it."""
        if self._state is wanted:
            return
        _log.info("%s: %s -> %s", self.place.name, self._state and self._state.value, wanted.value)
        self._state = None  # unknown while under way, and after a failure
        {
            State.OFF: self._switch_off,
            State.BLANK: self._erase,
            State.PROVISIONED: self._provision,
            State.ONLINE: self._bring_online,
        }[wanted]()
        self._state = wanted

    def changed(self) -> None:
        """The test has left the board otherwise than it found it."""
        self._state = None

    @property
    def host(self) -> Host:
        """The site and broker of this computer, started on first use."""
        return self._host()

    def _switch_off(self) -> None:
        self.console.close()
        self.place.power.off()

    def _erase(self) -> None:
        self.console.close()
        self.place.power.on()
        self._wait_for_port()
        with usb.connected(self.place.port) as board:
            # Also gives the watchdog of an application that ran before more time than a session takes.
            chip = identify(board)
            if chip.arch != self.place.arch:
                raise BoardError(f"{self.place.name} runs code of {chip.arch}, its bench file says {self.place.arch}")
            board.run(_ERASE)

    def _wait_for_port(self) -> None:
        """A board that was just switched on is not on the bus yet."""
        deadline = time.monotonic() + PORT_S
        while not Path(self.place.port).exists():
            if time.monotonic() > deadline:
                raise BoardError(f"{self.place.port} of {self.place.name} did not appear within {PORT_S:g} s")
            time.sleep(_LOOK_S)

    def _provision(self) -> None:
        self._install(_UNREACHABLE)
        self.restart()

    def _bring_online(self) -> None:
        host = self._host()
        self._install(host.endpoint(self._network.host))
        self.restart()
        host.wait_for_birth(self.device, ONLINE_S)

    def restart(self) -> None:
        """Reset and wait for the application's first line."""
        self.console.open()
        seen = self.console.count
        self.console.reset()
        self.console.wait_for(r"^jk boot \d+ ", BOOT_S, seen)

    def _install(self, broker: dict[str, Any]) -> None:
        self._erase()
        if self.device:
            self._host().retire(self.device)  # its key has just been erased
        files = self._host().add_device(self.place.kind, self.place.name)
        self.device = files.device
        tls = image.Tls(files.ca_der, files.cert_der, files.key_der)
        config = _config(self.place, self._network, files.site, files.device, broker)
        usb.install(self.place.port, image.device_image(config, tls, self.place.arch), reset=False)


def _config(place: Place, network: Network, site: str, device: str, broker: dict[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {
        "version": 1,
        "site": site,
        "device": device,
        "kind": place.kind,
        "zone": "bench",
        "broker": broker,
        "board": place.pins,
        "vitals_s": 5,
    }
    if place.uwb:
        config["uwb"] = {"driver": "ryuw122"}
    if network.ssid:
        config["wifi"] = {"ssid": network.ssid, "password": network.password}
    if place.kind == "tag":
        config["imu"] = {"driver": place.imu, "placement": "waist"}
        config["ephemeral_secret"] = secrets.token_hex(16)
    else:
        config["machine"] = {"kind": "forklift", "name": place.name, "warn_mm": 5000, "danger_mm": 2500}
    return config
