"""What the core costs stays within its budgets, and the tool that says so adds up correctly."""

import json

import pytest

from tools import module_sizes, rv32, sizes, stack


def test_the_deepest_path_through_the_calls_is_what_a_function_needs():
    frames = {"push": 32, "tick": 16, "judge": 100, "root": 8}
    calls = {"push": {"tick", "root"}, "tick": {"judge", "root"}, "judge": {"root", "memcpy"}}
    assert stack.deepest(frames, calls) == {"push": 156, "tick": 124, "judge": 108, "root": 8}


def test_a_function_that_calls_itself_has_no_known_stack():
    with pytest.raises(stack.UnboundedError, match="calls itself"):
        stack.deepest({"a": 8, "b": 8}, {"a": {"b"}, "b": {"a"}})


def test_the_table_shows_what_changed_what_is_new_and_what_is_gone():
    text = sizes.lines({"state": {"a": 8, "b": 3}}, {"state": {"a": 12, "c": 1}})
    assert [line.split() for line in text[1:]] == [["a", "8", "12", "-4"], ["b", "3", "–"], ["c", "–", "1"]]


def test_modules_of_a_release_are_listed_the_largest_first_with_their_sum():
    assert module_sizes.lines({"a.mpy": 3, "b.mpy": 40})[1:] == [
        f"  {n:<44}{s:>8}" for n, s in (("b.mpy", 40), ("a.mpy", 3), ("all", 43))
    ]


def test_every_module_of_the_application_and_the_core_has_bytes():
    found = module_sizes.module_bytes()
    assert min(found.values()) > 0
    assert {"jikimi/sigcore.mpy", "jikimi/edge/proximity_tag.mpy"} <= set(found)


def test_a_figure_beyond_its_budget_is_named():
    tables: dict[str, sizes.Table] = {
        "mpy": {"x.mpy": 24577},
        "state": {"sig_a": 1024},
        "stack": {},
        "rv32 a sample": {"a": 700, "all": 601},
    }
    assert sizes.over_budget(tables) == ["x.mpy: 24577 of 24576", "all: 601 of 600"]


def test_states_and_stack_are_within_their_budgets():
    tables = {"mpy": {}, "state": sizes.state_bytes(), "stack": sizes.stack_bytes()}
    assert set(tables["state"]) >= {
        f"sig_{name}" for name in ("front", "fall", "bend", "ble", "exertion", "load", "uwb", "zone")
    }
    assert sizes.over_budget(tables) == []


def written() -> dict[str, sizes.Table]:
    found: dict[str, sizes.Table] = json.loads(sizes.WRITTEN.read_text(encoding="utf-8"))
    return found


def test_the_module_is_no_larger_than_the_written_table_says():
    other_compilers = 1.02
    for name, size in sizes.mpy_bytes().items():
        assert size <= written()["mpy"][name] * other_compilers


def test_a_sample_costs_no_more_instructions_than_the_written_table_says():
    if sentence := rv32.missing():
        pytest.skip(sentence)
    sample, _ = sizes.instructions()
    assert sample["all"] <= max(sizes.RV32_BUDGET, written()["rv32 a sample"]["all"] * 1.02), sample
