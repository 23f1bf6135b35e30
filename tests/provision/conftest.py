"""A site, blank virtual boards on its technician's bench, and runs of provisioning."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jikimi.fleet import signing
from jikimi.fleet.provision import Batch, Result, SiteEnroller, provision
from jikimi.fleet.registry import Description
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.fleet.virtual import Bench, VirtualBoard, World

FREE = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
PROMPT = r"Type \"help"
PATIENCE_S = 30.0
USUAL = Description("tag", "Tag", "floor")

Provision = Callable[..., list[Result]]
Boards = Callable[..., list[VirtualBoard]]


@pytest.fixture(autouse=True)
def _small_signing_keys(monkeypatch):
    """Of 32 signatures instead of 1,024, which take seconds to make."""
    monkeypatch.setattr(signing, "HEIGHT", 5)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.init(tmp_path / "plant", settings=FREE)


@pytest.fixture
def world() -> Iterator[World]:
    with World(channel=Bench()) as world:
        yield world


@pytest.fixture
def boards(world: World, tmp_path: Path) -> Iterator[Boards]:
    """`boards(n)`: blank boards at their prompt."""
    with ExitStack() as stack:

        def make(count: int, prefix: str = "board") -> list[VirtualBoard]:
            names = [f"{prefix}-{number}" for number in range(1, count + 1)]
            made = [stack.enter_context(VirtualBoard(name, tmp_path / name, world)) for name in names]
            for board in made:
                board.start()
            for board in made:
                board.wait_for(PROMPT, PATIENCE_S)
            return made

        yield make


@pytest.fixture
def run(site: Site) -> Provision:
    """`run(boards, …)` provisions them; results in the order of the boards."""

    def do(boards: list[VirtualBoard], batch: Batch | None = None, **options: object) -> list[Result]:
        enroller = SiteEnroller(site)
        batch = batch or Batch(None, USUAL, enroller.name_is_free)
        found = {
            result.port: result
            for result in provision(enroller, [board.port for board in boards], batch, **options)  # type: ignore[arg-type]
        }
        return [found[board.port] for board in boards]

    return do


def until(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Poll until `condition()`; fails the test, saying `what` was awaited."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s in vain: {what}"
        time.sleep(0.01)


def key_of(board: VirtualBoard) -> bytes:
    """The private key file on a board's flash."""
    return (board.flash_dir / "tls/key.der").read_bytes()
