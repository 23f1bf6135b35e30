"""Backup and restore of a site, while it runs: one tar file with everything that cannot be made again.

In it: settings, the certificate authority and all keys, floor plan, desired configuration, releases, whatever else lies
in the site's directory, and the database as of one moment. Not in it: messages the broker holds (the devices hold them
too until they are stored), logs, process ids and ports.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jikimi.fleet import signing
from jikimi.fleet.backup import database
from jikimi.fleet.errors import SiteError, StoreError
from jikimi.fleet.site import Site
from jikimi.fleet.site.files import PRIVATE, write_atomic
from jikimi.fleet.site.settings import DatabaseSettings, render

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Backup", "backup", "restore"]

_LEFT_OUT: Final = ("broker", "run", "log")
_SETTINGS: Final = "site.toml"


@dataclass(frozen=True)
class Backup:
    """What was written: `n_bytes` in `path`, of the database of kind `engine` (sqlite, postgresql)."""

    path: str
    n_bytes: int
    engine: str


def backup(site: Site, file: Path) -> Backup:
    """Write a backup of `site` to `file`, readable by the owner only; the site may be running.

    SiteError when there is such a file already, StoreError when the database cannot be read: nothing is left then.
    """
    if file.exists():
        raise SiteError(f"{file} is there already: name a new file, or remove it")
    draft = file.with_name(f".{file.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="jikimi-backup-", dir=file.parent) as directory:
            dump = Path(directory) / database.name(site)
            database.dump(site, dump)
            draft.touch(PRIVATE)
            with tarfile.open(draft, "w") as tar:
                for path in _kept(site):
                    tar.add(path, path.relative_to(site.path))
                tar.add(dump, dump.name)
        draft.rename(file)
    except OSError as error:
        raise SiteError(f"cannot write {file}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return Backup(str(file), file.stat().st_size, database.engine_of(site.database_url))


def restore(file: Path, directory: Path, url: str | None = None) -> Site:
    """Make the site of a backup anew in `directory` (absent or empty), all or nothing.

    A PostgreSQL database is restored into the empty one at `url`, or at the address in the backup. What devices were
    told is stored, and was not yet in the backup, is gone; completeness will name it as lost. Half of what each signing
    key has left is given up, because nobody knows what it signed since the backup.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise SiteError(f"{directory} is not an empty directory: name a new one")
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        _unpack(file, draft)
        site = Site.open(draft)
        if url is not None:
            settings = replace(site.settings, database=DatabaseSettings(url))
            write_atomic(draft / _SETTINGS, render(settings), PRIVATE)
            site = Site.open(draft)
        for name in _LEFT_OUT:
            (draft / name).mkdir(mode=0o700)
        database.load(site, draft)
        database.note_restored(site, time.time_ns() // 1_000_000)
        signing.restored(site)
        draft.rename(directory)
    except OSError as error:
        raise SiteError(f"cannot restore {file} to {directory}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Site.open(directory)


def _kept(site: Site) -> Iterator[Path]:
    own = database.files(site)
    for path in sorted(site.path.iterdir()):
        if path.name not in _LEFT_OUT and path not in own and not path.name.startswith("."):
            yield path


def _unpack(file: Path, draft: Path) -> None:
    try:
        with tarfile.open(file) as tar:
            tar.extractall(draft, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise SiteError(f"{file} is not a whole backup of a site: {str(error).splitlines()[0].rstrip(':')}") from error
    if not (draft / _SETTINGS).is_file():
        raise SiteError(f"{file} is no backup of a site: it has no {_SETTINGS}")
    os.chmod(draft, 0o700)  # noqa: PTH101
    if not database.dumped(draft):
        raise StoreError(f"{file} has no database in it")
