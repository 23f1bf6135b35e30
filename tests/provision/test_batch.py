"""The batch file."""

from __future__ import annotations

import pytest

from jikimi.fleet.errors import BatchError
from jikimi.fleet.provision import Batch, read_csv
from jikimi.fleet.registry import Description

HEAD = "kind,name,zone,machine_kind,port,board\n"


def test_rows_are_read_with_what_they_leave_out():
    rows = read_csv("kind,name,zone\ntag,Tag 1,floor\ntag, 태그 2 ,floor\n")
    assert [row.description for row in rows] == [
        Description("tag", "Tag 1", "floor"),
        Description("tag", "태그 2", "floor"),
    ]


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
    ],
)
def test_a_wrong_batch_file_is_refused_with_its_line(text, sentence):
    with pytest.raises(BatchError, match=sentence):
        read_csv(text)


def test_counted_names_skip_what_is_in_use_and_what_was_given():
    batch = Batch(None, Description("tag", "Tag", "floor"), lambda name: name != "Tag 2")
    assert [batch.take("p", "b").name for _ in range(3)] == ["Tag 1", "Tag 3", "Tag 4"]
    batch.give_back(Description("tag", "Tag 3", "floor"))
    assert batch.take("p", "b").name == "Tag 3"
