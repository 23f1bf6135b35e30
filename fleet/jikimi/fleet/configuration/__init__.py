"""Configuration of devices: desired as a file, resolved for each device, signed, sent, and reported back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jikimi.fleet.configuration.desired import (
    STARTER,
    Desired,
    Subject,
    Table,
    load,
    load_secrets,
    parse,
    render,
    resolve,
)

if TYPE_CHECKING:
    from jikimi.fleet.site import Site

__all__ = [
    "STARTER",
    "Desired",
    "Subject",
    "Table",
    "in_force",
    "load",
    "load_secrets",
    "parse",
    "render",
    "resolve",
    "settings_of",
]

DESIRED, APPLIED, SECRETS = "fleet.toml", "applied.toml", "secrets.toml"


def in_force(site: Site) -> Desired:
    """What was applied last; before that, what `fleet.toml` says, or what a new site starts with.

    An empty `fleet.toml` counts as none: `jikimi config export > fleet.toml` has emptied it before we come to look.
    """
    path = site.path / APPLIED
    found = load(path if path.exists() else site.path / DESIRED)
    return STARTER if found == Desired() else found


def settings_of(site: Site, subject: Subject) -> Table:
    """What `fleet.toml` of the site says this device shall be set to, secrets included."""
    desired = load(site.path / DESIRED)
    return resolve(desired, subject, site.name, site.endpoint(), load_secrets(site.path / SECRETS))
