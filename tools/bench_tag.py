"""A whole tag: sample to local warning, free heap, and bytes on the air per hour, for a calm and for a busy wearer.

Calm: the tag lies still, nobody is near. Busy: a worker of the demo's floor among three machines, who falls. Bytes are
what the broker counts for the tag's connection in both directions (MQTT, without TLS and TCP), scaled to an hour, with
vitals every 30 s, as is the default.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jikimi.fleet.demo import stage
from jikimi.fleet.floor import Floor, default_plan, workers
from jikimi.fleet.services import Supervisor, standard_services
from jikimi.fleet.site import Site
from jikimi.fleet.store import Store
from jikimi.fleet.virtual import VirtualBoard, World

_TAGS, _MACHINES, _SEED = 2, 3, 7
_ONLINE_S = 30.0
_MOST_RECORDS = 100_000
_WARN = re.compile(r"^jk warn \d+ \d+ (\d+) ")


def measure(seconds: float = 60.0) -> list[tuple[str, ...]]:
    """Rows of (wearer, warning p50 ms, warning p99 ms, least heap free in bytes, bytes an hour)."""
    return [_row("calm", seconds, moving=False), _row("busy", seconds, moving=True)]


def _row(name: str, seconds: float, *, moving: bool) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        site = stage.make_site(Path(folder) / "site")
        plan = default_plan(_MACHINES)
        members = stage.register(site, plan, _TAGS)
        for member in members:
            member.config["vitals_s"] = 30
        stage.flash(members)
        supervisor = Supervisor(site, standard_services(site, web=False))
        supervisor.start()
        stack.callback(supervisor.stop)
        tags = [member.device for member in members if member.is_tag]
        floor = Floor(
            plan,
            dict(zip(tags, workers(_TAGS, None, _SEED), strict=True)),
            [member.device for member in members if not member.is_tag],
            _SEED,
        )
        world = stack.enter_context(World(floor.bodies, floor.channel, seed=_SEED) if moving else World())
        used = [member for member in members if not member.gateway and (moving or member.is_tag)]
        boards = [stack.enter_context(VirtualBoard(member.device, member.root, world)) for member in used]
        for board in boards:
            board.start()
        for board in boards:
            board.wait_for("^jk link up ", _ONLINE_S)
        floor.open(world.now())
        before, began_s = _bytes(site, tags), world.now()
        while world.now() < began_s + seconds:
            time.sleep(0.5)
        grown, took_s = _bytes(site, tags) - before, world.now() - began_s
        with Store.open(site.database_url, site.name) as store:
            kinds = Counter(row.kind for row in store.recent_records(_MOST_RECORDS))
            free = [row.heap_free_bytes for row in store.device_rows() if row.device in tags and row.heap_free_bytes]
        lines = [line for board in boards if board.name in tags for line in board.lines()]
    by_hour = {kind: round(n / _TAGS / took_s * 3600) for kind, n in kinds.items()}
    print(f"{name}: records an hour and tag, those of the start included: {by_hour}", file=sys.stderr)
    latencies = sorted(int(found[1]) for line in lines if (found := _WARN.match(line)))
    hour = grown / _TAGS / took_s * 3600
    return (name, *_spread(latencies), str(min(free)), f"{hour:.0f}")


def _spread(values: list[int]) -> tuple[str, str]:
    if not values:
        return "-", "-"
    return f"{statistics.median(values):.0f}", str(values[min(len(values) - 1, len(values) * 99 // 100)])


def _bytes(site: Site, tags: list[str]) -> int:
    """What the broker has received from and sent to these devices so far."""
    url = f"http://127.0.0.1:{site.ports().monitor}/connz?auth=true&limit=4096"
    with urllib.request.urlopen(url, timeout=5) as reply:
        connections: list[dict[str, Any]] = json.load(reply)["connections"]
    ours = [c for c in connections if str(c.get("authorized_user")).partition(".")[0] in tags]
    return sum(int(c["in_bytes"]) + int(c["out_bytes"]) for c in ours)


if __name__ == "__main__":
    for row in measure():
        print(*row, sep="\t")
