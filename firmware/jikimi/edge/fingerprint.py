"""A short hash that says which application a device runs."""

import hashlib
import os

_DIRECTORY = 0x4000
_CHUNK = 512
_DIGITS = 16


def of_tree(path):
    """First digits of the SHA-256 over all files below a directory, names included; not of CPython's caches."""
    digest = hashlib.sha256()
    _add_tree(digest, path)
    return digest.digest().hex()[:_DIGITS]


def _add_tree(digest, path):
    for name in sorted(os.listdir(path)):
        below = path + "/" + name
        if name == "__pycache__":
            continue
        digest.update(name.encode() + b"\0")
        if os.stat(below)[0] & _DIRECTORY:
            _add_tree(digest, below)
        else:
            _add_file(digest, below)


def _add_file(digest, path):
    chunk = bytearray(_CHUNK)
    view = memoryview(chunk)
    with open(path, "rb") as file:
        while True:
            count = file.readinto(chunk)
            if not count:
                return
            digest.update(view[:count])
