"""Docked tags at a whole site that trust its release key, and releases made from this tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jikimi.fleet import release, signing
from jikimi.fleet.release import Published
from jikimi.fleet.virtual.compiler import compile_file
from jikimi.fleet.virtual.interpreter import HEAP_BYTES
from jikimi.wire import cbor
from tests.shift.conftest import Plant, Tag

# It ran without this margin; with it a few objects more in another part of the application are not this test's failure.
_MORE_HEAP_BYTES = 16 * 1024

EDGE = Path(__file__).parents[2] / "firmware/jikimi/edge"


class Fleet:
    """Three tags on their chargers."""

    def __init__(self, plant: Plant, folder: Path) -> None:
        self.plant, self.site, self._folder = plant, plant.site, folder
        self.tags = [self._tag() for _ in range(3)]

    def _tag(self) -> Tag:
        tag = self.plant.add_tag(online=False, heap_bytes=HEAP_BYTES + _MORE_HEAP_BYTES)
        trust = tag.board.flash_dir / "trust"
        trust.mkdir()
        (trust / "release").write_bytes(cbor.dumps(signing.roots(self.site, signing.RELEASE)))
        tag.board.start()
        self.plant.world.set_docked(tag.device, docked=True)
        tag.wait_line("^jk duty off")
        return tag

    def publish(
        self, version: str, changed: dict[str, str] | None = None, edits: dict[str, tuple[str, str]] | None = None
    ) -> Published:
        """A release of this tree with files added, and with one place of others replaced."""
        files = release.application_files("x64")
        for name, text in (changed or {}).items():
            files[f"jikimi/edge/{name}.mpy"] = self._compiled(name, text)
        for name, (old, new) in (edits or {}).items():
            source = (EDGE / f"{name}.py").read_text()
            assert source.count(old) == 1
            files[f"jikimi/edge/{name}.mpy"] = self._compiled(name, source.replace(old, new))
        directory = self._folder / version
        release.build(self.site, directory, version=version, arch="x64", files=files)
        release.sign(self.site, directory)
        return release.publish(self.site, directory)

    def _compiled(self, name: str, text: str) -> bytes:
        path = self._folder / f"{name}.py"
        path.write_text(text)
        return compile_file(path, f"/lib/jikimi/edge/{name}.py")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "HEIGHT", 5)
        with Plant(tmp_path_factory.mktemp("plant")) as plant:
            yield Fleet(plant, tmp_path_factory.mktemp("releases"))
