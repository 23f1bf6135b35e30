"""What devices and files say is shown as it is, and cannot do anything to a terminal."""

from __future__ import annotations

import pytest

from jikimi.fleet.cli.show import print_rows, printable
from jikimi.fleet.cli.watch import cells
from jikimi.fleet.store import RecordRow


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("태그 7", "태그 7"),
        ("a\tb\nc", "a b c"),
        ("\x1b]0;mine\x07\x1b[2J", "�]0;mine��[2J"),
        ("\x9b31m\u202e", "�31m�"),
    ],
)
def test_what_a_text_could_do_to_a_terminal_is_taken_out(said, shown, capsys):
    assert printable(said) == shown
    print_rows(("a", "b"), [(said, "x")], empty="")
    assert capsys.readouterr().out == f"{shown}\tx\n"


def test_a_record_with_control_characters_is_one_line_of_a_live_view():
    data = {"why": "\x1b[2J\n", "count": 3}
    row = RecordRow(1, 0, "set", 0, 0, "cleared", "emergency", "d", "Tag\x1b", "hall", 1, 0, 1, data)
    assert cells(row)[2:] == ["Tag�", "hall", "why �[2J , count 3"]
