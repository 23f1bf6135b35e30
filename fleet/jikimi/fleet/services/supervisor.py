"""Keep the services of a site running: start in order, restart what dies, stop in order, leave nothing behind."""

from __future__ import annotations

import fcntl
import os
import selectors
import threading
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Self

from jikimi.fleet.errors import JikimiError, ServiceError
from jikimi.fleet.services.child import Child, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jikimi.fleet.site import Site

_READY_POLL_S = 0.03  # while a service starts
_LOOK_S = 60.0  # when all run, the supervisor sleeps until one ends, and looks after the logs so often


@dataclass(frozen=True)
class Status:
    """One service as seen by its supervisor."""

    name: str
    pid: int | None
    ready: bool
    restarts: int
    ended: str = ""  # how it last ended, in words


class Supervisor:
    """Runs services in the order given, each started once those before that are awaited are ready.

    A service that ends is started again after 0.2 s, doubling with each quick end up to 10 s; five quick ends in a
    row stop everything, unless alarms arrive without it (`Service.vital`). While the database's server is away,
    services wait for it.
    If this process dies, even by kill -9, the kernel kills the services. One supervisor a site.

    Safe to use from an event loop through `asyncio.to_thread`: all work is done by a thread of its own (which must be
    the parent of all services: the kernel's watch is on the parent thread).
    """

    def __init__(self, site: Site, services: Sequence[Service], on_event: Callable[[str], None] | None = None) -> None:
        """`on_event` hears one line for each start, readiness and end, from the supervisor's thread."""
        self._site = site
        self._children = [Child(site, service) for service in services]
        self._say = on_event or (lambda _line: None)
        self._lock_file: IO[str] | None = None
        self._failure: JikimiError | None = None
        self._settled = threading.Event()  # all ready, or finished
        self._finished = threading.Event()
        self._stopping = False
        self._wake_read, self._wake_write = -1, -1
        self._thread = threading.Thread(target=self._run, name="supervisor")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all services and wait until each is ready, or until `request_stop`.

        ServiceError, and all stopped, when one does not come up.
        """
        self._lock_file = _take_lock(self._site)
        self._wake_read, self._wake_write = os.pipe()
        self._thread.start()
        try:
            self._settled.wait()
        except BaseException:
            self.stop()  # Ctrl-C while starting
            raise
        self._raise_failure()

    def request_stop(self) -> None:
        """Ask for the end and return at once, so that a signal handler may call it."""
        self._stopping = True
        if self._wake_write >= 0:
            os.write(self._wake_write, b"x")

    def stop(self) -> None:
        """Stop all services, last started first, and return when they are gone. Idempotent."""
        if self._lock_file is None:
            return
        self.request_stop()
        self._thread.join()
        self._release()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the end; False after `timeout_s`. ServiceError when a service is why it ended."""
        ended = self._finished.wait(timeout_s)
        self._raise_failure()
        return ended

    def status(self) -> list[Status]:
        """The services in starting order."""
        return [
            Status(child.service.name, child.pid, child.ready, child.restarts, child.ended) for child in self._children
        ]

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self.stop()
            raise self._failure

    def _release(self) -> None:
        assert self._lock_file is not None
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._wake_read, self._wake_write = -1, -1
        self._lock_file.close()
        self._lock_file = None

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._step()
        except JikimiError as error:
            self._failure = error
        finally:
            if not self._stopping and self._failure is None:
                self._failure = ServiceError("the supervisor itself failed: report what it printed")
            for child in reversed(self._children):
                child.stop()
            self._finished.set()
            self._settled.set()

    def _step(self) -> None:
        """Do what is due, then sleep until something may be."""
        for child in self._children:
            self._tend(child)
            if child.service.awaited and not child.was_ready:
                break  # the next one needs this one
        if all(child.ready for child in self._children):
            self._settled.set()
        self._sleep()

    def _tend(self, child: Child) -> None:
        name = child.service.name
        if child.reap():
            self._say(f"{name} ended ({child.ended}); starting it again")
        was_waiting = child.waiting is not None
        if child.pid is None and time.monotonic() >= child.start_due_s:
            child.start()
        child.trim_log()
        if child.check_ready():
            self._say(f"{name} runs (process {child.pid})")
        elif child.waiting is not None and not was_waiting:
            self._say(f"{name} waits: {child.waiting}")

    def _sleep(self) -> None:
        watched = [os.pidfd_open(child.pid) for child in self._children if child.pid]
        try:
            with selectors.DefaultSelector() as selector:
                for handle in (*watched, self._wake_read):
                    selector.register(handle, selectors.EVENT_READ)
                selector.select(_LOOK_S if all(child.ready for child in self._children) else _READY_POLL_S)
        finally:
            for handle in watched:
                os.close(handle)


def refuse_running(site: Site) -> None:
    """ServiceError when the site is up."""
    _take_lock(site).close()


def _take_lock(site: Site) -> IO[str]:
    site.run_dir.mkdir(mode=0o700, exist_ok=True)
    site.log_dir.mkdir(mode=0o700, exist_ok=True)
    file = (site.run_dir / "up.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise ServiceError(f"the site {site.path} is already up (process {holder}): stop that one first") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
