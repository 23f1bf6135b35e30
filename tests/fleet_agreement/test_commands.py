"""`jikimi agreement` and `jikimi audit`, as employer and representative type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jikimi.fleet.cli import cli
from jikimi.fleet.errors import JikimiError
from tests.fleet_agreement.build import change

PASSPHRASE = "four words without meaning"


@pytest.fixture
def run(site, tmp_path, monkeypatch):
    """Type a command in a directory of one's own, with the site in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JIKIMI_SITE", str(site.path))
    monkeypatch.setenv("JIKIMI_PASSPHRASE", PASSPHRASE)

    def typed(*words: str, code: int = 0, **options) -> Result:
        result = CliRunner().invoke(cli, words, **options)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return typed


def said(result: Result) -> str:
    """What `main` would print of an error."""
    assert isinstance(result.exception, JikimiError)
    return str(result.exception)


@pytest.fixture
def filled(run) -> dict[str, str]:
    """agreement.toml with both keys; the public halves."""
    public = {party: run("agreement", "key", f"{party}.key").stdout.strip() for party in ("employer", "workers")}
    text = run("agreement", "template").stdout
    for key in public.values():
        text = text.replace('key = ""', f'key = "{key}"', 1)
    Path("agreement.toml").write_text(text)
    return public


def test_from_the_template_to_an_agreement_that_a_representative_verifies_elsewhere(run, filled, monkeypatch):
    assert "no agreement is in force yet" in run("agreement", "show").stderr
    proposed = run("agreement", "propose", "agreement.toml")
    assert "waits for the signature of employer and workers" in proposed.stderr
    digest = proposed.stdout.strip()
    found = json.loads(run("agreement", "diff", "--json").stdout)
    assert found == {"digest": digest, "needs_both": True, "signed_by": [], "changes": []}
    signed = run("agreement", "sign", "--as", "employer", "--key", "employer.key", "--digest", digest[:16])
    assert "waits for the signature of workers" in signed.stderr
    Path("copy.json").write_text(run("agreement", "export").stdout)
    with monkeypatch.context() as elsewhere:
        elsewhere.delenv("JIKIMI_SITE")
        run("agreement", "sign", "--copy", "copy.json", "--as", "workers", "--key", "workers.key")
    assert "agreement 1 is in force" in run("agreement", "import", "copy.json").stderr
    Path("copy.json").write_text(run("agreement", "export").stdout)
    keys = [f"--{party}-key={key}" for party, key in filled.items()]
    monkeypatch.delenv("JIKIMI_SITE")
    verified = run("agreement", "verify", "copy.json", *keys)
    assert verified.stdout == f"1\t{digest}\tsigned by employer and workers\n"
    assert verified.stderr == "genuine: agreement 1 of works is in force\n"
    swapped = run("agreement", "verify", "copy.json", f"--workers-key={filled['employer']}", code=1)
    assert "has signed nothing here" in said(swapped)


def test_a_narrower_agreement_is_shown_changed_and_put_in_force_by_one(run, filled):
    run("agreement", "propose", "agreement.toml")
    for party in ("employer", "workers"):
        run("agreement", "sign", "--as", party, "--key", f"{party}.key")
    text = run("agreement", "show").stdout.replace("minimum_group = 5", "minimum_group = 8")
    Path("agreement.toml").write_text(text)
    narrower = run("agreement", "diff", "agreement.toml")
    assert narrower.stdout == "narrower\tminimum_group\t5\t8\n"
    assert "one party can put it in force" in narrower.stderr
    run("agreement", "propose", "agreement.toml")
    assert "in force" in run("agreement", "sign", "--as", "workers", "--key", "workers.key").stderr
    listed = json.loads(run("agreement", "history", "--json").stdout)
    assert [(row["number"], row["signed_by"]) for row in listed] == [(1, ["employer", "workers"]), (2, ["workers"])]
    assert "minimum_group narrower" in run("agreement", "history").stdout
    assert json.loads(run("agreement", "show", "--json").stdout)["minimum_group"] == 8
    assert json.loads(run("agreement", "verify", "--json").stdout)["in_force"] == 2
    Path("agreement.toml").write_text(text.replace("hidden_zones = []", 'hidden_zones = ["brake-room"]'))
    assert "no device is in the zone 'brake-room'" in run("agreement", "propose", "agreement.toml").stderr


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["near misses", "at least 5 people", "90 days", "stays: numbers", "Without any agreement"]),
        ("ko", ["아차사고", "5명", "90일"]),
    ],
)
def test_an_agreement_is_explained_in_plain_words_with_what_is_not_agreed_on(run, filled, lang, words):
    run("agreement", "propose", "agreement.toml")
    text = run("agreement", "explain", "--proposal", "--lang", lang).stdout
    for word in words:
        assert word in text


def test_what_went_wrong_is_one_sentence_with_what_to_do(run, filled, site):
    assert "nothing is proposed" in run("agreement", "diff", code=2).output
    assert "nothing is proposed" in run("agreement", "explain", "--proposal").stderr
    run("agreement", "propose", "agreement.toml")
    wrong = run("agreement", "sign", "--as", "workers", "--key", "workers.key", env={"JIKIMI_PASSPHRASE": "x"}, code=1)
    assert "passphrase" in said(wrong)
    party = run("agreement", "sign", "--as", "workers", "--key", "employer.key", code=1)
    assert "sign with --as employer" in said(party)
    Path("bytes.toml").write_bytes(b"\xff")
    assert "not UTF-8" in run("agreement", "propose", "bytes.toml", code=2).output
    run("agreement", "sign", "--as", "workers", "--key", "workers.key")
    change(site, "agreement", 1, employer_signature=b"forged")
    assert "agreement 1 is not genuine" in said(run("agreement", "verify", code=1))


def test_a_passphrase_is_asked_for_twice_when_a_key_is_made_and_never_printed(run):
    made = run("agreement", "key", "w.key", input=f"{PASSPHRASE}\n{PASSPHRASE}\n", env={"JIKIMI_PASSPHRASE": ""})
    assert PASSPHRASE not in made.output
    assert "is there already" in said(run("agreement", "key", "w.key", code=1))


def test_the_audit_log_is_listed_verified_and_its_head_noted(run, filled, site):
    assert "nothing was asked yet" in run("audit", "list").stderr
    run("agreement", "propose", "agreement.toml")
    head = run("audit", "head").stdout.strip()
    (row,) = json.loads(run("audit", "list", "--json").stdout)
    assert head == f"1:{row['digest']}"
    assert "propose agreement 1" in run("audit", "list").stdout
    run("agreement", "propose", "agreement.toml")
    assert run("audit", "verify", "--head", head).stdout == run("audit", "head").stdout
    assert json.loads(run("audit", "verify", "--json").stdout)["entries"] == 2
    change(site, "audit", 1, who="nobody")
    for words in (("verify",), ("head",)):
        assert "entry 1 of the audit log" in said(run("audit", *words, code=1))
