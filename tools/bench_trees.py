"""Instructions of the core's trees beside an ensemble of the same size written out by emlearn, on rv32."""

from __future__ import annotations

import importlib
import importlib.util
import re
import tempfile
from pathlib import Path

import numpy as np
from jikimi.sigcore._sigcore import ffi, lib
from numpy.typing import NDArray

from tools import rv32

HEAD = ("trees", "instructions a decision", "times ours")
_ROWS, _DEPTH = 2_000, 4


def available() -> bool:
    """Whether the peer (pip install -e .[bench]) and the rv32 tools are here."""
    return all(map(importlib.util.find_spec, ("emlearn", "sklearn"))) and rv32.missing() is None


def _features() -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (_ROWS, lib.SIG_FALL_FEATURES), dtype=np.uint8)


def _peer(rows: NDArray[np.uint8], n_trees: int) -> str:
    """The header emlearn writes of a forest that has learnt when our score is in its upper half."""
    scores = [lib.sig_fall_score(0, ffi.from_buffer("uint8_t[]", row)) for row in rows]
    ensemble = importlib.import_module("sklearn.ensemble")
    forest = ensemble.RandomForestClassifier(n_trees, max_depth=_DEPTH, random_state=7)
    forest.fit(rows.astype(np.int16), np.array(scores) > np.median(scores))
    model = importlib.import_module("emlearn").convert(forest, method="inline", dtype="int16_t")
    with tempfile.TemporaryDirectory() as folder:
        header = Path(folder) / "peer_trees.h"
        model.save(file=str(header), name="peer")
        return header.read_text(encoding="utf-8")


def measure() -> list[tuple[str, str, str]]:
    """Rows (whose, instructions a decision, times ours); the trees of a fall at the waist."""
    tables = (rv32.NATIVE / "src" / "sig_fall_model.h").read_text(encoding="utf-8")
    n_trees = int(re.findall(r"FALL_WAIST_TREES = (\d+)", tables)[0])
    rows = _features()
    cost = rv32.cost("rv32_trees.c", "rows", rows.tobytes(), {"peer_trees.h": _peer(rows, n_trees)})
    ours, theirs = cost["ours"] / _ROWS, cost["theirs"] / _ROWS
    size = f"{n_trees} of depth {_DEPTH}"
    return [
        (f"signal core, {size}, tables", f"{ours:.0f}", "1"),
        (f"emlearn, {size}, nested ifs", f"{theirs:.0f}", f"{theirs / ours:.2f}"),
    ]
