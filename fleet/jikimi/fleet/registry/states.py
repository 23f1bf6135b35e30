"""The life of a device, and which step may follow which.

    enrolled   has an id and a certificate; its bench test has not been passed, so the broker does not admit it
    active     in use; the only state in which the broker admits it
    revoked    shut out: lost, stolen, or no longer trusted; its key may still be on it
    wiped      its key is erased; the board is as good as blank
    retired    gone for good; its id is never used again

A blank board has no id and therefore no state.
"""

from __future__ import annotations

from jikimi.fleet.errors import RegistryError

ENROLLED, ACTIVE, REVOKED, WIPED, RETIRED = STATES = ("enrolled", "active", "revoked", "wiped", "retired")

# Enrolling again, with a new key, is how a repaired, found or wiped board comes back.
ALLOWED = {
    ENROLLED: frozenset({ENROLLED, ACTIVE, REVOKED, WIPED, RETIRED}),
    ACTIVE: frozenset({ENROLLED, REVOKED, WIPED, RETIRED}),
    REVOKED: frozenset({ENROLLED, WIPED, RETIRED}),
    WIPED: frozenset({ENROLLED, RETIRED}),
    RETIRED: frozenset(),
}


def check_step(device: str, old: str, new: str) -> None:
    """RegistryError, saying what is possible instead, unless a device in state `old` may go to `new`."""
    if new in ALLOWED[old]:
        return
    possible = ", ".join(sorted(ALLOWED[old])) or "nothing any more"
    raise RegistryError(f"{device} is {old} and cannot become {new}: from there it can become {possible}")
