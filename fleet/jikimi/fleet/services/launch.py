"""Start a program that must not outlive its parent: `python -I -S launch.py PARENT_PID PROGRAM ARGUMENT…`.

A tiny program of its own, because code between fork and exec of a process with threads (the supervisor) may deadlock.
Imports nothing of ours, so that it starts in milliseconds.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ask the kernel to kill us with our parent, then become the program."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(arguments[0]):
        sys.exit("the supervisor is gone")  # it died before the kernel could watch it for us
    os.execvp(arguments[1], arguments[1:])  # noqa: S606 (our own program, no shell)


if __name__ == "__main__":
    main(sys.argv[1:])
