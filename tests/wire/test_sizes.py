"""How many bytes things take: the figures SPEC.md gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from jikimi.wire import WireError, cbor, kinds, messages, radio

_PROTO = Path(__file__).parents[2] / "proto"
_SIZES = {
    vector["name"]: len(vector["bytes"]) // 2
    for vector in json.loads((_PROTO / "vectors" / "valid.json").read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("name", sorted(_SIZES))
def test_the_table_of_sizes_in_the_spec_is_measured(name):
    row = re.search(rf"^\| `{name}` \| (\d+) \|", (_PROTO / "SPEC.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert row, f"{name}: {_SIZES[name]} bytes are not in the table"
    assert int(row[1]) == _SIZES[name]


def test_a_warning_is_about_forty_bytes_alone_and_fourteen_at_most_in_a_batch_of_twenty():
    assert _SIZES["warning"] <= 45
    assert _SIZES["warning-20"] / 20 <= 14


def test_a_near_miss_carries_its_ephemeral_id_and_is_still_below_sixty_bytes_alone_and_thirty_in_a_batch():
    assert _SIZES["near-miss"] < 60
    assert _SIZES["near-miss-20"] / 20 < 30


def test_adverts_fit_into_31_bytes():
    assert len(radio.tag_advert(bytes(8))) == 19
    assert len(radio.node_advert(bytes(4), 1, 50, 25)) == 19
    assert len(radio.node_advert(bytes(4), 1, 50, 25, 0, [(b"ab", 1)] * 3)) == 28


def test_records_that_need_more_than_one_message_are_refused_with_the_reason_size():
    records: list[tuple[int, int, int, dict[int, object]]] = [
        (seq, kinds.NEAR_MISS, seq, {key: bytes([seq]) * 32 for key in range(4)}) for seq in range(1, 20)
    ]
    with pytest.raises(WireError) as caught:
        messages.encode_records(1, 1, records)
    assert caught.value.reason == "size"
    assert len(messages.encode_records(1, 1, records[:7])) <= cbor.MAX_SIZE
