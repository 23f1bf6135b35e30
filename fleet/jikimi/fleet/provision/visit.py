"""The doctor's visits: to a board on a port, and to what the site has heard."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jikimi.fleet import broker, registry
from jikimi.fleet.configuration import applied
from jikimi.fleet.errors import RegistryError
from jikimi.fleet.provision import usb
from jikimi.fleet.provision.chip import identify
from jikimi.fleet.provision.doctor import Expected, Finding, examine, from_afar
from jikimi.fleet.provision.facts import gather
from jikimi.fleet.provision.work import application

if TYPE_CHECKING:
    from jikimi.fleet.provision.ladder import Say
    from jikimi.fleet.site import Site


@dataclass(frozen=True)
class Report:
    """What was found; `device` is None for a board the site does not know, `port` for a visit from afar."""

    device: str | None
    port: str | None
    findings: tuple[Finding, ...]


def at_port(site: Site, port: str, say: Say, *, near: bool = False, person_s: float = 0.0) -> Report:
    """Examine the board at `port`, and let it go on afterwards. `near`: a working device lies beside it."""
    with usb.connected(port, say, person_s=person_s) as board:
        chip = identify(board)
        facts = gather(board, chip, application(chip.arch))
        board.reset()
    known = registry.on_board(site, chip.board)
    expected = Expected(
        site=site.name,
        endpoint=site.endpoint(),
        ca_der=site.ca.certificate_der(),
        now=datetime.datetime.now(datetime.UTC),
        site_is_up=broker.running_pid(site) is not None,
        known=known,
        told=applied.told(site, known.device).get(known.device) if known else None,
    )
    return Report(known.device if known else None, port, tuple(examine(facts, expected, near=near)))


def from_here(site: Site, device: str | None = None) -> list[Report]:
    """What the site can say about one device, or about all it ever had and has not retired."""
    everyone = registry.devices(site)
    chosen = [one for one in everyone if one.state != "retired"] if device is None else _named(everyone, device)
    told, now_ms = applied.told(site), time.time_ns() // 1_000_000
    firmwares = [one.firmware for one in everyone if one.firmware is not None]
    return [Report(one.device, None, tuple(from_afar(one, told.get(one.device), now_ms, firmwares))) for one in chosen]


def _named(everyone: list[registry.Device], device: str) -> list[registry.Device]:
    found = [one for one in everyone if one.device == device]
    if not found:
        raise RegistryError(f"no device {device} at this site: `jikimi device list` shows them")
    return found
