"""The model card's sections: one tool writes one, and what others wrote stays as it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import card, intervals

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r<"), max_size=80)


@given(TEXT, TEXT, TEXT, TEXT)
def test_a_section_is_replaced_and_everything_around_it_stays(before, old, new, after):
    first = card.replaced(before, "uwb", "train_uwb", old)
    whole = first + after
    again = card.replaced(whole, "uwb", "train_uwb", new)
    assert again.startswith(before.rstrip("\n"))
    assert again.endswith("<!-- end of section uwb -->\n" + after)
    assert new.strip("\n") in again
    assert card.replaced(again, "uwb", "train_uwb", new) == again


def test_sections_do_not_touch_each_other():
    text = card.replaced(card.replaced("# Card\n", "ble", "train_ble", "## BLE"), "uwb", "train_uwb", "## UWB")
    changed = card.replaced(text, "ble", "train_ble", "## BLE, measured again")
    assert changed == text.replace("## BLE", "## BLE, measured again")


@pytest.mark.parametrize(
    "text",
    [
        "<!-- section uwb, written by x -->\n",
        "<!-- end of section uwb -->\n",
        "<!-- end of section uwb -->\n<!-- section uwb, written by x -->\n",
    ],
)
def test_broken_markers_are_refused(text):
    with pytest.raises(ValueError, match="broken"):
        card.replaced(text, "uwb", "train_uwb", "body")


@pytest.mark.parametrize(
    ("section", "tool", "body"), [("U W B", "x", ""), ("uwb", "x-y", ""), ("uwb", "x", "<!-- section a")]
)
def test_names_and_bodies_that_would_break_markers_are_refused(section, tool, body):
    with pytest.raises(ValueError, match=r"named by|marker"):
        card.replaced("", section, tool, body)


def test_every_section_of_the_card_in_the_tree_has_both_markers_and_an_existing_tool():
    text = card.CARD.read_text(encoding="utf-8")
    begun = re.findall(r"<!-- section ([a-z0-9-]+), written by `python -m tools\.(\w+) --write` -->", text)
    ended = re.findall(r"<!-- end of section ([a-z0-9-]+) -->", text)
    assert [name for name, _ in begun] == ended
    assert len(set(ended)) == len(ended) > 0
    for _, tool in begun:
        assert (card.CARD.parent.parent / "tools" / f"{tool}.py").is_file()


def test_shares_and_means_come_with_what_they_could_have_been():
    assert intervals.share(0, 0) == "–"
    assert intervals.share(50, 100) == "50.0 % (40.4 to 59.6)"  # Wilson 1927
    assert intervals.mean_over([1.0, 1.0, 1.0]) == "1.00 (1.00 to 1.00)"
