"""Train the fall networks on everybody in ../shared/data: `python -m tools.train_fall` writes sig_fall_model.h.

How good they are on people they have not seen is what tools.eval_fall says; this tool only makes them.
"""

from __future__ import annotations

import re

from tools import fall_models, model_tables, nets

_HEADER = "sig_fall_model.h"
_WIDTH = 24  # numbers in a line


def _array(declared: str, rows: list[str]) -> str:
    return "\n".join([f"static const {declared} = {{", *(f"    {row}" for row in rows), "};"])


def scale_table(kind: str, scale: nets.Scale) -> str:
    """Of each input its middle and gain, as a C array."""
    pairs = [f"{{{middle}, {gain}}}," for middle, gain in zip(scale.middle, scale.gain, strict=True)]
    rows = [" ".join(pairs[at : at + _WIDTH // 3]) for at in range(0, len(pairs), _WIDTH // 3)]
    return _array(f"uint8_t {kind}_scale[{len(pairs)}][2]", rows)


def table(name: str, net: nets.Net) -> str:
    """The units as a C array, one after the other."""
    rows = []
    for unit in net.units:
        numbers = [f"{number}," for number in unit]
        rows += [" ".join(numbers[at : at + _WIDTH]) for at in range(0, len(numbers), _WIDTH)]
    return _array(f"int8_t {name}[{net.units.size}]", rows)


def with_tables(header: str, name: str, net: nets.Net) -> str:
    """The text of a header with the units and the bias of `name` replaced."""
    for what, value in {"UNITS": len(net.units), "BIAS": net.bias}.items():
        header, n = re.subn(rf"({name.upper()}_{what} =) -?\d+", rf"\g<1> {value}", header)
        if n != 1:
            raise ValueError(f"{name.upper()}_{what} occurs {n} times")
    header, n = re.subn(rf"static const int8_t {name}\[\d+\] = \{{.*?\n\}};", table(name, net), header, flags=re.DOTALL)
    if n != 1:
        raise ValueError(f"the table {name} occurs {n} times")
    return header


def with_scales(header: str, scales: fall_models.Scales) -> str:
    """The text of a header with what becomes of features replaced."""
    for kind, scale in (("fall", scales.impact), ("pre", scales.falling)):
        pattern = rf"static const uint8_t {kind}_scale\[\d+\]\[2\] = \{{.*?\n\}};"
        header, n = re.subn(pattern, scale_table(kind, scale), header, flags=re.DOTALL)
        if n != 1:
            raise ValueError(f"the table {kind}_scale occurs {n} times")
    return header


def main() -> None:
    """Train and write."""
    origin = ["Trained on recordings of others, none of which is part of this project:"]
    numbers: list[tuple[str, int]] = []
    tables: list[str] = []
    scales: fall_models.Scales | None = None
    for placement in fall_models.PLACEMENTS:
        trials = fall_models.recordings(placement)
        part = fall_models.examples(placement, trials)
        scales = scales or fall_models.scales(part)
        origin.append(f"{placement.name}: {placement.source}{placement.also}, {len(trials)} trials.")
        nets_of = {
            f"fall_{placement.name}": fall_models.train_impact(placement, part, scales.impact),
            f"pre_{placement.name}": fall_models.train_falling(placement, part, scales.falling),
        }
        for name, net in nets_of.items():
            numbers += [(f"{name.upper()}_UNITS", len(net.units)), (f"{name.upper()}_BIAS", net.bias)]
            tables.append(table(name, net))
            print(f"{name}: {len(net.units)} units from {len(part)} recordings", flush=True)
    assert scales is not None
    scaled = [scale_table("fall", scales.impact), scale_table("pre", scales.falling)]
    body = [model_tables.constants(numbers), *(text + "\n" for text in (*scaled, *tables))]
    model_tables.write_header(_HEADER, "train_fall", "\n * ".join(origin), body)


if __name__ == "__main__":
    main()
