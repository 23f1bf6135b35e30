"""The block API on CPython: the same functions the native module has on a device, integers in and out.

Samples are int16 little endian, ax ay az gx gy gz of raw chip counts, one after the other. Events come back as rows of
four int32 in the caller's buffer: kind, t_ms since the first sample, confidence in permille, and a number the kind
defines. A `_new` function refuses a bad setting with ValueError; states are opaque.
"""

from __future__ import annotations

from array import array
from typing import Any, TypeAlias

from jikimi.sigcore._sigcore import ffi, lib

State = Any  # a cffi structure of our own; nobody else looks inside
Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int]"  # collections.abc has its own from 3.12 on


def version() -> str:
    """Version of the C core, `major.minor.patch`."""
    return text(lib.sig_version())


def text(c_string: Any) -> str:
    """A C string of the core as str."""
    raw = ffi.string(c_string)
    assert isinstance(raw, bytes)
    return raw.decode("ascii")


def check(status: int) -> None:
    """Raise ValueError with the core's sentence when `status` is an error code."""
    if status < 0:
        raise ValueError(text(lib.sig_error_text(status)))


def fall_new(
    rate_hz: int, placement: int, acc_lsb_per_g: int, gyro_lsb_per_dps_x100: int, no_motion_s: int = 0
) -> State:
    """State of a fall detector: rate 20..200 Hz, placement 0 waist or 1 wrist, gyro scale 0 when none is fitted.

    `no_motion_s` is the man-down time: 0 the default of 120 s, -1 off.
    """
    return fall_new_centihz(rate_hz * 100, placement, acc_lsb_per_g, gyro_lsb_per_dps_x100, no_motion_s)


def fall_new_centihz(
    rate_centihz: int, placement: int, acc_lsb_per_g: int, gyro_lsb_per_dps_x100: int, no_motion_s: int
) -> State:
    """`fall_new` with the rate in 1/100 Hz; for hosts only, devices have whole rates."""
    config = ffi.new("sig_fall_config_t *")
    try:
        config.rate_centihz = rate_centihz
        config.placement = placement
        config.acc_lsb_per_g = acc_lsb_per_g
        config.gyro_lsb_per_dps_x100 = gyro_lsb_per_dps_x100
        config.no_motion_s = no_motion_s
    except OverflowError as error:
        raise ValueError(text(lib.sig_error_text(lib.SIG_ERR_RANGE))) from error
    state = ffi.new("sig_fall_t *")
    check(lib.sig_fall_init(state, config))
    return state


def fall_push(state: State, samples: Buffer, n: int, out: Buffer) -> int:
    """Push `n` samples; events go to `out` (int32 rows of four). Returns how many; the rest waits for the next call."""
    return push(lib.sig_fall_push, state, samples, n, out)


def push(function: Any, state: State, samples: Buffer, n: int, out: Buffer) -> int:
    """Call a push function of the core after checking that the buffers are as long as they must be."""
    source = ffi.from_buffer("uint8_t[]", samples)
    room = ffi.from_buffer("int32_t[]", out, require_writable=True)
    if n < 0 or n * lib.SIG_SAMPLE_BYTES > len(source):
        raise ValueError("fewer samples in the buffer than n")
    return int(function(state, source, n, ffi.cast("sig_event_t *", room), len(room) // lib.SIG_EVENT_WORDS))
