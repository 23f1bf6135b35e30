"""Topics and adverts."""

from __future__ import annotations

import pytest

from jikimi.wire import WireError, host, kinds, radio, topics

_EPHEMERAL = bytes(range(8))


def test_a_topic_splits_into_what_it_was_made_of():
    assert topics.split_topic(topics.topic("plant-1", "d0a1b2c3d4", topics.ALARM)) == ("plant-1", "d0a1b2c3d4", "al")


@pytest.mark.parametrize("name", ["", "A", "a/b", "a+", "#", "ä", "a" * 33, "a b"])
def test_a_name_that_no_topic_may_have_is_refused_on_both_runtimes(name, device):
    with pytest.raises(WireError) as caught:
        topics.topic(name, "d1", topics.STATE)
    assert caught.value.reason == "topic"
    assert device.call("topics", "topic", "s", name, "st") == ("refused", "topic")


@pytest.mark.parametrize("text", ["", "jk/s/d", "jk/s/d/st/x", "xx/s/d/st", "jk/s/d/zz", "jk//d/st", "jk/s/D/st"])
def test_a_text_that_is_no_topic_of_ours_is_refused_on_both_runtimes(text, device):
    with pytest.raises(WireError):
        topics.split_topic(text)
    assert device.call("topics", "split_topic", text) == ("refused", "topic")


@pytest.mark.parametrize("paired", [None, b"\x00\xff"])
def test_a_tags_advert_is_read_back_on_both_runtimes(paired, device):
    payload = radio.tag_advert(_EPHEMERAL, radio.FLAG_ALARM, paired)
    flags = radio.FLAG_ALARM if paired is None else radio.FLAG_ALARM | radio.FLAG_PAIRED
    expected = (radio.TAG, (_EPHEMERAL, flags, paired))
    assert radio.parse_advert(payload) == expected
    assert device.call("radio", "parse_advert", payload) == ("ok", expected)


@pytest.mark.parametrize("count", range(4))
def test_a_nodes_advert_with_its_warned_tags_is_read_back_on_both_runtimes(count, device):
    fields = (b"\xc0\xff\xee\x01", 1, 50, 25, radio.FLAG_MOVING, [(b"ab", 1), (b"cd", 2), (b"ef", 2)][:count])
    payload = radio.node_advert(*fields)
    assert radio.parse_advert(payload) == (radio.NODE, fields)
    assert device.call("radio", "parse_advert", payload) == ("ok", (radio.NODE, fields))
    assert device.call("radio", "node_advert", *fields) == ("ok", payload)


def test_our_data_is_found_behind_another_ad_structure_and_before_one():
    name = b"\x05\x09Jane"
    payload = radio.tag_advert(_EPHEMERAL)
    assert radio.parse_advert(payload[:3] + name + payload[3:] + name) == (radio.TAG, (_EPHEMERAL, 0, None))


@pytest.mark.parametrize(
    "payload",
    [radio.node_advert(b"abcd", 1, 50, 25, 0, [(b"ab", 1)]), radio.tag_advert(_EPHEMERAL, 0, b"pq")],
    ids=["node", "tag"],
)
def test_an_advert_cut_anywhere_is_nobodys(payload):
    for length in range(len(payload)):
        assert radio.parse_advert(payload[:length]) is None


def test_an_advert_of_another_company_or_of_a_later_version_is_nobodys():
    payload = radio.tag_advert(_EPHEMERAL)
    assert radio.parse_advert(payload.replace(b"\xff\xffJK", b"\x4c\x00JK")) is None
    assert radio.parse_advert(payload.replace(b"JK\x11", b"JK\x21")) is None


@pytest.mark.parametrize(
    ("warn_dm", "danger_dm", "level"),
    [(0, 0, 1), (50, 0, 1), (50, 51, 1), (50, 25, 3), (50, 25, 0x7F), (50, 25, 0xFF)],
)
def test_an_advert_with_zones_or_levels_that_there_are_not_is_nobodys_on_both_runtimes(
    warn_dm, danger_dm, level, device
):
    payload = bytearray(radio.node_advert(b"abcd", 1, 50, 25, 0, [(b"ab", 1)]))
    payload[16], payload[17], payload[21] = warn_dm, danger_dm, level
    assert radio.parse_advert(payload) is None
    assert device.call("radio", "parse_advert", bytes(payload)) == ("ok", None)


@pytest.mark.parametrize(
    "arguments",
    [
        (b"abc", 1, 50, 25),
        (b"abcd", 256, 50, 25),
        (b"abcd", 1, -1, 25),
        (b"abcd", 1, 25, 26),
        (b"abcd", 1, 50, 0),
        (b"abcd", 1, 50, 25, 0, [(b"a", 1)]),
        (b"abcd", 1, 50, 25, 0, [(b"ab", 3)]),
    ],
)
def test_an_advert_that_cannot_say_what_it_is_given_is_refused(arguments):
    with pytest.raises(WireError, match="value"):
        radio.node_advert(*arguments)


def test_every_kind_has_a_stream_and_a_category_of_the_agreement():
    assert {kinds.category(kind) for kind in kinds.KINDS} == {"emergency", "proximity", "posture", "device"}
    assert {kinds.stream_of(kind) for kind in kinds.KINDS} == {kinds.STREAM_ALARM, kinds.STREAM_EVENT}
    assert kinds.name(999) == kinds.category(999) == kinds.UNKNOWN


def test_the_event_time_is_the_devices_own_or_unknown():
    record = host.Record(1, kinds.SOS, 500, {})
    assert host.event_time_ms(record, host.RecordBatch(1, 0, 1_000_000, 2, (record,))) == 1_000_500
    assert host.event_time_ms(record, host.RecordBatch(1, 0, None, 0, (record,))) is None
