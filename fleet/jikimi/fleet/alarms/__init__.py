"""Alarms: raised and ended by records of devices (`jikimi.fleet.store`), taken on by people here."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from jikimi.fleet.errors import ServiceError
from jikimi.fleet.mqtt import publish_once
from jikimi.wire import messages as wire
from jikimi.wire import topics

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.store import AlarmRow, Store

_OF_USE_MS = 600_000  # a tag that was out of reach for longer need not say that help was on the way then


def acknowledge(site: Site, store: Store, alarm_id: str, role: str) -> AlarmRow:
    """Note that someone in `role` has taken the alarm on, then let its wearer know.

    The first to acknowledge stays noted; doing it again only tells the tag again. StoreError: no such alarm.
    ServiceError: it is noted, but the broker could not be reached to tell the tag.
    """
    now_ms = time.time_ns() // 1_000_000
    alarm = store.acknowledge_alarm(alarm_id, role, now_ms)
    _, boot, seq = alarm_id.split(".")
    if int(boot) == 0:
        return alarm  # the host's own: its device knows nothing of it
    meant: dict[int, object] = {wire.ARG_BOOT: int(boot), wire.ARG_SEQ: int(seq)}
    command = wire.encode_command(wire.CMD_ALARM_SEEN, meant, secrets.randbits(32), now_ms + _OF_USE_MS)
    try:
        publish_once(site, topics.topic(site.name, alarm.device, topics.COMMAND), command)
    except ServiceError as error:
        raise ServiceError(f"the alarm is acknowledged, but its wearer was not told: {error}") from error
    return alarm
