"""Requests and answers of a transfer: both Pythons, both directions, the law."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.wire import WireError, checks, host, transfer

_u32 = st.integers(0, checks.MAX_U32)


@given(ident=_u32, digest=st.binary(min_size=32, max_size=32), offset=_u32, count=st.integers(1, transfer.MAX_CHUNK))
def test_a_request_comes_back_as_it_was(ident, digest, offset, count, schema):
    payload = transfer.encode_request(ident, digest, offset, count)
    assert host.decode("get", payload) == host.ChunkRequest(ident, digest, offset, count)
    schema("chunk-request").validate_cbor(payload)


@settings(max_examples=50)
@given(
    ident=_u32, data=st.binary(max_size=transfer.MAX_CHUNK), offset=st.integers(0, 2**31), more=st.integers(0, 2**30)
)
def test_a_chunk_comes_back_as_it_was_on_both_pythons(ident, data, offset, more, schema, device):
    total = offset + len(data) + more
    payload = transfer.encode_chunk(ident, offset, total, data)
    expected = (ident, transfer.DATA, offset, total, data, None)
    assert transfer.decode_answer(payload) == expected
    assert device.call("transfer", "decode_answer", payload) == ("ok", expected)
    assert host.decode("put", payload) == host.ChunkAnswer(*expected)
    schema("chunk-answer").validate_cbor(payload)


def test_the_longest_chunk_fits_into_one_message():
    largest = transfer.encode_chunk(checks.MAX_U32, checks.MAX_U32 - 896, checks.MAX_U32, bytes(transfer.MAX_CHUNK))
    assert len(largest) <= 1024


def test_busy_and_unknown_carry_what_they_need_and_no_more():
    assert transfer.decode_answer(transfer.encode_busy(5, 900)) == (5, transfer.BUSY, None, None, None, 900)
    assert transfer.decode_answer(transfer.encode_unknown(5)) == (5, transfer.UNKNOWN, None, None, None, None)


@pytest.mark.parametrize(("offset", "total", "size"), [(0, 3, 4), (5, 4, 0), (0, 2000, 897)])
def test_a_chunk_that_cannot_be_is_not_encoded(offset, total, size):
    with pytest.raises(WireError):
        transfer.encode_chunk(1, offset, total, bytes(size))
