"""Deterministic CBOR (RFC 8949 section 4.2.1), the bounded subset of it that SPEC.md allows.

Values: None, bool, int (64 bit, as CBOR has them), bytes, str, list or tuple, and dict with unsigned integer keys.
Both directions hold the same limits, so whatever `dumps` returns `loads` accepts, on either runtime.
"""

from jikimi.wire import WireError

MAX_SIZE = 1024  # bytes of one message
MAX_DEPTH = 4  # containers inside each other
MAX_ITEMS = 64  # elements of one array, or pairs of one map

UINT = 0
NINT = 1
BYTES = 2
TEXT = 3
ARRAY = 4
MAP = 5
TAG = 6
SIMPLE = 7
_FALSE = 0xF4
_TRUE = 0xF5
_NULL = 0xF6
_INDEFINITE = 31
_SHORTEST = (24, 0x100, 0x10000, 0x100000000)  # least argument that needs 1, 2, 4, 8 bytes


def dumps(value: object, max_size: int = MAX_SIZE) -> bytes:
    """Return the one encoding of `value`; raises WireError when it breaks a limit or has a type not listed above."""
    out = bytearray()
    dump_into(out, value, max_size)
    return bytes(out)


def dump_into(out: bytearray, value: object, max_size: int = MAX_SIZE) -> None:
    """Append the encoding of `value` to `out`, which may not grow beyond `max_size` bytes."""
    _put(out, value, MAX_DEPTH)
    if len(out) > max_size:
        raise WireError("size", f"{len(out)} bytes, limit {max_size}")


def loads(buf: "bytes | bytearray | memoryview", max_size: int = MAX_SIZE, *, views: bool = False) -> object:
    """Return the value that all of `buf` encodes; raises WireError, never anything else, when it is not one.

    With `views` byte strings are views of `buf` and no copies: for what would not fit into a device's memory twice.
    """
    if len(buf) > max_size:
        raise WireError("size", f"{len(buf)} bytes, limit {max_size}")
    reader = _Reader(memoryview(buf), memoryview if views else bytes)
    value = reader.value(MAX_DEPTH)
    if reader.pos != len(buf):
        raise WireError("trailing", f"{len(buf) - reader.pos} bytes after the message")
    return value


def _put(out: bytearray, value: object, depth: int) -> None:
    if value is None:
        out.append(_NULL)
    elif isinstance(value, bool):
        out.append(_TRUE if value else _FALSE)
    elif isinstance(value, int):
        put_head(out, UINT if value >= 0 else NINT, value if value >= 0 else -1 - value)
    elif isinstance(value, str):
        raw = text_bytes(value)
        put_head(out, TEXT, len(raw))
        out.extend(raw)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        put_head(out, BYTES, len(value))
        out.extend(value)
    elif isinstance(value, (list, tuple)):
        _put_count(out, ARRAY, len(value), depth)
        for item in value:
            _put(out, item, depth - 1)
    elif isinstance(value, dict):
        _put_map(out, value, depth)
    else:
        raise WireError("type", "cannot encode " + type(value).__name__)


def _put_map(out: bytearray, value: "dict[int, object]", depth: int) -> None:
    _put_count(out, MAP, len(value), depth)
    for key in value:
        if isinstance(key, bool) or not isinstance(key, int) or key < 0:
            raise WireError("key", "map keys are unsigned integers")
    for key in sorted(value):  # for unsigned integers the order of values is the order of encodings
        put_head(out, UINT, key)
        _put(out, value[key], depth - 1)


def _put_count(out: bytearray, major: int, count: int, depth: int) -> None:
    _check_container(count, depth)
    put_head(out, major, count)


def put_head(out: bytearray, major: int, arg: int) -> None:
    """Append the head of a value: its major type (UINT … SIMPLE) and its argument (below 2**64), as short as can be."""
    if arg < 24:
        out.append(major << 5 | arg)
        return
    if arg >> 64:
        raise WireError("range", "integer beyond 64 bits")
    low = 24 + (arg > 0xFF) + (arg > 0xFFFF) + (arg > 0xFFFFFFFF)
    out.append(major << 5 | low)
    if low == 27:
        out.extend(arg.to_bytes(8, "big"))
        return
    for shift in range((8 << (low - 24)) - 8, -1, -8):  # leaves no garbage on the device, as to_bytes does
        out.append(arg >> shift & 0xFF)


def _check_container(count: int, depth: int) -> None:
    if depth == 0:
        raise WireError("depth", f"more than {MAX_DEPTH} containers inside each other")
    if count > MAX_ITEMS:
        raise WireError("items", f"{count} items, limit {MAX_ITEMS}")


def text_bytes(text: str) -> bytes:
    """Return the UTF-8 form of `text`; raises WireError when it holds something that is not a character."""
    try:
        raw = text.encode()
    except UnicodeError:  # half a surrogate pair: CPython refuses it here, MicroPython does not
        raise WireError("utf8", "not a character") from None
    _check_text(text, len(raw))
    return raw


def _check_text(text: str, n_bytes: int) -> None:
    # MicroPython's own check lets overlong forms and surrogates pass: their length or range gives them away.
    shortest = 0
    for char in text:
        point = ord(char)
        if 0xD800 <= point < 0xE000 or point > 0x10FFFF:
            raise WireError("utf8", "not a character")
        shortest += 1 + (point > 0x7F) + (point > 0x7FF) + (point > 0xFFFF)
    if shortest != n_bytes:
        raise WireError("utf8", "overlong form")


class _Reader:
    """A position in a buffer; every method either moves it past one whole thing or raises WireError."""

    def __init__(self, buf: memoryview, kind: "type[bytes] | type[memoryview]" = bytes) -> None:
        self.buf = buf
        self.pos = 0
        self._kind = kind

    def value(self, depth: int) -> object:
        """Read one value with at most `depth` containers inside each other."""
        initial = self._initial()
        major = initial >> 5
        if major == SIMPLE:
            return self._simple(initial)
        if major == TAG:
            raise WireError("type", "tags are not used")
        arg = self._argument(initial & 31)
        if major == UINT:
            return arg
        if major == NINT:
            return -1 - arg
        if major == BYTES:
            return self._kind(self._take(arg))
        if major == TEXT:
            return self._text(arg)
        _check_container(arg, depth)
        return self._array(arg, depth - 1) if major == ARRAY else self._map(arg, depth - 1)

    def _initial(self) -> int:
        return self._take(1)[0]

    def _take(self, n: int) -> memoryview:
        end = self.pos + n
        if end > len(self.buf):
            raise WireError("truncated", "ends in the middle of a value")
        piece = self.buf[self.pos : end]
        self.pos = end
        return piece

    def _argument(self, low: int) -> int:
        if low < 24:
            return low
        if low == _INDEFINITE:
            raise WireError("indefinite", "lengths are given in front")
        if low > 27:
            raise WireError("malformed", "reserved additional information")
        arg = int.from_bytes(self._take(1 << (low - 24)), "big")
        if arg < _SHORTEST[low - 24]:
            raise WireError("shortest", "a shorter form exists")
        return arg

    def _simple(self, initial: int) -> "bool | None":
        if initial == _NULL:
            return None
        if initial != _TRUE and initial != _FALSE:
            raise WireError("type", "only false, true and null of the simple values")
        return initial == _TRUE

    def _text(self, n: int) -> str:
        raw = self._take(n)
        try:
            text = str(raw, "utf-8")
        except UnicodeError:
            raise WireError("utf8", "not UTF-8") from None
        _check_text(text, n)
        return text

    def _array(self, n: int, depth: int) -> "list[object]":
        return [self.value(depth) for _ in range(n)]

    def _map(self, n: int, depth: int) -> "dict[int, object]":
        found: dict[int, object] = {}
        last = -1
        for _ in range(n):
            key = self._key(last)
            found[key] = self.value(depth)
            last = key
        return found

    def _key(self, last: int) -> int:
        initial = self._initial()
        if initial >> 5 != UINT:
            raise WireError("key", "map keys are unsigned integers")
        key = self._argument(initial & 31)
        if key <= last:
            raise WireError("duplicate" if key == last else "order", f"map key {key} after {last}")
        return key
