"""Signing: who must, who may, and what becomes of databases and copies that somebody has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.fleet.agreement import chain, desk, example, keys, paper, scope, signature
from jikimi.fleet.agreement.document import Document, digest
from jikimi.fleet.agreement.terms import EMPLOYER, HAZARDS, PARTIES, WORKERS
from jikimi.fleet.backup import backup, restore
from jikimi.fleet.errors import AgreementError
from jikimi.fleet.site import Site
from jikimi.fleet.store import AgreementRow, Store
from tests.fleet_agreement.build import agree, change, days, remove
from tests.fleet_agreement.test_terms import KEYS, any_terms

PASSPHRASE = "four words without meaning"


@pytest.fixture
def terms(keys):
    return example.terms(keys)


@pytest.fixture
def narrow(keys):
    return example.terms(keys, {HAZARDS: ("proximity",)})


def test_the_first_agreement_and_a_wider_one_are_in_force_when_both_have_signed_a_narrower_one_when_one_has(
    any_site, keys, terms, narrow
):
    assert desk.read(any_site) == chain.Chain()
    assert agree(any_site, keys, narrow, WORKERS).in_force_ms is None
    assert desk.sign_as(any_site, EMPLOYER, keys[EMPLOYER]).in_force_ms is not None
    assert agree(any_site, keys, terms, EMPLOYER).in_force_ms is None
    assert _force(any_site).terms == narrow
    assert desk.sign_as(any_site, WORKERS, keys[WORKERS]).in_force_ms is not None
    assert _force(any_site).terms == terms
    for party, group in ((EMPLOYER, 6), (WORKERS, 7)):
        assert agree(any_site, keys, replace(terms, minimum_group=group), party).in_force_ms is not None
    found = desk.read(any_site)
    assert [link.signed_by for link in found.past] == [PARTIES, PARTIES, (EMPLOYER,), (WORKERS,)]
    assert (_force(any_site).number, found.proposal) == (4, None)


def test_a_key_changes_only_with_the_signature_of_the_old_one(site, keys, terms):
    agree(site, keys, terms)
    fresh = example.keys()
    renewed = replace(terms, workers=example.terms(fresh).workers)
    assert agree(site, keys, renewed, EMPLOYER).in_force_ms is None
    with pytest.raises(AgreementError, match="neither party's"):
        desk.sign_as(site, WORKERS, fresh[WORKERS])
    assert desk.sign_as(site, WORKERS, keys[WORKERS]).in_force_ms is not None
    agree(site, {**keys, WORKERS: fresh[WORKERS]}, replace(renewed, minimum_group=9), WORKERS)
    assert _force(site).terms.minimum_group == 9


def test_a_proposal_takes_the_place_of_the_one_before_with_its_signatures(site, keys, terms, narrow):
    agree(site, keys, terms, EMPLOYER)
    assert desk.propose(site, narrow).signed_by == ()
    assert desk.sign_as(site, WORKERS, keys[WORKERS]).in_force_ms is None


def test_what_may_not_be_signed_so_is_refused_with_what_to_do(site, keys, terms, narrow):
    with pytest.raises(AgreementError, match="nothing is proposed: `jikimi agreement propose"):
        desk.sign_as(site, EMPLOYER, keys[EMPLOYER])
    link = desk.propose(site, terms)
    with pytest.raises(AgreementError, match="this is the key of workers: sign with --as workers"):
        desk.sign_as(site, EMPLOYER, keys[WORKERS])
    with pytest.raises(AgreementError, match="neither party's"):
        desk.sign_as(site, EMPLOYER, example.keys()[EMPLOYER])
    desk.propose(site, narrow)
    with pytest.raises(AgreementError, match=r"not .* any more.*jikimi agreement diff"):
        desk.sign_as(site, EMPLOYER, keys[EMPLOYER], link.digest.hex()[:16])
    assert _proposal(site).signed_by == ()
    desk.sign_as(site, EMPLOYER, keys[EMPLOYER])
    with pytest.raises(AgreementError, match="employer has signed agreement 1 already"):
        desk.sign_as(site, EMPLOYER, keys[EMPLOYER])
    desk.sign_as(site, WORKERS, keys[WORKERS])
    with pytest.raises(AgreementError, match="nothing to sign"):
        desk.propose(site, narrow)


@settings(max_examples=40, deadline=None)
@given(any_terms(), any_terms(), st.sampled_from(PARTIES))
def test_a_change_that_widens_anything_is_never_in_force_with_one_signature_whatever_the_database_says(old, new, party):
    first = Document("works", 1, None, old).encode()
    second = Document("works", 2, digest(first), new).encode()
    by_employer, by_workers = (signature.sign(KEYS[one], first) for one in PARTIES)
    unsigned, own = AgreementRow(2, second, None, None, 2, 2), signature.sign(KEYS[party], second)
    rows = [AgreementRow(1, first, by_employer, by_workers, 1, 1), chain.with_signature(unsigned, party, own)]
    if all(change.effect == scope.NARROWER for change in scope.compare(old, new)):
        assert chain.check("works", rows).past[-1].terms == new
    else:
        with pytest.raises(AgreementError, match=r"2 is not genuine: .*without the signatures"):
            chain.check("works", rows)


@pytest.fixture
def grown(any_site: Site, keys, terms, narrow) -> Site:
    """Three agreements, and a proposal that the employer has signed."""
    agree(any_site, keys, narrow)
    agree(any_site, keys, terms)
    agree(any_site, keys, replace(terms, minimum_group=8), WORKERS)
    agree(any_site, keys, terms, EMPLOYER)
    return any_site


def _rows(site: Site) -> list[AgreementRow]:
    with Store.open(site.database_url, site.name) as store:
        return store.agreements()


def _force(site: Site) -> chain.Link:
    force = desk.read(site).in_force
    assert force is not None
    return force


def _proposal(site: Site) -> chain.Link:
    proposal = desk.read(site).proposal
    assert proposal is not None
    return proposal


def test_a_database_that_was_changed_is_named_with_the_agreement_and_nothing_can_be_signed(grown, keys, terms):
    raw = Document("works", 2, None, terms).encode()
    rows = _rows(grown)
    changed: list[tuple[int, dict[str, Any], str]] = [
        (2, {"document": rows[0].document}, "does not follow"),
        (2, {"document": rows[1].document + b"\x00"}, "one form|cannot|not an agreement"),
        (2, {"document": raw}, "does not follow"),
        (2, {"workers_signature": rows[0].workers_signature}, "signature of workers"),
        (2, {"workers_signature": rows[1].employer_signature}, "signature of workers"),
        (2, {"workers_signature": b""}, "signature of workers"),
        (2, {"workers_signature": None}, "without the signatures"),
        (3, {"workers_signature": None}, "without the signatures"),
        (4, {"in_force_ms": 5}, "without the signatures"),
        (2, {"in_force_ms": None}, "behind a proposal"),
        (2, {"number": 9}, "is missing|comes behind"),
    ]
    for number, changes, why in changed:
        change(grown, "agreement", number, **changes)
        with pytest.raises(AgreementError, match=rf"agreement \d is not genuine: .*({why})"):
            desk.read(grown)
        with pytest.raises(AgreementError, match="not genuine"):
            desk.sign_as(grown, WORKERS, keys[WORKERS])
        back = {name: getattr(rows[number - 1], name) for name in changes}
        change(grown, "agreement", changes.get("number", number), **back)
    assert _force(grown).number == 3


def test_an_agreement_that_was_taken_away_is_missed_by_the_audit_log(grown):
    for number in (4, 3):
        remove(grown, "agreement", number)
    assert _force(grown).number == 2
    with pytest.raises(AgreementError, match="an earlier state of the database was put back"):
        paper.of_site(grown)


def test_an_agreement_of_another_site_is_none(site, keys, terms):
    agree(site, keys, terms)
    with pytest.raises(AgreementError, match="of the site 'works'"):
        chain.check("other", _rows(site))


def test_a_copy_is_verified_without_the_site_and_by_the_keys_the_parties_gave_each_other(grown, keys):
    copy = paper.read(paper.write("works", _rows(grown)), "c.json")
    found = copy.check()
    paper.vouch(found, chain.may_sign(None, found.past[0].terms))
    for party in PARTIES:
        with pytest.raises(AgreementError, match=f"of {party} has signed nothing here"):
            paper.vouch(found, {party: chain.may_sign(None, example.terms(example.keys()))[party]})


def test_a_chain_that_only_names_a_partys_key_and_was_never_signed_with_it_is_not_theirs(site, keys, terms):
    forger = example.keys()
    agree(site, forger, example.terms(forger))
    agree(site, forger, terms)  # the genuine keys, brought in by the forged ones
    found = desk.read(site)
    assert _force(site).terms == terms
    with pytest.raises(AgreementError, match="has signed nothing here"):
        paper.vouch(found, {WORKERS: terms.workers.key})


def test_a_copy_is_signed_elsewhere_and_taken_in_once(site, keys, terms, narrow):
    agree(site, keys, terms, EMPLOYER)
    copy = paper.read(paper.write("works", _rows(site)), "c.json")
    signed = paper.signed(copy, WORKERS, keys[WORKERS])
    proposal = signed.check().proposal
    assert proposal is not None
    assert proposal.signed_by == PARTIES
    assert desk.read(site).in_force is None
    with pytest.raises(AgreementError, match="does not match"):
        desk.take(site, [replace(signed.rows[0], workers_signature=signed.rows[0].employer_signature)])
    assert desk.take(site, signed.rows).in_force_ms is not None
    agree(site, keys, narrow, EMPLOYER)
    with pytest.raises(AgreementError, match="nothing is proposed"):
        desk.take(site, signed.rows)
    desk.propose(site, terms)
    with pytest.raises(AgreementError, match="another proposal"):
        desk.take(site, signed.rows)
    with pytest.raises(AgreementError, match="no signature that is not here"):
        desk.take(site, _rows(site))
    with pytest.raises(AgreementError, match="this is the key of employer"):
        paper.signed(paper.Paper("works", tuple(_rows(site))), WORKERS, keys[EMPLOYER])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"site": "s", "agreements": [{}]}'])
def test_what_is_no_copy_is_refused(text):
    with pytest.raises(AgreementError, match=r"c\.json is no copy"):
        paper.read(text, "c.json")


def test_a_key_file_opens_with_its_passphrase_alone_and_is_never_written_over(tmp_path):
    path = tmp_path / "w.key"
    made = keys.make(path, PASSPHRASE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.public(keys.load(path, PASSPHRASE)) == made
    for wrong in ("", "another phrase"):
        with pytest.raises(AgreementError, match="passphrase"):
            keys.load(path, wrong)
    with pytest.raises(AgreementError, match="is there already"):
        keys.make(path, PASSPHRASE)
    (tmp_path / "site.toml").touch()
    with pytest.raises(AgreementError, match="keeps its key elsewhere"):
        keys.make(tmp_path / "other.key", PASSPHRASE)
    (tmp_path / "site.toml").unlink()
    with pytest.raises(AgreementError, match="12 letters or more"):
        keys.make(tmp_path / "other.key", "short")
    with pytest.raises(AgreementError, match="cannot be read"):
        keys.load(tmp_path / "none.key", PASSPHRASE)
    (tmp_path / "text.key").write_text("no key")
    with pytest.raises(AgreementError, match="no key"):
        keys.load(tmp_path / "text.key", PASSPHRASE)


def test_a_signature_is_of_these_bytes_by_this_key_and_of_nothing_else(keys):
    own = chain.may_sign(None, example.terms(keys))
    envelope = signature.sign(keys[EMPLOYER], b"document")
    assert signature.is_by(own[EMPLOYER], b"document", envelope)
    assert not signature.is_by(own[EMPLOYER], b"Document", envelope)
    assert not signature.is_by(own[WORKERS], b"document", envelope)
    assert not signature.is_by(b"\x02" + b"\xff" * 32, b"document", envelope)
    for at in range(len(envelope)):
        changed = bytes(byte ^ (1 if place == at else 0) for place, byte in enumerate(envelope))
        assert not signature.is_by(own[EMPLOYER], b"document", changed), at
    for broken in (b"", envelope[:-1], envelope + b"\x00", bytes(300)):
        assert not signature.is_by(own[EMPLOYER], b"document", broken)


def test_a_backup_brings_agreement_and_audit_log_back(site, keys, terms, tmp_path):
    agree(site, keys, replace(terms, retention_days=days(terms, posture=3)))
    backup(site, tmp_path / "b.tar")
    again = restore(tmp_path / "b.tar", tmp_path / "again")
    assert paper.of_site(again) == paper.of_site(site)
    assert desk.read(again) == desk.read(site)
