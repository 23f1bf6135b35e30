"""Telling devices that a configuration is there for them: now, and whenever one comes that does not run it yet."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from jikimi.fleet.configuration import applied
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.mqtt import publish_once
from jikimi.wire import messages, topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jikimi.fleet.configuration.applied import Told
    from jikimi.fleet.site import Site
    from jikimi.wire.host import Birth


def offer_all(site: Site, devices: Sequence[str]) -> bool:
    """Offer each its configuration at once; False when the broker does not run, and they hear of it later."""
    rows = applied.told(site)
    try:
        for device in devices:
            publish_once(site, *_command(site.name, rows[device]))
    except ServiceError:
        return False
    return True


def for_birth(site: Site, reader: applied.Reader, device: str, birth: Birth) -> tuple[str, bytes] | None:
    """What to publish for a device that has just said who it is; None when it runs what it was told, or refused it."""
    row = reader.told(device)
    if row is None or row.sequence == 0:
        return None
    refused, _, reason = (birth.refused or "").partition(" ")
    if refused == str(row.sequence):
        applied.note_refusal(site, device, row.sequence, reason)
        return None
    return None if birth.config == row.digest else _command(site.name, row)


def _command(site: str, row: Told) -> tuple[str, bytes]:
    digest = hashlib.sha256(row.document).digest()
    meant: dict[int, object] = {messages.ARG_DIGEST: digest, messages.ARG_SIZE: len(row.document)}
    command = messages.encode_command(messages.CMD_CONFIG, meant, secrets.randbits(32))
    return topics.topic(site, row.device, topics.COMMAND), command
