"""Terms as a file, and as the bytes that are signed."""

from __future__ import annotations

import re
from dataclasses import replace

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jikimi.fleet.agreement import document, example, toml
from jikimi.fleet.agreement.terms import HAZARDS, MOST_DAYS, PURPOSES, Terms, key_text
from jikimi.fleet.errors import AgreementError, TermsError
from jikimi.wire import kinds

KEYS = example.keys()
WIDEST = example.terms(KEYS)


def filled() -> str:
    """The template as a site would fill it in."""
    text = toml.TEMPLATE
    for party in (WIDEST.employer, WIDEST.workers):
        text = text.replace('key = ""', f'key = "{key_text(party.key)}"', 1)
    return text


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    purposes = {
        name: tuple(sorted(draw(st.sets(st.sampled_from(categories), min_size=1))))
        for name, categories in PURPOSES.items()
        if draw(st.booleans())
    }
    limits = {category: draw(st.integers(1, most)) for category, most in MOST_DAYS.items()}
    return replace(
        WIDEST,
        purposes=tuple(sorted(purposes.items())),
        minimum_group=draw(st.integers(5, 8)),
        retention_days=tuple(sorted(limits.items())),
        hidden_zones=tuple(sorted(draw(st.sets(st.sampled_from(["break-room", "휴게실", 'a "b"\\']))))),
    )


def test_the_template_needs_only_the_keys_to_be_an_agreement():
    terms = toml.parse(filled(), "agreement.toml")
    assert terms.categories(HAZARDS) == {"emergency", "posture", "proximity"}
    with pytest.raises(TermsError, match=r"agreement\.toml, line 20: party\.employer\.key .*jikimi agreement key"):
        toml.parse(toml.TEMPLATE, "agreement.toml")


@settings(max_examples=50, deadline=None)
@given(any_terms())
def test_terms_survive_the_file_and_the_bytes(terms):
    assert toml.parse(toml.render(terms), "x") == terms
    raw = document.Document("works", 3, bytes(32), terms).encode()
    assert document.decode(raw) == document.Document("works", 3, bytes(32), terms)
    assert len(raw) < 1024


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("minimum_group = 5", "minimum_group = 4", "minimum_group", "from 5 to"),
        ("minimum_group = 5", "", "", "minimum_group is missing"),
        ("minimum_group = 5", "minimum_grupp = 5", "minimum_grupp", "did you mean minimum_group?"),
        ("proximity = 90", "proximity = 91", "proximity = 91", "from 1 to 90"),
        ("proximity = 90", "proximity = true", "proximity = true", "whole number"),
        ("unreadable = 90", "", "[retention_days]", "retention_days.unreadable is missing"),
        ("unreadable = 90", "heart = 9", "heart", "nothing that can be agreed on"),
        ("[purpose.incident-review]", "[purpose.ranking]", "[purpose.ranking]", "purpose.ranking"),
        ('["device", "emergency"]', '["proximity"]', "", "nothing asks for 'proximity' with this purpose"),
        ('["device", "emergency"]', '"device"', 'categories = "device"', "list of names"),
        ("hidden_zones = []", 'hidden_zones = [""]', "hidden_zones", "name of a zone"),
        ('role = "works-council"', 'role = "Kim Min-su"', 'role = "Kim', "never a person"),
        ('role = "works-council"', "role = 7", "role = 7", "text in quotes"),
        ("minimum_group = 5", "hours = 5\nminimum_group = 5", "hours", "nothing that can be agreed on"),
    ],
)
def test_what_cannot_be_agreed_on_is_refused_with_its_line_and_what_to_do(old, new, line, words):
    text = filled().replace(old, new, 1)
    with pytest.raises(TermsError, match=re.escape(words)) as caught:
        toml.parse(text, "a.toml")
    if line:
        found = re.search(r"a\.toml, line (\d+): ", str(caught.value))
        assert found is not None, caught.value
        assert text.splitlines()[int(found[1]) - 1].startswith(line)


def test_what_is_no_toml_names_its_line():
    with pytest.raises(TermsError, match=r"a\.toml is not valid TOML: ."):
        toml.parse("minimum_group = 5\nhidden_zones = [", "a.toml")


def test_parties_with_one_key_are_one_party():
    with pytest.raises(ValueError, match="same key"):
        replace(WIDEST, workers=WIDEST.employer)


def test_every_category_of_the_wire_has_a_rule_and_none_else_is_asked_for():
    of_records = {kinds.category(kind) for kind in kinds.KINDS}
    assert set(MOST_DAYS) == of_records | {kinds.UNKNOWN, "unreadable"}
    assert set().union(*PURPOSES.values()) <= of_records


@pytest.mark.parametrize(
    "tamper",
    [
        lambda fields: fields | {8: 4},
        lambda fields: fields | {1: 2},
        lambda fields: fields | {10: "more"},
        lambda fields: {key: value for key, value in fields.items() if key != 9},
        lambda fields: fields | {6: {"ranking": ["proximity"]}},
        lambda fields: fields | {5: {"employer": ["x", b""]}},
        lambda fields: fields | {7: [1]},
        lambda fields: [fields],
    ],
)
def test_bytes_that_no_terms_can_be_are_refused(tamper):
    fields = cbor2.loads(document.Document("works", 1, None, WIDEST).encode())
    with pytest.raises(AgreementError, match="not an agreement"):
        document.decode(cbor2.dumps(tamper(fields), canonical=True))


def test_only_the_one_form_of_the_bytes_is_taken():
    raw = document.Document("works", 1, None, WIDEST).encode()
    with pytest.raises(AgreementError, match="one form"):
        document.decode(cbor2.dumps(dict(reversed(cbor2.loads(raw).items()))))
    with pytest.raises(AgreementError):
        document.decode(raw[:-1])
    with pytest.raises(AgreementError, match="too long"):
        document.decode(bytes(10_000))
