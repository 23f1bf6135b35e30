"""Wi-Fi station, on boards whose configuration names a network."""

import errno

_CONNECT_MS = 15_000
_POLL_MS = 200


class Wifi:
    """`network` as MicroPython's module of that name."""

    def __init__(self, network, settings, port):
        self._station = network.WLAN(network.WLAN.IF_STA)
        self._settings = settings
        self._port = port

    async def bring_up(self):
        """Return when connected; OSError when that takes too long."""
        if self._station.isconnected():
            return
        self._station.active(True)
        try:
            self._station.connect(self._settings.ssid, self._settings.password)
        except OSError:
            pass  # an ESP32 that has lost its network still tries by itself: it has the same time, and is then ended
        for _ in range(_CONNECT_MS // _POLL_MS):
            if self._station.isconnected():
                return
            await self._port.sleep_ms(_POLL_MS)
        self._station.active(False)  # an attempt that hangs is ended, not waited for
        raise OSError(errno.ETIMEDOUT, "no Wi-Fi")
