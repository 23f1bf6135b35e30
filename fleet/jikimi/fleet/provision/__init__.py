"""Putting firmware, configuration and keys onto boards over USB."""

from jikimi.fleet.provision.usb import install, read_file

__all__ = ["install", "read_file"]
