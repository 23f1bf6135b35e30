"""Replacing a signing key: the old root signs what brings the new one; a device holds two meanwhile."""

from __future__ import annotations

import pytest

from jikimi.fleet import signing
from jikimi.fleet.errors import SigningError
from jikimi.fleet.site import Site
from jikimi.wire import WireError, cose


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(signing, "HEIGHT", 5)
    return Site.init(tmp_path / "site")


def test_the_first_key_is_made_when_it_is_needed_and_once(site):
    first = signing.current(site, signing.RELEASE)
    assert signing.current(site, signing.RELEASE).public_key == first.public_key
    assert signing.roots(site, signing.RELEASE) == [first.public_key]
    assert signing.current(site, signing.CONFIG).public_key != first.public_key


def test_while_a_key_is_replaced_devices_trust_both_and_the_old_one_signs(site):
    old = signing.current(site, signing.RELEASE)
    new = signing.rotate(site, signing.RELEASE)
    assert signing.current(site, signing.RELEASE).public_key == old.public_key
    assert signing.roots(site, signing.RELEASE) == [old.public_key, new.public_key]
    with pytest.raises(SigningError, match="already"):
        signing.rotate(site, signing.RELEASE)


def test_after_the_advance_the_new_key_signs_and_the_old_one_is_not_trusted_any_more(site):
    old = signing.current(site, signing.RELEASE)
    with pytest.raises(SigningError, match="rotate"):
        signing.advance(site, signing.RELEASE)
    signing.rotate(site, signing.RELEASE)
    held_meanwhile = signing.roots(site, signing.RELEASE)
    new = signing.advance(site, signing.RELEASE)
    assert signing.current(site, signing.RELEASE).public_key == new.public_key
    assert cose.verify(new.sign(cose.RELEASE, b"x"), held_meanwhile, cose.RELEASE) == b"x"
    with pytest.raises(WireError) as caught:
        cose.verify(old.sign(cose.RELEASE, b"x"), signing.roots(site, signing.RELEASE), cose.RELEASE)
    assert caught.value.reason == "root"
