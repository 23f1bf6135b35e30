"""What the broker sends is parted into messages for us and packets for paho, however it is cut."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jikimi.fleet import broker
from jikimi.fleet.mqtt import Greeting, Incoming, Session
from jikimi.fleet.mqtt.stream import Splitter
from jikimi.fleet.site import Site
from tests.fleet_ingest.device import DEADLINE_S

RECV_MS = 1_800_000_000_000
CONNACK, SUBACK, PINGRESP = b"\x20\2\0\0", b"\x90\3\0\1\1", b"\xd0\0"
GARBAGE = b"\x32\xff\xff\xff\xff\x7f"  # a length of five bytes


def packet(first: int, body: bytes) -> bytes:
    """A packet of MQTT, after section 2.2 of its standard."""
    length, left = b"", len(body)
    while not length or left:
        length += bytes([left % 128 + (128 if left >= 128 else 0)])
        left //= 128
    return bytes([first]) + length + body


def publish(topic: bytes, payload: bytes, qos: int = 1, mid: int = 1, *, retain: bool = False) -> bytes:
    name = len(topic).to_bytes(2, "big") + topic
    return packet(0x30 | qos << 1 | retain, name + (mid.to_bytes(2, "big") if qos else b"") + payload)


def as_bytes(part: Incoming | bytes) -> bytes:
    if isinstance(part, bytes):
        return part
    return publish(part.topic.encode(), part.payload, part.qos, part.mid, retain=part.retain)


messages = st.builds(
    lambda topic, payload, retain, mid: Incoming(topic, payload, retain, RECV_MS, min(mid, 1), mid, 7),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.binary(max_size=300),
    st.booleans(),
    st.integers(0, 0xFFFF),  # 0: at QoS 0
)
# What is paho's: any other kind of packet, QoS 2, and a PUBLISH that contradicts itself.
others = st.one_of(
    st.builds(packet, st.integers(0, 255).filter(lambda first: first >> 4 != 3), st.binary(max_size=200)),
    st.builds(publish, st.just(b"jk"), st.binary(max_size=9), st.just(2)),
    st.sampled_from([packet(0x32, b""), packet(0x32, b"\0"), packet(0x32, b"\0\2jk\0"), packet(0x30, b"\0\0x")]),
)


@given(st.lists(messages | others, max_size=12), st.lists(st.integers(0, 4000)), st.booleans())
@example([Incoming("t", bytes(20_000), False, RECV_MS, 1, 9, 7)], [1, 2, 3, 16_384], False)
def test_any_packets_in_any_pieces_come_out_as_they_went_in(sent, cuts, ends_badly):
    rest = GARBAGE if ends_badly else b""
    whole = b"".join(map(as_bytes, sent)) + rest
    splitter, last = Splitter(7), 0
    for cut in [*sorted(min(cut, len(whole)) for cut in cuts), len(whole)]:
        splitter.feed(whole[last:cut], RECV_MS)
        last = cut
    assert splitter.messages == [part for part in sent if isinstance(part, Incoming)]
    assert splitter.others == b"".join(part for part in sent if isinstance(part, bytes)) + rest


def test_after_what_is_no_mqtt_nothing_is_taken_for_a_message_any_more():
    splitter = Splitter(1)
    splitter.feed(GARBAGE + publish(b"jk/w/t/ev", b"x"), RECV_MS)
    splitter.feed(publish(b"jk/w/t/ev", b"y"), RECV_MS)
    assert not splitter.messages
    assert splitter.others == GARBAGE + publish(b"jk/w/t/ev", b"x") + publish(b"jk/w/t/ev", b"y")


def test_a_topic_that_is_no_utf_8_can_still_be_kept_as_a_dead_letter():
    splitter = Splitter(1)
    splitter.feed(publish(b"jk/w/\xff/ev", b"x"), RECV_MS)
    assert splitter.messages[0].topic == "jk/w/\\xff/ev"


@contextmanager
def scripted_broker(site: Site, words: list[bytes]) -> Iterator[tuple[str, int]]:
    """Accepts one connection after the other, reads CONNECT, says one of `words` in one piece, and hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.tls_dir / "broker.pem", site.tls_dir / "broker.key.pem")
    done: Future[None] = Future()

    def serve() -> None:
        try:
            for said in words:
                with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                    connection.recv(1000)
                    connection.sendall(said)
            done.set_result(None)
        except OSError as error:
            done.set_exception(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        done.result(DEADLINE_S)
        thread.join()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site.init(tmp_path / "works")
    broker.issue_certificate(made)
    return made


@pytest.mark.parametrize("end", [b"", PINGRESP, b"\x32", GARBAGE], ids=["packet", "other", "cut", "garbage"])
def test_what_came_before_the_end_of_a_connection_is_received_and_the_next_one_is_made(site, end):
    first = b"".join(publish(b"jk/w/t/ev", bytes([number]), mid=number) for number in (1, 2, 3))
    again = publish(b"jk/w/t/ev", b"again", mid=4)
    greeting = Greeting((("jk/w/+/ev", 1),))
    words = [CONNACK + SUBACK + first + end, CONNACK + SUBACK + again]
    with scripted_broker(site, words) as address:
        session = Session([address], broker.host_context(site), "t", clean=False, greeting=greeting)
        with closing(session):
            found: list[Incoming] = []
            while len(found) < 4:
                found += session.receive(DEADLINE_S)
    assert [(one.payload, one.mid, one.connection) for one in found[:3]] == [(bytes([n]), n, 1) for n in (1, 2, 3)]
    assert (found[3].payload, found[3].connection) == (b"again", 2)
