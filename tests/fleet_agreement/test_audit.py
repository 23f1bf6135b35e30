"""The audit log: only ever added to, and whatever is changed, taken out or moved is found and named."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from jikimi.fleet.agreement import desk
from jikimi.fleet.errors import AuditError
from jikimi.fleet.store import AuditEntry, Store, audit, schema
from tests.fleet_agreement.build import agree, change, remove, tampering
from tests.fleet_agreement.test_terms import KEYS, WIDEST


def note(store: Store, *numbers: int) -> None:
    for number in numbers:
        store.note(AuditEntry("safety-manager", "hazard-reduction", f"question {number}", "answered", number), number)


@pytest.fixture
def store(any_site):
    with Store.open(any_site.database_url, any_site.name) as opened:
        note(opened, 1, 2, 3, 4, 5)
        yield opened


def test_entries_come_in_order_and_the_newest_are_listed_alone(store):
    assert [(row.number, row.question, row.n_rows) for row in store.audit_log(2)] == [
        (4, "question 4", 4),
        (5, "question 5", 5),
    ]
    head = audit.check("works", store.audit_log())
    note(store, 6)
    assert audit.check("works", store.audit_log(), head) != head


@pytest.mark.parametrize(
    "changes",
    [
        {"who": "nobody"},
        {"question": "question 4"},
        {"n_rows": None},
        {"outcome": "refused"},
        {"at_ms": 9},
        {"digest": bytes(32)},
    ],
)
def test_a_changed_entry_is_named(any_site, store, changes):
    change(any_site, "audit", 3, **changes)
    with pytest.raises(AuditError, match="entry 3 of the audit log does not fit"):
        audit.check("works", store.audit_log())


def test_an_entry_that_was_taken_out_is_named(any_site, store):
    remove(any_site, "audit", 3)
    with pytest.raises(AuditError, match="entry 3 of the audit log is missing: what follows it is 4"):
        audit.check("works", store.audit_log())
    for number in (4, 5):  # and the gap closed
        change(any_site, "audit", number, number=number - 1)
    with pytest.raises(AuditError, match="entry 3 of the audit log does not fit"):
        audit.check("works", store.audit_log())


def test_entries_that_changed_places_are_named(any_site, store):
    for old, new in ((3, 99), (4, 3), (99, 4)):
        change(any_site, "audit", old, number=new)
    with pytest.raises(AuditError, match="entry 3 of the audit log does not fit"):
        audit.check("works", store.audit_log())


def test_an_end_that_was_cut_off_and_a_log_that_was_made_anew_are_told_by_a_head_that_was_noted(any_site, store):
    head = audit.check("works", store.audit_log())
    remove(any_site, "audit", 5)
    shorter = audit.check("works", store.audit_log())
    with pytest.raises(AuditError, match="ends at entry 4, and 5 was noted"):
        audit.check("works", store.audit_log(), head)
    note(store, 6)
    assert audit.check("works", store.audit_log(), shorter)
    with pytest.raises(AuditError, match="entry 5 of the audit log is not the one that was noted"):
        audit.check("works", store.audit_log(), head)


@pytest.mark.parametrize("text", ["", "5", "5:abc", "x:" + "0" * 64])
def test_what_is_no_head_is_refused_with_where_to_get_one(store, text):
    with pytest.raises(AuditError, match="jikimi audit head"):
        audit.check("works", store.audit_log(), text)


def test_an_entry_of_another_site_is_none(store):
    with pytest.raises(AuditError, match="entry 1 "):
        audit.check("other", store.audit_log())


def test_many_who_ask_at_once_get_a_number_each(any_site, store):
    def ask(number: int) -> None:
        with Store.open(any_site.database_url, any_site.name) as mine:
            note(mine, *range(number, number + 5))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.check("works", store.audit_log()).startswith("20:")


def test_what_is_noted_and_what_it_tells_of_are_there_together_or_not_at_all(any_site, monkeypatch):
    def broken(*_: object) -> None:
        raise sa.exc.OperationalError("x", {}, Exception("disk"))

    monkeypatch.setattr(audit, "append", broken)
    with pytest.raises(Exception, match="disk"):
        desk.propose(any_site, WIDEST)
    monkeypatch.undo()
    assert desk.read(any_site).proposal is None


def test_each_step_of_an_agreement_is_in_the_log(site):
    agreed = agree(site, KEYS, WIDEST)
    with Store.open(site.database_url, site.name) as store:
        rows = store.audit_log()
    digest = agreed.digest.hex()
    assert [(row.who, row.question, row.outcome) for row in rows] == [
        ("command line", f"propose agreement 1, {digest}", "waits for signatures"),
        ("employer", f"sign agreement 1, {digest}", "waits for signatures"),
        ("workers", f"sign agreement 1, {digest}", "in force"),
    ]
    with tampering(site) as connection:
        connection.execute(schema.audit.delete())
    with Store.open(site.database_url, site.name) as store:
        assert audit.check(site.name, store.audit_log()) == "0:" + "00" * 32
