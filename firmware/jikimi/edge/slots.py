"""The places of the application on flash: which one runs, and what is in them.

Releases go to `slots/a` and `slots/b` in turn. What came by cable is in `lib`; no release ever touches it, and it is
the last way back.

Only `slots/now` decides (see main.py), and it is replaced by one rename. The slot that does not run may be in any
state.
"""

import hashlib

NAMES = ("a", "b")
CABLE = "cable"
TRIAL_STARTS = 2  # the first, and one more if the power was cut in it
_STATE = "slots"
_CHUNK = 512


class Slots:
    """`files` are the `Files` of the whole flash."""

    def __init__(self, files):
        self._files = files
        words = self._words("now")
        self.running = words[0] if words and words[0] in NAMES else CABLE
        self.spare = "b" if self.running == "a" else "a"
        self.on_trial = len(words) == 3
        self.back_to = words[1] if self.on_trial else self.running
        self.rolled_back = False  # by main.py, just now
        self._settle_failure()

    def sequence(self, slot=None):
        """Sequence number of the release in a slot (the running one); 0: it came by cable, or the slot is not whole."""
        place = _place(slot or self.running)
        try:
            return int(self._files.read(place + "/sequence")) if "envelope" in self._files.names(place) else 0
        except (OSError, ValueError):
            return 0

    def envelope_digest(self):
        """SHA-256 of the signed envelope of the running release, or None."""
        return self.digest(self.running, "envelope") if self.sequence() else None

    # ---- changing over ----

    def begin_trial(self):
        """The spare slot starts with the next reset."""
        self._replace("now", f"{self.spare} {self.running} {TRIAL_STARTS}")

    def confirm(self):
        """The running slot is good."""
        self._replace("now", self.running)
        self.on_trial = False
        self.forget_failed()

    def give_up(self, why):
        """The next start is in the slot of before; `why` is a reason code."""
        self.note_failed(self.sequence(), why, True)
        self._replace("now", self.back_to)

    # ---- what went wrong ----

    def failed(self):
        """(sequence, reason, whether it had been started) of the release that failed last, or None."""
        words = self._words("failed")
        if len(words) != 3 or not words[0].isdigit():
            return None
        return int(words[0]), words[1], words[2] == "started"

    def note_failed(self, sequence, why, started):
        self._replace("failed", f"{sequence} {why} {'started' if started else 'refused'}")

    def forget_failed(self):
        if "failed" in self._files.names(_STATE):
            self._files.remove(_STATE + "/failed")

    def _settle_failure(self):
        """main.py knows only the slot it left, and why. A slot that failed does not count as whole any more."""
        words = self._words("failed")
        if len(words) == 2 and words[0] in NAMES:
            self.note_failed(self.sequence(words[0]), words[1], True)
            self.rolled_back = True
        failed = self.failed()
        if failed and failed[2] and failed[0] and failed[0] == self.sequence(self.spare):
            self.unseal()

    # ---- content of a slot ----

    def digest(self, slot, path):
        """SHA-256 of a file, or None."""
        digest = hashlib.sha256()
        try:
            with self.open(slot, path) as file:
                copy(file, digest.update)
        except OSError:
            return None
        return digest.digest()

    def put(self, slot, path, pieces):
        """Write a file from an iterable of pieces; not atomic, as nothing looks at a spare slot before it is whole."""
        name = _place(slot) + "/" + path
        self._files.make_folders(name)
        file = self._files.create(name)
        try:
            for piece in pieces:
                self._files.write(file, piece)
        finally:
            self._files.close(file)

    def open(self, slot, path):
        return self._files.open(_place(slot) + "/" + path)

    def unseal(self):
        """The spare slot is about to change: what says that it is whole goes first."""
        if "envelope" in self._files.names(_place(self.spare)):
            self.remove(self.spare, "envelope")

    def seal(self, sequence, envelope):
        """The spare slot is whole, and this is what is in it."""
        self.put(self.spare, "sequence", (str(sequence).encode(),))
        self.put(self.spare, "envelope", (envelope,))

    def paths(self, slot):
        """Files of the application in a slot, one by one: all their names together are kilobytes."""
        folders = ["jikimi"]
        while folders:
            folder = folders.pop()
            for name in self._files.names(_place(slot) + "/" + folder):
                path = folder + "/" + name
                if self._files.is_folder(_place(slot) + "/" + path):
                    folders.append(path)
                else:
                    yield path

    def remove(self, slot, path):
        self._files.remove(_place(slot) + "/" + path)

    def _words(self, name):
        try:
            return self._files.read(_STATE + "/" + name).decode().split()
        except (OSError, UnicodeError):
            return []

    def _replace(self, name, text):
        self._files.make_folders(_STATE + "/new")
        file = self._files.create(_STATE + "/new")
        try:
            self._files.write(file, text.encode())
        finally:
            self._files.close(file)
        self._files.rename(_STATE + "/new", _STATE + "/" + name)


def _place(slot):
    return "lib" if slot == CABLE else _STATE + "/" + slot


def copy(file, sink):
    """Give the rest of an open file to `sink`, piece by piece."""
    chunk = bytearray(_CHUNK)
    view = memoryview(chunk)
    while True:
        count = file.readinto(chunk)
        if not count:
            return
        sink(view[:count])
