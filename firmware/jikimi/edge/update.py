"""Releases: fetch, verify, fill the spare slot, change over when nobody is at risk, confirm or go back.

All that is between two steps is on flash: after a power cut at any moment the same steps go on where they were.
`update/envelope` is there while there is something to do; it was verified before it got there, and is again after.
"""

import hashlib

from jikimi.edge.slots import copy
from jikimi.wire import WireError, cose, manifest

_POLL_MS = 1000
_RETRY_MS = 30_000
_LONGEST_RETRY_MS = 900_000
_RESET_MS = 1000  # for the last words to leave


class Refused(Exception):
    """This release will not be installed; `reason` is a code of SPEC.md."""

    def __init__(self, reason, sequence=0):
        super().__init__(reason)
        self.reason = reason
        self.sequence = sequence


class _Anew(Exception):
    """Something has changed while this step waited: look again what is to be done."""


class Updater:
    """`slots` as slots.Slots, `files` the `Files` of `update`, `roots` a trust.Roots, `fetcher` as fetch.Fetcher.

    `class_ident` is the class of this device, `allowed()` says whether nobody is at risk now, `gate` is a health.Gate,
    `changed()` is a coroutine function that tells the site what this device now is.
    """

    def __init__(self, port, slots, files, roots, class_ident, fetcher, allowed, gate, changed, beat):
        self._port = port
        self._slots = slots
        self._files = files
        self._roots = roots
        self._class_ident = class_ident
        self._fetcher = fetcher
        self._allowed = allowed
        self._gate = gate
        self._changed = changed
        self._beat = beat
        self._offered = None
        self._stopped = False
        self._working_on = None  # digest of the envelope

    def offer(self, digest, size):
        """The site has a release whose envelope has this digest and size."""
        if digest != self._working_on:
            self._offered = (digest, size)

    def stop(self):
        """The site takes its offer back; a trial that has begun goes on."""
        self._offered = None
        self._stopped = True

    async def run(self):
        """For ever: first a trial that is on, then whatever is to be done."""
        if self._slots.on_trial:
            await self._trial()
        self._drop_finished()
        retry_ms = _RETRY_MS
        while True:
            self._beat()
            try:
                await self._step()
                retry_ms = _RETRY_MS
            except _Anew:
                pass  # its cause is looked at in the next step
            except Refused as refusal:
                await self._refuse(refusal)
            except OSError as error:  # no answer, or the flash: everything so far is kept, and goes on from there
                self._port.say("jk update waits: " + self._port.describe(error))
                await self._sleep(retry_ms)
                retry_ms = min(2 * retry_ms, _LONGEST_RETRY_MS)

    async def _step(self):
        """One offer or one piece of work on flash, if there is any."""
        if self._stopped:
            self._stopped = False
            self._forget()
        if self._offered is not None:
            await self._accept(*self._offered)
            self._offered = None
        if "envelope" not in self._files.names():
            await self._sleep(_POLL_MS)
            return
        envelope = self._files.read("envelope")
        self._working_on = hashlib.sha256(envelope).digest()
        release = self._verified(envelope)
        await self._until_allowed()
        await self._fill(release)
        self._check_whole(release)
        self._slots.seal(release.sequence, envelope)
        await self._until_allowed()
        await self._change_over(release)

    # ---- is it ours, and newer? ----

    async def _accept(self, digest, size):
        if size > cose.MAX_ENVELOPE:
            raise Refused("size")
        envelope = await self._fetcher.content(digest, size)
        release = self._verified(envelope)
        self._port.say(f"jk update offered {release.sequence} {release.version}")
        if self._read("envelope") != envelope:
            self._forget()  # what is there belongs to another release
            self._put("envelope", envelope)

    def _verified(self, envelope):
        """The manifest of a release that this device may install; Refused for every other."""
        try:
            release = manifest.decode(cose.verify(envelope, self._roots.load(), cose.RELEASE))
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
        wanted = set()
        for entry in self._entries():
            wanted.add(entry.path)
            await self._have_file(entry, release)
        for path in self._slots.paths(self._slots.spare):
            if path not in wanted:
                self._slots.remove(self._slots.spare, path)

    async def _have_index(self, release):
        if "index" in self._files.names():
            return  # it got its name when it was whole
        await self._fetch(release.index_digest, release.index_size)
        if self._digest("part") != release.index_digest:
            self._files.remove("part")
            raise Refused("digest", release.sequence)
        self._files.rename("part", "index")

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
            self._files.remove("part")
            raise Refused("digest", release.sequence)
        self._inflate(entry, release)
        self._files.remove("part")

    def _inflate(self, entry, release):
        try:
            with self._files.open("part") as file:
                pieces = self._port.inflated(file, manifest.WINDOW_BITS)
                self._slots.put(self._slots.spare, entry.path, _at_most(pieces, entry.size))
        except ValueError:
            self._files.remove("part")
            raise Refused("compressed", release.sequence) from None

    async def _fetch(self, digest, size):
        """`part` has all of the content; it goes on behind what is there of the same content already."""
        name = digest[:8].hex()
        if self._read("of") != name.encode():
            if "part" in self._files.names():
                self._files.remove("part")
            self._put("of", name.encode())
        have = self._files.size("part") if "part" in self._files.names() else 0
        if have > size:
            self._files.remove("part")
            have = 0
        file = self._files.append("part")
        try:
            await self._fetcher.rest(digest, size, have, lambda piece: self._append(file, piece))
        finally:
            self._files.close(file)

    def _append(self, file, piece):
        self._files.write(file, piece)
        if self._changed_mind():
            raise _Anew

    def _check_whole(self, release):
        """Every file of the spare slot is read back: what will be started is what was signed, and no more."""
        slots = self._slots
        paths = slots.paths(slots.spare)
        count = 0
        for entry in self._entries():
            count += 1
            if entry.path not in paths or slots.digest(slots.spare, entry.path) != entry.digest:
                raise Refused("flash", release.sequence)
        if count != len(paths):
            raise Refused("flash", release.sequence)

    def _entries(self):
        with self._files.open("index") as file:
            while True:
                head = file.read(2)
                if not head:
                    return
                try:
                    yield manifest.decode_entry(file.read(manifest.entry_length(head)))
                except WireError as error:
                    raise Refused(error.reason) from None

    # ---- changing over ----

    async def _change_over(self, release):
        expected = await self._gate.baseline(self._beat)
        self._put("expect", " ".join(expected).encode())
        if self._changed_mind():
            return  # somebody has just taken it: another time
        self._port.say(f"jk update installs {release.sequence}")
        self._slots.begin_trial()
        await self._port.sleep_ms(_RESET_MS)
        self._port.reset()

    async def _trial(self):
        """Confirm the running slot, or restart in the one of before."""
        expected = (self._read("expect") or b"").decode().split()
        reason = await self._gate.passes(expected, self._beat)
        if reason is not None:
            await self._go_back(reason)
            return
        roots = manifest.decode(cose.parts(self._slots.envelope()).payload).roots
        if roots:
            self._roots.replace(roots)  # first, so that a confirmed release has always brought its roots
        self._slots.confirm()
        self._port.say(f"jk update confirmed {self._slots.sequence()}")
        await self._changed()

    async def _go_back(self, reason):
        self._port.say(f"jk update failed {self._slots.sequence()} {reason}")
        self._slots.give_up(reason)
        await self._port.sleep_ms(_RESET_MS)
        self._port.reset()

    # ---- helpers ----

    async def _refuse(self, refusal):
        self._port.say(f"jk update refused {refusal.sequence} {refusal.reason}")
        self._offered = self._working_on = None
        failed = self._slots.failed()
        if not (failed and failed[2] and failed[0] == refusal.sequence):
            self._slots.note_failed(refusal.sequence, refusal.reason, False)
        self._forget()
        await self._changed()

    def _drop_finished(self):
        """Work whose release runs, or was given up, is over; a second start after a power cut finds that here."""
        envelope = self._read("envelope")
        if envelope is None:
            return
        try:
            self._verified(envelope)
        except Refused:
            self._forget()

    def _forget(self):
        for name in ("envelope", "index", "part", "of", "expect"):
            if name in self._files.names():
                self._files.remove(name)

    def _changed_mind(self):
        return self._offered is not None or self._stopped or not self._allowed()

    async def _until_allowed(self):
        while not self._allowed():
            if self._offered is not None or self._stopped:
                raise _Anew
            await self._sleep(_POLL_MS)

    async def _sleep(self, ms):
        while ms > 0 and self._offered is None and not self._stopped:
            self._beat()
            await self._port.sleep_ms(min(ms, _POLL_MS))
            ms -= _POLL_MS

    def _put(self, name, content):
        file = self._files.create("new")
        try:
            self._files.write(file, content)
        finally:
            self._files.close(file)
        self._files.rename("new", name)

    def _read(self, name):
        return self._files.read(name) if name in self._files.names() else None

    def _digest(self, name):
        digest = hashlib.sha256()
        with self._files.open(name) as file:
            copy(file, digest.update)
        return digest.digest()


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
