"""What is compiled is made of the same sources once on a machine, and anew when anything it depends on changes."""

from __future__ import annotations

import sys
from unittest.mock import Mock

import pytest

from jikimi.fleet.virtual import linker, written_out

SOURCES = {"p": "LIMIT = 20\ndef over(value): return value > LIMIT\n", "m": "import p\np.over(3)\n"}


@pytest.fixture(autouse=True)
def linked(tmp_path, monkeypatch):
    """The linker, counted, on a machine where nothing is kept yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    counted = Mock(side_effect=linker.linked)
    monkeypatch.setattr(linker, "linked", counted)
    return counted


@pytest.mark.parametrize("write", [written_out.application, written_out.rom])
def test_the_same_sources_are_seen_through_once(linked, write):
    first = write(SOURCES)
    assert write(dict(reversed(SOURCES.items()))) == first
    assert linked.call_count == 1
    assert "value > (20)" in first["p"] or "a > (20)" in first["p"]


def test_an_application_of_other_sources_is_another():
    changed = SOURCES | {"p": SOURCES["p"].replace("20", "30")}
    assert "(20)" in written_out.application(SOURCES)["p"]
    assert "(30)" in written_out.application(changed)["p"]


def test_the_emulation_of_a_chip_is_not_taken_for_an_application_of_the_same_sources():
    assert "over(a)" in written_out.application(SOURCES)["p"]
    assert "over(value)" in written_out.rom(SOURCES)["p"]


@pytest.mark.parametrize(("owner", "name", "value"), [(written_out, "_own_code", list), (sys, "version", "another")])
def test_another_linker_or_another_python_sees_through_them_anew(linked, monkeypatch, owner, name, value):
    written_out.application(SOURCES)
    monkeypatch.setattr(owner, name, value)
    written_out.application(SOURCES)
    assert linked.call_count == 2


def test_sources_that_do_not_parse_are_refused_each_time():
    for _ in range(2):
        with pytest.raises(SyntaxError):
            written_out.application(SOURCES | {"bad": "def :\n"})
