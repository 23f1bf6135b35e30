"""The Modbus client against pymodbus, sound and spoilt, over TCP and with serial frames, on both Pythons."""

from __future__ import annotations

import random
import socket

import pytest
from pymodbus import FramerType
from pymodbus.framer.rtu import FramerRTU

from tests.firmware.modbus_server import HOLDING, INPUT, modbus_device

FRAMERS = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU}
CASES = ["3:0:1", "3:1:3", "3:0:125", "4:0:3", "4:2:1", "3:9999:1", "3:2:1"]


@pytest.fixture(params=sorted(FRAMERS))
def transport(request):
    return request.param


def asked(run_device, transport, cases, spoil=bytes):
    with modbus_device(FRAMERS[transport], spoil) as port:
        return run_device("modbus_cases", *cases, port, transport)


def test_registers_come_as_the_device_has_them_and_its_exceptions_by_their_code(run_device, transport):
    found = asked(run_device, transport, CASES)
    assert found[:5] == [HOLDING[:1], HOLDING[1:4], HOLDING[:125], INPUT, INPUT[2:]]
    assert found[5] == ["Modbus: exception 2", 2]  # illegal data address
    assert found[6] == HOLDING[2:3]  # and the next request works


SPOILT = {
    "silence": (lambda _data: b"", ("no answer", "no whole answer")),
    "cut short": (lambda data: data[:-3], ("no answer", "no whole answer")),
    "another unit": (lambda data: _with_unit(data, 2), ("another request", "wrong checksum")),
    "a flipped bit": (lambda data: bytes([data[0] ^ 1]) + data[1:], ("another request", "wrong checksum")),
    "noise": (lambda data: random.Random(1).randbytes(len(data)), ("another request", "wrong checksum", "no ")),
    "one register too few": (lambda data: _shorter(data), ("another length", "no whole answer", "wrong checksum")),
}


def _with_unit(data, unit):
    at = 6 if data[2:4] == b"\x00\x00" else 0
    return data[:at] + bytes([unit]) + data[at + 1 :]


def _shorter(data):
    """One register less, the lengths of frame and data as they should be for that."""
    if data[2:4] != b"\x00\x00":
        return data[:-4]
    return data[:5] + bytes([data[5] - 2]) + data[6:8] + bytes([data[8] - 2]) + data[9:-2]


@pytest.mark.parametrize("fault", sorted(SPOILT))
def test_an_answer_that_is_spoilt_is_an_error_and_never_a_number(run_device, transport, fault):
    spoil, said = SPOILT[fault]
    for text, code in asked(run_device, transport, ["3:1:2", "3:1:2"], spoil):
        assert any(part in text for part in said), text
        assert code is None


def test_an_answer_over_tcp_that_comes_too_late_is_not_taken_for_the_next_one(run_device):
    kept = []

    def late(data):
        kept.append(data)
        return b"" if len(kept) == 1 else kept[0] + data if len(kept) == 2 else data

    first, second, third = asked(run_device, "tcp", ["3:0:1", "3:1:1", "3:1:1"], late)
    assert isinstance(first[0], str)
    assert second == [1500] or isinstance(second[0], str)
    assert third == [1500]


def test_a_serial_answer_that_was_late_is_thrown_away_before_the_next_request(run_device):
    assert asked(run_device, "rtu", ["3:0:1"]) == [[0]]  # and not the 99 that lay on the line


def test_nobody_listening_is_an_error(run_device, transport, runtime):
    if transport == "tcp":
        with modbus_device(FRAMERS[transport]) as port:
            free = port
        assert "Modbus:" in run_device("modbus_cases", "3:0:1", free, "tcp")[0][0]


def test_a_machine_that_never_answers_is_not_left_with_one_more_open_connection_each_time(run_device):
    with socket.create_server(("127.0.0.1", 0), backlog=32) as server:  # its kernel takes the connections
        said, left = run_device("modbus_cases", "silent", server.getsockname()[1])
    assert said == 8 * [["Modbus: no answer", None]]
    assert left <= 1  # CPython's loop keeps one of its own


def test_the_checksum_is_that_of_an_independent_implementation(run_device):
    frames = [random.Random(seed).randbytes(seed) for seed in range(1, 60)]
    found = run_device("modbus_cases", "crc", *[frame.hex() for frame in frames])
    expected = [FramerRTU.compute_CRC(frame) for frame in frames]
    assert [low << 8 | high for high, low in (divmod(crc, 256) for crc in found)] == expected
