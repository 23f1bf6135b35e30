"""Nobody can follow a tag by its radio, and those who may can still tell who it was."""

import hashlib

SECRET = bytes(range(16))


def _expected(epoch_s: int) -> str:
    return hashlib.sha256(SECRET + (epoch_s // 900).to_bytes(8, "big")).hexdigest()[:16]


def test_the_ephemeral_id_is_the_start_of_the_hash_of_secret_and_period(run_device):
    result = run_device("identity_cases")
    assert result["first"] == _expected(1_790_000_000)
    assert result["last"] == _expected(1_790_000_000 + 1800)


def test_the_id_changes_with_the_period_and_only_then(run_device):
    # 1,790,000,000 is 800 s into a period: the id changes 100 s later, and once per 900 s after that.
    assert run_device("identity_cases")["rotates"] == [True, True, False, True]


def test_without_a_clock_the_id_is_random_and_still_changes_every_quarter_of_an_hour(run_device):
    assert run_device("identity_cases")["clockless"] == [[True, 8], [False, 8], [True, 8], [True, 8]]


def test_names_on_the_uwb_radio_have_eight_letters_and_digits(run_device):
    result = run_device("identity_cases")
    for name in (result["address"], result["name"]):
        assert len(name) == 8
        assert name.isalnum()
    assert result["short"] == hashlib.sha256(b"dabc").hexdigest()[:8]


def test_the_mqtt_client_id_names_the_device_and_cannot_be_guessed_without_its_private_key(run_device):
    digest = hashlib.sha256(b"a private key").hexdigest()
    assert run_device("identity_cases")["client"] == f"dabc-{digest[:12]}"
