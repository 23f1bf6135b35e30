"""Where the site's broker may be reached: when one of its nodes does not answer, the next one is tried."""


class Brokers:
    """`settings` is the section `broker` of the configuration."""

    def __init__(self, settings):
        self._addresses = [(settings.host, settings.port)]
        for other in (settings.others or "").split():
            host, _, port = other.rpartition(":")
            self._addresses.append((host.strip("[]"), int(port)))
        self._at = 0

    @property
    def address(self):
        """Host and port to be tried now."""
        return self._addresses[self._at]

    def turn(self):
        """The one tried now did not answer, or not as a broker should."""
        self._at = (self._at + 1) % len(self._addresses)
