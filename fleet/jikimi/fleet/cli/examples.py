"""Help ends with an example: the last paragraph of a docstring, below the options, on one line to copy."""

from __future__ import annotations

import click

_SIGN = "Example: "


def end_with_example(command: click.Command) -> click.Command:
    """Move the paragraph `Example: …` of a command and of all below it to the end of their help; returns `command`."""
    text, sign, example = (command.help or "").rpartition(_SIGN)
    if sign:
        command.help = text.strip()
        command.epilog = f"\b\n{_SIGN.strip()}\n  {' '.join(example.split())}"  # \b: click must not wrap it
    if isinstance(command, click.Group):
        for child in command.commands.values():
            end_with_example(child)
    return command
