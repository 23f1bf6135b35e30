"""Runs in MicroPython with a small heap: verifies the envelope in a file, prints (µs, most bytes in use, verified).

Arguments: file of the envelope, file of the root's public key.
"""

# mypy: disable-error-code="no-untyped-call,no-untyped-def,import-not-found,attr-defined"
import gc
import sys
import time

from jikimi.wire import cose, lms  # noqa: F401 - both are loaded before the measurement


def content(path):
    with open(path, "rb") as file:  # noqa: PTH123 - MicroPython has no pathlib
        return file.read()


def measure(envelope, root):
    gc.collect()
    before = gc.mem_alloc()
    started = time.ticks_us()
    payload = cose.verify(envelope, [root], cose.RELEASE)
    took = time.ticks_diff(time.ticks_us(), started)
    gc.collect()
    return took, gc.mem_alloc() - before, len(payload)


envelope, root = content(sys.argv[1]), content(sys.argv[2])
times = [measure(envelope, root) for _ in range(5)]
sys.stdout.write(repr((sorted(times)[2][0], max([kept for _, kept, _ in times]), times[0][2])) + "\n")
