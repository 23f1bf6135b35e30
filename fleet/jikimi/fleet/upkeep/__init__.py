"""Upkeep: what a site needs done again and again. Silent devices become alarms, old records are deleted."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jikimi.fleet.agreement import chain
from jikimi.fleet.configuration import DESIRED, SECRETS, Subject, load, resolve
from jikimi.fleet.configuration.desired import load_secrets
from jikimi.fleet.errors import AgreementError, ConfigurationError

if TYPE_CHECKING:
    from jikimi.fleet.site import Site
    from jikimi.fleet.site.settings import RetentionSettings
    from jikimi.fleet.store import DeletionRow, Store

__all__ = ["Upkeep", "delete_old", "rules_of_retention", "silence_limits_ms"]

_log = logging.getLogger(__name__)

MISSED_VITALS: Final = 4  # in a row; one may always be lost, and a device that connects again needs a moment
_VITALS_S: Final = 30  # of a device that is told nothing else
_LIMITS_MS: Final = 60_000  # how often the devices' periods are read again
_SETTINGS: Final = {"unreadable": "letter"}  # what settings call a category of the agreement
_DELETE_MS: Final = 3_600_000


class Upkeep:
    """Does what is due at each `step`; nothing is silent before it has had the chance to be heard since the start."""

    def __init__(self, site: Site, store: Store, now_ms: int) -> None:
        self._site = site
        self._store = store
        self._start_ms = now_ms
        self._limits_ms: dict[str, int] = {}
        self._limits_due_ms = self._delete_due_ms = now_ms

    def step(self, now_ms: int) -> None:
        """Do what is due. StoreError when the database does not work: the next step tries again."""
        if now_ms >= self._limits_due_ms:
            self._limits_ms = silence_limits_ms(self._site, self._store)
            self._limits_due_ms = now_ms + _LIMITS_MS
        self._judge(now_ms)
        if now_ms >= self._delete_due_ms:
            self._delete_due_ms = now_ms + _DELETE_MS
            for row in delete_old(self._site, self._store, now_ms):
                _log.info("deleted %d of %s, older than %d days", row.count, row.category, row.days)

    def _judge(self, now_ms: int) -> None:
        least_ms = self._site.settings.alarms.silent_s * 1000
        raised, ended = self._store.judge_silence(now_ms, self._limits_ms, least_ms, self._start_ms)
        if raised or ended:
            _log.info("silent devices: %d new, %d heard again or out of use", raised, ended)


def silence_limits_ms(site: Site, store: Store) -> dict[str, int]:
    """For each device how long it may be silent: four of the periods at which it is configured to send vitals."""
    desired = load(site.path / DESIRED)
    secrets, endpoint = load_secrets(site.path / SECRETS), site.endpoint()
    known: dict[tuple[str, ...], int] = {}
    found = {}
    for row in store.device_rows():
        # Devices without settings of their own are configured by kind and zone.
        group = (row.device,) if row.device in desired.device else (row.kind, row.zone)
        if group not in known:
            subject = Subject(row.device, row.kind, row.name, row.zone, row.machine_kind)
            try:
                period_s = int(resolve(desired, subject, site.name, endpoint, secrets)["vitals_s"])
            except ConfigurationError:
                period_s = _VITALS_S  # nothing was sent to it yet
            known[group] = 1000 * max(site.settings.alarms.silent_s, MISSED_VITALS * period_s)
        found[row.device] = known[group]
    return found


def rules_of_retention(site: Site, store: Store) -> RetentionSettings:
    """The shorter of what the settings of the site and the agreement in force say; an agreement has to be genuine."""
    rules = site.settings.retention
    try:
        link = chain.check(site.name, store.agreements()).in_force
    except AgreementError as error:
        _log.warning("only the settings of the site say how long records are kept: %s", error)
        return rules
    if link is None:
        return rules
    agreed = {f"{_SETTINGS.get(name, name)}_days": days for name, days in link.terms.retention_days}
    return replace(rules, **{name: min(days, getattr(rules, name)) for name, days in agreed.items()})


def delete_old(site: Site, store: Store, now_ms: int) -> list[DeletionRow]:
    """Apply the rules of retention; what was deleted."""
    rules = rules_of_retention(site, store)
    return store.delete_old(rules.by_category(), rules.letter_days, now_ms)
