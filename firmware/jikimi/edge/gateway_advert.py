"""One advert at BlueZ: an object of ours on the system bus, registered at org.bluez.LEAdvertisingManager1.

From BlueZ's "D-Bus LE Advertising API" (org.bluez.LEAdvertisement and org.bluez.LEAdvertisingManager). CPython only.
"""

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

_BLUEZ = "org.bluez"
_ADVERTISEMENT = "org.bluez.LEAdvertisement1"
_MANAGER = "org.bluez.LEAdvertisingManager1"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_OWNER_CHANGES = f"type='signal',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{_BLUEZ}'"
_COMPANY = 0xFFFF
# Of a payload of ours: flags, length, type and company come before what BlueZ calls the manufacturer's data.
_HEAD = 7
_SHORTEST_US = 20_000


class Advert:
    """`on_lost(text)` hears that BlueZ dropped the advert, or went away. DBusError and OSError mean it failed."""

    def __init__(self, on_lost):
        self._on_lost = on_lost
        self._bus = None
        self._adapter = None
        self._serial = 0
        self._path = None
        self._properties = None

    async def connect(self):
        """Reach BlueZ and find an adapter that can advertise."""
        self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        self._bus.add_message_handler(self._on_message)
        await self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "AddMatch", "s", [_OWNER_CHANGES],
                         service="org.freedesktop.DBus")  # fmt: skip
        objects = (await self._call(_OBJECTS, "/", "GetManagedObjects")).body[0]
        adapters = sorted(path for path, interfaces in objects.items() if _MANAGER in interfaces)
        if not adapters:
            raise OSError("no Bluetooth adapter that can advertise")
        self._adapter = adapters[0]

    async def say(self, wanted):
        """Advertise `wanted`, (interval in µs, payload) or None, instead of what was said before."""
        if self._path is not None:
            path, self._path = self._path, None
            await self._call(_MANAGER, self._adapter, "UnregisterAdvertisement", "o", [path])
        if wanted is None:
            return
        # A new path each time: what BlueZ still has to say about the old one is not meant for this one.
        self._serial += 1
        self._path = f"/jikimi/advert{self._serial}"
        self._properties = _properties(*wanted)
        await self._call(_MANAGER, self._adapter, "RegisterAdvertisement", "oa{sv}", [self._path, {}])

    def close(self):
        """Leave the bus: BlueZ drops the advert of whoever leaves."""
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = None

    async def _call(self, interface, path, member, signature="", body=(), service=_BLUEZ):
        reply = await self._bus.call(Message(service, path, interface, member, signature=signature, body=list(body)))
        if reply.message_type is MessageType.ERROR:
            raise DBusError(reply.error_name, str(reply.body[0]) if reply.body else "", reply)
        return reply

    def _on_message(self, message):
        if message.member == "NameOwnerChanged" and message.body[0] == _BLUEZ and not message.body[2]:
            self._on_lost("BlueZ has gone")
        if message.path != self._path or message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.interface == _PROPERTIES and message.member == "GetAll":
            return Message.new_method_return(message, "a{sv}", [self._properties])
        if message.interface == _ADVERTISEMENT and message.member == "Release":
            self._on_lost("BlueZ dropped the advert")
            return Message.new_method_return(message)
        return None


def _properties(interval_us, payload):
    ms = max(interval_us, _SHORTEST_US) // 1000
    return {
        "Type": Variant("s", "broadcast"),  # not connectable
        "ManufacturerData": Variant("a{qv}", {_COMPANY: Variant("ay", payload[_HEAD:])}),
        # Taken by BlueZ with its experimental interfaces switched on, and ignored otherwise (then about 1.28 s).
        "MinInterval": Variant("u", ms),
        "MaxInterval": Variant("u", ms),
    }
