"""What `pip install .` puts on a machine."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_PARTS = ("proto", "native", "firmware", "fleet")
_SETUPTOOLS = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def _tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *_PARTS],
        cwd=_ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [Path(line) for line in listing.splitlines() if (_ROOT / line).exists()]


def test_every_package_of_the_tree_is_listed():
    inits = [path for path in _tracked() if path.name == "__init__.py"]
    assert sorted(".".join(path.parent.parts[1:]) for path in inits) == sorted(_SETUPTOOLS["packages"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the tracked files, so that nothing of this checkout's build is in it."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    extra = [Path(name) for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE")]
    for path in [*_tracked(), *extra]:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes((_ROOT / path).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, target, source], check=True)
    return next(target.glob("jikimi-*.whl"))


def test_the_wheel_has_every_module_and_what_they_read(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        "/".join(path.parts[1:])
        for path in _tracked()
        if path.parts[1:2] == ("jikimi",) and path.suffix in {".py", ".css", ".typed"}
    }
    assert wanted - inside == set()
    assert "jikimi/edge/main.py" in inside
    assert any(name.startswith("jikimi/sigcore/_sigcore.") for name in inside)
