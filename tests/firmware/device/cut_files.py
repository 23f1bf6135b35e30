"""A flash whose power is cut inside the n-th operation; runs on both Pythons."""


class PowerCut(BaseException):
    """Nothing may catch this: a device without power runs no handlers."""


class CutFiles:
    """Wraps `files.Files`. `cut_at` counts operations from 0; `how` is "before", "half", "after", or "error".

    "half" leaves the first half of a write; of the other operations, which a file system makes atomic, nothing.
    "error" does the same and raises OSError, as a worn flash does, instead of cutting the power.
    """

    def __init__(self, files, cut_at=None, how="before"):
        self._files = files
        self._cut_at = cut_at
        self._how = how
        self.operations = 0
        self.log = []

    def _step(self, name, work, half=None):
        self.log.append(name)
        now = self.operations == self._cut_at
        self.operations += 1
        if now and self._how in ("half", "error") and half:
            half()
        if now and self._how == "error":
            raise OSError(5)
        if now and self._how != "after":
            raise PowerCut
        result = work()
        if now:
            raise PowerCut
        return result

    def names(self, folder=None):
        return self._files.names(folder)

    def is_folder(self, name):
        return self._files.is_folder(name)

    def size(self, name):
        return self._files.size(name)

    def open(self, name):
        return self._files.open(name)

    def read(self, name):
        return self._files.read(name)

    def close(self, file):
        self._files.close(file)

    def create(self, name):
        return self._step("create", lambda: self._files.create(name))

    def append(self, name):
        return self._step("append", lambda: self._files.append(name))

    def make_folders(self, name):
        return self._step("folders", lambda: self._files.make_folders(name))

    def write(self, file, data):
        half = data[: len(data) // 2]
        return self._step("write", lambda: self._files.write(file, data), lambda: self._files.write(file, half))

    def rename(self, old, new):
        return self._step("rename", lambda: self._files.rename(old, new))

    def remove(self, name):
        return self._step("remove", lambda: self._files.remove(name))
