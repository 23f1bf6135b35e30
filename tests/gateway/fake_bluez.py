"""A BlueZ for one adapter on a private system bus: what a gateway asks of it, and nothing else.

From BlueZ's D-Bus interfaces (Adapter, Device, LEAdvertisingManager). It runs in a thread; methods are for others.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

ADAPTER = "/org/bluez/hci0"
_ADAPTER_INTERFACE, _DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
_MANAGER, _ADVERTISEMENT = "org.bluez.LEAdvertisingManager1", "org.bluez.LEAdvertisement1"
_PROPERTIES, _OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"


@contextmanager
def system_bus(folder: Path) -> Iterator[str]:
    """Address of a private bus; skips the test naming what is missing."""
    program = shutil.which("dbus-daemon")
    if program is None:
        if os.environ.get("JIKIMI_NO_SKIPS"):
            pytest.fail("dbus-daemon is not installed (Debian package dbus-daemon)")
        pytest.skip("dbus-daemon is not installed (Debian package dbus-daemon)")
    command = [program, "--session", "--nofork", "--print-address=1", f"--address=unix:path={folder / 'bus'}"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert daemon.stdout is not None
    try:
        yield daemon.stdout.readline().strip()
    finally:
        daemon.terminate()
        daemon.wait()
        daemon.stdout.close()


class FakeBluez:
    """`adapter` False: no adapter is plugged in; `refuse` is an error for StartDiscovery."""

    def __init__(self, address: str, *, adapter: bool = True) -> None:
        self.discovering = False
        self.filters: dict[str, Any] = {}
        self.adverts: dict[str, dict[str, Any]] = {}  # path -> properties
        self.history: list[bytes] = []  # payloads registered, in order
        self.refuse: str | None = None
        self._adapter = adapter
        self._address = address
        self._devices: set[str] = set()
        self._owners: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._start())

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self) -> None:
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._bus.add_message_handler(self._on_message)
        await self._bus.request_name("org.bluez")

    def close(self) -> None:
        """The daemon ends."""

        async def leave() -> None:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()

        if self._thread.is_alive():
            self._run(leave())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def hear(self, address: str, rssi: int, data: bytes, company: int = 0xFFFF) -> None:
        """A device's advert reaches the adapter."""

        async def tell() -> None:
            path = f"{ADAPTER}/dev_{address.replace(':', '_')}"
            properties = {
                "Address": Variant("s", address),
                "AddressType": Variant("s", "random"),
                "Alias": Variant("s", address),
                "Adapter": Variant("o", ADAPTER),
                "Paired": Variant("b", False),
                "Connected": Variant("b", False),
                "ServicesResolved": Variant("b", False),
                "RSSI": Variant("n", rssi),
                "ManufacturerData": Variant("a{qv}", {company: Variant("ay", data)}),
            }
            if path not in self._devices:
                self._devices.add(path)
                body = [path, {_DEVICE: properties}]
                await self._bus.send(Message.new_signal("/", _OBJECTS, "InterfacesAdded", "oa{sa{sv}}", body))
                return
            changed = {name: properties[name] for name in ("RSSI", "ManufacturerData")}
            body = [_DEVICE, changed, []]
            await self._bus.send(Message.new_signal(path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", body))

        self._run(tell())

    def said(self) -> bytes | None:
        """Manufacturer's data being advertised now, company 0xFFFF."""
        for properties in list(self.adverts.values()):
            data = properties["ManufacturerData"].value[0xFFFF].value
            assert isinstance(data, bytes)
            return data
        return None

    def release(self) -> None:
        """Drop the adverts, as when the adapter is taken away."""

        async def drop() -> None:
            for path in list(self.adverts):
                del self.adverts[path]
                message = Message(self._owners[path], path, _ADVERTISEMENT, "Release")
                await self._bus.call(message)

        self._run(drop())

    def _on_message(self, message: Message) -> Any:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        handler = {
            "GetManagedObjects": self._objects,
            "SetDiscoveryFilter": self._set_filter,
            "StartDiscovery": self._start_discovery,
            "StopDiscovery": self._stop_discovery,
            "UnregisterAdvertisement": self._unregister,
        }.get(message.member or "")
        if message.member == "RegisterAdvertisement":
            self._loop.create_task(self._register(message))
            return True
        return handler(message) if handler is not None else None

    def _objects(self, message: Message) -> Message:
        known = {
            _ADAPTER_INTERFACE: {
                "Address": Variant("s", "00:00:5E:00:53:01"),
                "Powered": Variant("b", True),
                "Roles": Variant("as", ["central", "peripheral"]),
            },
            _MANAGER: {"SupportedInstances": Variant("y", 4), "ActiveInstances": Variant("y", 0)},
        }
        found = {ADAPTER: known} if self._adapter else {}
        return Message.new_method_return(message, "a{oa{sa{sv}}}", [found])

    def _set_filter(self, message: Message) -> Message:
        self.filters = {name: value.value for name, value in message.body[0].items()}
        return Message.new_method_return(message)

    def _start_discovery(self, message: Message) -> Message:
        if self.refuse is not None:
            return Message.new_error(message, self.refuse, "Resource Not Ready")
        self.discovering = True
        return Message.new_method_return(message)

    def _stop_discovery(self, message: Message) -> Message:
        self.discovering = False
        return Message.new_method_return(message)

    async def _register(self, message: Message) -> None:
        """As bluetoothd does it: ask the object for its properties before answering."""
        path, owner = message.body[0], message.sender
        assert owner is not None
        reply = await self._bus.call(Message(owner, path, _PROPERTIES, "GetAll", signature="s", body=[_ADVERTISEMENT]))
        if reply is None or reply.message_type is MessageType.ERROR:
            await self._bus.send(Message.new_error(message, "org.bluez.Error.Failed", "no such object"))
            return
        self.adverts[path] = reply.body[0]
        self._owners[path] = owner
        self.history.append(reply.body[0]["ManufacturerData"].value[0xFFFF].value)
        await self._bus.send(Message.new_method_return(message))

    def _unregister(self, message: Message) -> Message:
        if self.adverts.pop(message.body[0], None) is None:
            return Message.new_error(message, "org.bluez.Error.DoesNotExist", "Does Not Exist")
        return Message.new_method_return(message)
