"""What a device still does when its heap is full: it writes down what must not be lost, and drops what may be."""

from __future__ import annotations

import re

import pytest

from jikimi.wire import kinds


@pytest.mark.parametrize("runtime", ["micropython"])
def test_an_alarm_is_recorded_and_kept_over_a_restart_although_no_byte_of_the_heap_is_free(run_device):
    recorded, on_after_a_restart = run_device("memory_cases")["alarm"]
    assert recorded == [kinds.FALL]
    assert on_after_a_restart == [kinds.FALL]


@pytest.mark.parametrize("runtime", ["micropython"])
def test_a_task_that_fails_for_want_of_memory_ends_the_life_at_once_and_leaves_its_traceback(run_device):
    name, crash, trace = run_device("memory_cases")["crash"]
    assert name == "greedy"
    assert re.fullmatch(r"MemoryError-[0-9a-f]{8}", crash)
    assert "in exhaust" in trace


def test_a_connection_for_which_there_is_no_memory_ends_and_the_next_one_sends_what_is_owed(run_device):
    sent, said = run_device("shed_cases")["sheds"]
    assert sent == ["connect", 1, "close", "connect", "close", "connect", 1]
    assert said == [
        "jk link up h", "jk link down MemoryError(none)", "jk link down MemoryError(none)", "jk link up h",
    ]  # fmt: skip


def test_a_device_that_cannot_connect_for_want_of_memory_starts_anew_after_three_tries(run_device):
    assert run_device("shed_cases")["gives up"] == 3


def test_vitals_for_which_there_is_no_memory_are_left_out_and_restart_nobody(run_device):
    first, said = run_device("shed_cases")["vitals"]
    assert first == 1000
    assert said == ["jk log no memory for vitals"] * 2
