"""A device takes a signed configuration over, refuses every other one, and finds the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jikimi.fleet.configuration.signed import documents
from jikimi.fleet.signing import SigningKey
from jikimi.wire import configuration as wire
from jikimi.wire import cose
from tests.firmware.test_config import TAG

CONFIG = {**TAG, "uwb": None}
_IDENTITY = ("version", "site", "device", "kind", "ephemeral_secret")


def _settings(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in CONFIG.items() if key not in _IDENTITY} | changes


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[SigningKey, SigningKey]:
    folder = tmp_path_factory.mktemp("keys")
    return SigningKey.create(folder / "own", 5), SigningKey.create(folder / "other", 5)


@pytest.fixture(scope="module")
def offered(keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents by what is wrong with them."""
    own, other = keys

    def one(key: SigningKey, sequence: int, settings: dict[str, Any], site: str = "fab") -> dict[str, bytes]:
        return documents(key, site, sequence, {"dabc": settings, "dxyz": settings, "dqqq": _settings()})

    better = _settings(vitals_s=60)
    good = one(own, 5, better)["dabc"]
    leaf = wire.encode_leaf("fab", "dabc", 9, json.dumps(better).encode())
    unsigned = wire.encode_document(b"", leaf, 0, [])
    release = wire.encode_document(
        own.sign(cose.RELEASE, wire.encode_statement("fab", 9, wire.leaf_hash(leaf))), leaf, 0, []
    )
    all_documents = {
        "good": good,
        "older": one(own, 4, better)["dabc"],
        "other key": one(other, 6, better)["dabc"],
        "other device": one(own, 6, better)["dxyz"],
        "other site": one(own, 6, better, site="shop")["dabc"],
        "unsigned": unsigned,
        "signed as a release": release,
        "bit flipped": good[:-100] + bytes([good[-100] ^ 1]) + good[-99:],
        "signature flipped": good[:400] + bytes([good[400] ^ 1]) + good[401:],
        "cut short": good[:-1],
        "unknown key": one(own, 6, _settings(vitals=1))["dabc"],
        "out of range": one(own, 6, _settings(vitals_s=0))["dabc"],
        "identity": one(own, 6, _settings(device="dxyz"))["dabc"],
    }
    path = tmp_path_factory.mktemp("offers") / "given.json"
    given = {
        "roots": [own.public_key.hex()],
        "config": CONFIG,
        "documents": {name: document.hex() for name, document in all_documents.items()},
    }
    path.write_text(json.dumps(given))
    return path


REASONS = {
    "good": None,
    "older": None,
    "other key": "root",
    "other device": "device",
    "other site": "site",
    "signed as a release": "content",
    "signature flipped": "signature",
    "bit flipped": "tree",
    "unknown key": "settings",
    "out of range": "settings",
    "identity": "settings",
}


def test_only_a_whole_new_configuration_signed_for_this_device_is_taken(run_device, offered):
    found = run_device("adoption_cases", offered)
    secret = CONFIG["ephemeral_secret"]
    for name, (reason, in_force, refused) in found["offers"].items():
        if name in REASONS:
            assert reason == REASONS[name], name
        assert (reason is None) == (name in ("good", "older")), name
        expected = {"good": [5, 60, secret], "older": [4, 60, secret]}.get(name, [0, 30, secret])
        assert in_force == expected, name
        assert (refused is None) == (reason is None), name
    assert found["offers"]["unknown key"][2] == "6 settings vitals is not a known key"

    told = found["stories"]
    assert (told["taken"], told["trial"], told["confirmed"]) == (None, True, None)
    assert told["now"] == [5, 60, secret]
    assert (told["again"], told["older"]) == ("replayed", "replayed")
    assert (told["lost"], told["back"], told["not again"]) == ("5 restarts", [0, 30, secret], "replayed")
    assert told["no link"] == ["5 link", [0, 30, secret], False]

    assert found["cuts"]["bad"] == []
    assert found["cuts"]["count"] > 40


def test_a_trial_ends_well_with_the_connection_and_badly_without_one(run_device):
    found = run_device("adopting_session")
    assert {name: found[name] for name in ("0", "179000", "None")} == {
        "0": [60, False, None, False],
        "179000": [60, False, None, False],
        "None": [30, False, "7 link", True],
    }


def test_a_configuration_offered_again_and_again_waits_once_and_the_last_offer_counts(run_device):
    waiting, said, size = run_device("adopting_session")["again and again"]
    assert (waiting, size) == (1, 104)
    assert said == ["jk log restart to take a configuration"]


def test_a_configuration_that_comes_to_nothing_is_taken_up_after_ever_longer_pauses_and_another_one_at_once(run_device):
    waited, another, again = run_device("adopting_session")["in vain"]
    assert waited[:5] == [0, 30_000, 60_000, 120_000, 240_000]
    assert waited[-1] == waited[-2] == 15_360_000
    assert (another, again) == (0, 30_000)


def test_an_offer_that_waits_is_not_put_off_when_it_is_made_again_and_gives_way_to_another_one(run_device):
    assert run_device("adopting_session")["meanwhile"] == [[1, True, 0], [1, True, 0], [0, False, 1]]


def test_notes_about_a_configuration_that_cannot_be_read_any_more_are_forgotten(run_device):
    begun, refused, sequence, offer = run_device("adopting_session")["illegible"]
    assert begun == [False, False]
    assert (refused, sequence, offer) == (None, 0, None)
