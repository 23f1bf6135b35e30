"""Devices of the load at a site: added for one run, each with a key of its own."""

from __future__ import annotations

import secrets
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jikimi.fleet import broker, registry
from jikimi.fleet.load.packets import tls_context

if TYPE_CHECKING:
    from jikimi.fleet.site import Site

_ZONE = "load-test"
_MACHINE_KIND = "forklift"


class Identity(NamedTuple):
    """Who a device is, and where the site's broker is: of several nodes each device tries another one first."""

    site: str
    device: str
    kind: str  # tag, node
    addresses: list[tuple[str, int]]
    tls: ssl.SSLContext


def add(site: Site, kind: str, n: int) -> list[Identity]:
    """`n` new devices of `kind` (tag, node) at the site."""
    addresses = broker.addresses(site)
    run = secrets.token_hex(3)  # of this run: what an earlier one left behind has its own
    names = [f"Load test {run}-{number + 1}" for number in range(n)]
    added = registry.add_devices(site, kind, names, _ZONE, _MACHINE_KIND if kind == "node" else None)
    identities = []
    with tempfile.TemporaryDirectory(prefix="jikimi-load-") as directory:
        for number, files in enumerate(added):
            first = number % len(addresses)
            rotated = addresses[first:] + addresses[:first]
            identities.append(Identity(site.name, files.device, kind, rotated, tls_context(files, Path(directory))))
    return identities
