"""The device's configuration file."""

import json
import os

from jikimi.wire import settings

_SECRET_BYTES = 16


def load(path):
    """Configuration in the JSON file `path` as a `settings.Section`; ConfigError when it is absent or wrong."""
    return settings.check(read(path))


def digest(path):
    """What the birth says about the configuration in `path`: the digest of its settings."""
    return settings.digest(read(path))


def read(path):
    """The values in the JSON file `path`, not checked; ConfigError when it is absent or not JSON."""
    try:
        with open(path) as file:
            return json.load(file)
    except OSError:
        raise settings.ConfigError(f"{path} cannot be read") from None
    except ValueError:
        raise settings.ConfigError(f"{path} is not JSON") from None


def write(path, values, urandom=os.urandom):
    """Make `values` the configuration in `path`, at once or not at all; ConfigError, and nothing is changed.

    A tag's secret, and the number of the last signed configuration, stay what they were for the same device; a new
    one makes its own secret.
    """
    whole = dict(values)
    whole.update(_kept(path, values))
    if whole.get("kind") == "tag" and "ephemeral_secret" not in whole:
        whole["ephemeral_secret"] = urandom(_SECRET_BYTES).hex()
    settings.check(whole)
    with open(path + ".new", "w") as file:
        json.dump(whole, file)
    os.rename(path + ".new", path)


def _kept(path, values):
    try:
        old = read(path)
    except settings.ConfigError:
        return {}
    if not isinstance(old, dict) or old.get("device") != values.get("device"):
        return {}
    return {key: old[key] for key in ("ephemeral_secret", "sequence") if key in old}
