"""The service of the page: what becomes of it when it can no longer keep the page up to date."""

from __future__ import annotations

import subprocess
import sys

_BROKEN = """
import sys
from jikimi.fleet.site import Site
from jikimi.fleet.store import Store
from jikimi.fleet.web import floor_plan
from jikimi.fleet.web.desk import SiteDesk
from jikimi.fleet.web.live import Live
from jikimi.fleet.web.server import serve

class Broken(Live):
    def look(self):
        raise TypeError("a record that nobody thought of")

site = Site.open(sys.argv[1])
with Store.open(site.database_url, site.name) as store:
    live = Broken(store, site.name, floor_plan.load(site.floor_path))
    serve(site, live, SiteDesk(site, store, live))
"""


def test_a_page_that_is_not_kept_up_to_date_any_more_ends_with_the_reason_to_be_started_again(plant):
    done = subprocess.run(
        [sys.executable, "-c", _BROKEN, str(plant.site.path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert "TypeError: a record that nobody thought of" in done.stderr
