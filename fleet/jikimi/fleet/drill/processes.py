"""The processes of a drill: database, nodes and workers, all under one supervisor."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from jikimi.fleet import registry
from jikimi.fleet.drill import stage
from jikimi.fleet.drill.database import PrivateServer
from jikimi.fleet.errors import ServiceError
from jikimi.fleet.services import Service, Status, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from jikimi.fleet.drill.options import Options, Stop


class Processes:
    """Makes the site and brings everything up; leaving the context stops all of it.

    ServiceError when something does not start.
    """

    def __init__(self, options: Options, stop: Stop, say: Callable[[str], None]) -> None:
        self._options, self._stop, self._say = options, stop, say
        self._stack = ExitStack()
        self._failed_start: str | None = None
        self._up = False

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def check(self) -> None:
        """ServiceError when one of them cannot be kept running."""
        self._supervisor.wait(0)

    def status(self) -> dict[str, Status]:
        """How each of them is, by name."""
        return {status.name: status for status in self._supervisor.status()}

    def _start(self) -> None:
        options = self._options
        server = self._stack.enter_context(PrivateServer()) if options.postgresql else None
        self.site = stage.make_site(options.directory, options.nodes, options.workers, server.url if server else None)
        services = stage.services(self.site, options.workers, options.pause_s)
        if server is not None:
            services.insert(0, server.service(options.pause_s))
        if options.kept:
            self._stack.callback(self._retire_tags)
        self._bring_up(services)

    def _bring_up(self, services: list[Service]) -> None:
        supervisor = self._supervisor = Supervisor(self.site, services, self._hear)
        self._stack.callback(supervisor.stop)
        self._stop.while_starting = supervisor.request_stop
        if not self._stop.asked.is_set():
            supervisor.start()
        self._stop.while_starting = None
        if self._failed_start is not None:
            raise ServiceError(self._failed_start)
        if self._stop.asked.is_set():
            raise ServiceError("stopped before the cluster was up")
        self._up = True

    def _retire_tags(self) -> None:
        """When everything has stopped, so that nobody misses them when the site is up again."""
        registry.retire_all(self.site, [device.device for device in registry.devices(self.site)])

    def _hear(self, line: str) -> None:
        """What the supervisor says, from its thread; while starting, an end is the end."""
        if self._up:
            return  # incidents tell it
        if " ended (" not in line:
            self._say(line)
        elif self._failed_start is None:
            self._failed_start = f"{line.partition(';')[0]} while starting{self._last_words(line.split()[0])}"
            self._supervisor.request_stop()

    def _last_words(self, name: str) -> str:
        lines = (self.site.log_dir / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()
        return f'; the last line of its log is "{lines[-1].strip()}"' if lines else ""
