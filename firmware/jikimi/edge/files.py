"""The few file operations the journal is built on, each as durable as the platform can make it when it returns.

Tests wrap this class to cut the power inside any of them.
"""

import os

_DIRECTORY = 0x4000


class Files:
    """Files below one directory. `sync_directory(path)` makes a new or removed name durable where that is separate."""

    def __init__(self, root, sync_file, sync_directory):
        self._root = root
        self._sync_file = sync_file
        self._sync_directory = sync_directory
        _make_directories(root)

    def path(self, name):
        return self._root + "/" + name

    def names(self, folder=None):
        """Names of what there is here, or in a folder below, sorted; none in a folder that is not there."""
        if folder is None:
            return sorted(os.listdir(self._root))
        return sorted(os.listdir(self.path(folder))) if _exists(self.path(folder)) else []

    def is_folder(self, name):
        return bool(os.stat(self.path(name))[0] & _DIRECTORY)

    def size(self, name):
        """Bytes of a file; OSError when there is none."""
        return os.stat(self.path(name))[6]

    def read(self, name):
        """Whole content of a file; OSError when there is none."""
        with open(self.path(name), "rb") as file:
            return file.read()

    def open(self, name):
        """A file, open for reading; OSError when there is none."""
        return open(self.path(name), "rb")

    def create(self, name):
        """An empty file, open for writing."""
        file = open(self.path(name), "wb")  # noqa: SIM115 - the journal keeps it open and closes it
        self._sync_parent(name)
        return file

    def append(self, name):
        """A file that is there or new, open for writing at its end."""
        file = open(self.path(name), "ab")  # noqa: SIM115 - the caller closes it
        self._sync_parent(name)
        return file

    def make_folders(self, name):
        """The folders in which a file of this name lies."""
        _make_directories(self.path(name).rpartition("/")[0])

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
        self._sync_parent(new)

    def remove(self, name):
        os.remove(self.path(name))
        self._sync_parent(name)

    def _sync_parent(self, name):
        self._sync_directory(self.path(name).rpartition("/")[0])


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
