"""Public keys of the secrets given as hexadecimal on the command line, then a new key of the device's own."""

# ruff: noqa: T201 - stdout is the result.

import json
import sys

from jikimi.edge import keys

public = [keys.public_of(int(secret, 16)).hex() for secret in sys.argv[1:]]
made = keys.make("key.der", b"extra")
same = keys.make("other.der", b"extra") == made
with open("key.der", "rb") as file:  # noqa: PTH123
    der = file.read()
read = keys.public_in("key.der") == made
with open("cut.der", "wb") as file:  # noqa: PTH123
    file.write(der[:-1])
refused = [keys.public_in("cut.der"), keys.public_in("absent.der")]
print(json.dumps({"public": public, "made": made.hex(), "der": der.hex(), "read": read, "same": same, "no": refused}))
