"""Faults of the network between a cluster's nodes, for `tools.chaos`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

from tools.links import Links

_PARTED_S: Final = (2.0, 15.0)  # nodes give each other up after six
_DELAY_S: Final = (0.05, 1.0)


def faults(links: Links, rng: random.Random) -> dict[str, Callable[[], None]]:
    """Each begins a fault of `links`, and ends it after a while drawn from `rng`."""
    nodes = range(len(links.cluster.nodes))

    def until_healed() -> None:
        time.sleep(rng.uniform(*_PARTED_S))  # what a fault is, not what is waited for
        links.heal()

    def isolate() -> None:
        links.isolate(rng.choice(nodes))
        until_healed()

    def cut_way() -> None:
        links.cut_way(*rng.sample(nodes, 2))
        until_healed()

    def delay() -> None:
        links.delay(rng.uniform(*_DELAY_S))
        until_healed()

    return {
        "partition: a node cut off from the others": isolate,
        "partition: one way between two nodes": cut_way,
        "slow network between nodes": delay,
    }
