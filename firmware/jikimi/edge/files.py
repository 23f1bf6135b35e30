"""The few file operations the journal is built on, each as durable as the platform can make it when it returns.

Tests wrap this class to cut the power inside any of them.
"""

import os


class Files:
    """Files below one directory. `sync_directory(path)` makes a new or removed name durable where that is separate."""

    def __init__(self, root, sync_file, sync_directory):
        self._root = root
        self._sync_file = sync_file
        self._sync_directory = sync_directory
        _make_directories(root)

    def path(self, name):
        return self._root + "/" + name

    def names(self):
        """Names of the files there are, sorted."""
        return sorted(os.listdir(self._root))

    def read(self, name):
        """Whole content of a file; OSError when there is none."""
        with open(self.path(name), "rb") as file:
            return file.read()

    def create(self, name):
        """An empty file, open for writing."""
        file = open(self.path(name), "wb")  # noqa: SIM115 - the journal keeps it open and closes it
        self._sync_directory(self._root)
        return file

    def write(self, file, data):
        """All of `data` at the end of `file`, on flash when this returns; OSError may leave a part of it."""
        view = memoryview(data)
        while len(view):
            view = view[file.write(view) :]
        self._sync_file(file)

    def close(self, file):
        file.close()

    def rename(self, old, new):
        """`old` becomes `new`, replacing it; at every instant one of the two is complete."""
        os.rename(self.path(old), self.path(new))
        self._sync_directory(self._root)

    def remove(self, name):
        os.remove(self.path(name))
        self._sync_directory(self._root)


def _make_directories(path):
    parts = path.split("/")
    for end in range(1, len(parts) + 1):
        part = "/".join(parts[:end])
        if part and not _exists(part):
            os.mkdir(part)


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True
