"""Load: many tags in one process, over mutual TLS, with the project's wire code and the device's side of the promise.

Each tag sends a few messages, waits until the site says that they are committed, and goes on; what nobody acknowledges
is sent again, to another node of the broker when one falls silent. What a tag has sent and heard is the ledger against
which the database is held. The process shares the machine with the site, so the figures are a lower bound.

Or they live a day (`play`): what a model makes of one (`shift`), or what a site recorded (`recorded`).
"""

from jikimi.fleet.load.connection import Connection
from jikimi.fleet.load.day import Day
from jikimi.fleet.load.packets import connect_packet, publish_packet, tls_context
from jikimi.fleet.load.play import Plan, clock, play_own_site, play_site
from jikimi.fleet.load.run import Report, account, drive, enrol, load_own_site, load_site
from jikimi.fleet.load.shift import MODELS
from jikimi.fleet.load.tag import Tag

__all__ = [
    "MODELS",
    "Connection",
    "Day",
    "Plan",
    "Report",
    "Tag",
    "account",
    "clock",
    "connect_packet",
    "drive",
    "enrol",
    "load_own_site",
    "load_site",
    "play_own_site",
    "play_site",
    "publish_packet",
    "tls_context",
]
