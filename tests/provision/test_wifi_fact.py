"""What the board is asked about its network, run here with a station that connects while it is being asked."""

import contextlib
import io
import sys
import time
import types

import pytest

from jikimi.edge import configuration
from jikimi.fleet.provision import facts


class Station:
    """Every question about its state brings it one step further."""

    IF_STA, CONNECTING, GOT_IP, NO_AP, WRONG_PASSWORD = 0, 1001, 1010, 201, 202

    def __init__(self, end: int, questions: int) -> None:
        self._end, self._left = end, questions

    def __call__(self, _interface: int) -> "Station":
        return self

    def active(self, _on: bool) -> None: ...

    def connect(self, _ssid: str, _password: str) -> None: ...

    def status(self) -> int:
        self._left -= 1
        return self._end if self._left < 0 else self.CONNECTING

    def isconnected(self) -> bool:
        return self.status() == self.GOT_IP


@pytest.mark.parametrize("questions", range(4))
@pytest.mark.parametrize(
    ("end", "said"),
    [
        (Station.GOT_IP, "connected"),
        (Station.NO_AP, "not found"),
        (Station.WRONG_PASSWORD, "wrong password"),
        (Station.CONNECTING, "no answer"),
    ],
)
def test_whenever_the_station_gets_there_its_last_state_is_what_is_said(monkeypatch, end, said, questions):
    names = {"STAT_GOT_IP": Station.GOT_IP, "STAT_NO_AP_FOUND": Station.NO_AP}
    network = types.SimpleNamespace(WLAN=Station(end, questions), STAT_WRONG_PASSWORD=Station.WRONG_PASSWORD, **names)
    network.WLAN.IF_STA = Station.IF_STA
    monkeypatch.setitem(sys.modules, "network", network)
    monkeypatch.setattr(time, "sleep_ms", lambda _ms: None, raising=False)
    wifi = types.SimpleNamespace(ssid="hall", password="secret-hall")
    monkeypatch.setattr(configuration, "load", lambda _path: types.SimpleNamespace(wifi=wifi))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(facts._WIFI.format(tries=6), {})
    assert out.getvalue() == f"{said!r}\n"
