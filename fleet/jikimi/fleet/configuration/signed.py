"""Signing what devices shall be set to: one signature for all of them (`jikimi.wire.configuration`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jikimi.wire import configuration as wire
from jikimi.wire import cose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jikimi.fleet.configuration.desired import Table
    from jikimi.fleet.signing import SigningKey


def documents(key: SigningKey, site: str, sequence: int, wanted: Mapping[str, Table]) -> dict[str, bytes]:
    """A document for each device, whose settings are in `wanted`; uses up one signature of `key`."""
    devices = sorted(wanted)
    leaves = [wire.encode_leaf(site, device, sequence, _json(wanted[device])) for device in devices]
    levels = _levels([wire.leaf_hash(leaf) for leaf in leaves])
    envelope = key.sign(cose.CONFIG, wire.encode_statement(site, sequence, levels[-1][0]))
    return {
        device: wire.encode_document(envelope, leaf, index, _path(levels, index))
        for index, (device, leaf) in enumerate(zip(devices, leaves, strict=True))
    }


def _json(settings: Table) -> bytes:
    return json.dumps(settings, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _levels(hashes: list[bytes]) -> list[list[bytes]]:
    """All levels of the tree, leaves first; an odd one at the end of a level is paired with itself."""
    levels = [hashes]
    while len(levels[-1]) > 1:
        below = levels[-1] + levels[-1][-1:] * (len(levels[-1]) % 2)
        levels.append([wire.node_hash(*below[at : at + 2]) for at in range(0, len(below), 2)])
    return levels


def _path(levels: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The hash beside the way up, on each level but the last."""
    path = []
    for level in levels[:-1]:
        beside = index ^ 1
        path.append(level[beside] if beside < len(level) else level[index])
        index >>= 1
    return path
