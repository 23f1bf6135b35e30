"""The proxies between the nodes: what they carry arrives whole and in order, and their faults are those of a cable."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from jikimi.fleet.site import cluster as clusters
from tools.links import Links

_DEADLINE_S = 60.0
_QUIET_S = 0.2  # nothing came for so long; what comes too late would only hide a fault, never invent one


class _Echo:
    """A node that answers every byte with the byte, in a thread for each connection."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while chunk := connection.recv(4096):
                connection.sendall(chunk)


@pytest.fixture
def links() -> Iterator[Links]:
    cluster = clusters.on_this_machine(3)
    nodes = [_Echo(node.route_port) for node in cluster.nodes]
    with Links(cluster) as running:
        yield running
    for node in nodes:
        node.close()


def _dial(links: Links, source: int, target: int) -> socket.socket:
    others = [number for number in range(3) if number != source]
    host, _, port = links.cluster.nodes[source].via[others.index(target)].rpartition(":")
    return socket.create_connection((host, int(port)), _DEADLINE_S)


def _comes_back(connection: socket.socket, data: bytes) -> bool:
    found = b""
    while len(found) < len(data):
        found += connection.recv(len(data) - len(found))
    return found == data


def _is_quiet(connection: socket.socket) -> bool:
    connection.settimeout(_QUIET_S)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(_DEADLINE_S)
    return False


def test_everything_arrives_whole_and_in_order(links):
    data = bytes(range(256)) * 4_000
    with _dial(links, 0, 2) as connection:
        sending = threading.Thread(target=connection.sendall, args=(data,))
        sending.start()
        assert _comes_back(connection, data)
        sending.join()
    assert (links.carried(0, 2), links.carried(2, 0), links.carried(0, 1)) == (len(data), len(data), 0)


@pytest.mark.parametrize(("source", "target"), [(1, 0), (0, 1), (1, 2)])
def test_an_isolated_node_hears_and_is_heard_by_nobody_until_the_cut_is_healed(links, source, target):
    with _dial(links, source, target) as before, _dial(links, 0, 2) as others:
        before.sendall(b"a")
        assert _comes_back(before, b"a")
        links.isolate(1)
        before.sendall(b"b")
        with _dial(links, source, target) as during:
            during.sendall(b"c")
            assert _is_quiet(before)
            assert _is_quiet(during)
            others.sendall(b"d")
            assert _comes_back(others, b"d")  # the two others see each other
            links.heal()
            assert _comes_back(before, b"b")
            assert _comes_back(during, b"c")


def test_one_direction_can_be_cut_alone_whichever_side_dialled(links):
    with _dial(links, 0, 1) as dialled, _dial(links, 1, 0) as was_dialled:
        for connection in (dialled, was_dialled):
            connection.sendall(b"a")
            assert _comes_back(connection, b"a")
        links.cut_way(1, 0)
        carried = links.carried(0, 1)
        dialled.sendall(b"b")  # arrives at 1, whose answer does not
        was_dialled.sendall(b"c")  # does not arrive at 0
        assert _is_quiet(dialled)
        assert _is_quiet(was_dialled)
        assert links.carried(0, 1) == carried + 1
        links.heal()
        assert _comes_back(dialled, b"b")
        assert _comes_back(was_dialled, b"c")


def test_a_delay_is_a_delay_in_both_directions_and_ends_with_the_heal(links):
    with _dial(links, 2, 1) as connection:
        links.delay(_QUIET_S)
        connection.sendall(b"late")
        assert _is_quiet(connection)
        assert _comes_back(connection, b"late")
        links.heal()
        connection.sendall(b"soon")
        assert _comes_back(connection, b"soon")


def test_the_end_of_a_connection_is_seen_at_the_other_side(links):
    with _dial(links, 0, 1) as connection:
        connection.sendall(b"a")
        assert _comes_back(connection, b"a")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
