"""One board from blank to tested: connect, identify, application, key and certificate, settings, test.

Each step looks at what is there already, so that a second run on the same board repairs what is missing and changes
nothing else, and a run whose cable was pulled is finished by the next one.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from jikimi.fleet import literals
from jikimi.fleet.configuration.desired import identity
from jikimi.fleet.errors import BoardError, JikimiError
from jikimi.fleet.provision import usb
from jikimi.fleet.provision.certificates import still_good
from jikimi.fleet.provision.chip import Chip, identify
from jikimi.fleet.registry import states
from jikimi.fleet.virtual import image

if TYPE_CHECKING:
    from collections.abc import Callable

    from jikimi.fleet.provision.batch import Batch
    from jikimi.fleet.provision.enroller import Enroller
    from jikimi.fleet.provision.usb import Board
    from jikimi.fleet.registry import Description, Enrolment, Known

STEPS = ("connect", "identify", "application", "key", "settings", "test")
PASS, FAIL = "pass", "fail"

# What the board runs; {…} is filled in with literals.
_PUBLIC_KEY = "from jikimi.edge import keys\nprint(keys.public_in('/tls/key.der'))"
_MAKE_KEY = "from jikimi.edge import keys\nprint(keys.make('/tls/key.der', {extra!r}))"
_WRITE_SETTINGS = "from jikimi.edge import configuration\nconfiguration.write('config.json', {values!r})"
_TEST = (
    "from jikimi.edge import bench_test, configuration\n"
    "print(repr(bench_test.run(configuration.load('config.json'), '.')))"
)


@dataclass(frozen=True)
class Part:
    """Result of one part's bench test."""

    name: str
    passed: bool
    seen: str


@dataclass(frozen=True)
class Result:
    """What became of one board. `id` is None when it was not enrolled."""

    id: str | None
    port: str
    result: str  # PASS | FAIL
    seconds: float
    reason: str  # of a failure; empty otherwise
    description: Description | None = None
    chip: Chip | None = None
    rung: str | None = None  # of the ladder to the raw REPL
    new_key: bool = False
    files_written: int = 0
    parts: tuple[Part, ...] = ()

    def as_row(self) -> dict[str, object]:
        """As one flat JSON object."""
        told, chip = self.description, self.chip
        return {
            "id": self.id,
            "port": self.port,
            "result": self.result,
            "seconds": self.seconds,
            "reason": self.reason,
            "kind": told.kind if told else None,
            "name": told.name if told else None,
            "zone": told.zone if told else None,
            "board": chip.board if chip else None,
            "arch": chip.arch if chip else None,
            "micropython": chip.micropython if chip else None,
            "rung": self.rung,
            "new_key": self.new_key,
            "files_written": self.files_written,
            "parts": {part.name: {"passed": part.passed, "seen": part.seen} for part in self.parts},
        }


@dataclass
class _Notes:
    """What is known so far, so that a failure can be named."""

    port: str
    device: str | None = None
    description: Description | None = None
    chip: Chip | None = None
    rung: str | None = None
    new_key: bool = False
    files_written: int = 0
    parts: tuple[Part, ...] = field(default_factory=tuple)

    def result(self, reason: str, seconds: float) -> Result:
        return Result(
            self.device,
            self.port,
            FAIL if reason else PASS,
            round(seconds, 2),
            reason,
            self.description,
            self.chip,
            self.rung,
            self.new_key,
            self.files_written,
            self.parts,
        )


class Worker:
    """Does boards one after the other or side by side, each in a thread of the caller's.

    `on_step(port, step)` and `say(text)` tell what is going on; `claim(board, port)` returns the port at which this
    run has met the board before, or None. `person_s` seconds are given to somebody to unplug a deaf board. With
    `new_key` a board that has a good key makes another one all the same, and its old one is void.
    """

    def __init__(
        self,
        enroller: Enroller,
        batch: Batch,
        *,
        claim: Callable[[str, str], str | None],
        on_step: Callable[[str, str], None] = lambda _port, _step: None,
        say: Callable[[str], None] = lambda _text: None,
        person_s: float = 0.0,
        new_key: bool = False,
    ) -> None:
        self._new_key = new_key
        self._enroller = enroller
        self._batch = batch
        self._claim = claim
        self._on_step = on_step
        self._say = say
        self._person_s = person_s

    def do(self, port: str) -> Result:
        """Provision the board at `port`. Never raises for what a board does: the result has the reason."""
        start = time.monotonic()
        notes, reason = _Notes(port), ""
        try:
            self._do(port, notes)
        except JikimiError as error:
            reason = str(error)
        return notes.result(reason, time.monotonic() - start)

    def _do(self, port: str, notes: _Notes) -> None:
        self._on_step(port, "connect")
        with usb.connected(port, self._say, person_s=self._person_s) as board:
            notes.rung = board.rung
            self._on_step(port, "identify")
            notes.chip = chip = identify(board)
            known = self._recognised(chip, port)
            self._on_step(port, "application")
            notes.files_written = board.install(application(chip.arch))
            self._on_step(port, "key")
            if known is None or not self._is_whole(board, known):
                known = self._enrolled(board, chip, known, notes)
            notes.device, notes.description = known.device, known.description
            notes.files_written += board.install(self._enroller.trust())
            self._on_step(port, "settings")
            self._set(board, known)
            self._on_step(port, "test")
            notes.parts = _tested(board)
            if bad := [part for part in notes.parts if not part.passed]:
                raise BoardError("; ".join(f"{part.name}: {part.seen}" for part in bad))
            self._enroller.passed(known.device)
            board.reset()

    def _recognised(self, chip: Chip, port: str) -> Known | None:
        """The device this board is; BoardError for a board that must not be touched."""
        if (elsewhere := self._claim(chip.board, port)) is not None:
            raise BoardError(f"{port} is the same board as {elsewhere}: it is done once")
        known = self._enroller.on_board(chip.board)
        if known is not None and known.state == states.REVOKED:
            raise BoardError(f"{known.device} is revoked: `jikimi device wipe` first, if it may come back")
        if chip.site is not None and chip.site != self._enroller.site:
            raise BoardError(f"it belongs to the site {chip.site}: `jikimi device wipe` it there first")
        if chip.device is not None and (known is None or chip.device != known.device):
            owner = self._enroller.known(chip.device)
            if owner is not None and owner.board != chip.board:
                raise BoardError(
                    f"it carries the identity of {chip.device}, which lives on another board: a copied flash. "
                    "`jikimi device wipe` it first"
                )
        return known

    def _is_whole(self, board: Board, known: Known) -> bool:
        """Whether the board still has its key and the certificate that was issued for it."""
        if self._new_key or known.state == states.WIPED:
            return False
        public = board.ask(_PUBLIC_KEY)
        held = board.read_if_there("/tls/cert.der")
        return public is not None and still_good(held, known.cert_serial, public)

    def _enrolled(self, board: Board, chip: Chip, known: Known | None, notes: _Notes) -> Known:
        description = known.description if known else self._batch.take(board.port, chip.board)
        notes.description = description
        try:
            self._enroller.settings_for(description)
            board.make_folder("/tls")
            public = board.ask(_MAKE_KEY.format(extra=secrets.token_bytes(32)))
            enrolment = self._enroller.enrol(chip.board, description, public)
        except JikimiError:
            self._batch.give_back(description)
            raise
        notes.device, notes.new_key = enrolment.device, True
        board.install(_tls(enrolment))
        found = self._enroller.on_board(chip.board)
        assert found is not None, "it was enrolled just now"
        return found

    def _set(self, board: Board, known: Known) -> None:
        told = known.description
        values = self._enroller.settings_of(known.device, told)
        who = identity(self._enroller.site, known.device, told.kind)
        board.run(_WRITE_SETTINGS.format(values=who | values))


def _tls(enrolment: Enrolment) -> image.Image:
    files = {"/tls/ca.der": enrolment.ca_der, "/tls/cert.der": enrolment.cert_der}
    return files if enrolment.key_der is None else files | {"/tls/key.der": enrolment.key_der}


def _tested(board: Board) -> tuple[Part, ...]:
    return tuple(Part(*found) for found in literals.value(board.run(_TEST).strip().splitlines()[-1]))


@lru_cache
def application(arch: str) -> image.Image:
    """What belongs onto every board of an architecture; compiled once."""
    return image.application(arch)
