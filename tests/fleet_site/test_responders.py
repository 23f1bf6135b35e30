"""Who may take alarms on at the page: a role and its code, until it is removed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from jikimi.fleet.alarms import responders
from jikimi.fleet.cli import cli
from jikimi.fleet.errors import RegistryError
from jikimi.fleet.site import Site


@pytest.fixture
def site(tmp_path) -> Site:
    return Site.init(tmp_path / "plant")


def _run(site: Site, *words: str) -> Result:
    return CliRunner().invoke(cli, ["alarm", "responder", *words, "--site", str(site.path)])


def test_a_code_is_told_once_belongs_to_its_role_however_it_is_typed_and_ends_when_it_is_removed(site):
    code = _run(site, "add", "first-aider").stdout.strip()
    for typed in (code, code.upper(), code.replace("-", ""), f" {code} "):
        assert responders.role_of(site, typed) == "first-aider"
    assert [row["role"] for row in json.loads(_run(site, "list", "--json").stdout)] == ["first-aider"]
    assert code.encode() not in b"".join(path.read_bytes() for path in site.path.glob("jikimi.db*"))
    assert _run(site, "remove", "first-aider").exit_code == 0
    assert responders.role_of(site, code) is None
    assert _run(site, "list").stdout == ""


@pytest.mark.parametrize("typed", ["", "-", "first-aider", "a" * 20, "가나다라", "x" * 100_000])
def test_what_is_no_code_is_nobodys(site, typed):
    responders.add(site, "first-aider")
    assert responders.role_of(site, typed) is None


def test_a_second_code_for_a_role_and_a_name_that_is_a_persons_are_refused_with_what_to_do(site):
    responders.add(site, "first-aider")
    with pytest.raises(RegistryError, match="jikimi alarm responder remove first-aider"):
        responders.add(site, "first-aider")
    with pytest.raises(RegistryError, match="never a person"):
        responders.add(site, "Kim Min-su")
    with pytest.raises(RegistryError, match="has no code"):
        responders.remove(site, "shift-leader")


def test_no_two_codes_are_equal_and_none_is_short(site):
    codes = {responders.add(site, f"role-{number}") for number in range(20)}
    assert len(codes) == 20
    assert {len(code.replace("-", "")) for code in codes} == {20}
