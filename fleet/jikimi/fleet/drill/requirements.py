"""What a drill needs of this machine, asked before anything is started."""

from __future__ import annotations

import shutil
from pathlib import Path

from jikimi.fleet import broker
from jikimi.fleet.drill import database
from jikimi.fleet.errors import JikimiError
from jikimi.fleet.services import refuse_without_cluster_library

_FREE_MB = 500  # a drill of two minutes with PostgreSQL takes half of it


def check(directory: Path, *, postgresql: bool) -> None:
    """Raise JikimiError, saying what to do, when a drill whose site is made in `directory` could not run."""
    refuse_without_cluster_library()
    broker.executable()
    if postgresql and (why := database.missing()) is not None:
        raise JikimiError(f"{why}, or go without it: --database sqlite")
    place = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    free_mb = shutil.disk_usage(place).free >> 20
    if free_mb < _FREE_MB:
        raise JikimiError(
            f"{free_mb} MB are free at {place}, this needs {_FREE_MB}: make room, or name another place with --dir"
        )
