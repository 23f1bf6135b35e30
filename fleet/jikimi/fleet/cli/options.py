"""Options that several commands share, as decorators."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jikimi.fleet.site import ENVIRONMENT, Site

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")

ARCHES = ("x64", "xtensawin", "rv32imc")  # as jikimi.fleet.release has them, which is slow to import


class FiniteRange(click.FloatRange):
    """A `click.FloatRange` without nan, which passes every comparison with a limit, and without infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is not finite, as misuse."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class Moment(click.ParamType[int]):
    """A day or time in ISO 8601 (local when it names no zone), as ms since 1970 UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Refuse what is no time, as misuse."""
        try:
            return int(datetime.datetime.fromisoformat(value).timestamp() * 1000)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a day or time such as 2026-11-24 or 2026-11-24T08:00", param, ctx)


class TimeOfDay(click.ParamType[int]):
    """HH:MM, as seconds after midnight."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Refuse what is no time of day, as misuse."""
        try:
            time = datetime.time.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time of day such as 07:55", param, ctx)
        return time.hour * 3600 + time.minute * 60 + time.second


def place_option(command: _Command) -> _Command:
    """`--dir DIR`: the command gets a `directory` for `ending.place`."""
    return click.option(
        "--dir",
        "directory",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Make the site here and keep it.  [default: a temporary one]",
    )(command)


def site_option(command: _Command) -> _Command:
    """`--site DIR`: the command gets an open `site`."""
    return click.option(
        "--site",
        envvar=ENVIRONMENT,
        metavar="DIR",
        callback=lambda _context, _parameter, value: Site.open(value),
        help=f"Directory of the site.  [default: ${ENVIRONMENT}, else the current directory]",
    )(command)


def lazy_site_option(command: _Command) -> _Command:
    """`--site DIR` of a command that may do without: it gets the path as `site`, for `Site.open`, or None."""
    return click.option(
        "--site",
        envvar=ENVIRONMENT,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help=f"Directory of the site.  [default: ${ENVIRONMENT}, else the current directory]",
    )(command)


def read_text(path: Path) -> str:
    """The text of a file that was named; misuse when it is none."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{path} is not UTF-8 text", param_hint="FILE") from error


def json_option(command: _Command) -> _Command:
    """`--json`: the command gets `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


arch_option = click.option(
    "--arch",
    type=click.Choice(ARCHES),
    default="x64",
    show_default=True,
    help="Chip family; x64 is the virtual board's.",
)
