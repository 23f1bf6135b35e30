"""The signal core on CPython."""
