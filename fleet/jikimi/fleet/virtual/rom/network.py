# mypy: ignore-errors
"""`network` of the ESP32 port: a station that associates with whatever it is told. Sockets are the host's own."""

import struct

import _world

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _active = False

    def __init__(self, interface=STA_IF):
        if interface != STA_IF:
            raise ValueError("only the station is emulated")

    def active(self, is_active=None):
        if is_active is not None:
            WLAN._active = bool(is_active)
            _world.call(_world.WLAN_ACTIVE, 1 if is_active else 0)
        return WLAN._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        _world.call(_world.WLAN_CONNECT, 0, (ssid or "").encode() + b"\0" + (key or "").encode())

    def disconnect(self):
        _world.call(_world.WLAN_DISCONNECT)

    def isconnected(self):
        return self._status()[0] == STAT_GOT_IP

    def status(self, param=None):
        status, rssi = self._status()
        if param is None:
            return status
        if param == "rssi":
            return rssi
        raise ValueError("unknown status param")

    def _status(self):
        return struct.unpack("<Hb", _world.call(_world.WLAN_STATUS))

    def config(self, *names, **values):
        """Settings are accepted; only "mac" can be asked for."""
        if names:
            if names[0] != "mac":
                raise ValueError("unknown config param")
            import machine

            return machine.unique_id()
        return None

    def ifconfig(self, addresses=None):
        address = "127.0.0.1" if self.isconnected() else "0.0.0.0"
        return (address, "255.0.0.0", "0.0.0.0", "0.0.0.0")

    def ipconfig(self, name):
        if name == "addr4":
            return (self.ifconfig()[0], "255.0.0.0")
        raise ValueError("unknown ipconfig param")
