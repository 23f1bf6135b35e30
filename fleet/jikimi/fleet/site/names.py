"""DNS names inside certificates; `.internal` is reserved for private use and never resolved.

A device's name has one label less than a host service's, so neither can pass for the other.
"""

from __future__ import annotations


def device_name(site: str, device: str, generation: int = 1) -> str:
    """The name by which the broker knows a device; each new key has a new one, so that the old one can be shut out."""
    return f"{device_label(device, generation)}.{site}.jikimi.internal"


def device_label(device: str, generation: int = 1) -> str:
    """Its first part, which is also the certificate's common name, for brokers that see nothing else of it.

    No id has a `-` (`jikimi.fleet.registry.new_id`), so no two keys share one.
    """
    return device if generation == 1 else f"{device}-{generation}"


def host_name(site: str, role: str) -> str:
    """The name by which the broker knows a service of the host."""
    return f"{role}.host.{site}.jikimi.internal"


def broker_name(site: str) -> str:
    """The name every client expects in the broker's certificate, whatever address it dialled."""
    return f"broker.{site}.jikimi.internal"
