# mypy: ignore-errors
"""`os` as on a chip: a `rename` that takes absolute paths, and a `statvfs` of a small flash.

The interpreter's VfsPosix puts both paths into one buffer, so that of two absolute ones it sees the second twice; and
it tells of the host's disk.
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


_BLOCK = 4096
_BLOCKS = 1024  # 4 MiB: what MicroPython leaves for files on a chip with 8 MB of flash


def statvfs(_path):
    """As os.statvfs: littlefs counts whole blocks, and a directory takes two."""
    free = max(0, _BLOCKS - _used("/"))
    return (_BLOCK, _BLOCK, _BLOCKS, free, free, 0, 0, 0, 0, 255)


def _used(folder):
    blocks = 2
    for name, kind, _inode, *_size in uos.ilistdir(folder):
        path = folder + name
        if path == "/rom":
            continue
        if kind == 0x4000:
            blocks += _used(path + "/")
        else:
            blocks += (uos.stat(path)[6] + _BLOCK - 1) // _BLOCK
    return blocks
