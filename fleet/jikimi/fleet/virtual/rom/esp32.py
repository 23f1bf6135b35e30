# mypy: ignore-errors
"""`esp32`: non-volatile storage and the temperature of the chip."""

import struct

import _world


class NVS:
    """Key and value storage beside the file system; here it lasts as long as the world."""

    def __init__(self, namespace):
        self._prefix = namespace.encode() + b"\0"

    def _key(self, key):
        return self._prefix + key.encode()

    def _set(self, key, value):
        key = self._key(key)
        _world.call(_world.NVS_SET, 0, bytes((len(key),)) + key + value)

    def set_i32(self, key, value):
        self._set(key, struct.pack("<i", value))

    def get_i32(self, key):
        return struct.unpack("<i", _world.call(_world.NVS_GET, 0, self._key(key)))[0]

    def set_blob(self, key, value):
        self._set(key, bytes(value))

    def get_blob(self, key, buffer):
        return _world.call_into(_world.NVS_GET, 0, self._key(key), buffer)

    def erase_key(self, key):
        _world.call(_world.NVS_ERASE, 0, self._key(key))

    def commit(self):
        """Each set is stored at once."""


def mcu_temperature():
    """°C."""
    return 32
