"""How a service tells its supervisor that it works: `SITE/run/NAME.ready`.

A supervised service calls `mark_ready(site, NAME)` once it does its work (ingest: its subscriptions are granted; web:
its port listens). The supervisor removes the file before each start, and heeds it only when it carries the process id
of the process it started, so a service started by hand does no harm. A service that waits for the database says so in
the same file, and is then given all the time it takes.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from jikimi.fleet.site.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from jikimi.fleet.site import Site


def ready_path(site: Site, name: str) -> Path:
    """The file of service `name`."""
    return site.run_dir / f"{name}.ready"


def mark_ready(site: Site, name: str, **facts: Any) -> None:
    """Say that this process is service `name` and works; `facts` (such as url=…) are for people and tests."""
    write_atomic(ready_path(site, name), json.dumps({"pid": os.getpid(), **facts}) + "\n")


def mark_waiting(site: Site, name: str, why: str) -> None:
    """Say that this process is service `name` and waits for something that is not in its hands."""
    write_atomic(ready_path(site, name), json.dumps({"pid": os.getpid(), "waiting": why}) + "\n")


def waits_for(site: Site, name: str, pid: int) -> str | None:
    """What process `pid`, as service `name`, says that it waits for; None: nothing."""
    why = _said(site, name, pid).get("waiting")
    return why if isinstance(why, str) else None


def is_ready(site: Site, name: str, pid: int) -> bool:
    """Whether process `pid` has marked itself ready as service `name`."""
    said = _said(site, name, pid)
    return bool(said) and "waiting" not in said


def _said(site: Site, name: str, pid: int) -> dict[str, Any]:
    try:
        document = json.loads(ready_path(site, name).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        return {}  # written by something else than us: our writes are atomic
    return document if isinstance(document, dict) and document.get("pid") == pid else {}
