"""The 11 ASCII characters a node sends a tag with each ranging exchange: level, distance, machine.

Level is one digit, the distance in centimetres four hexadecimal digits, the machine's short id six of base 64. The
message is a warning and not a command: it is not authenticated, and the worst a forged one can do is to vibrate.
"""

import binascii

from jikimi.wire import radio

_LONGEST_CM = 0xFFFF


def encode(level, distance_mm, short_id):
    """Text for one exchange; `distance_mm` None when nothing was measured yet."""
    cm = _LONGEST_CM if distance_mm is None else min(distance_mm // 10, _LONGEST_CM - 1)
    return f"{level}{cm:04X}" + binascii.b2a_base64(short_id).decode()[:6]


def decode(text):
    """(level, distance_mm or None, short_id), or None when it is not one of ours."""
    if len(text) != 11 or text[0] not in "012":
        return None
    try:
        cm = int(text[1:5], 16)
        short_id = binascii.a2b_base64(text[5:] + "==")
    except ValueError:  # binascii.Error is one on CPython
        return None
    if len(short_id) != radio.SHORT_ID_BYTES:
        return None
    return int(text[0]), None if cm == _LONGEST_CM else cm * 10, short_id
