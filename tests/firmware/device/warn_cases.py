"""Every pattern of the warner for every kind of wearer: what the outputs do in ten seconds, every 50 ms."""

# ruff: noqa: T201 - stdout is the result.

import json

from jikimi.edge import warn

_STEP_MS = 50
_SPAN_MS = 10_000


class Output:
    """A pin, or a buzzer."""

    on = 0

    def value(self, on):
        self.on = on

    def freq(self, _hz):
        pass

    def duty_u16(self, duty):
        self.on = 1 if duty else 0


def timeline(pattern, hears, sees_colour):
    """Vibration, tone, red, amber and green as the bits of a letter after "@", step after step."""
    outputs = [Output() for _ in range(5)]
    warner = warn.Warner(*outputs, hears=hears, sees_colour=sees_colour)
    warner.alarm(pattern)
    steps = []
    for _ in range(_SPAN_MS // _STEP_MS):
        steps.append(chr(64 + sum([output.on << bit for bit, output in enumerate(outputs)])))
        warner._advance(_STEP_MS)
    return "".join(steps)


names = {}
for name in dir(warn):
    if name.isupper() and name[0] != "_" and not name.endswith("_MS"):
        names[name] = getattr(warn, name)
assert len(names) == len(warn._PATTERNS)
print(
    json.dumps(
        [
            [hears, sees, {name: timeline(value, hears, sees) for name, value in names.items()}]
            for hears in (True, False)
            for sees in (True, False)
        ]
    )
)
