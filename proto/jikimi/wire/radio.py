"""BLE advertising payloads of tags and machine nodes (SPEC.md, "BLE adverts").

At most 31 bytes of AD structures: the flags, then manufacturer-specific data of company 0xFFFF starting `JK`.
"""

from jikimi.wire import WireError

TAG = "tag"
NODE = "node"

MAX_WARNED = 3  # as many as fit into 31 bytes
EPHEMERAL_BYTES = 8
SHORT_ID_BYTES = 4
PREFIX_BYTES = 2  # of a warned tag's ephemeral id
PAIR_BYTES = 2  # a tag's answer that it is paired with a machine
PAIRED = 0x80  # on top of the level in a node's list: this tag is the operator's
MAX_LEVEL = 2  # kinds.LEVEL_DANGER

# Codes of what a node is mounted on; the position is the code on the air.
MACHINES = ("other", "forklift", "press", "cobot", "crane", "conveyor", "vehicle")

FLAG_LOW_BATTERY = 1
FLAG_ALARM = 2  # a tag in alarm; nearby people may be told
FLAG_MOVING = 4  # a machine in motion
FLAG_PAIRED = 8  # a tag that is paired with a machine; its answer follows the id

_FLAGS = b"\x02\x01\x06"  # AD flags: general discoverable, no BR/EDR
_MANUFACTURER = 0xFF
_COMPANY = b"\xff\xffJK"  # 0xFFFF is for tests and private use; JK tells ours from others
_TYPE_TAG = 0x11  # high nibble: version 1 of the advert format
_TYPE_NODE = 0x12
_TAG_BYTES = 2 + EPHEMERAL_BYTES
_NODE_BYTES = 6 + SHORT_ID_BYTES
_WARNED_BYTES = PREFIX_BYTES + 1


def tag_advert(ephemeral: bytes, flags: int = 0, paired: "bytes | None" = None) -> bytes:
    """Return the payload of a tag: its rotating id (8 bytes), FLAG_… bits, and its answer (2 bytes) when paired."""
    if len(ephemeral) != EPHEMERAL_BYTES:
        raise WireError("value", "an ephemeral id has 8 bytes")
    if paired is None:
        return _advert(bytes((_TYPE_TAG, _byte(flags & ~FLAG_PAIRED))) + bytes(ephemeral))
    if len(paired) != PAIR_BYTES:
        raise WireError("value", "the answer of a paired tag has 2 bytes")
    return _advert(bytes((_TYPE_TAG, _byte(flags | FLAG_PAIRED))) + bytes(ephemeral) + bytes(paired))


def node_advert(
    short_id: bytes,
    machine_code: int,
    warn_dm: int,
    danger_dm: int,
    flags: int = 0,
    warned: "list[tuple[bytes, int]] | tuple[tuple[bytes, int], ...]" = (),
) -> bytes:
    """Return the payload of a machine node.

    `short_id` (4 bytes) names the machine, `machine_code` its kind (index of MACHINES); the zone radii are in dm.
    `warned` lists up to 3 tags (first 2 bytes of the ephemeral id, level) which the node sees inside its zones, so
    that a tag learns of its danger from the advert alone; PAIRED is added to the level of the operator's.
    """
    if len(short_id) != SHORT_ID_BYTES:
        raise WireError("value", "a machine's short id has 4 bytes")
    if len(warned) > MAX_WARNED:
        raise WireError("value", "an advert names at most 3 warned tags")
    if not 0 < danger_dm <= warn_dm:
        raise WireError("value", "the danger zone lies within the warning zone")
    out = bytearray((_TYPE_NODE, _byte(flags)))
    out.extend(short_id)
    out.extend(bytes((_byte(machine_code), _byte(warn_dm), _byte(danger_dm), len(warned))))
    for prefix, level in warned:
        if len(prefix) != PREFIX_BYTES:
            raise WireError("value", "a warned tag is named by 2 bytes")
        if level & ~PAIRED > MAX_LEVEL:
            raise WireError("value", "there is no such level")
        out.extend(prefix)
        out.append(_byte(level))
    return _advert(out)


def parse_advert(adv_data: "bytes | bytearray | memoryview") -> "tuple[str, tuple[object, ...]] | None":
    """Return (TAG, (ephemeral, flags, paired)) or (NODE, (short_id, machine_code, warn_dm, danger_dm, flags, warned)).

    The fields come in the order of the encoders' arguments. None for anyone else's advert, and for one of ours
    that is cut, of a version this code does not know, or says what no machine can be: the air is shared, and adverts
    are not authenticated, so none of them is an error.
    """
    body = _body(adv_data)
    if body is None or len(body) < 1:
        return None
    if body[0] == _TYPE_TAG and len(body) >= _TAG_BYTES:
        paired = bytes(body[_TAG_BYTES : _TAG_BYTES + PAIR_BYTES]) if body[1] & FLAG_PAIRED else None
        if paired is not None and len(paired) != PAIR_BYTES:
            return None
        return TAG, (bytes(body[2:_TAG_BYTES]), body[1], paired)
    if body[0] == _TYPE_NODE and len(body) >= _NODE_BYTES:
        return _parse_node(body)
    return None


def _parse_node(body: "bytes | bytearray | memoryview") -> "tuple[str, tuple[object, ...]] | None":
    count = body[9]
    if count > MAX_WARNED or len(body) < _NODE_BYTES + count * _WARNED_BYTES:
        return None
    ends = range(_NODE_BYTES + _WARNED_BYTES, _NODE_BYTES + (count + 1) * _WARNED_BYTES, _WARNED_BYTES)
    warned = [(bytes(body[end - _WARNED_BYTES : end - 1]), body[end - 1]) for end in ends]
    if not 0 < body[8] <= body[7] or any(level & ~PAIRED > MAX_LEVEL for _, level in warned):
        return None
    return NODE, (bytes(body[2:6]), body[6], body[7], body[8], body[1], warned)


def _body(data: "bytes | bytearray | memoryview") -> "bytes | bytearray | memoryview | None":
    """Return what follows our company id and JK in the first such AD structure."""
    at = 0
    while at + 1 < len(data):
        end = at + 1 + data[at]
        if data[at] == 0 or end > len(data):
            return None
        if data[at + 1] == _MANUFACTURER and bytes(data[at + 2 : at + 6]) == _COMPANY and end >= at + 6:
            return data[at + 6 : end]
        at = end
    return None


def _advert(body: "bytes | bytearray") -> bytes:
    return _FLAGS + bytes((1 + len(_COMPANY) + len(body), _MANUFACTURER)) + _COMPANY + bytes(body)


def _byte(value: int) -> int:
    if not 0 <= value <= 255:
        raise WireError("value", "does not fit a byte")
    return value
