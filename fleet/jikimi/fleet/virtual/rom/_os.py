# mypy: ignore-errors
"""`os` with a `rename` that takes absolute paths, as on a chip.

The interpreter's VfsPosix puts both paths into one buffer, so that of two absolute ones it sees the second twice.
"""

import uos
from uos import *  # noqa: F403


def rename(old, new):
    """As os.rename."""
    here = uos.getcwd()
    uos.chdir("/")
    try:
        uos.rename(_from_root(here, old), _from_root(here, new))
    finally:
        uos.chdir(here)


def _from_root(here, path):
    return (path if path.startswith("/") else here.rstrip("/") + "/" + path).lstrip("/")
