"""What a change does: wider, narrower or neither, and how many must sign it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.fleet.agreement import example
from jikimi.fleet.agreement.scope import NARROWER, NEITHER, OPPOSITE, WIDER, compare, needs_both
from jikimi.fleet.agreement.terms import HAZARDS, PURPOSES
from tests.fleet_agreement.build import days
from tests.fleet_agreement.test_terms import KEYS, WIDEST, any_terms

NARROW = example.terms(KEYS, {HAZARDS: ("proximity",)})
OTHER = example.keys()


@settings(max_examples=50, deadline=None)
@given(any_terms(), any_terms())
def test_the_way_back_is_the_opposite_of_each_change(old, new):
    there = Counter((change.what, change.effect, change.old, change.new) for change in compare(old, new))
    back = Counter((change.what, OPPOSITE[change.effect], change.new, change.old) for change in compare(new, old))
    assert there == back
    assert (compare(old, new) == []) == (old == new)


@settings(max_examples=50, deadline=None)
@given(any_terms(), any_terms())
def test_what_may_be_done_after_a_change_with_one_signature_was_allowed_before_it(old, new):
    if needs_both(old, new):
        return
    assert new.minimum_group >= old.minimum_group
    assert all(new.categories(purpose) <= old.categories(purpose) for purpose in PURPOSES)
    assert all(now <= dict(old.retention_days)[category] for category, now in new.retention_days)
    assert {*new.hidden_zones} >= {*old.hidden_zones}
    assert (new.employer, new.workers) == (old.employer, old.workers)


@settings(max_examples=50, deadline=None)
@given(any_terms(), any_terms(), any_terms())
def test_no_row_of_changes_with_one_signature_each_ends_wider_than_it_began(first, second, third):
    if not needs_both(first, second) and not needs_both(second, third):
        assert all(change.effect == NARROWER for change in compare(first, third))


@settings(max_examples=50, deadline=None)
@given(any_terms(), any_terms())
def test_of_two_different_agreements_one_way_at_least_needs_both_signatures(old, new):
    if old != new:
        assert needs_both(old, new) or needs_both(new, old)
    assert needs_both(None, new)


@pytest.mark.parametrize(
    ("change", "effects"),
    [
        ({"purposes": NARROW.purposes}, {NARROWER}),
        ({"minimum_group": 6}, {NARROWER}),
        ({"hidden_zones": ("break-room",)}, {NARROWER}),
        ({"retention_days": days(WIDEST, posture=29)}, {NARROWER}),
        ({"minimum_group": 6, "purposes": NARROW.purposes}, {NARROWER}),
        ({"employer": replace(WIDEST.employer, role="owner")}, {NEITHER}),
        ({"workers": replace(WIDEST.workers, key=example.terms(OTHER).workers.key)}, {NEITHER}),
    ],
)
def test_each_change_says_what_it_does(change, effects):
    new = replace(WIDEST, **change)
    assert {one.effect for one in compare(WIDEST, new)} == effects
    assert needs_both(WIDEST, new) == (effects != {NARROWER})
    assert needs_both(new, WIDEST)


def test_one_wider_change_among_many_narrower_ones_needs_both():
    new = replace(NARROW, minimum_group=9, retention_days=days(NARROW, posture=1))
    old = replace(NARROW, hidden_zones=("break-room",))
    assert Counter(change.effect for change in compare(old, new)) == {NARROWER: 2, WIDER: 1}
    assert needs_both(old, new)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_adding_any_purpose_or_category_is_wider(data):
    purpose = data.draw(st.sampled_from(sorted(PURPOSES)))
    categories = data.draw(st.sets(st.sampled_from(PURPOSES[purpose]), min_size=1))
    less = tuple((name, had) for name, had in WIDEST.purposes if name != purpose)
    some = tuple(sorted([*less, (purpose, tuple(sorted(categories)))]))
    assert {one.effect for one in compare(replace(WIDEST, purposes=less), replace(WIDEST, purposes=some))} == {WIDER}
