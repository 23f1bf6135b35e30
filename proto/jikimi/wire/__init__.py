"""The wire protocol: codec, messages and topics, for CPython and MicroPython.

`proto/SPEC.md` says what everything means, `proto/wire.cddl` is the law. Only `host` needs CPython.
"""


class WireError(ValueError):
    """Bytes or values that are not this protocol.

    `reason` is one of the short codes of SPEC.md ("Reason codes"), stable enough to be counted and compared.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason + ": " + detail if detail else reason)
        self.reason = reason
