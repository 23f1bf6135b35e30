"""No leaf of a signing key ever signs twice: not after a crash at any moment, not with several processes at once."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pyhsslms  # type: ignore[import-untyped]
import pytest

from jikimi.fleet.errors import SigningError
from jikimi.fleet.signing import RESERVE, SigningKey
from jikimi.fleet.signing.key import leaf_of
from jikimi.wire import cose

_PAYLOAD = b"\xa1\x01\x07"


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


class KillSwitch:
    """Kills at the n-th call that changes the disk: before it, or just after it."""

    NAMES = ("open", "fsync", "replace", "rename", "write", "unlink")

    def __init__(self, patch: pytest.MonkeyPatch, at: int | None, *, after: bool) -> None:
        self.calls: list[str] = []
        self._at, self._after = at, after
        for name in self.NAMES:
            patch.setattr(os, name, self._wrapped(name, getattr(os, name)))
        for name in ("replace", "rename", "unlink"):
            patch.setattr(Path, name, self._wrapped(f"path.{name}", getattr(Path, name)))

    def _wrapped(self, name, real):
        def call(*args, **kwargs):
            now = len(self.calls) == self._at
            self.calls.append(name)
            if now and not self._after:
                raise Killed
            result = real(*args, **kwargs)
            if now:
                raise Killed
            return result

        return call


def test_a_signature_is_one_that_the_independent_implementation_verifies(key):
    envelope = key.sign(cose.RELEASE, _PAYLOAD)
    assert cose.verify(envelope, [key.public_key], cose.RELEASE) == _PAYLOAD
    message = b"".join(cose.to_be_signed(cose.RELEASE, _PAYLOAD))
    assert pyhsslms.HssPublicKey.deserialize(key.public_key).verify(message, cose.parts(envelope).signature)


def test_a_key_of_height_ten_has_the_sizes_the_specification_gives(tmp_path):
    key = SigningKey.create(tmp_path / "key", 10)
    assert (len(key.public_key), key.capacity) == (52, 1024)
    assert len(cose.parts(key.sign(cose.RELEASE, _PAYLOAD)).signature) == 1504


def test_a_key_is_readable_by_its_owner_only_and_is_not_made_twice(key, tmp_path):
    assert (key.directory / "secret.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(SigningError, match="already"):
        SigningKey.create(key.directory, 5)
    assert SigningKey.open(key.directory).public_key == key.public_key
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def _disk_calls(key: SigningKey) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        switch = KillSwitch(patch, None, after=False)
        key.sign(cose.RELEASE, _PAYLOAD)
    return switch.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_call_that_changes_the_disk_no_leaf_signs_twice(key, after):
    calls = _disk_calls(key)
    assert {"open", "fsync", "path.replace"} <= set(calls)
    used: list[int] = [0]
    for at in range(len(calls)):
        with pytest.MonkeyPatch.context() as patch:
            KillSwitch(patch, at, after=after)
            with pytest.raises(Killed):
                SigningKey.open(key.directory).sign(cose.RELEASE, b"never seen")
        before = SigningKey.open(key.directory).remaining
        used.append(leaf_of(SigningKey.open(key.directory).sign(cose.RELEASE, b"seen"))[1])
        assert SigningKey.open(key.directory).remaining == before - 1
    assert len(set(used)) == len(used)
    assert used == sorted(used)


def test_the_state_is_on_the_disk_before_the_signature_is_computed(key, monkeypatch):
    seen: list[str] = []
    real = type(key._tree).sign

    def sign(tree, leaf, message):
        seen.append((key.directory / "next").read_text().strip())
        return real(tree, leaf, message)

    monkeypatch.setattr(type(key._tree), "sign", sign)
    key.sign(cose.RELEASE, _PAYLOAD)
    assert seen == ["1"]


def _sign_many(directory, count, queue):
    key = SigningKey.open(directory)
    queue.put([leaf_of(key.sign(cose.CONFIG, bytes([number])))[1] for number in range(count)])


def test_two_processes_at_once_never_get_the_same_leaf(key):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=_sign_many, args=(key.directory, 7, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    leaves = queue.get(timeout=60) + queue.get(timeout=60)
    for process in processes:
        process.join(60)
    queue.close()
    queue.join_thread()
    assert sorted(leaves) == list(range(14))
    assert key.remaining == 32 - 14


def test_exhaustion_is_refused_early_and_the_reserve_signs_only_the_rotation(key):
    for _ in range(32 - RESERVE):
        key.sign(cose.RELEASE, _PAYLOAD)
    with pytest.raises(SigningError, match="rotate"):
        key.sign(cose.RELEASE, _PAYLOAD)
    for _ in range(RESERVE):
        key.sign(cose.RELEASE, _PAYLOAD, rotation=True)
    assert key.remaining == 0
    with pytest.raises(SigningError, match="0 signatures are left"):
        key.sign(cose.RELEASE, _PAYLOAD, rotation=True)


@pytest.mark.parametrize("content", ["", "x", "-1", None])
def test_a_key_whose_state_is_lost_or_damaged_refuses_to_sign_instead_of_beginning_anew(key, content):
    path = key.directory / "next"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(SigningError, match="rotate"):
        key.sign(cose.RELEASE, _PAYLOAD)


def test_a_damaged_key_is_refused_when_it_is_opened(key):
    leaves = bytearray((key.directory / "leaves").read_bytes())
    leaves[100] ^= 1
    (key.directory / "leaves").write_bytes(leaves)
    with pytest.raises(SigningError, match="damaged"):
        SigningKey.open(key.directory)
    with pytest.raises(SigningError, match="cannot be read"):
        SigningKey.open(key.directory.parent / "nowhere")
