"""The technician's bench: many ports side by side, labels and sheet at the end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from jikimi.fleet.errors import BoardError
from jikimi.fleet.provision.work import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jikimi.fleet.provision.batch import Batch
    from jikimi.fleet.provision.enroller import Enroller
    from jikimi.fleet.provision.work import Result

_AT_ONCE = 16


def provision(
    enroller: Enroller,
    ports: Sequence[str],
    batch: Batch,
    *,
    on_step: Callable[[str, str], None] = lambda _port, _step: None,
    say: Callable[[str], None] = lambda _text: None,
    person_s: float = 0.0,
    new_key: bool = False,
) -> Iterator[Result]:
    """Provision the boards at `ports` side by side; results as they come. BoardError when a port is named twice."""
    if len(set(ports)) < len(ports):
        raise BoardError("a port is named twice: name each once")
    worker = Worker(enroller, batch, claim=_Claims(), on_step=on_step, say=say, person_s=person_s, new_key=new_key)
    with ThreadPoolExecutor(min(_AT_ONCE, max(1, len(ports)))) as pool:
        for done in as_completed([pool.submit(worker.do, port) for port in ports]):
            yield done.result()


class _Claims:
    """Which board was met at which port in this run: two names of one port are one board."""

    def __init__(self) -> None:
        self._ports: dict[str, str] = {}
        self._lock = threading.Lock()

    def __call__(self, board: str, port: str) -> str | None:
        with self._lock:
            first = self._ports.setdefault(board, port)
        return first if first != port else None
