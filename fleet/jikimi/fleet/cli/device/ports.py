"""Options that name the ports of boards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def port_options(command: _Command) -> _Command:
    """`--port`, `--all-ports` and `--ports-from`: the command gets `ports`, at least one, each once."""

    def with_ports(*arguments: Any, port: tuple[str, ...], all_ports: bool, ports_from: Any, **options: Any) -> Any:
        return command(*arguments, ports=_ports(port, all_ports, ports_from), **options)

    with_ports.__doc__ = command.__doc__
    with_ports.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(_OPTIONS):
        option(with_ports)
    return with_ports  # type: ignore[return-value]


_OPTIONS = (
    click.option("--port", multiple=True, metavar="PORT", help="Serial port of a board; may be given several times."),
    click.option("--all-ports", is_flag=True, help="Every USB port that looks like a board."),
    click.option("--ports-from", metavar="FILE", type=click.File(), help="Ports, one a line; - reads stdin."),
)


def _ports(named: tuple[str, ...], every: bool, listed: Any) -> list[str]:
    if every + bool(named) + (listed is not None) != 1:
        raise click.UsageError("name boards by one of --port, --all-ports and --ports-from")
    if every:
        from jikimi.fleet.provision.ports import usb_ports  # slow import

        return usb_ports()
    found = [line.strip() for line in listed if line.strip()] if listed is not None else list(named)
    if not found:
        raise click.UsageError("no port named")
    return found
