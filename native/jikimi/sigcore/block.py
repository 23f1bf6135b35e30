"""The block API on CPython: the same functions the native module has on a device, integers in and out.

Samples are int16 little endian, ax ay az gx gy gz of raw chip counts, one after the other. Events come back as rows of
four int32 in the caller's buffer: kind, t_ms since the first sample, confidence in permille, and a number the kind
defines. A `_new` function refuses a bad setting with ValueError; states are opaque.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
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


def motion_new(rate_hz: int, acc_lsb_per_g: int, gyro_lsb_per_dps_x100: int) -> State:
    """Front end for a chip: rate 20..200 Hz, counts per g and per 100 deg/s (0 when no gyroscope is fitted)."""
    return motion_new_centihz(rate_hz * 100, acc_lsb_per_g, gyro_lsb_per_dps_x100)


def motion_new_centihz(rate_centihz: int, acc_lsb_per_g: int, gyro_lsb_per_dps_x100: int) -> State:
    """`motion_new` with the rate in 1/100 Hz; for hosts only, devices have whole rates."""
    settings = (rate_centihz, acc_lsb_per_g, gyro_lsb_per_dps_x100)
    if not all(0 <= value <= 0x7FFFFFFF for value in settings):
        check(lib.SIG_ERR_RANGE)
    state = ffi.new("sig_front_t *")
    check(lib.sig_front_init(state, ffi.new("sig_chip_t *", settings)))
    return state


def motion_push(
    motion: State,
    fall: State | None,
    bend: State | None,
    samples: Buffer,
    n: int,
    out: Buffer,
    load: State | None = None,
) -> int:
    """Push `n` samples through the front end into the detectors that are not None.

    Events go to `out` (int32 rows of four). Returns how many; the rest waits for the next call.
    """
    source = ffi.from_buffer("uint8_t[]", samples)
    room = ffi.from_buffer("int32_t[]", out, require_writable=True)
    if n < 0 or n * lib.SIG_SAMPLE_BYTES > len(source):
        raise ValueError("fewer samples in the buffer than n")
    states = (ffi.NULL if state is None else state for state in (fall, bend, load))
    rows = ffi.cast("sig_event_t *", room)
    return int(lib.sig_motion_push(motion, *states, source, n, rows, len(room) // lib.SIG_EVENT_WORDS))


def fall_new(placement: int, no_motion_s: int = 0) -> State:
    """State of a fall detector: placement 0 waist or 1 wrist, man-down time (0 the default of 120 s, -1 off)."""
    state = ffi.new("sig_fall_t *")
    if placement < 0:
        check(lib.SIG_ERR_RANGE)
    check(lib.sig_fall_init(state, _int32(placement), _int32(no_motion_s)))
    return state


def bend_new() -> State:
    """State of a bend counter; its events carry the largest angle in degrees."""
    state = ffi.new("sig_bend_t *")
    check(lib.sig_bend_init(state))
    return state


def bend_bands_ms(state: State) -> tuple[int, int, int]:
    """Time so far with the trunk below 20, at 20 to 60, and above 60 degrees from upright."""
    low, middle, high = (int(ms) for ms in state.band_ms)
    return low, middle, high


def bend_angle_deg(state: State) -> int:
    """Angle of the trunk from upright now, 0..180 degrees."""
    return int(state.angle_deg)


def load_new(source: int) -> State:
    """State of a load monitor: source 0 the hip's motion (`motion_push`) or 1 the heart (`load_state`)."""
    state = ffi.new("sig_load_t *")
    check(lib.sig_load_init(state, _int32(source)))
    return state


def load_state(state: State, exertion: State | None) -> int:
    """Whether the load differs from how the day began: 1 it does, 0 it does not, -1 for "not enough signal".

    When its source is the heart, `exertion` is the exertion monitor's state, after each of its pushes; else None.
    """
    if exertion is not None:
        lib.sig_load_heart(state, exertion)
    return int(lib.sig_load_state(state))


def exertion_new(rest_bpm: int, max_bpm: int) -> State:
    """State of an exertion monitor: resting (30..120) and highest (100..230) heart rate, at least 30 apart."""
    state = ffi.new("sig_exertion_t *")
    check(lib.sig_exertion_init(state, _int32(rest_bpm), _int32(max_bpm)))
    return state


def exertion_push(state: State, t_ms: int, hr_bpm: int) -> int:
    """Exertion after one reading, in hundredths (0..1000) of Borg CR10; -1 while there is not enough signal."""
    return int(lib.sig_exertion_push(state, _time(t_ms), _int32(hr_bpm)))


def exertion_high(state: State) -> bool:
    """Whether 7 or more would be rated now, with hysteresis; False while there is not enough signal."""
    return bool(lib.sig_exertion_high(state))


def ble_new() -> State:
    """State of a nearness estimate from the adverts of one sender."""
    state = ffi.new("sig_ble_t *")
    check(lib.sig_ble_init(state))
    return state


def ble_push(state: State, t_ms: int, rssi_dbm: int) -> tuple[int, int]:
    """(estimate in mm, probability of being within 2 m in permille) after one advert."""
    result = ffi.new("sig_ble_result_t *")
    lib.sig_ble_push(state, _time(t_ms), _int32(rssi_dbm), result)
    return int(result.estimate_mm), int(result.within_2m_permille)


def uwb_new(offset_mm: int = 0) -> State:
    """State of a range correction; ranges in the open are `offset_mm` (-5000..5000) too long."""
    state = ffi.new("sig_uwb_t *")
    check(lib.sig_uwb_init(state, _int32(offset_mm)))
    return state


def uwb_push(state: State, range_mm: int, diagnostics: Sequence[int] | None) -> tuple[int, int]:
    """(corrected range in mm, probability in permille that the direct path was blocked).

    `diagnostics` is (rx_power_cdbm, fp_power_cdbm, std_noise[, fp_index]), powers in 1/100 dBm, the index of the first
    path in 1/64 samples (0: not known), or None.
    """
    result = ffi.new("sig_uwb_result_t *")
    lib.sig_uwb_push(state, _int32(range_mm), _chip(diagnostics), result)
    return int(result.corrected_mm), int(result.nlos_permille)


def uwb_track(state: State, t_ms: int, range_mm: int, diagnostics: Sequence[int] | None) -> tuple[int, ...]:
    """(distance_mm, lower_mm, closing_mm_s, contact_ms or -1, nlos_permille) after one more range of the same pair."""
    result = ffi.new("sig_uwb_track_t *")
    lib.sig_uwb_track(state, _time(t_ms), _int32(range_mm), _chip(diagnostics), result)
    numbers = (
        result.distance_mm, result.lower_mm, result.closing_mm_s, result.contact_ms, result.nlos_permille,
    )  # fmt: skip
    return tuple(map(int, numbers))


def _chip(diagnostics: Sequence[int] | None) -> Any:
    if diagnostics is None:
        return ffi.NULL
    if len(diagnostics) not in (3, 4):
        raise ValueError("the diagnostics are (rx_power_cdbm, fp_power_cdbm, std_noise[, fp_index])")
    return ffi.new("sig_uwb_diagnostics_t *", [_int32(value) for value in diagnostics])


def zone_new(warn_mm: int, danger_mm: int, hysteresis_mm: int, hold_ms: int) -> State:
    """State of two nested zones: 1 <= danger <= warn <= 100000 mm, hold time 0..60000 ms."""
    config = ffi.new("sig_zone_config_t *", [_int32(value) for value in (warn_mm, danger_mm, hysteresis_mm, hold_ms)])
    state = ffi.new("sig_zone_t *")
    check(lib.sig_zone_init(state, config))
    return state


def zone_push(state: State, t_ms: int, distance_mm: int) -> int:
    """Level after a distance (negative: unknown): 0 outside, 1 warn, 2 danger."""
    return int(lib.sig_zone_push(state, _time(t_ms), _int32(distance_mm)))


def separation_mm(
    human_mm_s: int,
    machine_mm_s: int,
    reaction_ms: int,
    braking_mm_s2: int,
    intrusion_mm: int,
    human_error_mm: int,
    machine_error_mm: int,
) -> int:
    """Protective separation distance of ISO 10218-2 (ISO/TS 15066); a human speed of 0 means the default, 1600 mm/s."""
    values = (
        human_mm_s, machine_mm_s, reaction_ms, braking_mm_s2, intrusion_mm, human_error_mm, machine_error_mm,
    )  # fmt: skip
    distance = int(lib.sig_separation_mm(ffi.new("sig_separation_t *", [_int32(value) for value in values])))
    check(distance)
    return distance


def _int32(value: int) -> int:
    if not -0x7FFFFFFF <= value <= 0x7FFFFFFF:
        check(lib.SIG_ERR_RANGE)
    return value


def _time(t_ms: int) -> int:
    if not 0 <= t_ms <= 0x7FFFFFFF:
        check(lib.SIG_ERR_RANGE)
    return t_ms
