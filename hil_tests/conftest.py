"""`pytest hil_tests --bench=virtual` (the default) or `--bench=FILE.toml`: the same tests on emulated or real boards.

A test takes `board` with the state it needs: `@needs(State.BLANK)`. It runs once for each board of the bench, or for
those of one kind with `@needs(State.BLANK, kind="tag")`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hil_tests.bench import VIRTUAL, Bench, board_names, open_bench
from hil_tests.host import Host, running_host
from hil_tests.strategy import Strategy


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bench", default=VIRTUAL, help="virtual, or a TOML file that describes real boards")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(state, kind=None): the state a board of the bench must be in")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "strategy" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("needs")
        kind = marker.kwargs.get("kind") if marker else None
        names = board_names(metafunc.config.getoption("--bench"))
        metafunc.parametrize("strategy", [n for n, k in names.items() if kind in (None, k)], indirect=True)


@pytest.fixture(scope="session")
def ask(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Put a request to the person at the bench."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def ask(request_text: str) -> None:
        with capture.global_and_fixture_disabled():
            input(f"\n>>> {request_text}, then press Enter: ")

    return ask


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ask) -> Iterator[Bench]:
    with open_bench(request.config.getoption("--bench"), tmp_path_factory.mktemp("bench"), ask) as bench:
        yield bench


@pytest.fixture(scope="session")
def host(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Host]]:
    """Site and broker, started when first asked for."""
    with ExitStack() as stack:
        running: list[Host] = []

        def get() -> Host:
            if not running:
                folder = tmp_path_factory.mktemp("host") / "site"
                running.append(stack.enter_context(running_host(folder, bench.network.host)))
            return running[0]

        yield get


@pytest.fixture(scope="session")
def strategies(bench: Bench, host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Strategy]]:
    folder: Path = tmp_path_factory.mktemp("consoles")
    made = {name: Strategy(place, bench.network, host, folder) for name, place in bench.places.items()}
    yield made
    for strategy in made.values():
        strategy.console.finish()


@pytest.fixture
def strategy(request: pytest.FixtureRequest, strategies: dict[str, Strategy]) -> Strategy:
    return strategies[request.param]


@pytest.fixture
def board(request: pytest.FixtureRequest, strategy: Strategy) -> Strategy:
    """A board in the state the test's `needs` names."""
    marker = request.node.get_closest_marker("needs")
    assert marker is not None, "say @needs(State.…)"
    strategy.to(marker.args[0])
    return strategy
