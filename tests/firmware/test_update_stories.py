"""What a device does with a release: installs it once nobody is at risk, or refuses it, or goes back, and says why."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
import pytest

from jikimi.fleet.signing import SigningKey
from jikimi.wire import cose, manifest
from tests.firmware.release_files import NEW, OLD, Release, signed, write_flash

_NEWER = NEW | {"jikimi/edge/app.mpy": b"newer application"}


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return SigningKey.create(tmp_path_factory.mktemp("keys") / "key", 5)


@pytest.fixture(scope="module")
def other_key(tmp_path_factory):
    return SigningKey.create(tmp_path_factory.mktemp("keys") / "other", 5)


@pytest.fixture(scope="module")
def old(key):
    return signed(key, OLD, 7)


@pytest.fixture(scope="module")
def new(key):
    return signed(key, NEW, 8)


@pytest.fixture
def story(run_device, tmp_path, key, old):
    """`story(name, release, …)`: a device that runs release 7 is offered those; what came of it."""
    write_flash(tmp_path / "flash", old, OLD, [key.public_key])

    def tell(
        name: str, *releases: Release, envelope: bytes | None = None, serve: bool = True, cut: int | None = None
    ) -> Any:
        arguments: list[object] = []
        for release in releases:
            if serve:
                release.serve(tmp_path / "content", envelope)
            sent = envelope or release.envelope
            arguments += [hashlib.sha256(sent).hexdigest(), len(sent)]
        return run_device("update_cases", name, *arguments, *([] if cut is None else [cut]))

    return tell


def test_a_newer_release_is_installed_confirmed_and_told_to_the_site(story, new):
    found = story("plain", new)
    assert (found["now"], found["starts"]) == ("b", ["a", "a", "b"])  # whole, quiet, on trial
    assert found["told"] == [["a", 7, False, None], ["b", 8, True, None], ["b", 8, False, None]]
    assert found["files"] == sorted(path.removeprefix("jikimi/") for path in NEW)
    assert found["work"] == []


def test_an_offer_of_a_size_that_no_content_has_changes_nothing(story, new):
    found = story("nonsense", new)
    assert found["lines"][:3] == 2 * ["jk log an offer this device cannot take"] + ["asked for nonsense: 0"]
    assert found["now"] == "b"


def test_notes_about_an_update_that_cannot_be_read_any_more_are_forgotten(story, new):
    assert story("rotten", new)["now"] == "b"


def test_files_that_have_not_changed_are_not_sent_again(story, new):
    found = story("plain", new)
    changed = [path for path in NEW if OLD.get(path) != NEW[path]]
    fetched = sum(len(stored) for stored in new.made.objects.values())
    assert found["sent"] < len(new.envelope) + len(new.made.index) + fetched
    assert len(changed) == 2
    assert not any(line.startswith("jk update waits") for line in found["lines"])


def test_busy_answers_only_delay(story, new):
    found = story("busy", new)
    assert found["now"] == "b"
    assert not any(line.startswith("jk update waits") for line in found["lines"])


def test_lost_messages_are_asked_for_again(story, new):
    assert story("silent", new)["now"] == "b"


def test_on_a_shift_nothing_is_fetched_and_nothing_installed(story, new):
    found = story("not_allowed", new)
    assert found["lines"][-1] == "asked on shift: 0"
    assert found["now"] == "b"


def test_a_device_that_is_taken_along_while_it_fetches_goes_on_when_it_is_back(story, new):
    found = story("taken_along", new)
    assert found["now"] == "b"
    assert found["sent"] < 1.3 * (len(new.envelope) + new.made.stored_bytes)


def test_a_device_that_is_taken_along_while_the_site_is_silent_is_at_work_again_before_it_asks_once_more(story, new):
    found = story("taken_along_in_silence", new)
    assert "asked before it was back: 2" in found["lines"]
    assert found["now"] == "b"


def test_filling_the_other_slot_lets_others_run_between_two_files_however_few_of_them_are_fetched(
    story, tmp_path, key, old
):
    same = {f"jikimi/edge/same{i}.mpy": bytes([i]) * 1000 for i in range(30)}
    write_flash(tmp_path / "flash", old, OLD | same, [key.public_key])
    found = story("slow_flash", signed(key, NEW | same, 8))
    in_one_go = next(int(line.split(": ")[1]) for line in found["lines"] if line.startswith("in one go: "))
    assert found["now"] == "b"
    assert in_one_go < sum(len(content) for content in same.values())


def test_a_release_for_which_there_is_no_room_is_refused_and_leaves_the_flash_as_empty_as_before(story, new):
    found = story("full_flash", new)
    assert (found["now"], found["starts"]) == ("a", ["a", "a", "a"])
    assert "jk update refused 8 flash" in found["lines"]
    assert "room again: True" in found["lines"]
    assert (found["files"], found["work"]) == ([], [])
    assert found["told"][-1] == ["a", 7, False, [8, "flash", False]]


def test_a_flash_that_does_not_take_a_note_of_what_is_begun_restarts_nothing(story, new):
    found = story("takes_nothing", new)
    assert found["lines"][-1] == "lived on: True"
    assert found["lines"][0].startswith("jk update waits: ")
    assert found["starts"] == ["a"]


@pytest.mark.parametrize("part", ["sensor", "broker"])
def test_a_release_with_which_a_part_does_not_work_is_rolled_back_with_its_name_and_not_tried_again(story, new, part):
    found = story(part, new)
    assert (found["now"], found["starts"].count("b")) == ("a", 1)
    assert ["a", 7, False, [8, part, True]] in found["told"]
    assert f"jk update failed 8 {part}" in found["lines"]


def test_a_part_that_was_broken_before_is_no_reason_against_a_release(story, new):
    assert story("broken_before", new)["now"] == "b"


@pytest.mark.parametrize(
    ("name", "reason"), [("crash", "crash"), ("settings", "settings"), ("stands_still", "watchdog")]
)
def test_a_release_that_crashes_stands_still_or_refuses_the_settings_is_rolled_back_at_once(story, new, name, reason):
    found = story(name, new)
    assert found["now"] == "a"
    assert found["starts"].count("b") == 1
    assert found["failed"] == f"8 {reason} started"


def test_power_cuts_in_a_trial_give_it_one_more_start_and_no_third(story, new):
    found = story("power_cut_in_each_start", new)
    assert (found["now"], found["starts"].count("b")) == ("a", 2)


def test_a_slot_that_does_not_read_back_is_never_started(story, new):
    found = story("worn_flash", new)
    assert (found["now"], found["starts"].count("b")) == ("a", 0)
    assert found["told"][-1] == ["a", 7, False, [8, "flash", False]]


def test_what_was_fetched_before_a_power_cut_is_not_fetched_again(story, new):
    found = story("interrupted", new, cut=22)
    changed = [new.made.objects[_stored_digest(new, path)] for path in NEW if OLD.get(path) != NEW[path]]
    once = len(new.envelope) + len(new.made.index) + sum(map(len, changed))
    assert found["now"] == "b"
    assert found["sent"] <= once + len(new.envelope)  # which is offered, and so fetched, again


def _stored_digest(release, path):
    return next(entry.stored_digest for entry in manifest.decode_index(release.made.index) if entry.path == path)


def test_an_offer_that_is_taken_back_is_forgotten(story, new):
    found = story("stopped", new)
    assert (found["now"], found["work"]) == ("a", [])


def test_an_offer_during_a_trial_does_not_disturb_it_and_is_taken_after_it(story, key, new):
    found = story("another_on_trial", new, signed(key, _NEWER, 9))
    assert "after the trial: b" in found["lines"]
    assert found["told"] == [
        ["a", 7, False, None],
        ["b", 8, True, None],
        ["b", 8, False, None],
        ["a", 9, True, None],
        ["a", 9, False, None],
    ]


def test_an_application_that_cannot_be_loaded_any_more_gives_way_to_the_one_before(story, new):
    found = story("damaged_after", new)
    assert found["now"] == "a"
    assert found["starts"][-1] == "a"


def _refused(found: Any, reason: str, sequence: int) -> None:
    assert (found["now"], set(found["starts"])) == ("a", {"a"})
    assert found["told"] == [["a", 7, False, None], ["a", 7, False, [sequence, reason, False]]]
    assert found["work"] == []


def test_a_release_of_the_same_sequence_or_a_lower_one_is_refused(story, key):
    _refused(story("plain", signed(key, NEW, 7)), "sequence", 7)


def test_a_downgrade_is_refused(story, key):
    _refused(story("plain", signed(key, NEW, 3)), "sequence", 3)


def test_a_replayed_release_is_refused_after_a_newer_one(story, key, new):
    found = story("plain", new, signed(key, _NEWER, 9), new)
    assert found["now"] == "a"  # 9 went there
    confirmed = [told for told in found["told"] if told[:3] in (["b", 8, False], ["a", 9, False])]
    assert confirmed == [["b", 8, False, None], ["a", 9, False, None], ["a", 9, False, [8, "sequence", False]]]


def test_a_release_for_another_class_of_device_is_refused(story, key):
    _refused(story("plain", signed(key, NEW, 8, arch="xtensawin")), "class", 8)


def test_a_release_signed_by_a_key_that_is_not_trusted_is_refused(story, other_key):
    _refused(story("plain", signed(other_key, NEW, 8)), "root", 0)


def _parts(envelope):
    return cbor2.loads(envelope)


def test_a_release_whose_signature_is_half_there_or_of_something_else_is_refused(story, new, key):
    protected, header, payload, signature = _parts(new.envelope)
    half = signature[: len(signature) // 2]
    _refused(
        story("plain", new, envelope=cbor2.dumps([protected, header, payload, half], canonical=True)), "signature", 0
    )


def test_a_payload_under_another_ones_signature_is_refused(story, new, key):
    protected, header, _payload, signature = _parts(new.envelope)
    other = signed(key, _NEWER, 9).made.payload
    _refused(
        story("plain", new, envelope=cbor2.dumps([protected, header, other, signature], canonical=True)), "signature", 0
    )


def test_a_truncated_envelope_is_refused(story, new):
    _refused(story("plain", new, envelope=new.envelope[:-1]), "truncated", 0)


def test_a_configuration_is_not_taken_for_a_release(story, new, key):
    envelope = key.sign(cose.CONFIG, new.made.payload)
    _refused(story("plain", new, envelope=envelope), "content", 0)


def test_a_file_that_is_not_what_the_index_says_is_refused(story, new, tmp_path):
    new.serve(tmp_path / "content")
    for stored in new.made.objects.values():
        path = tmp_path / "content" / hashlib.sha256(stored).hexdigest()
        path.write_bytes(bytes([stored[0] ^ 1]) + stored[1:])
    found = story("plain", new, serve=False)
    _refused(found, "digest", 8)


def test_the_old_root_brings_the_new_one_and_is_not_trusted_any_more_when_the_new_one_says_so(story, key, other_key):
    bridge = signed(key, NEW, 8, roots=(key.public_key, other_key.public_key))
    after = signed(other_key, _NEWER, 9, roots=(other_key.public_key,))
    late = signed(key, OLD, 10)
    found = story("plain", bridge, after, late)
    assert {("b", 8, False), ("a", 9, False)} <= {tuple(told[:3]) for told in found["told"]}
    assert found["told"][-1] == ["a", 9, False, [0, "root", False]]
    assert found["trust"] == 1 + 2 + 52
