"""How late things are with many connected tags: sent → committed and acknowledged, sent → on the page; and memory.

    python -m tools.bench_latency [--tags N] [--seconds N] [--rate N] [--postgresql]
    python -m tools.bench_latency --tags 100 --rate 100 --seconds 3600 --samples memory.csv    # growth over an hour

All tags are connected over TLS and subscribed to their acknowledgements; every 1/rate seconds one of them, at random,
sends an event or (one in ten) an alarm, whether or not earlier ones are answered. The page is the one behind all
browsers (`jikimi.fleet.web.live`), looked at as often as its server does. Memory is sampled every minute; a run of more
than ten minutes ends with growth and slope of each process after the first ten.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jikimi.fleet import broker, load, registry
from jikimi.fleet.services import Supervisor, broker_service, python_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, DatabaseSettings, WebSettings
from jikimi.fleet.store import Store
from jikimi.fleet.web import floor_plan
from jikimi.fleet.web.live import Live
from jikimi.wire import kinds, messages, topics
from tools import postgres
from tools.memory import Samples, resident_kib

_AT_ONCE = 50  # connecting
_ALARMS = 0.1  # share
_DRAIN_S = 15.0
_LOOK_S = 0.05
_SAMPLE_S = 60.0
_WAITS = ("committed_and_acknowledged_ms", "alarm_on_page_ms")
HEAD = (
    "tags", "stored and acknowledged p50", "p99", "alarm on the page p50", "p99", "unanswered", "broker, KiB a tag",
    "ingest grew, KiB",
)  # fmt: skip


class Ledger:
    """When each record was sent, acknowledged and seen, on the monotonic clock."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, int, int], float] = {}  # (device, stream, seq)
        self.acked: dict[tuple[str, int, int], float] = {}
        self.raised: dict[tuple[str, int], float] = {}  # (device, event time), of alarms
        self.seen: dict[tuple[str, int], float] = {}

    def waits_ms(self) -> list[float]:
        return sorted(1000 * (self.acked[key] - sent) for key, sent in self.sent.items() if key in self.acked)

    def page_waits_ms(self) -> list[float]:
        return sorted(1000 * (self.seen[key] - sent) for key, sent in self.raised.items() if key in self.seen)


class Tag:
    """A connected tag that sends when told and notes its acknowledgements."""

    def __init__(self, site: Site, device: str, ledger: Ledger) -> None:
        self._site, self._device, self._ledger = site, device, ledger
        self._seqs = {kinds.STREAM_ALARM: 0, kinds.STREAM_EVENT: 0}
        self._acked = dict(self._seqs)
        self._mid = 0

    async def connect(self, tls: Any) -> None:
        address, topic = broker.host_address(self._site), topics.topic(self._site.name, self._device, topics.ACK)
        self._connection = await load.Connection.connect(address, tls, self._device, topic, self._on_publish)

    def send(self, stream: int) -> None:
        self._seqs[stream] += 1
        seq, kind = self._seqs[stream], kinds.SOS if stream == kinds.STREAM_ALARM else kinds.WARNING
        leaf = topics.ALARM if stream == kinds.STREAM_ALARM else topics.EVENT
        boot_ms = time.time_ns() // 1_000_000
        payload = messages.encode_records(1, stream, [(seq, kind, seq, {})], boot_ms, kinds.CLOCK_SET)
        self._mid += 1
        now_s = self._ledger.sent[self._device, stream, seq] = time.monotonic()
        if stream == kinds.STREAM_ALARM:
            self._ledger.raised[self._device, boot_ms + seq] = now_s
        topic = topics.topic(self._site.name, self._device, leaf)
        self._connection.write(load.publish_packet(topic, self._mid, payload))

    def close(self) -> None:
        self._connection.abort()

    def _on_publish(self, body: bytes) -> None:
        _, stream, upto = messages.decode_ack(body[2 + int.from_bytes(body[:2], "big") :])
        now_s = time.monotonic()
        for seq in range(self._acked[stream] + 1, upto + 1):
            self._ledger.acked[self._device, stream, seq] = now_s
        self._acked[stream] = max(upto, self._acked[stream])


def measure(
    n_tags: int, seconds: float, rate: float, url: str = DatabaseSettings.url, file: Path | None = None
) -> dict[str, Any]:
    """Connect, send, and say what was found; samples of memory also go to `file`."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0), database=DatabaseSettings(url))
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        site = Site.init(Path(directory) / "bench", settings=settings)
        files = registry.add_devices(site, "tag", [f"Tag {number}" for number in range(n_tags)], "hall")
        contexts = [load.tls_context(one, Path(directory)) for one in files]
        supervisor = stack.enter_context(Supervisor(site, [broker_service(site), python_service(site, "ingest")]))
        store = stack.enter_context(Store.open(site.database_url, site.name))
        pids = {status.name: status.pid for status in supervisor.status() if status.pid}
        ledger = Ledger()
        tags = [Tag(site, one.device, ledger) for one in files]
        before = {name: resident_kib(pid) for name, pid in pids.items()}
        live = Live(store, site.name, floor_plan.load(site.floor_path))
        samples = Samples(pids, _SAMPLE_S, file)
        found = asyncio.run(_run(tags, contexts, live, ledger, (seconds, rate), samples, pids))
        after = {f"{name}_grew_kib": resident_kib(pid) - found[name] for name, pid in pids.items()}
    grown = {f"{name}_kib_per_tag": round((found[name] - before[name]) / n_tags, 1) for name in pids}
    waits, pages = ledger.waits_ms(), ledger.page_waits_ms()
    return {
        "tags": n_tags, "messages": len(ledger.sent), "unanswered": len(ledger.sent) - len(waits),
        "committed_and_acknowledged_ms": _quantiles(waits), "alarm_on_page_ms": _quantiles(pages),
        "alarms": len(ledger.raised), "alarms_on_page": len(pages), **grown, **after,
        "after_ten_minutes": samples.summary(),
    }  # fmt: skip


async def _run(
    tags: list[Tag],
    contexts: list[Any],
    live: Live,
    ledger: Ledger,
    pace: tuple[float, float],
    samples: Samples,
    pids: dict[str, int],
) -> dict[str, int]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def connect(tag: Tag, tls: Any) -> None:
        async with gate:
            await tag.connect(tls)

    await asyncio.gather(*(connect(tag, tls) for tag, tls in zip(tags, contexts, strict=True)))
    memory = {name: resident_kib(pid) for name, pid in pids.items()}
    ending = threading.Event()
    watcher = threading.Thread(target=_watch, args=(live, ledger, ending))
    watcher.start()
    sampling = asyncio.create_task(samples.take_all())
    rng, (seconds, rate) = random.Random(1), pace
    start_s = time.monotonic()
    for n in range(int(seconds * rate)):
        await asyncio.sleep(max(0.0, start_s + n / rate - time.monotonic()))
        rng.choice(tags).send(kinds.STREAM_ALARM if rng.random() < _ALARMS else kinds.STREAM_EVENT)
    until_s = time.monotonic() + _DRAIN_S
    while len(ledger.acked) < len(ledger.sent) and time.monotonic() < until_s:  # noqa: ASYNC110, simple is enough
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)  # the page's own pace
    sampling.cancel()
    await asyncio.gather(sampling, return_exceptions=True)
    samples.take()
    ending.set()
    watcher.join()
    for tag in tags:
        tag.close()
    return memory


def _watch(live: Live, ledger: Ledger, ending: threading.Event) -> None:
    while not ending.wait(_LOOK_S):
        live.look()
        now_s = time.monotonic()
        for alarm in live.current.alarms:
            ledger.seen.setdefault((alarm.device, alarm.t_ms), now_s)


def row(found: dict[str, Any]) -> tuple[str, ...]:
    """One result of `measure` as a table row; see `HEAD`."""
    waits = [found[name].get(share, "-") for name in _WAITS for share in ("p50", "p99")]
    memory = [found[name] for name in ("broker_kib_per_tag", "ingest_grew_kib")]
    return (f"{found['tags']:,}", *map(str, waits), str(found["unanswered"]), *map(str, memory))


def _quantiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {name: round(values[int(share * (len(values) - 1))], 1) for name, share in (("p50", 0.5), ("p99", 0.99))}


def main() -> int:
    """Measure and print one JSON line for each number of tags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tags", type=int, nargs="+", default=[100, 1_000])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=50, help="messages a second of all tags together")
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--samples", type=Path, help="file for the memory of each process, every minute (CSV)")
    options = parser.parse_args()
    for n_tags in options.tags:
        with ExitStack() as stack:
            url = DatabaseSettings.url
            if options.postgresql:
                url = stack.enter_context(postgres.Server(durable=True)).url()
            print(json.dumps(measure(n_tags, options.seconds, options.rate, url, options.samples)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
