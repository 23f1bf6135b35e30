"""Who a device is on the radio: names that cannot be followed from one quarter of an hour to the next."""

import binascii
import hashlib
import os

PERIOD_S = 900
EPHEMERAL_BYTES = 8
_CLIENT_DIGEST_BYTES = 6

# Crockford's alphabet has 32 letters and digits that survive being read aloud; five bits each.
_UWB_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def period_at(epoch_ms):
    """Number of the rotation period at a UTC time."""
    return epoch_ms // 1000 // PERIOD_S


def ephemeral_id(secret, period):
    """Eight bytes that only the holder of `secret` can link to those of another period."""
    return hashlib.sha256(secret + period.to_bytes(8, "big")).digest()[:EPHEMERAL_BYTES]


def uwb_address(ephemeral):
    """The eight ASCII characters a UWB module answers to, from the first five bytes of the ephemeral id.

    Anyone who heard the advert can compute it, nobody else, and it changes with it.
    """
    bits = int.from_bytes(ephemeral[:5], "big")
    return "".join(_UWB_ALPHABET[(bits >> shift) & 31] for shift in range(35, -1, -5))


def uwb_name(name):
    """Eight ASCII characters for a site or a node, where a module wants a network or an address of that length."""
    return uwb_address(hashlib.sha256(name.encode()).digest())


def client_id(device, key):
    """MQTT client id of a device: stable, and a secret, as it ends in a digest of the private key `key` (DER).

    Whoever connects under the id of another takes over its connection, so no other device may be able to guess it.
    """
    return device + "-" + binascii.hexlify(hashlib.sha256(key).digest()[:_CLIENT_DIGEST_BYTES]).decode()


def short_id(device):
    """Four bytes that stand for a device in adverts, where its name does not fit."""
    return hashlib.sha256(device.encode()).digest()[:4]


def pair_answer(machine, ephemeral):
    """Two bytes that a tag with the id `ephemeral` adverts while it is paired with the machine of that short id."""
    return hashlib.sha256(b"pair" + machine + ephemeral).digest()[:2]


class Ephemeral:
    """The tag's current id; `epoch_ms()` gives UTC or None while the clock is not set."""

    def __init__(self, secret, epoch_ms, ticks_s):
        self._secret = secret
        self._epoch_ms = epoch_ms
        self._ticks_s = ticks_s
        self._period = None
        self.value = None

    def rotate(self):
        """True when the id in `value` has just changed.

        Without a clock the id is random and lasts a period of uptime: it still cannot be followed, and a node
        needs no agreement on the period to hear it.
        """
        now_ms = self._epoch_ms()
        period = -1 - self._ticks_s() // PERIOD_S if now_ms is None else period_at(now_ms)
        if period == self._period:
            return False
        self._period = period
        self.value = os.urandom(EPHEMERAL_BYTES) if period < 0 else ephemeral_id(self._secret, period)
        return True
