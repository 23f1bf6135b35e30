"""A board with firmware, configuration and a key, and no broker to talk to."""

from __future__ import annotations

import pytest

from hil_tests.strategy import BOOT_S, State

pytestmark = pytest.mark.needs(State.PROVISIONED)


def boot_number(line: str) -> int:
    return int(line.split()[2])


def test_it_says_who_it_is_and_that_it_runs_the_native_core(board):
    seen = board.console.count
    board.restart()
    said = board.console.wait_for(r"^jk boot ", BOOT_S, seen).split()
    assert said[3:5] == [board.place.kind, board.device]
    assert board.console.wait_for(r"^jk core ", BOOT_S, seen).endswith(" native")


def test_each_boot_has_the_next_number(board):
    numbers = []
    for _ in range(2):
        seen = board.console.count
        board.restart()
        numbers.append(boot_number(board.console.wait_for(r"^jk boot ", BOOT_S, seen)))
    assert numbers[1] == numbers[0] + 1


def test_without_a_broker_it_keeps_trying_and_stays_up(board):
    seen = board.console.count
    board.console.wait_for(r"^jk link down ", BOOT_S, seen)
    assert not any(line.startswith("Traceback") for line in board.console.lines(seen))
