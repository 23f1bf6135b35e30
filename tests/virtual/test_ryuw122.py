# mypy: allow-untyped-calls
# ruff: noqa: ASYNC110 - the medium has no event to wait for; conditions are polled
"""The ranging module, command by command."""

from __future__ import annotations

import asyncio

import pytest

from jikimi.fleet.virtual.chips.ryuw122 import Ryuw122
from jikimi.fleet.virtual.radio import UwbMedium


class Line:
    """A module on a serial line."""

    def __init__(self, exchange=lambda *_: None):
        self.out = bytearray()
        self.module = Ryuw122(self.out.extend, exchange)

    def ask(self, *commands):
        """Send commands; the answer lines so far."""
        for command in commands:
            self.module.receive(command.encode() + b"\r\n")
        return self.lines()

    def lines(self):
        got = self.out.decode("latin-1").split("\r\n")[:-1]
        self.out.clear()
        return got


@pytest.mark.parametrize("command", ["AT", "AT+MODE=1", "AT+NETWORKID=JIKIMI01", "AT+ADDRESS=ANCH0001", "AT+CAL=-12"])
def test_a_good_command_is_answered_ok(command):
    assert Line().ask(command) == ["+OK"]


@pytest.mark.parametrize("command", ["HELLO", "AT+NONSENSE=1", "AT+MODE=7", "AT+ADDRESS=TOOLONG99", "AT+CAL=500"])
def test_a_bad_command_is_answered_with_an_error_and_changes_nothing(command):
    line = Line()
    before = dict(line.module.settings)
    (answer,) = line.ask(command)
    assert answer.startswith("+ERR=")
    assert line.module.settings == before


def test_settings_can_be_asked_for_and_outlive_a_reset_but_not_the_factory():
    line = Line()
    line.ask("AT+ADDRESS=TAG00001")
    assert line.ask("AT+RESET") == ["+RESET", "+READY"]
    assert line.ask("AT+ADDRESS?") == ["+ADDRESS=TAG00001"]
    line.ask("AT+FACTORY")
    assert line.ask("AT+ADDRESS?") == ["+ADDRESS=DAVID123"]


def test_a_command_may_come_in_pieces():
    line = Line()
    for byte in b"AT+MODE=1\r\n":
        line.module.receive(bytes([byte]))
    assert line.lines() == ["+OK"]


def test_only_an_anchor_asks_and_only_a_tag_answers():
    line = Line()
    assert line.ask("AT+ANCHOR_SEND=TAG00001,1,X") == ["+ERR=4"]
    line.ask("AT+MODE=1")
    assert line.ask("AT+TAG_SEND=1,X") == ["+ERR=4"]


@pytest.mark.parametrize("value", ["TAG00001,3,HI", "TAG00001,13,ABCDEFGHIJKLM", ",2,HI", "TAG00001,x,HI", "TAG00001"])
def test_a_payload_whose_length_is_wrong_or_over_twelve_is_refused(value):
    line = Line()
    line.ask("AT+MODE=1")
    assert line.ask(f"AT+ANCHOR_SEND={value}") == ["+ERR=3"]


def test_garbage_on_the_line_spoils_answers_and_the_module_recovers():
    line = Line()
    line.module.garbage = 0.5
    line.ask(*["AT"] * 20)
    line.module.garbage = 0.0
    line.ask("")  # ends whatever half line there is
    line.lines()
    assert line.ask("AT") == ["+OK"]


def test_a_dead_module_says_nothing():
    line = Line()
    line.module.silent = True
    assert line.ask("AT", "AT+MODE?") == []


class Path:
    """A channel with one distance."""

    def __init__(self, distance_m):
        self.distance_m = distance_m

    def rssi_dbm(self, tx, rx, t_s):
        return None

    def range_m(self, a, b, t_s):
        return self.distance_m


def exchange(distance_m=2.344, tag_setup=(), payload="WARN"):
    """One exchange between an anchor and a tag; (anchor's lines, tag's lines)."""

    async def run():
        medium = UwbMedium(Path(distance_m), asyncio.get_running_loop().time)
        anchor, tag = Line(medium.exchange), Line(medium.exchange)
        medium.add("anchor", anchor.module)
        medium.add("tag", tag.module)
        tag.ask("AT+ADDRESS=TAG00001", *tag_setup)
        anchor.ask("AT+MODE=1")
        anchor.ask(f"AT+ANCHOR_SEND=TAG00001,{len(payload)},{payload}")
        async with asyncio.timeout(5):
            while medium.pending:
                await asyncio.sleep(0.001)
        return anchor.lines(), tag.lines()

    return asyncio.run(run())


def test_an_exchange_gives_the_anchor_the_distance_and_the_tags_data_once_and_the_tag_the_payload():
    anchor, tag = exchange(tag_setup=["AT+TAG_SEND=5,HELLO"])
    assert anchor == ["+ANCHOR_RCV=TAG00001,5,HELLO,234 cm"]
    assert tag == ["+TAG_RCV=4,WARN"]


def test_without_waiting_data_the_tag_answers_an_empty_payload():
    anchor, _ = exchange()
    assert anchor == ["+ANCHOR_RCV=TAG00001,0,,234 cm"]


@pytest.mark.parametrize(
    "tag_setup", [["AT+ADDRESS=OTHER"], ["AT+NETWORKID=OTHER"], ["AT+MODE=1"], ["AT+MODE=2"], ["AT+CHANNEL=9"]]
)
def test_a_tag_elsewhere_asleep_or_on_another_network_stays_silent(tag_setup):
    assert exchange(tag_setup=tag_setup) == ([], [])


def test_a_failed_range_is_silence():
    assert exchange(distance_m=None) == ([], [])


def test_the_calibration_is_added_to_the_distance():
    line = Line()
    line.ask("AT+MODE=1", "AT+CAL=-34")
    line.module.tag_answered("TAG00001", b"", 2.34)
    assert line.lines() == ["+ANCHOR_RCV=TAG00001,0,,200 cm"]
