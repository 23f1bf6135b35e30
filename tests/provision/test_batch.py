"""The batch file."""

from __future__ import annotations

import pytest

from jikimi.fleet.errors import BatchError
from jikimi.fleet.provision import Batch, read_csv
from jikimi.fleet.registry import Description

HEAD = "kind,name,zone,machine_kind,port,board\n"


def test_rows_are_read_with_what_they_leave_out():
    rows = read_csv("kind,name,zone\ntag,Tag 1,floor\ntag, 태그 2 ,floor\n".encode())
    assert [row.description for row in rows] == [
        Description("tag", "Tag 1", "floor"),
        Description("tag", "태그 2", "floor"),
    ]


def test_a_file_as_spreadsheets_save_it_is_read_with_its_byte_order_mark_and_line_ends():
    (row,) = read_csv("kind,name,zone\r\ntag,태그 1,floor\r\n".encode("utf-8-sig"))
    assert row.description == Description("tag", "태그 1", "floor")


def test_a_file_in_another_encoding_is_refused_with_how_to_save_it():
    with pytest.raises(BatchError, match='save it in the spreadsheet as "CSV UTF-8"'):
        read_csv("kind,name,zone\ntag,태그 1,floor\n".encode("cp949"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind,name\n", "missing: zone"),
        ("kind,name,zone,colour\n", "'colour' is not known"),
        (HEAD + "phone,a,b,,,\n", "line 2: kind must be tag or node"),
        (HEAD + "tag,a,b,,,\ntag,a,c,,,\n", "name 'a' is there twice"),
        (HEAD + "tag,a,b,,p,\ntag,b,c,,p,\n", "port 'p' is there twice"),
        (HEAD + "tag,a,b,,,AA\ntag,b,c,,,aa\n", "board 'aa' is there twice"),
        (HEAD + "tag,a\n", "line 2 has not as many fields"),
        (HEAD + "tag,a,b,,,,more\n", "line 2 has not as many fields"),
        ("", "missing: kind, name, zone"),
        ("kind;name;zone\ntag;a;b\n", "semicolons: save the file with commas"),
    ],
)
def test_a_wrong_batch_file_is_refused_with_its_line(text, sentence):
    with pytest.raises(BatchError, match=sentence):
        read_csv(text.encode())


def test_counted_names_skip_what_is_in_use_and_what_was_given():
    batch = Batch(None, Description("tag", "Tag", "floor"), lambda name: name != "Tag 2")
    assert [batch.take("p", "b").name for _ in range(3)] == ["Tag 1", "Tag 3", "Tag 4"]
    batch.give_back(Description("tag", "Tag 3", "floor"))
    assert batch.take("p", "b").name == "Tag 3"
