"""Pieces of content are given out in any order, and nobody is turned away: at worst told to come back later."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jikimi.fleet import content
from jikimi.fleet.delivery.__main__ import _client_id, _connection, _greeting
from jikimi.fleet.delivery.server import RETRY_MS, Server
from jikimi.fleet.mqtt import Incoming, Session
from jikimi.fleet.services import Supervisor, broker_service
from jikimi.fleet.site import Settings, Site
from jikimi.fleet.site.settings import BrokerSettings, WebSettings
from jikimi.wire import transfer

_CONTENT = bytes(range(256)) * 11
_DIGEST = hashlib.sha256(_CONTENT).digest()


def _pieces(digest, offset, count):
    return (_CONTENT[offset : offset + count], len(_CONTENT)) if digest == _DIGEST else None


def _ask(server, device, offset=0, count=transfer.MAX_CHUNK, digest=_DIGEST, ident=1):
    payload = transfer.encode_request(ident, digest, offset, count)
    topic, answer = server.answer(Incoming(f"jk/s/{device}/get", payload, False, 0, 0, 0, 1))
    assert topic == f"jk/s/{device}/put"
    return transfer.decode_answer(answer)


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@given(st.integers(0, len(_CONTENT)), st.integers(1, transfer.MAX_CHUNK))
def test_any_piece_is_what_stands_there_in_the_content(offset, count):
    answer = _ask(Server(_pieces, Clock()), "d1", offset, count, ident=9)
    assert answer == (9, transfer.DATA, offset, len(_CONTENT), _CONTENT[offset : offset + count], None)


def test_unknown_content_and_a_place_behind_the_end_are_said_to_be_unknown():
    server = Server(_pieces, Clock())
    assert _ask(server, "d1", digest=bytes(32))[1] == transfer.UNKNOWN
    assert _ask(server, "d1", offset=len(_CONTENT) + 1)[1] == transfer.UNKNOWN


def test_one_of_several_machines_leaves_what_it_has_not_got_to_those_that_may_have_it():
    server = Server(_pieces, Clock(), alone=False)
    request = transfer.encode_request(1, bytes(32), 0, transfer.MAX_CHUNK)
    assert server.answer(Incoming("jk/s/d1/get", request, False, 0, 0, 0, 1)) is None
    assert _ask(server, "d1")[1] == transfer.DATA


def test_the_deliveries_of_several_machines_have_client_ids_of_their_own_that_nobody_can_guess(tmp_path):
    site = Site.init(tmp_path / "site")
    names = {_client_id(site) for _ in range(20)}
    assert len(names) == 20
    assert min(len(name) for name in names) >= len("delivery-") + 24


def test_two_deliveries_of_one_site_stay_connected_side_by_side(tmp_path):
    settings = Settings(broker=BrokerSettings(mqtt_port=0), web=WebSettings(port=0))
    site = Site.init(tmp_path / "site", settings=settings)
    with Supervisor(site, [broker_service(site)]):
        sessions = [Session(*_connection(site), clean=True, greeting=_greeting(site.name)) for _ in range(2)]
        until_s = time.monotonic() + 60
        while not all(session.ready for session in sessions):
            assert time.monotonic() < until_s
            for session in sessions:
                session.receive(0.1)
        # Whoever connects last would have ended the other; the broker answers in order, so a round trip on each tells.
        for session in sessions:
            mid = session.publish(f"jk/{site.name}/d1/put", b"", qos=1)
            while mid not in session.published:
                assert time.monotonic() < until_s
                session.receive(0.1)
        assert all(session.ready for session in sessions)
        for session in sessions:
            session.close()


def test_one_device_more_than_may_fetch_at_once_is_told_to_wait_and_then_served():
    clock = Clock()
    server = Server(_pieces, clock, max_active=2)
    assert [_ask(server, device)[1] for device in ("d1", "d2", "d3")] == [transfer.DATA, transfer.DATA, transfer.BUSY]
    assert _ask(server, "d1", 896)[1] == transfer.DATA  # who has begun goes on
    clock.now_s += 11
    assert _ask(server, "d3")[1] == transfer.DATA


def test_the_longer_the_queue_the_longer_the_wait_that_is_asked_for():
    server = Server(_pieces, Clock(), max_active=2)
    waits = [_ask(server, f"d{number}")[5] for number in range(12)][2:]
    assert waits == sorted(waits)
    assert waits[0] == RETRY_MS
    assert waits[-1] > RETRY_MS


@pytest.mark.parametrize(("topic", "payload"), [("jk/s/d1/get", b"\xff"), ("other", b""), ("jk/s/d1/get", b"")])
def test_what_is_no_request_is_counted_and_not_answered(topic, payload):
    server = Server(_pieces, Clock())
    assert server.answer(Incoming(topic, payload, False, 0, 0, 0, 1)) is None
    assert server.refused == 1


def test_content_is_kept_once_under_its_digest(tmp_path):
    site = Site.init(tmp_path / "site")
    digest = content.put(site, _CONTENT)
    assert digest == content.put(site, _CONTENT) == _DIGEST
    assert content.get(site, digest) == _CONTENT
    assert content.piece(site, digest, 256, 10) == (_CONTENT[256:266], len(_CONTENT))
    assert content.piece(site, bytes(32), 0, 10) is None
    assert content.get(site, bytes(32)) is None
    assert [path.name for path in (site.path / "content").rglob("*") if path.is_file()] == [digest.hex()]
