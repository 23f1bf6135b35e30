"""What a board says when it is examined over USB: facts, no judgement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jikimi.fleet.provision.work import Part

if TYPE_CHECKING:
    from jikimi.fleet.provision.chip import Chip
    from jikimi.fleet.provision.usb import Board

# Runs on the board, in its raw REPL. Everything that can fail says so instead of failing the rest.
_ASK = """
import hashlib, machine, os, sys
def content(path):
    try:
        with open(path, 'rb') as f:
            return f.read()
    except OSError:
        return None
def attempt(function):
    try:
        return function()
    except Exception as error:
        return type(error).__name__ + ': ' + str(error)
def there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False
facts = {'clock': machine.RTC().datetime(), 'ca': None, 'cert': content('/tls/cert.der'), 'key': None,
         'config': None, 'checked': None, 'refused': content('/state/refused'), 'on_trial': there('/config.old'),
         'now': content('/slots/now')}
ca = content('/tls/ca.der')
facts['ca'] = None if ca is None else hashlib.sha256(ca).digest()
block, _, _, free = os.statvfs('/')[:4]
facts['free_kb'] = block * free // 1024
facts['installed'] = there('/main.py')
if facts['installed']:
    from jikimi.edge import configuration, keys
    facts['key'] = keys.public_in('/tls/key.der')
    facts['config'] = attempt(lambda: configuration.read('config.json'))
    facts['checked'] = attempt(lambda: configuration.load('config.json') and None)
print(repr(facts))
"""
_PARTS = """
from jikimi.edge import bench_test, configuration
print(repr(bench_test.run(configuration.load('config.json'), '.')))
"""
_WIFI = """
import network, time
from jikimi.edge import configuration
wifi = configuration.load('config.json').wifi
status = None
if wifi is not None:
    station = network.WLAN(network.WLAN.IF_STA)
    station.active(True)
    station.connect(wifi.ssid, wifi.password)
    for _ in range({tries}):
        status = station.status()  # once: between two questions it may have changed
        if status in (network.STAT_GOT_IP, network.STAT_NO_AP_FOUND, network.STAT_WRONG_PASSWORD):
            break
        time.sleep_ms(200)
    names = ((network.STAT_GOT_IP, 'connected'), (network.STAT_NO_AP_FOUND, 'not found'),
             (network.STAT_WRONG_PASSWORD, 'wrong password'))
    status = dict(names).get(status, 'no answer')
print(repr(status))
"""
_BROKER = """
import asyncio
from jikimi.edge import configuration, identity, mqtt
from jikimi.edge.port import port
config = configuration.load('config.json')
async def reach():
    here, broker = port(), config.broker
    try:
        tls = here.tls_context('./tls')
        with open('tls/key.der', 'rb') as f:
            name = identity.client_id(config.device, f.read())
    except (OSError, ValueError) as error:
        return 'refused: ' + here.describe(error)
    def stream():
        return here.open_stream(broker.host, broker.port, tls, broker.server_name or broker.host)
    client = mqtt.Client(here, stream, name)
    try:
        await client.connect()
    except OSError as error:
        return 'refused: ' + here.describe(error)
    finally:
        await client.close()
    return 'reached'
print(repr(asyncio.run(reach())))
"""
_WIFI_TRIES = 75  # of 200 ms
_NETWORK_S = 40.0  # more than either may take
_LIB, _CABLE = "/lib/", "cable"


@dataclass(frozen=True)
class Facts:
    """As the board says. `config` is its content or what is wrong with it; `parts` is empty where nothing could run."""

    chip: Chip
    installed: bool
    application_differs: int  # files that are not those of this Jikimi
    config: Any
    config_error: str | None
    refused: str | None
    on_trial: bool
    clock: tuple[int, ...]
    free_kb: int
    ca_sha256: bytes | None
    certificate: bytes | None = field(repr=False)
    public_key: bytes | None
    parts: tuple[Part, ...]
    wifi: str | None  # connected | not found | wrong password | no answer; None: no network is configured
    broker: str | None  # reached | refused: …; None: could not be tried


def gather(board: Board, chip: Chip, application: dict[str, bytes]) -> Facts:
    """Ask the board everything; what runs no more than it must."""
    said = board.ask(_ASK)
    works = bool(said["installed"]) and said["checked"] is None
    wifi = board.ask(_WIFI.format(tries=_WIFI_TRIES), _NETWORK_S) if works else None
    online = works and wifi in (None, "connected")
    return Facts(
        chip=chip,
        installed=said["installed"],
        application_differs=len(board.differing(_running(application, said["now"]))) if said["installed"] else 0,
        config=said["config"],
        config_error=said["checked"],
        refused=said["refused"].decode() if said["refused"] else None,
        on_trial=said["on_trial"],
        clock=tuple(said["clock"]),
        free_kb=said["free_kb"],
        ca_sha256=said["ca"],
        certificate=said["cert"],
        public_key=said["key"],
        parts=tuple(Part(*found) for found in board.ask(_PARTS)) if works else (),
        wifi=wifi,
        broker=board.ask(_BROKER, _NETWORK_S) if online and said["cert"] else None,
    )


def _running(application: dict[str, bytes], now: bytes | None) -> dict[str, bytes]:
    """The files of `application` where the board runs them from: /lib, or the slot that /slots/now names first."""
    slot = (now or b"").decode().split()[:1] or [_CABLE]
    folder = _LIB if slot == [_CABLE] else f"/slots/{slot[0]}/"
    code = {path.replace(_LIB, folder, 1): data for path, data in application.items() if path.startswith(_LIB)}
    return code | {"/main.py": application["/main.py"]}
