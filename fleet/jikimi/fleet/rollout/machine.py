"""The state machine of a rollout: pure, so that it can be tested as one. No clock, no network, no database.

    waiting ──approve──▶ running ◀──resume── paused
       │                 │  │  └───pause / threshold missed──▶ ┘
       └──abort──▶ aborted  ├──too many errors──▶ stopped
                            └──last stage through──▶ done

Stage 0 is the canary. Truth is what a device reports after its start (release, hash, trial); no message of ours about
an upload counts, and a device that was given up as late is done when it says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jikimi.fleet.errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WAITING, RUNNING, PAUSED, STOPPED, ABORTED, DONE = "waiting", "running", "paused", "stopped", "aborted", "done"
OPEN = (WAITING, RUNNING, PAUSED)
QUEUED, OFFERED, TRIAL, OK, FAILED, LATE, SKIPPED = "queued", "offered", "trial", "done", "failed", "late", "skipped"
ERRORS = (FAILED, LATE)
FINISHED = (OK, FAILED, LATE, SKIPPED)

MISSED = "success threshold missed"
NO_CANARY = "no canary took it"
RETURN_MS = 5_000  # least time between two offers to a device that comes back: its link may come and go all day
_NOT_FOR_IT = ("class", "vendor")  # a refusal that says nothing about the release


@dataclass(frozen=True)
class Plan:
    """How a release spreads. Shares are percent of the devices of a stage, times are ms."""

    canary: int = 1  # devices of the first stage
    shares: tuple[int, ...] = (10, 50, 100)  # of the others, reached with each later stage
    success_percent: int = 90  # of a stage, to open the next one
    error_percent: int = 10  # of a stage, to stop everything
    timeout_ms: int = 86_400_000  # from the first offer to a device until it runs the release: a shift, and a night
    retry_ms: int = 60_000  # until an offer is repeated; doubles each time
    retry_most_ms: int = 3_600_000
    parallel: int = 40  # devices under way at once

    def __post_init__(self) -> None:
        if (
            self.canary < 1
            or not self.shares
            or self.shares[-1] != 100
            or list(self.shares) != sorted(set(self.shares))
        ):
            raise ReleaseError("a plan has a canary of one device or more, and ascending shares that end with 100")
        if not (1 <= self.success_percent <= 100 and 1 <= self.error_percent <= 100 and self.parallel >= 1):
            raise ReleaseError("thresholds are 1 to 100 percent, and one device at least is under way")
        if not (self.timeout_ms > 0 and 0 < self.retry_ms <= self.retry_most_ms):
            raise ReleaseError("times are longer than nothing")

    def stages(self, devices: Sequence[str]) -> dict[str, int]:
        """The stage of each device, in the order given; stages that would be empty are left out."""
        rest = len(devices) - self.canary
        ends = [self.canary, *(self.canary + -(-rest * share // 100) for share in self.shares)]
        ends = list(dict.fromkeys(min(end, len(devices)) for end in ends))
        return {device: next(i for i, end in enumerate(ends) if place < end) for place, device in enumerate(devices)}


@dataclass(frozen=True, slots=True)
class Member:
    """One device of a rollout. `why`: of a failure; while offered, a refusal that it reported before."""

    stage: int
    state: str = QUEUED
    offers: int = 0
    first_offer_ms: int | None = None
    next_offer_ms: int | None = None
    last_offer_ms: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a device said last about the release it runs; `active` is false once it is revoked or retired.

    `birth_ms` is when it connected last, by the host's clock; None: never, as far as is known.
    """

    release: int | None = None
    firmware: str | None = None
    trial: bool = False
    failed_release: int | None = None
    failed_why: str | None = None
    active: bool = True
    birth_ms: int | None = None


@dataclass(frozen=True)
class Rollout:
    """A release on its way. `firmware` is the hash a device reports that runs it."""

    sequence: int
    firmware: str
    plan: Plan
    members: Mapping[str, Member]
    asked_by: str
    state: str = WAITING
    why: str = ""
    stage: int = 0
    approved_by: str | None = None


@dataclass(frozen=True)
class Actions:
    """What is to be sent: offers, and offers taken back."""

    offer: list[str] = field(default_factory=list)
    withdraw: list[str] = field(default_factory=list)


def start(sequence: int, firmware: str, plan: Plan, devices: Sequence[str], asked_by: str) -> Rollout:
    """A new rollout to `devices`, canaries first; it waits for approval. ReleaseError when there are none."""
    if not devices:
        raise ReleaseError("no device is chosen, so there is nothing to roll out")
    stages = plan.stages(devices)
    return Rollout(sequence, firmware, plan, {device: Member(stages[device]) for device in devices}, asked_by)


def approve(rollout: Rollout, role: str) -> Rollout:
    """A second person agrees: it begins. ReleaseError when it is the first one, or nothing waits."""
    if rollout.state != WAITING:
        raise ReleaseError(f"this rollout is {rollout.state}: there is nothing to approve")
    if role.strip().casefold() == rollout.asked_by.strip().casefold():
        raise ReleaseError(f"{role} has asked for it: somebody else must approve")
    return replace(rollout, state=RUNNING, approved_by=role)


def pause(rollout: Rollout) -> Rollout:
    """No more offers until `resume`. ReleaseError when it does not run."""
    if rollout.state != RUNNING:
        raise ReleaseError(f"this rollout is {rollout.state}, not running")
    return replace(rollout, state=PAUSED, why="by hand")


def resume(rollout: Rollout) -> Rollout:
    """Go on; past a stage that missed its success threshold, too. ReleaseError when it is not paused."""
    if rollout.state != PAUSED:
        raise ReleaseError(f"this rollout is {rollout.state}, not paused")
    passed = rollout.why in (MISSED, NO_CANARY)
    return replace(rollout, state=RUNNING, why="", stage=rollout.stage + passed)


def abort(rollout: Rollout) -> tuple[Rollout, Actions]:
    """End it for good; offers that no device has acted on are taken back. ReleaseError when it has ended."""
    if rollout.state not in OPEN:
        raise ReleaseError(f"this rollout is {rollout.state} already")
    return _ended(rollout, ABORTED, "by hand")


def advance(rollout: Rollout, reports: Mapping[str, Report], now_ms: int) -> tuple[Rollout, Actions]:
    """What follows from what devices say and from the time. Idempotent: the same input again changes nothing."""
    rollout = replace(rollout, members=_heard(rollout, reports, now_ms))
    if rollout.state != RUNNING:
        return rollout, Actions()
    while True:
        rollout = replace(rollout, members=_failed_before(rollout, reports))
        members = _of_stage(rollout)
        errors = sum(member.state in ERRORS for member in members)
        if errors and errors * 100 >= rollout.plan.error_percent * len(members):
            return _ended(rollout, STOPPED, _most_common(members))
        if any(member.state not in FINISHED for member in members):
            return _offered(rollout, reports, now_ms)
        missed = _missed(rollout, members)
        if missed:
            return replace(rollout, state=PAUSED, why=missed), Actions()
        if rollout.stage >= _last_stage(rollout):
            return replace(rollout, state=DONE, why=""), Actions()
        rollout = replace(rollout, stage=rollout.stage + 1)


def counts(rollout: Rollout) -> dict[str, int]:
    """How many devices are in each state."""
    found = Counter(member.state for member in rollout.members.values())
    return {state: found[state] for state in (QUEUED, OFFERED, TRIAL, OK, FAILED, LATE, SKIPPED)}


def _heard(rollout: Rollout, reports: Mapping[str, Report], now_ms: int) -> dict[str, Member]:
    return {
        device: _judged(rollout, member, reports.get(device, Report()), now_ms)
        for device, member in rollout.members.items()
    }


def _judged(rollout: Rollout, member: Member, report: Report, now_ms: int) -> Member:
    if not report.active:
        return _settled(member, SKIPPED, "not active")
    if report.release == rollout.sequence:
        if report.trial:
            # Once given up it stays so, until it says that it made it.
            if member.state in ERRORS or rollout.state == WAITING:
                return member
            return replace(member, state=TRIAL, first_offer_ms=member.first_offer_ms or now_ms)
        same = report.firmware == rollout.firmware
        return _settled(member, OK, "") if same else _settled(member, FAILED, "hash")
    if report.release is not None and report.release > rollout.sequence:
        return _settled(member, SKIPPED, "newer")
    if member.state in (OFFERED, TRIAL):
        return _under_way(rollout, member, report, now_ms)
    return member


def _under_way(rollout: Rollout, member: Member, report: Report, now_ms: int) -> Member:
    if _refused(rollout, member, report):
        why = report.failed_why or "unknown"
        return _settled(member, SKIPPED if why in _NOT_FOR_IT else FAILED, why)
    assert member.first_offer_ms is not None
    if now_ms - member.first_offer_ms >= rollout.plan.timeout_ms:
        return _settled(member, LATE, "time-out")
    return member


def _failed_before(rollout: Rollout, reports: Mapping[str, Report]) -> dict[str, Member]:
    """Who has rolled this very release back, or refused it, would do so again: no offer is needed to know."""
    found = dict(rollout.members)
    for device, member in rollout.members.items():
        report = reports.get(device, Report())
        if member.state == QUEUED and member.stage <= rollout.stage and report.failed_release == rollout.sequence:
            why = report.failed_why or "unknown"
            found[device] = _settled(member, SKIPPED if why in _NOT_FOR_IT else FAILED, why)
    return found


def _refused(rollout: Rollout, member: Member, report: Report) -> bool:
    if report.failed_release == rollout.sequence:
        return True
    # A release that a device cannot even read has no number; what it said before the offer is not about this one.
    return report.failed_release == 0 and _stale(report) != member.why


def _stale(report: Report) -> str:
    return f"before: {report.failed_why}" if report.failed_release == 0 else ""


def _settled(member: Member, state: str, why: str) -> Member:
    return member if member.state == state else replace(member, state=state, why=why, next_offer_ms=None)


def _offered(rollout: Rollout, reports: Mapping[str, Report], now_ms: int) -> tuple[Rollout, Actions]:
    members = dict(rollout.members)
    under_way = sum(member.state in (OFFERED, TRIAL) for member in members.values())
    offers = []
    for device, member in rollout.members.items():
        report = reports.get(device, Report())
        if member.state == QUEUED and member.stage <= rollout.stage and under_way < rollout.plan.parallel:
            under_way += 1
            member = replace(member, state=OFFERED, first_offer_ms=now_ms, next_offer_ms=now_ms, why=_stale(report))
        if member.state == OFFERED and (_is_due(member, now_ms) or _is_back(member, report, now_ms)):
            offers.append(device)
            member = _repeated_later(rollout.plan, member, now_ms)
        members[device] = member
    return replace(rollout, members=members), Actions(offer=offers)


def _is_due(member: Member, now_ms: int) -> bool:
    return member.next_offer_ms is not None and member.next_offer_ms <= now_ms


def _is_back(member: Member, report: Report, now_ms: int) -> bool:
    """Whether the device has connected since its last offer, which it may have missed: nothing is kept for it."""
    last_ms = member.last_offer_ms or 0  # None: offered by a version that did not write it down
    return report.birth_ms is not None and report.birth_ms > last_ms and now_ms - last_ms >= RETURN_MS


def _repeated_later(plan: Plan, member: Member, now_ms: int) -> Member:
    wait_ms = min(plan.retry_ms << min(member.offers, 32), plan.retry_most_ms)
    return replace(member, offers=member.offers + 1, next_offer_ms=now_ms + wait_ms, last_offer_ms=now_ms)


def _missed(rollout: Rollout, members: Sequence[Member]) -> str:
    counted = [member for member in members if member.state != SKIPPED]
    done = sum(member.state == OK for member in counted)
    if rollout.stage == 0 and not done and rollout.stage < _last_stage(rollout):
        return NO_CANARY
    return MISSED if done * 100 < rollout.plan.success_percent * len(counted) else ""


def _ended(rollout: Rollout, state: str, why: str) -> tuple[Rollout, Actions]:
    """No more offers. Trials end by themselves; what was only offered is taken back."""
    withdrawn = [device for device, member in rollout.members.items() if member.state == OFFERED]
    members = {
        device: replace(member, state=QUEUED, next_offer_ms=None, why="") if member.state == OFFERED else member
        for device, member in rollout.members.items()
    }
    return replace(rollout, state=state, why=why, members=members), Actions(withdraw=withdrawn)


def _of_stage(rollout: Rollout) -> list[Member]:
    return [member for member in rollout.members.values() if member.stage == rollout.stage]


def _last_stage(rollout: Rollout) -> int:
    return max(member.stage for member in rollout.members.values())


def _most_common(members: Iterable[Member]) -> str:
    found = Counter(member.why for member in members if member.state in ERRORS)
    return found.most_common(1)[0][0]
