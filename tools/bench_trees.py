"""Instructions of the core's network for falls beside an ensemble of trees written out by emlearn, on rv32."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from jikimi.sigcore._sigcore import ffi, lib
from numpy.typing import NDArray

from tools import rv32

HEAD = ("what decides", "instructions a decision", "times ours", "bytes")
_ROWS, _DEPTH = 2_000, 4
_PEER_TREES = 54  # as many bytes in tables as the network has, at 46 a tree


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
    with np.errstate():  # importing it makes NumPy raise at every underflow, in whatever is measured after it too
        model = importlib.import_module("emlearn").convert(forest, method="inline", dtype="int16_t")
    with tempfile.TemporaryDirectory() as folder:
        header = Path(folder) / "peer_trees.h"
        model.save(file=str(header), name="peer")
        return header.read_text(encoding="utf-8")


def _bytes(source: str, names: str) -> int:
    """Code and constants, on rv32, of the functions and tables whose names match `names`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.c").write_text(source, encoding="utf-8")
        include = [f"-I{rv32.NATIVE / 'include'}", f"-I{rv32.NATIVE / 'src'}"]
        subprocess.run([*rv32.compiler(), *include, "-c", "a.c", "-o", "a.o"], cwd=folder, check=True)
        listing = subprocess.run(
            ["riscv64-unknown-elf-nm", "-S", "a.o"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
    sized = re.findall(r"^\w+ (\w+) [tTrR] (\S+)$", listing, re.MULTILINE)
    return sum(int(size, 16) for size, name in sized if re.fullmatch(names, name))


def measure() -> list[tuple[str, str, str, str]]:
    """Rows (whose, instructions a decision, times ours, bytes); what decides about a fall at the waist."""
    tables = (rv32.NATIVE / "src" / "sig_fall_model.h").read_text(encoding="utf-8")
    n_units = int(re.findall(r"FALL_WAIST_UNITS = (\d+)", tables)[0])
    rows = _features()
    header = _peer(rows, _PEER_TREES)
    cost = rv32.cost("rv32_trees.c", "rows", rows.tobytes(), {"peer_trees.h": header})
    core = '#include "sig_fall.c"\n#include "sig_fall_net.c"\n'
    ours_bytes = _bytes(core, "sig_fall_(score|net|normalise)|fall_waist|fall_scale")
    entry = f"int entry(const int16_t *row) {{ return peer_predict(row, {lib.SIG_FALL_FEATURES}); }}\n"
    theirs_bytes = _bytes(header + entry, ".*")
    ours, theirs = cost["ours"] / _ROWS, cost["theirs"] / _ROWS
    return [
        (f"signal core, network of {n_units} units", f"{ours:.0f}", "1", f"{ours_bytes}"),
        (
            f"emlearn, {_PEER_TREES} trees of depth {_DEPTH}, nested ifs",
            f"{theirs:.0f}",
            f"{theirs / ours:.2f}",
            f"{theirs_bytes}",
        ),
    ]
