"""The public keys this device trusts, `trust/PURPOSE` on flash: one, or two while one replaces the other."""

from jikimi.wire import WireError, cbor

_LONGEST = 256


class Roots:
    """`files` are the `Files` of `trust`. No file: nothing is trusted, so nothing is installed."""

    def __init__(self, files, purpose):
        self._files = files
        self._purpose = purpose

    def load(self):
        """The HSS public keys."""
        if self._purpose not in self._files.names():
            return []
        try:
            found = cbor.loads(self._files.read(self._purpose), _LONGEST)
        except WireError:
            return []
        return found if isinstance(found, list) else []

    def replace(self, roots):
        """Trust these from now on, and no others."""
        if self.load() == roots:
            return
        file = self._files.create("new")
        try:
            self._files.write(file, cbor.dumps(roots, _LONGEST))
        finally:
            self._files.close(file)
        self._files.rename("new", self._purpose)
