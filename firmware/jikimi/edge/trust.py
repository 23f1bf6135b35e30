"""The public keys this device trusts, `trust/PURPOSE` on flash: one, or two while one replaces the other."""

from jikimi.wire import WireError, cbor

_LONGEST = 256


class Roots:
    """`files` are `Files`, `name` that of the file in them. No file: nothing is trusted, so nothing is installed."""

    def __init__(self, files, name):
        self._files = files
        self._name = name

    def load(self):
        """The HSS public keys."""
        try:
            found = cbor.loads(self._files.read(self._name), _LONGEST)
        except (OSError, WireError):
            return []
        return found if isinstance(found, list) else []
