"""The device's configuration file."""

import json

from jikimi.wire import settings


def load(path):
    """Configuration in the JSON file `path` as a `settings.Section`; ConfigError when it is absent or wrong."""
    try:
        with open(path) as file:
            values = json.load(file)
    except OSError:
        raise settings.ConfigError(f"{path} cannot be read") from None
    except ValueError:
        raise settings.ConfigError(f"{path} is not JSON") from None
    return settings.check(values)
