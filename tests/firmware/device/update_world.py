"""A device that updates itself: its flash, its site, and what happens between two resets. Runs on both Pythons.

The current directory holds `flash` (as a technician left it), `content` (files by their SHA-256) and `main.py`.
"""

# ruff: noqa: PTH102, PTH106, PTH107, PTH116, PTH123, PTH208 - device code: MicroPython has no pathlib

import asyncio
import binascii
import os
import sys

from cut_files import CutFiles

from jikimi.edge.files import Files
from jikimi.edge.port import port
from jikimi.edge.releases import Releases
from jikimi.edge.slots import Slots
from jikimi.wire import messages, transfer

here = port()


class Reset(BaseException):
    """The chip restarts."""


class Idle(BaseException):
    """Nothing more to do."""


class Below:
    """`Files` of a directory below another `Files`."""

    def __init__(self, files, folder):
        self._files = files
        self._folder = folder
        files.make_folders(folder + "/x")

    def __getattr__(self, name):
        method = getattr(self._files, name)
        if name in ("write", "close"):
            return method
        return lambda *names: method(*[self._folder + "/" + one for one in names])

    def names(self, folder=None):
        return self._files.names(self._folder if folder is None else self._folder + "/" + folder)


class Worn:
    """`Files` of a flash with a bad block: what is written to one file gets a bit wrong."""

    def __init__(self, files, bad):
        self._files = files
        self._bad = bad
        self._open = None

    def __getattr__(self, name):
        return getattr(self._files, name)

    def create(self, name):
        file = self._files.create(name)
        if name == self._bad:
            self._open = file
        return file

    def write(self, file, data):
        if file is self._open:
            data = bytes([data[0] ^ 1]) + bytes(data[1:])
        self._files.write(file, data)


class Full:
    """`Files` of a flash with room for `room` more bytes."""

    def __init__(self, files, room):
        self._files = files
        self.room = room

    def __getattr__(self, name):
        return getattr(self._files, name)

    def write(self, file, data):
        if len(data) > self.room:
            raise OSError(28, "no room")
        self.room -= len(data)
        self._files.write(file, data)

    def create(self, name):
        self._free(name)
        return self._files.create(name)

    def rename(self, old, new):
        self._free(new)
        self._files.rename(old, new)

    def remove(self, name):
        self._free(name)
        self._files.remove(name)

    def _free(self, name):
        folder, _, last = name.rpartition("/")
        if last in self._files.names(folder):
            self.room += self._files.size(name)


class Slow:
    """`Files` of a slow flash: `most` is how many bytes were read and written at most without letting others run."""

    def __init__(self, files):
        self._files = files
        self._held = self.most = 0

    def __getattr__(self, name):
        return getattr(self._files, name)

    def _hold(self, count):
        self._held += count
        self.most = max(self.most, self._held)

    def write(self, file, data):
        self._hold(len(data))
        self._files.write(file, data)

    def open(self, name):
        self._hold(self._files.size(name))
        return self._files.open(name)

    def rest(self):
        self._held = 0


class Link:
    """Answers at once, from `content`. `busy` counts down: so many answers say "busy"; `silent` are lost."""

    def __init__(self, site):
        self.site = site
        self.on_piece = None

    async def ask(self, payload):
        ident, digest, offset, count = transfer.decode_request(payload)
        site = self.site
        site.asked += 1
        if site.silent > 0:
            site.silent -= 1
        elif site.busy > 0:
            site.busy -= 1
            self.on_piece(transfer.encode_busy(ident, 1))
        else:
            self.on_piece(site.answer(ident, digest, offset, count))


class Site:
    def __init__(self):
        self.asked = self.busy = self.silent = 0
        self.sent = 0

    def answer(self, ident, digest, offset, count):
        name = "../content/" + binascii.hexlify(digest).decode()
        try:
            with open(name, "rb") as file:
                content = file.read()
        except OSError:
            return transfer.encode_unknown(ident)
        self.sent += len(content[offset : offset + count])
        return transfer.encode_chunk(ident, offset, len(content), content[offset : offset + count])


class Port:
    """The real port but for time, which passes at once, and reset."""

    inflated = staticmethod(here.inflated)

    def __init__(self, files):
        self.now_ms = 0
        self.lines = []
        self._files = files

    def native_arch(self):
        return "x64"

    def heap_free(self):
        return None

    def files(self, root):
        return self._files if root == "." else Below(self._files, root[2:])

    def ticks_ms(self):
        return self.now_ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    async def sleep_ms(self, ms):
        self.now_ms += ms
        if isinstance(self._files, Slow):
            self._files.rest()
        await asyncio.sleep(0)

    async def wait_for_ms(self, awaitable, ms):
        self.now_ms += ms
        raise_late = asyncio.TimeoutError
        awaitable.close()
        raise raise_late

    def say(self, line):
        self.lines.append(line)

    def describe(self, error):
        return repr(error)

    def reset(self):
        raise Reset


class Board:
    """One device over its lives. `works` tells which parts work in the slot with a file's content."""

    def __init__(self, offer=None):
        self.site = Site()
        self.offer = offer
        self.lines = []
        self.trials = 0
        self.starts = []  # slots, in the order main.py chose them
        self.told = []  # what the births said, where that changed
        self.allowed = lambda: True
        self.parts = {"sensor": True, "broker": True}
        self.crash = None  # raised by the application of the slot on trial
        self.cause = 1
        self.status = None
        self.damage = None  # a file that never reads back as it was written
        self.stop_after = None  # beats until the site takes its offer back
        self.room = None  # of the flash, in bytes; None: enough
        self.slow = False  # whether `boot` gives a Slow
        self.import_error = None  # slot whose application cannot be loaded

    def boot(self, cut_at=None, how="before"):
        """One life, until reset or until nothing is left to do; the CutFiles it ran on."""
        files = CutFiles(Files(".", lambda file: file.flush(), lambda _path: None), cut_at, how)
        if self.damage:
            files = Worn(files, self.damage)
        if self.slow:
            files = Slow(files)
        if self.room is not None:
            files = Full(files, self.room)
        sys.modules["jikimi.edge.app"] = _Module(lambda _root: self._application(files))
        if self.import_error is not None and self.slot_now() == self.import_error:
            sys.modules["jikimi.edge.app"] = object()  # has no `main`
        try:
            chip = {"open": _Open(files), "os": _Os(files), "gc": _Gc(), "sys": _Sys(), "machine": _Machine(self)}
            exec(_MAIN, chip)
        except Reset:
            self.cause = 3
        except Idle:
            pass
        return files

    def slot_now(self):
        with open("slots/now") as file:
            return file.read().split()[0]

    def live(self, most=8):
        """Boots until nothing is left to do; how many."""
        for count in range(1, most + 1):
            before = len(self.lines)
            self.idle = False
            self.boot()
            if self.idle:
                return count
            assert len(self.lines) >= before
        raise AssertionError("never came to rest")

    def _application(self, files):
        chip = Port(files)
        chip.lines = self.lines
        updating = Releases(chip, ".")
        slots = Slots(files)
        self.starts.append(slots.running)
        self.trials += slots.on_trial
        self.check_running(slots)
        if slots.on_trial and self.crash:
            raise self.crash
        if slots.on_trial and self.status is not None:
            return self.status
        asyncio.run(self._life(files, updating))
        return 1

    def check_running(self, slots):
        """Hook: what is started must be one whole application."""

    async def _life(self, files, updating):
        calm = [0]

        def beat():
            if self.stop_after is not None:
                self.stop_after -= 1
                if self.stop_after == 0:
                    updating.stop({})
            # With no offer on flash it only waits.
            waiting = not updating.on_trial and not updating.quiet and "offer" not in files.names("update")
            calm[0] = calm[0] + 1 if waiting else 0
            if calm[0] > 3:
                self.idle = True
                raise Idle

        async def part(name):
            return self.parts[name]

        updating.link = link = Link(self.site)
        link.rebirth = self._told(files)
        link.up = self.parts.get("broker", True)
        updating.allowed = self.allowed
        updating.parts = {name: (lambda name=name: part(name)) for name in self.parts if name != "broker"}
        await self._told(files)()
        if self.offer is not None:
            digest, size = self.offer
            self.offer = None
            updating.offer({messages.ARG_DIGEST: digest, messages.ARG_SIZE: size})
        await updating.run(beat)

    def _told(self, files):
        async def rebirth():
            slots = Slots(files)
            said = (slots.running, slots.sequence(), slots.on_trial, slots.failed())
            if self.told[-1:] != [said]:
                self.told.append(said)

        return rebirth


class _Module:
    def __init__(self, main):
        self.main = main


class _Machine:
    WDT_RESET = 3

    def __init__(self, board):
        self._board = board

    def reset(self):
        raise Reset

    def reset_cause(self):
        return self._board.cause


class _Gc:
    """CPython's counts objects and not bytes."""

    def threshold(self, _allocated):
        pass


class _Sys:
    def __init__(self):
        self.path = []

    def print_exception(self, _error):
        pass


class _Os:
    def __init__(self, files):
        self._files = files

    def rename(self, old, new):
        self._files.rename(old, new)

    def listdir(self, folder):
        return os.listdir(folder)


class _Open:
    """`open` whose writes can be cut."""

    def __init__(self, files):
        self._files = files

    def __call__(self, name, mode="r"):
        return open(name) if mode == "r" else _Writing(self._files, self._files.create(name))


class _Writing:
    def __init__(self, files, file):
        self._files = files
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._files.close(self._file)

    def write(self, text):
        self._files.write(self._file, text.encode())


def _main():
    with open("main.py") as file:
        text = file.read()
    for module in ("gc", "os", "sys", "machine"):
        assert "import " + module + "\n" in text
        text = text.replace("import " + module + "\n", "", 1)
    return compile(text, "main.py", "exec")


_MAIN = _main()


def restore(source, target):
    """Make directory `target` a copy of `source`."""
    if _is_folder(target):
        wipe(target)
    else:
        os.mkdir(target)
    for name in os.listdir(source):
        if _is_folder(source + "/" + name):
            os.mkdir(target + "/" + name)
            restore(source + "/" + name, target + "/" + name)
        else:
            with open(source + "/" + name, "rb") as old, open(target + "/" + name, "wb") as new:
                new.write(old.read())


def wipe(folder):
    for name in os.listdir(folder):
        path = folder + "/" + name
        if _is_folder(path):
            wipe(path)
            os.rmdir(path)
        else:
            os.remove(path)


def _is_folder(path):
    try:
        return bool(os.stat(path)[0] & 0x4000)
    except OSError:
        return False


def tree(folder):
    """{path: content} of all files below a folder."""
    found = {}
    if _is_folder(folder):
        for name in os.listdir(folder):
            path = folder + "/" + name
            if _is_folder(path):
                for below, content in tree(path).items():
                    found[name + "/" + below] = content
            else:
                with open(path, "rb") as file:
                    found[name] = file.read()
    return found
