"""MicroPython onto a chip: esptool, the vendor's own loader, as a library; several ports side by side."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jikimi.fleet.errors import BoardError, ImageError, JikimiError
from jikimi.fleet.provision.ports import check_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jikimi.fleet.provision.images import Image

STEPS = ("connect", "write", "verify")
_ATTEMPTS = 3  # to get into the loader; each takes about two seconds
_AT_ONCE = 16
_BY_HAND = (
    "hold the board's BOOT button, press RESET, let go of both, and try again; "
    "check that the cable carries data and that no other program uses the port"
)


@dataclass(frozen=True)
class Flashed:
    """What became of one chip; `chip` is None when it was not reached."""

    port: str
    chip: str | None
    image: str | None
    result: str  # pass | fail
    seconds: float
    reason: str


def flash(
    ports: Sequence[str],
    choose: Callable[[str], Image],
    *,
    erase: bool = False,
    on_step: Callable[[str, str], None] = lambda _port, _step: None,
    on_share: Callable[[str, str, int, int], None] = lambda _port, _step, _done, _all: None,
) -> Iterator[Flashed]:
    """Put the image that `choose(chip)` gives onto the chip at each of `ports`; results as they come.

    `erase` also erases the file system that was there. `on_share(port, step, done, all)` counts bytes.
    """
    if len(set(ports)) < len(ports):
        raise BoardError("a port is named twice: name each once")
    job = _Job(choose, erase, on_step, on_share)
    with _talking(on_share), ThreadPoolExecutor(min(_AT_ONCE, max(1, len(ports)))) as pool:
        for done in as_completed([pool.submit(job.do, port) for port in ports]):
            yield done.result()


class _Job:
    def __init__(
        self,
        choose: Callable[[str], Image],
        erase: bool,
        on_step: Callable[[str, str], None],
        on_share: Callable[[str, str, int, int], None],
    ) -> None:
        self._choose = choose
        self._erase = erase
        self._on_step = on_step
        self._on_share = on_share

    def do(self, port: str) -> Flashed:
        start = time.monotonic()
        chip = name = None
        reason = ""
        _local.port = port
        try:
            with _connected(port, self._on_step) as loader:
                chip = str(loader.CHIP_NAME)
                image = self._choose(chip)
                name = image.name
                _refuse_other_chip(image, chip)
                self._write(port, loader, image)
        except JikimiError as error:
            reason = str(error)
        return Flashed(port, chip, name, "fail" if reason else "pass", round(time.monotonic() - start, 2), reason)

    def _write(self, port: str, loader: Any, image: Image) -> None:
        from esptool import cmds  # type: ignore[import-untyped]

        place = [(loader.BOOTLOADER_FLASH_OFFSET, image.data)]
        self._on_step(port, "write")
        with _explained(f"the chip at {port} did not take the image"):
            loader = cmds.run_stub(loader)
            cmds.attach_flash(loader)
            cmds.write_flash(loader, place, erase_all=self._erase)
        self._on_step(port, "verify")
        with _explained(f"what was written to the chip at {port} reads back wrong"):
            cmds.verify_flash(loader, place)
            cmds.reset_chip(loader, "hard-reset")


@contextmanager
def _connected(port: str, on_step: Callable[[str, str], None]) -> Iterator[Any]:
    try:
        from esptool import cmds
    except ImportError as error:
        raise BoardError("chips are reached with esptool: pip install 'jikimi[usb]'") from error
    on_step(port, "connect")
    check_port(port)
    with _explained(f"no chip answers at {port}"):
        loader = cmds.detect_chip(port, connect_attempts=_ATTEMPTS)
    try:
        yield loader
    finally:
        loader._port.close()  # noqa: SLF001 (esptool has no other way)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Esptool's and the port's errors as one sentence that begins with `what`."""
    from esptool import FatalError

    try:
        yield
    except (FatalError, OSError) as error:
        text = str(error).strip().splitlines()
        detail = text[0].rstrip(".") if text else type(error).__name__
        raise BoardError(f"{what} ({detail}): {_BY_HAND}") from error


def _refuse_other_chip(image: Image, chip: str) -> None:
    if image.chip.upper() != chip.upper():
        raise ImageError(f"{image.name} is for {image.chip}, the chip is {chip}: nothing was written")


# esptool tells its progress to one logger of the whole process; which port a thread works at stands here.
_local = threading.local()
_one_at_a_time = threading.Lock()


@contextmanager
def _talking(on_share: Callable[[str, str, int, int], None]) -> Iterator[None]:
    """Route esptool's progress to `on_share`, and everything else it says to nobody."""
    try:
        from esp_pylib.logger import EspLog
        from esptool.logger import TemplateLogger, log  # type: ignore[import-untyped]
    except ImportError as error:
        raise BoardError("chips are reached with esptool: pip install 'jikimi[usb]'") from error

    class Quiet(TemplateLogger):  # type: ignore[misc]
        def print(self, *_args: Any, **_kwargs: Any) -> None: ...
        def note(self, _message: str) -> None: ...
        def warning(self, _message: str) -> None: ...
        def error(self, _message: str) -> None: ...
        def stage(self, finish: bool = False) -> None: ...
        def set_verbosity(self, _verbosity: str) -> None: ...

        def progress_bar(self, cur_iter: int, total_iters: int, *_args: Any, **_kwargs: Any) -> None:
            on_share(_local.port, "write", cur_iter, total_iters)

    with _one_at_a_time:
        before = EspLog.instance
        log.set_logger(Quiet())
        try:
            yield
        finally:
            EspLog.instance = before
