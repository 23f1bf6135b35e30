"""An agreement with oneself, for the demo and for tests: no employer and no workers stand behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from jikimi.fleet.agreement import desk
from jikimi.fleet.agreement.keys import public
from jikimi.fleet.agreement.terms import EMPLOYER, GROUP_MIN, MOST_DAYS, PARTIES, PURPOSES, WORKERS, Party, Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jikimi.fleet.agreement.chain import Link
    from jikimi.fleet.site import Site

Keys = dict[str, ec.EllipticCurvePrivateKey]


def keys() -> Keys:
    """A new key for each party, in memory only."""
    return {party: ec.generate_private_key(ec.SECP256R1()) for party in PARTIES}


def terms(of: Keys, purposes: Mapping[str, tuple[str, ...]] = PURPOSES) -> Terms:
    """As wide as an agreement can be, but for `purposes`."""
    return Terms(
        employer=Party("example-employer", public(of[EMPLOYER])),
        workers=Party("example-workers", public(of[WORKERS])),
        purposes=tuple(sorted(purposes.items())),
        minimum_group=GROUP_MIN,
        retention_days=tuple(sorted(MOST_DAYS.items())),
    )


def put_in_force(site: Site) -> Link:
    """Propose it and sign it for both; its keys are gone afterwards, so it can never be changed."""
    own = keys()
    desk.propose(site, terms(own))
    desk.sign_as(site, EMPLOYER, own[EMPLOYER])
    return desk.sign_as(site, WORKERS, own[WORKERS])
