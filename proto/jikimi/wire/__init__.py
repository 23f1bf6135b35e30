"""The wire protocol: codec, messages and topics, for CPython and MicroPython."""
