# mypy: ignore-errors
# What the chip's boot loader and main.c do on a real board: mount the flash, run /boot.py and /main.py, then (with
# `-i` on the command line) the REPL. Runs on the host's file system until `mount`.
import sys


def _mount():
    import os

    import vfs

    flash, rom = os.getenv("JIKIMI_FLASH"), os.getenv("JIKIMI_ROM")
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(flash), "/")
    # As ROMFS on a real board: read-only code that is there before the first file is copied.
    vfs.mount(vfs.VfsPosix(rom), "/rom")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib", "/rom"]
    sys.modules["os"] = __import__("_os")
    sys.argv[:] = [""]


def _run(path):
    try:
        execfile(path)
    except OSError as error:
        if error.errno != 2 or _exists(path):
            sys.print_exception(error)
    except SystemExit:
        __import__("machine").soft_reset()
    except BaseException as error:
        sys.print_exception(error)


def _exists(path):
    import os

    try:
        os.stat(path)
    except OSError:
        return False
    return True


_mount()
_skip_main = __import__("_world").booted()
_run("/boot.py")
if not _skip_main:
    _run("/main.py")
del _mount, _run, _exists, _skip_main
