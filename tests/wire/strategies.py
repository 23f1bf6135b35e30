"""What may be on the wire, for hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from jikimi.wire import checks

MAX_INT64 = (1 << 64) - 1

texts = st.text(max_size=12)  # hypothesis leaves surrogates out
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INT64 - 1, MAX_INT64)
    | st.sampled_from([23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, MAX_INT64, -24, -25, -256, -257, -(2**64)])
    | st.binary(max_size=40)
    | texts
)


def _nested(depth: int) -> st.SearchStrategy[Any]:
    if depth == 0:
        return scalars
    inner = _nested(depth - 1)
    return inner | st.lists(inner, max_size=6) | st.dictionaries(st.integers(0, MAX_INT64), inner, max_size=6)


values = _nested(4)

# Bytes that look like CBOR more often than chance would have it.
_heads = st.sampled_from(
    [bytes([major << 5 | low]) for major in range(8) for low in (0, 1, 2, 23, 24, 25, 26, 27, 28, 31)]
)
almost = st.lists(_heads | st.binary(max_size=3), max_size=12).map(b"".join)

u32 = st.integers(0, checks.MAX_U32)
boots = st.integers(1, checks.MAX_U32)
int53 = st.integers(0, checks.MAX_INT)
data = st.dictionaries(
    st.integers(0, 30) | st.integers(0, 0xFFFF),
    st.none() | st.integers(-checks.MAX_INT, checks.MAX_INT) | st.binary(max_size=20) | texts,
    max_size=5,
)


@st.composite
def record_lists(draw: st.DrawFn) -> list[tuple[int, int, int, dict[int, Any]]]:
    """Records as `encode_records` takes them: few kinds and data, so that the short forms come up often."""
    kinds = draw(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=2))
    bodies = draw(st.lists(data, min_size=1, max_size=3))
    seq = draw(st.integers(1, 1000))
    records = []
    for _ in range(draw(st.integers(1, 10))):
        body = {**draw(st.sampled_from(bodies))}
        for key in body:
            if draw(st.booleans()):
                body[key] = draw(st.integers(-100, 5000))
        records.append((seq, draw(st.sampled_from(kinds)), draw(st.integers(0, 10**7) | int53), body))
        seq += draw(st.sampled_from([1, 1, 1, 2, 300]))
    return records


states = st.fixed_dictionaries(
    {"boot": boots, "status": st.just("online"), "kind": st.sampled_from(["tag", "node"])}
    | dict.fromkeys(("reset_reason", "firmware", "config", "core"), texts)
    | {"clock_quality": st.integers(0, 2), "capabilities": st.lists(texts, max_size=16)},
    optional={"epoch_ms": int53},
) | st.fixed_dictionaries({"boot": boots, "status": st.sampled_from(["lost", "docked"])})

vitals = st.fixed_dictionaries(
    {"boot": boots, "up_ms": int53},
    optional={"battery_pct": st.integers(0, 100), "heap_free": u32, "rssi_dbm": st.integers(-128, 0)}
    | dict.fromkeys(("journal_alarm", "journal_event", "dropped_samples", "dropped_adverts", "dropped_records"), u32),
)
