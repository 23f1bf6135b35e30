"""A PostgreSQL server of a drill's own, from the operating system's package, on a private socket.

PostgreSQL refuses to run as root; started by root, it runs as the package's user `postgres`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final, Self

from jikimi.fleet.errors import ServiceError
from jikimi.fleet.services import Service

PACKAGE: Final = "postgresql"
NAME: Final = "database"
_DEBIAN = Path("/usr/lib/postgresql")
_OWNER = "postgres"
_USER = "jikimi"


def binaries() -> Path | None:
    """The directory of the server's programs, the newest version's; None: not installed."""
    found = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parent.parent.name))
    if found:
        return found[-1].parent
    program = shutil.which("postgres")
    return Path(program).parent if program else None


def missing() -> str | None:
    """What a server of one's own needs that is not here, and what to do; None: it is all here."""
    if binaries() is None:
        return f"no PostgreSQL server is installed here: install Debian's package {PACKAGE}"
    if importlib.util.find_spec("psycopg") is None:
        return "PostgreSQL needs the module psycopg: pip install 'jikimi[postgresql]'"
    return None


def identity() -> dict[str, Any]:
    """Arguments of `subprocess` with which the server's programs run: as the package's user when we are root."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(_OWNER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def give_to_owner(directory: Path) -> None:
    """Let the server's programs write to `directory`."""
    if os.getuid() == 0:
        shutil.chown(directory, _OWNER, _OWNER)


class PrivateServer:
    """The files of a server, in a directory that goes with the context; whoever supervises `service` runs it."""

    def __init__(self) -> None:
        found = binaries()
        if found is None:
            raise ServiceError(str(missing()))
        self._programs = found

    def __enter__(self) -> Self:
        # Short, because the path of a socket has at most 107 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="jikimi-pg-"))
        try:
            self._fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._directory)

    @property
    def url(self) -> str:
        """SQLAlchemy's."""
        return f"postgresql+psycopg://{_USER}@/postgres?host={self._directory}"

    def service(self, away_s: float) -> Service:
        """The running server, which stays away for `away_s` when it was killed."""
        options = [f"unix_socket_directories={self._directory}", "listen_addresses="]
        command = [str(self._programs / "postgres"), "-D", str(self._data)]
        return Service(
            name=NAME,
            command=[*_as_owner(), *command, *(part for option in options for part in ("-c", option))],
            is_ready=lambda _pid: self._answers(),
            away_s=away_s,
        )

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _fill(self) -> None:
        give_to_owner(self._directory)
        initdb = [str(self._programs / "initdb"), "-D", str(self._data), "-U", _USER, "--auth=trust", "--no-sync"]
        made = subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C"], check=False, capture_output=True, text=True, cwd=self._directory,
            start_new_session=True, **identity(),  # Ctrl-C is for us
        )  # fmt: skip
        if made.returncode != 0:
            raise ServiceError(f"initdb cannot make a database in {self._directory}: {made.stderr.strip()}")

    def _answers(self) -> bool:
        asked = [str(self._programs / "pg_isready"), "-q", "-h", str(self._directory), "-U", _USER]
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def _as_owner() -> list[str]:
    """What makes a command of root's run as the package's user, and still end with its parent."""
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={_OWNER}", f"--regid={_OWNER}", "--clear-groups", "--pdeathsig=KILL", "--"]
