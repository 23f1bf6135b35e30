"""The documents say what is there: commands, folders, files, targets."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from jikimi.fleet.cli import _COMMANDS, cli
from tools import card, sizes

_ROOT = Path(__file__).parent.parent
_DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "proto/*.md", "firmware/*.md", "native/*.md", "hil_tests/*.md")
    for path in _ROOT.glob(pattern)
)
_README = (_ROOT / "README.md").read_text(encoding="utf-8")


def _all(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
    """A command or group, and everything below it."""
    found: list[tuple[str, click.Command]] = [(name, command)]
    if not isinstance(command, click.Group):
        return found
    context = click.Context(command)
    for child_name in command.list_commands(context):
        child = command.get_command(context, child_name)
        assert child is not None
        found += _all(child, f"{name} {child_name}")
    return found


_COMMANDS_AND_GROUPS = dict(_all(cli, "jikimi"))
_LEAVES = [
    (name, command)
    for name, command in _COMMANDS_AND_GROUPS.items()
    if not isinstance(command, click.Group) or command.invoke_without_command
]


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_every_command_stands_in_the_readme(name):
    assert f"| `jikimi {name}` |" in _README


def test_the_readme_names_no_command_that_does_not_exist():
    named = set(re.findall(r"jikimi ([a-z][a-z-]+)", _README))
    assert named <= set(_COMMANDS) | {"is"}


@pytest.mark.parametrize(("name", "command"), _LEAVES, ids=[name for name, _ in _LEAVES])
def test_every_command_and_option_has_help(name, command):
    assert (command.help or "").strip(), f"{name} has no help"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize(("name", "command"), _LEAVES, ids=[name for name, _ in _LEAVES])
def test_every_help_runs(name, command):
    result = CliRunner().invoke(cli, [*name.split()[1:], "--help"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", _COMMANDS_AND_GROUPS)
def test_every_help_ends_with_an_example_on_one_line_that_the_command_takes(name):
    lines = CliRunner().invoke(cli, [*name.split()[1:], "--help"]).output.splitlines()
    assert lines[-2] == "  Example:"
    words = shlex.split(lines[-1].split(">")[0])
    called = max((known for known in _COMMANDS_AND_GROUPS if words[: len(known.split())] == known.split()), key=len)
    assert called.startswith(name)
    command = _COMMANDS_AND_GROUPS[called]
    given, rest, _ = command.make_parser(click.Context(command)).parse_args(words[len(called.split()) :])
    assert rest == []
    assert [p.name for p in command.params if p.required and not given.get(p.name or "")] == []


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.name)
def test_every_file_a_document_names_is_there(document):
    text = document.read_text(encoding="utf-8")
    names = set(re.findall(r"\b(?:proto|native|firmware|fleet|hil_tests|tests|tools|docs)/[\w./-]*\w", text))
    names |= set(re.findall(r"(?<![\w/])[A-Z]{3,}(?:_[A-Z]+)?\.md\b", text))
    missing = [name for name in names if not ((_ROOT / name).exists() or (document.parent / name).exists())]
    built = {name for name in missing if name.endswith((".mpy", ".so"))}
    assert set(missing) - built == set()


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_a_document_names_is_there(document):
    makefile = (_ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z]+)", document.read_text(encoding="utf-8"))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_overview_of_the_model_card_says_what_its_sections_say():
    text = card.CARD.read_text(encoding="utf-8")
    assert card.with_overview(text) == text, "bring it up to date: python -m tools.card --write"


def test_the_cost_in_the_model_card_is_that_of_the_table_of_sizes():
    written = json.loads(sizes.WRITTEN.read_text(encoding="utf-8"))
    section = card.sections(card.CARD.read_text(encoding="utf-8"))["cost"]
    assert section == ("sizes", sizes.card_body(written)), "write it: make sizes ARGS=--write"


def test_the_command_that_makes_the_model_card_again_runs_every_tool_that_writes_a_section():
    makefile = (_ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\ncard: setup\n")[2].partition("\n\n")[0]
    named = set(re.findall(r"\b(?:eval|train)_\w+|\bsizes\b", recipe))
    assert named == {tool for tool, _ in card.sections(card.CARD.read_text(encoding="utf-8")).values()}
