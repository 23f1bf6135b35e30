"""The developer tools of the core: what they refuse, and what they print."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tests.native.conftest import ROOT
from tools import gbdt


def run(*args: object, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **env}, timeout=120
    )


def test_a_wrong_micropython_folder_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    done = run("tools/build_mpy.py", "--output", tmp_path / "a.mpy", MPY_DIR=str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path} has no py/dynruntime.h; set MPY_DIR" in done.stderr


def test_a_missing_cross_compiler_is_named(tmp_path: Path) -> None:
    done = run("tools/build_mpy.py", "--arch", "xtensawin", "--output", tmp_path / "a.mpy", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "xtensa-esp32-elf-gcc is not on the path" in done.stderr


def test_two_builds_at_once_make_the_same_module(tmp_path: Path) -> None:
    paths = [tmp_path / name / "core.mpy" for name in ("a", "b")]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda path: run("tools/build_mpy.py", "--output", path), paths))
    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_machines_can_read_the_sizes_and_the_exit_code_says_whether_a_budget_is_broken() -> None:
    done = run("-m", "tools.sizes", "--json")
    assert done.returncode == (1 if "over budget" in done.stderr else 0), done.stdout + done.stderr
    sizes = json.loads(done.stdout)
    assert sizes["state"]["sig_fall"] <= 1024
    assert sizes["object"]["sig_fall"] > 0
    assert 0 < sizes["stack"]["sig_motion_push"] <= 2048


def test_boosting_learns_a_rule_of_two_features_and_says_so_the_same_way_twice() -> None:
    rng = np.random.default_rng(0)
    features = rng.integers(-1000, 1000, (4000, 5)).astype(np.int16)
    labels = (features[:, 1] > 200) & (features[:, 3] < -100)
    weights = np.ones(len(labels))
    models = [gbdt.train(features, labels, weights, gbdt.Settings(trees=20)) for _ in range(2)]
    assert np.mean((models[0].score(features) > 0) == labels) > 0.98
    assert (models[0].score(features) == models[1].score(features)).all()


def test_boosting_with_nothing_to_learn_from_says_how_common_the_event_is() -> None:
    features = np.zeros((100, 3), dtype=np.int16)
    labels = np.arange(100) < 20
    score = gbdt.train(features, labels, np.ones(100), gbdt.Settings(trees=5)).score(features)
    assert np.allclose(1 / (1 + np.exp(-score / 256)), 0.2, atol=0.01)
