"""The service `web`: `python -m jikimi.fleet.web --site DIR`."""

from __future__ import annotations

import logging
import sys

import click

from jikimi.fleet.errors import JikimiError


@click.command("web")
@click.option("--site", "directory", required=True, metavar="DIR", help="Directory of the site.")
def command(directory: str) -> None:
    """Serve the live page of a site until SIGTERM."""
    from jikimi.fleet.services.patience import patiently
    from jikimi.fleet.site import Site  # slow imports, so that --help is quick
    from jikimi.fleet.store import Store
    from jikimi.fleet.web import floor_plan
    from jikimi.fleet.web.desk import SiteDesk
    from jikimi.fleet.web.live import Live
    from jikimi.fleet.web.server import serve

    site = Site.open(directory)
    with patiently(site, "web", lambda: Store.open(site.database_url, site.name)) as store:
        live = Live(store, site.name, floor_plan.load(site.floor_path))
        serve(site, live, SiteDesk(site, store, live))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        command()
    except JikimiError as error:
        sys.exit(f"jikimi web: {error}")
