"""Releases of the device application: build, sign, verify, publish."""
