"""An update ends with one whole application, whatever happens to the power, the network, the flash or the release."""

from __future__ import annotations

import pytest

from jikimi.fleet.signing import SigningKey
from tests.firmware.release_files import NEW, OLD, signed, write_flash


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    return SigningKey.create(tmp_path_factory.mktemp("keys") / "key", 5)


@pytest.fixture(scope="session")
def old(key):
    return signed(key, OLD, 7)


@pytest.fixture(scope="session")
def new(key):
    return signed(key, NEW, 8)


@pytest.mark.timeout(600)
def test_power_cut_inside_every_file_operation_of_an_update_leaves_one_whole_application_and_one_retry_at_most(
    run_device, tmp_path, key, old, new
):
    write_flash(tmp_path / "was", old, OLD, [key.public_key])
    for path, content in NEW.items():
        place = tmp_path / "new" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    new.serve(tmp_path / "content")
    result = run_device("update_cut", new.digest, len(new.envelope), patience_s=580)
    assert result["cuts"] == 3 * sum(result["operations"])
    assert sum(result["operations"]) > 60
    assert result["trials"] <= 2
    assert result["starts"] <= 6  # whole, quiet, on trial, and one of them again
