"""A small synthetic SisFall folder in both layouts, and the real one where it lies beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def _still(seconds: float, rng: np.random.Generator) -> Any:
    rows = np.zeros((int(seconds * 200), 9), dtype=np.int16)
    rows[:, 1] = -256  # 1 g on −Y
    return rows + rng.integers(-2, 3, rows.shape).astype(np.int16)


def _trials(rng: np.random.Generator) -> dict[str, Any]:
    walk = _still(20, rng)
    walk[:, 1] -= (80 * np.sin(2 * np.pi * 1.9 * np.arange(len(walk)) / 200)).astype(np.int16)
    fall = _still(15, rng)
    fall[900:1000, 1] = -60  # half a second of toppling, then a hit at 5.0 s and lying on the back
    fall[1000:1010, 2] = 1400
    fall[1005, 2] = 1900
    fall[1010:, 1], fall[1010:, 2] = 0, 256
    return {"D01": walk, "D15": _still(12, rng), "F05": fall}


@pytest.fixture
def trials() -> dict[str, Any]:
    """Raw counts by trial name, nine columns; the fall's peak is at row 1005."""
    rng = np.random.default_rng(5)
    return {f"{code}_{person}_R01": rows for person in ("SA01", "SA02") for code, rows in _trials(rng).items()}


@pytest.fixture
def npz_folder(tmp_path: Path, trials: dict[str, Any]) -> Path:
    folder = tmp_path / "npz"
    folder.mkdir()
    for person in ("SA01", "SA02"):
        np.savez(folder / f"{person}.npz", **{k: v[:, :6] for k, v in trials.items() if person in k})
    return folder


@pytest.fixture
def authors_folder(tmp_path: Path, trials: dict[str, Any]) -> Path:
    folder = tmp_path / "SisFall_dataset"
    for name, rows in trials.items():
        path = folder / name[4:8] / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(",".join(f"{v:4d}" for v in row) + ";\n" for row in rows))
    (folder / "Readme.txt").write_text("not a recording")
    return folder


@pytest.fixture(scope="session")
def sisfall() -> Path:
    folder = Path(os.environ.get("JIKIMI_DATA", ROOT.parent / "shared" / "data")) / "sisfall"
    if not folder.is_dir():
        pytest.skip(f"the SisFall recordings are not at {folder} (set JIKIMI_DATA)")
    return folder
