"""The work of a quiet life: fetch a release, verify it, fill the spare slot, change over.

Every step leaves on flash what the next one needs, so after a power cut at any moment the same steps go on where they
were. Nothing is installed that was not verified in this very life.
"""

import gc
import hashlib
from array import array

from jikimi.edge.slots import copy
from jikimi.edge.trust import Roots
from jikimi.wire import WireError, cbor, cose, manifest

_LONGEST_ROOTS = 256
_ENOSPC = 28  # MicroPython's errno does not name it


class Refused(Exception):
    """This release will not be installed; `reason` is a code of SPEC.md, `sequence` 0 when that cannot be believed."""

    def __init__(self, reason, sequence=0):
        super().__init__(reason)
        self.reason = reason
        self.sequence = sequence


class _Interrupted(Exception):
    """Somebody needs the device: the rest another time."""


class Updater:
    """`work` as updating.Updating, `flash` the `Files` of the whole flash.

    `class_ident` is the class of this device, `buffer` has room for the envelope.
    """

    def __init__(self, port, work, flash, class_ident, buffer):
        self._port = port
        self._work = work
        self._slots = work.slots
        self._flash = flash
        self._class_ident = class_ident
        self._buffer = buffer
        self._fetcher = self._beat = None
        self._sequence = 0  # of what is being installed

    async def run(self, make_fetcher, beat):
        """One attempt; what comes of it is on flash. `make_fetcher(beat)` gives a fetch.Fetcher.

        Never raises for what the site, the release or the flash does. Ends as soon as somebody needs the device.
        """
        self._beat = beat
        self._fetcher = make_fetcher(self._alive)
        try:
            release = await self._accepted()
            await self._fill(release)
            await self._check_whole(release)
            self._slots.seal(release.sequence, self._buffer)
            if release.roots:
                self._work.put("roots", cbor.dumps(release.roots, _LONGEST_ROOTS))
            self._check_mind()
            self._port.say(f"jk update installs {release.sequence}")
            self._slots.begin_trial()
        except Refused as refusal:
            self._refuse(refusal)
        except _Interrupted:
            self._port.say("jk update interrupted")
        except OSError as error:  # no answer, or the flash: everything so far is kept, and goes on from there
            self._port.say("jk update waits: " + self._port.describe(error))
            if error.errno == _ENOSPC:
                self._make_room()

    # ---- is it ours, and newer? ----

    async def _accepted(self):
        """The manifest of the release that is offered; its envelope is in the buffer."""
        told, size = self._work.read("offer").decode().split()
        digest = bytes.fromhex(told)
        if int(size) > len(self._buffer):
            raise Refused("size")
        if not self._have_envelope(digest):
            await self._fetch(digest, int(size))
            self._flash.rename("update/part", "update/envelope")
            if not self._have_envelope(digest):
                self._flash.remove("update/envelope")
                raise Refused("digest")
        release = self._verified(self._buffer)
        self._sequence = release.sequence
        self._port.say(f"jk update offered {release.sequence} {release.version}")
        return release

    def _have_envelope(self, digest):
        """Read it into the buffer, which is as long as the offer says; whether it is the one with this digest."""
        if "envelope" not in self._flash.names("update"):
            return False
        with self._flash.open("update/envelope") as file:
            count = file.readinto(self._buffer)
            return count == len(self._buffer) and hashlib.sha256(self._buffer).digest() == digest

    def _verified(self, envelope):
        """The manifest of a release that this device may install; Refused for every other."""
        roots = Roots(self._flash, "trust/release").load()
        try:
            release = manifest.decode(cose.verify(envelope, roots, cose.RELEASE))
        except WireError as error:
            raise Refused(error.reason) from None
        if release.vendor_ident != manifest.VENDOR_ID:
            raise Refused("vendor", release.sequence)
        if release.class_ident != self._class_ident:
            raise Refused("class", release.sequence)
        if release.sequence <= self._slots.sequence():
            raise Refused("sequence", release.sequence)
        failed = self._slots.failed()
        if failed and failed[0] == release.sequence and failed[2]:
            raise Refused(failed[1], release.sequence)  # it was tried, and it will not be better this time
        return release

    # ---- filling the spare slot ----

    async def _fill(self, release):
        await self._have_index(release)
        self._slots.unseal()
        wanted = array("I")
        for entry in self._entries():
            wanted.append(_mark(entry.path))
            await self._have_file(entry, release)
            await self._let_others()
        for path in self._slots.paths(self._slots.spare):
            if not any(_mark(path) == mark for mark in wanted):
                self._slots.remove(self._slots.spare, path)

    async def _have_index(self, release):
        if self._work.read("index") is not None and self._digest("index") == release.index_digest:
            return
        await self._fetch(release.index_digest, release.index_size)
        if self._digest("part") != release.index_digest:
            self._flash.remove("update/part")
            raise Refused("digest", release.sequence)
        self._flash.rename("update/part", "update/index")

    async def _have_file(self, entry, release):
        slots = self._slots
        if slots.digest(slots.spare, entry.path) == entry.digest:
            return
        if slots.digest(slots.running, entry.path) == entry.digest:
            with slots.open(slots.running, entry.path) as file:
                slots.put(slots.spare, entry.path, _pieces(file))
            return
        await self._fetch(entry.stored_digest, entry.stored_size)
        if self._digest("part") != entry.stored_digest:
            self._flash.remove("update/part")
            raise Refused("digest", release.sequence)
        self._inflate(entry, release)
        self._flash.remove("update/part")

    def _inflate(self, entry, release):
        gc.collect()  # for the window, which is one piece
        try:
            with self._flash.open("update/part") as file:
                pieces = self._port.inflated(file, manifest.WINDOW_BITS)
                self._slots.put(self._slots.spare, entry.path, _at_most(pieces, entry.size))
        except ValueError:
            raise Refused("compressed", release.sequence) from None

    async def _fetch(self, digest, size):
        """`part` has all of the content; it goes on behind what is there of the same content already."""
        name = digest[:8].hex().encode()
        if self._work.read("of") != name:
            self._drop_part()
            self._work.put("of", name)
        if self._part_bytes() > size:
            self._drop_part()
        have = self._part_bytes()
        file = self._flash.append("update/part")
        try:
            await self._fetcher.rest(digest, size, have, lambda piece: self._append(file, piece))
        finally:
            self._flash.close(file)

    def _append(self, file, piece):
        self._flash.write(file, piece)
        self._check_mind()

    async def _check_whole(self, release):
        """Every file of the spare slot is read back: what will be started is what was signed, and no more."""
        slots = self._slots
        surplus = 0
        for _path in slots.paths(slots.spare):
            surplus += 1
        for entry in self._entries():
            surplus -= 1
            if slots.digest(slots.spare, entry.path) != entry.digest:
                raise Refused("flash", release.sequence)
            await self._let_others()
        if surplus:
            raise Refused("flash", release.sequence)

    def _entries(self):
        with self._flash.open("update/index") as file:
            while True:
                head = file.read(2)
                if not head:
                    return
                try:
                    yield manifest.decode_entry(file.read(manifest.entry_length(head)))
                except WireError as error:
                    raise Refused(error.reason) from None

    # ---- helpers ----

    def _make_room(self):
        """There will be no more room the next time, and a full flash has none for alarms or the next start either."""
        slots = self._slots
        try:
            self._work.forget()
            slots.unseal()
            for path in slots.paths(slots.spare):
                slots.remove(slots.spare, path)
            self._refuse(Refused("flash", self._sequence))
        except OSError as error:
            self._port.say("jk log no room on the flash: " + self._port.describe(error))

    def _refuse(self, refusal):
        self._port.say(f"jk update refused {refusal.sequence} {refusal.reason}")
        failed = self._slots.failed()
        if not (failed and failed[2] and failed[0] == refusal.sequence):
            self._slots.note_failed(refusal.sequence, refusal.reason, False)
        self._work.forget()

    async def _let_others(self):
        """Between two files: a flash that is slow to write or to read must not hold up everything else."""
        self._alive()
        await self._port.sleep_ms(0)

    def _alive(self):
        self._beat()
        self._check_mind()

    def _check_mind(self):
        if self._work.changed_mind():
            raise _Interrupted

    def _part_bytes(self):
        return self._flash.size("update/part") if "part" in self._flash.names("update") else 0

    def _drop_part(self):
        if "part" in self._flash.names("update"):
            self._flash.remove("update/part")

    def _digest(self, name):
        digest = hashlib.sha256()
        with self._flash.open("update/" + name) as file:
            copy(file, digest.update)
        return digest.digest()


def _mark(path):
    """Stands for a path where all of them together would not fit into memory."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big")


def _pieces(file):
    while True:
        piece = file.read(512)
        if not piece:
            return
        yield piece


def _at_most(pieces, size):
    """A file that grows beyond what the manifest says is not written to the end: it could fill the flash."""
    for piece in pieces:
        size -= len(piece)
        if size < 0:
            raise ValueError("longer than it may be")
        yield piece
