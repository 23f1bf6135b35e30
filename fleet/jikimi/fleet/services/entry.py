"""How a service that is a Python program starts: arguments, log, and one sentence when it cannot work."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from jikimi.fleet.errors import JikimiError
from jikimi.fleet.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_log = logging.getLogger(__name__)


def run(name: str, what: str, serve: Callable[[Site], None], arguments: Sequence[str] | None = None) -> int:
    """Serve the site that `--site` names until SIGTERM; 0 then, and 1 when the service cannot work."""
    parser = argparse.ArgumentParser(prog=f"jikimi.fleet.{name}", description=what)
    return run_with(parser, lambda site, _chosen: serve(site), arguments)


def run_with(
    parser: argparse.ArgumentParser,
    serve: Callable[[Site, argparse.Namespace], None],
    arguments: Sequence[str] | None = None,
) -> int:
    """As `run`, for a service whose `parser` knows more than `--site`."""
    parser.add_argument("--site", required=True, help="directory of the site")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    chosen = parser.parse_args(arguments)
    try:
        serve(Site.open(chosen.site), chosen)
    except JikimiError as error:
        _log.error("%s", error)
        return 1
    return 0
