"""A site with devices and a store, and what a machine node and a tag would have reported to it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jikimi.fleet import registry
from jikimi.fleet.agreement import example
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.store import Batch, NewRecord, RecordMessage, Source, Store, StreamKey
from jikimi.wire import kinds

_PERIOD_MS = 900_000  # for which a tag keeps an ephemeral id


@dataclass
class Plant:
    """A site, its store, a tag and a machine node; `report` stores records as ingest would."""

    site: Site
    store: Store
    tag: str
    node: str

    def report(self, device: str, *records: NewRecord, now_ms: int | None = None) -> None:
        """Store records of one boot, which began a minute before `now_ms`, which is the time of day if not given."""
        now = _clock_ms() if now_ms is None else now_ms
        self.send(device, kinds.stream_of(records[0].kind), *records, now_ms=now, boot_epoch_ms=now - 60_000)

    def send(
        self, device: str, stream: int, *records: NewRecord, now_ms: int | None = None, boot_epoch_ms: int | None = None
    ) -> None:
        """Store records as a device sent them, of whatever kind and stream; without `boot_epoch_ms` it has no clock."""
        now = _clock_ms() if now_ms is None else now_ms
        quality = kinds.CLOCK_NONE if boot_epoch_ms is None else kinds.CLOCK_SET
        key = StreamKey(device, 1, stream)
        message = RecordMessage(Source("jk/plant/d/ev", b"", now), key, boot_epoch_ms, quality, records)
        assert self.store.store_batch(Batch(messages=(message,))).stored == len(records)

    def near_misses(self, people: int, first_seq: int = 1) -> None:
        """One near miss of each of `people` tags at the machine, in the middle of the last full rotation period.

        The store counts nobody near the edges of a period, so "just now" would not do for two minutes of every 15.
        """
        period = _clock_ms() // _PERIOD_MS - 1
        middle_ms = period * _PERIOD_MS + _PERIOD_MS // 2
        for i in range(people):
            data = {
                kinds.LEVEL: kinds.LEVEL_WARN,
                kinds.DISTANCE_MM: 1300,
                kinds.CLOSING_MM_S: 900,
                kinds.DWELL_MS: 2000,
                kinds.EPHEMERAL: bytes([i]) * 8,
                kinds.PERIOD: period,
            }
            self.report(self.node, NewRecord(first_seq + i, kinds.NEAR_MISS, 60_000, data), now_ms=middle_ms)


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    site = Site.init(tmp_path / "plant", "plant", settings)
    example.put_in_force(site)
    tag = registry.add_device(site, "tag", "Tag 1", "hall").device
    node = registry.add_device(site, "node", "Press A", "hall", "press").device
    machine = {"device": node, "name": "Press A", "kind": "press", "zone": "hall", "x_mm": 9000, "y_mm": 6000}
    plan = {
        "width_mm": 20_000,
        "height_mm": 12_000,
        "zones": [{"name": "hall", "x_mm": 500, "y_mm": 500, "w_mm": 19_000, "h_mm": 11_000}],
        "machines": [{**machine, "warn_mm": 3000, "danger_mm": 1500}],
    }
    site.floor_path.write_text(json.dumps(plan), "utf-8")
    with Store.open(site.database_url, site.name) as store:
        yield Plant(site, store, tag, node)
