# mypy: allow-untyped-calls
"""The world process: what it does with a floor that fails, and with strangers at its door."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from jikimi.fleet.virtual import Bench, VirtualBoard, World, link
from tests.virtual.conftest import PATIENCE_S, until

ADVERTISE = "import bluetooth\nb = bluetooth.BLE()\nb.active(True)\nb.gap_advertise(30_000, b'x', connectable=False)\n"
SCAN = "import bluetooth\nb = bluetooth.BLE()\nb.active(True)\nb.gap_scan(0, 30_000, 30_000)\n"


class FloorError(Exception):
    pass


class BrokenChannel(Bench):
    def __init__(self):
        self.asked = 0

    def rssi_dbm(self, tx, rx, t_s):
        self.asked += 1
        raise FloorError("no such wall")


class BrokenBody:
    def samples(self, t0_s, dt_s, n):
        raise FloorError("no such bone")


def _flash(folder, name, source):
    (folder / name).mkdir()
    (folder / name / "main.py").write_text(source)
    return folder / name


def _meet(folder, channel):
    with World(channel=channel) as world:
        VirtualBoard("tx", _flash(folder, "tx", ADVERTISE), world).start()
        VirtualBoard("rx", _flash(folder, "rx", SCAN), world).start()
        until(lambda: channel.asked > 0, "an advert")


def _move(folder, body):
    source = (
        "import machine, time\ni = machine.I2C(0)\ni.writeto_mem(0x6A, 0x10, b'\\x40')\n"
        "time.sleep_ms(100)\ni.readfrom_mem(0x6A, 0x1E, 1)\n"
    )
    with World({"tag": body}) as world:
        board = VirtualBoard("tag", _flash(folder, "tag", source), world)
        board.start()
        board.wait_for("OSError", PATIENCE_S)


def test_an_error_of_the_channel_is_raised_where_the_world_is_left(tmp_path):
    with pytest.raises(FloorError, match="wall"):
        _meet(tmp_path, BrokenChannel())


def test_an_error_of_a_body_is_raised_where_the_world_is_left(tmp_path):
    with pytest.raises(FloorError, match="bone"):
        _move(tmp_path, BrokenBody())


def test_boards_that_are_still_running_end_with_the_world(tmp_path):
    with World() as world:
        board = VirtualBoard("tag", tmp_path / "tag", world)
        board.start()
    assert board.pid is None


def test_only_this_user_can_reach_the_socket(world):
    assert stat.S_IMODE(Path(world.socket_path).parent.stat().st_mode) == 0o700


def test_a_stranger_that_does_not_say_hello_is_shown_out(world):
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(PATIENCE_S)
        stranger.connect(world.socket_path)
        stranger.sendall(link.REQUEST.pack(link.INFO, 1, 0, 0))
        assert stranger.recv(10) == b""


@pytest.mark.parametrize(("op", "payload"), [(0xFF, b""), (link.I2C_READ_MEM, b"\x6a"), (link.I2C_WRITE, b"")])
def test_an_unknown_or_malformed_call_is_an_error_and_the_connection_lives(world, op, payload):
    with socket.socket(socket.AF_UNIX) as board:
        board.settimeout(PATIENCE_S)
        board.connect(world.socket_path)
        board.sendall(link.REQUEST.pack(link.HELLO, 1, link.CHANNEL_CALLS, 1) + b"b")
        assert board.recv(4) == link.REPLY.pack(1, 0, 0)
        board.sendall(link.REQUEST.pack(op, 2, 0, len(payload)) + payload)
        seq, code, _ = link.REPLY.unpack(board.recv(4))
        assert seq == 2
        assert code != 0
