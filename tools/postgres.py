"""A PostgreSQL server of one's own, from Debian's package, on a private socket: for tests and benchmarks.

    with postgres.Server(directory) as server:
        server.url("plant")     # SQLAlchemy's, of a new, empty database

Unlike a drill's (`jikimi.fleet.drill.database`) it is nobody's service: a test stops and starts it.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from jikimi.fleet.drill.database import PACKAGE, binaries, give_to_owner, identity

__all__ = ["PACKAGE", "Server", "binaries"]

_USER = "jikimi"
_START_S = 60.0


class Server:
    """A running server; `durable` false is for tests: no waiting for a disk."""

    def __init__(self, *, durable: bool = False, settings: tuple[str, ...] = ()) -> None:
        bin_dir = binaries()
        if bin_dir is None:
            raise FileNotFoundError(f"no PostgreSQL server here: apt install {PACKAGE}")
        self._bin = bin_dir
        self._settings = (*settings, *(() if durable else ("fsync=off", "synchronous_commit=off")))
        self._directory = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._shared: str | None = None

    def __enter__(self) -> Self:
        # Of its own and short: the path of a socket has at most 107 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="jk-pg-"))
        give_to_owner(self._directory)
        try:
            self._run("initdb", "-D", str(self._data), "-U", _USER, "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()
        shutil.rmtree(self._directory)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [f"unix_socket_directories={self._directory}", "listen_addresses=", *self._settings]
        command = [str(self._bin / "postgres"), "-D", str(self._data)]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(part for option in options for part in ("-c", option))],
                stdout=log, stderr=log, cwd=self._directory, **identity(),
            )  # fmt: skip
        deadline = time.monotonic() + _START_S
        while self._ask("pg_isready", "-q").returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._directory / "log").read_text("utf-8"))
            time.sleep(0.02)

    def stop(self, *, crash: bool = False) -> None:
        """End the server, cutting off open transactions; with `crash` it has to recover at the next start."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        self._process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def url(self, name: str | None = None) -> str:
        """Of a new, empty database."""
        self._made += 1
        name = name or f"db{self._made}"
        subprocess.run(
            [self._bin / "createdb", "-h", self._directory, "-U", _USER, name], check=True, capture_output=True
        )
        return f"postgresql+psycopg://{_USER}@/{name}?host={self._directory}"

    def schema_url(self) -> str:
        """Of a new, empty schema in the database `shared`, which takes a tenth of the time."""
        self._made += 1
        if self._shared is None:
            self._shared = self.url("shared")
        name = f"s{self._made}"
        statement = f"CREATE SCHEMA {name}"
        command = [str(self._bin / "psql"), "-h", str(self._directory), "-U", _USER, "-qc", statement, "shared"]
        subprocess.run(command, check=True, capture_output=True)
        return f"{self._shared}&options=-csearch_path%3D{name}"

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._bin / program, *arguments], check=True, capture_output=True, cwd=self._directory, **identity()
        )

    def _ask(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._bin / program), "-h", str(self._directory), "-U", _USER, *arguments]
        return subprocess.run(command, check=False, capture_output=True)
