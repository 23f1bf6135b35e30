"""Where the site's broker may be reached: when one of its nodes does not answer, the next one is tried."""

from jikimi.edge.mqtt import Client, Will


class Brokers:
    """`settings` is the section `broker` of the configuration, `tls` as the port's `open_stream` takes it.

    `last_words(docked)` is what the broker publishes on `topic` when this device falls silent.
    """

    def __init__(self, port, settings, tls, client_id, topic, last_words):
        self._addresses = [(settings.host, settings.port)]
        for other in (settings.others or "").split():
            host, _, number = other.rpartition(":")
            self._addresses.append((host.strip("[]"), int(number)))
        self._at = 0
        self._server_name = settings.server_name
        self._port = port
        self._tls = tls
        self._client_id = client_id
        self._topic = topic
        self._last_words = last_words

    def client(self, docked):
        """The client of the next connection."""
        will = Will(self._topic, self._last_words(docked))
        return Client(self._port, self._open_stream, self._client_id, will=will)

    def turn(self):
        """The one tried now did not answer, or not as a broker should."""
        self._at = (self._at + 1) % len(self._addresses)

    def _open_stream(self):
        host, number = self._addresses[self._at]
        return self._port.open_stream(host, number, self._tls, self._server_name or host)
