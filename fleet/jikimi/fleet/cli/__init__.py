"""The `jikimi` command: each entry is imported only when it is used, so that `--help` stays quick."""

from __future__ import annotations

import importlib
import sys

import click

from jikimi.fleet.cli.examples import end_with_example
from jikimi.fleet.errors import JikimiError

# name -> (module with an attribute `command`, one line for --help). Keeping the line here keeps --help from
# importing anything.
_COMMANDS: dict[str, tuple[str, str]] = {
    "agreement": ("jikimi.fleet.cli.agreement", "The data-use agreement: propose, sign, explain, verify."),
    "alarm": ("jikimi.fleet.cli.alarm", "Alarms: list, acknowledge."),
    "audit": ("jikimi.fleet.cli.audit", "Who asked what about people's work."),
    "bench": ("jikimi.fleet.cli.bench", "Measure what this machine can take."),
    "config": ("jikimi.fleet.cli.config", "Settings of devices, as a file: plan, apply, drift."),
    "demo": ("jikimi.fleet.cli.demo", "Run a whole factory on emulated boards."),
    "device": ("jikimi.fleet.cli.device", "Devices of a site: flash, provision, list, revoke, …"),
    "release": ("jikimi.fleet.cli.release", "Signed releases of the device application, and their rollouts."),
    "replay": ("jikimi.fleet.cli.replay", "Run the signal core over recordings."),
    "report": ("jikimi.fleet.cli.report", "Near misses, and how complete the records are."),
    "site": ("jikimi.fleet.cli.site", "Make a site."),
    "up": ("jikimi.fleet.cli.up", "Run a site until Ctrl-C."),
    "virtual-board": ("jikimi.fleet.cli.virtual_board", "Run boards without hardware."),
    "watch": ("jikimi.fleet.cli.watch", "Live events in the terminal."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = importlib.import_module(_COMMANDS[name][0]).command
        assert isinstance(command, click.Command)
        return end_with_example(command)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _COMMANDS[name][1]) for name in sorted(_COMMANDS)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jikimi")
def cli() -> None:
    """Jikimi, the one who keeps watch: run a site of safety tags and machine nodes.

    Data goes to stdout, talk to stderr. Exit code 0 done, 1 failed, 2 misuse.

    Example: jikimi demo --seconds 30 --tags 4 --machines 2
    """


end_with_example(cli)


def main() -> None:
    """Entry point: turn our errors, and the system's about files, into one sentence on stderr and exit code 1."""
    try:
        cli()
    except JikimiError as error:
        _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}")  # a place the user named: full, away, not allowed


def _fail(sentence: str) -> None:
    click.echo(f"jikimi: {sentence}", err=True)
    sys.exit(1)
