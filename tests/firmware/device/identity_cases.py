"""Prints ids of an imaginary tag: by clock, without one, and over a change of period."""

# ruff: noqa: T201 - stdout is the result.

import json

from jikimi.edge.identity import Ephemeral, client_id, ephemeral_id, short_id, uwb_address, uwb_name

secret = bytes(range(16))
now = [1_790_000_000_000]
up_s = [0]
tag = Ephemeral(secret, lambda: now[0], lambda: up_s[0])
steps = []
for ms in (0, 899_000, 1_000, 900_000):
    now[0] += ms
    steps.append(tag.rotate())
lost = Ephemeral(secret, lambda: None, lambda: up_s[0])
clockless = []
for s in (0, 899, 900, 1800):
    up_s[0] = s
    clockless.append([lost.rotate(), len(lost.value)])
print(
    json.dumps(
        {
            "first": ephemeral_id(secret, 1_790_000_000 // 900).hex(),
            "rotates": steps,
            "last": tag.value.hex(),
            "clockless": clockless,
            "address": uwb_address(tag.value),
            "name": uwb_name("fab"),
            "client": client_id("dabc", b"a private key"),
            "short": short_id("dabc").hex(),
        }
    )
)
