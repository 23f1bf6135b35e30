"""The device's configuration file."""

import json

from jikimi.wire import settings


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
