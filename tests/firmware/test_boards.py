"""Pin tables: the chips allow them, the wiring document says the same, and the configuration cannot ask for more."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jikimi.edge import boards
from jikimi.fleet.virtual import image
from jikimi.wire import settings
from tests.firmware.test_config import NODE, TAG

ROOT = Path(__file__).parents[2]
WIRING = (ROOT / "firmware" / "WIRING.md").read_text(encoding="utf-8")

# From the chips' data sheets ("Pin overview", "Strapping pins") and the boards' user guides: pins with other duties.
S3: dict[str, Any] = {
    "exists": {*range(22), *range(26, 49)},
    "strapping": {0, 3, 45, 46},
    "usb": {19, 20},
    "flash and memory": {*range(26, 38)},  # 33 to 37 with the octal memory of the N8R8 module
    "console": {43, 44},
    "the board's RGB light": {38, 48},
    "adc1": {*range(1, 11)},  # the other converter does not work beside Wi-Fi
    "boot button": 0,
    "uarts": {1, 2},  # 0 is the console
}
C3: dict[str, Any] = {
    "exists": {*range(22)},
    "strapping": {2, 8, 9},
    "usb": {18, 19},
    "flash and memory": {*range(11, 18)},
    "console": {20, 21},
    "the board's RGB light": {8},
    "adc1": {*range(5)},
    "boot button": 9,
    "uarts": {1},
}
CHIPS = {"esp32-s3-devkitc-1": S3, "esp32-c3-devkitm-1": C3, "virtual": S3}
DUTIES = ("strapping", "usb", "flash and memory", "console", "the board's RGB light")
KINDS = [(board, kind) for board in sorted(CHIPS) for kind in ("tag", "node")]
HEADINGS = {
    ("esp32-s3-devkitc-1", "tag"): "Tag on an ESP32-S3",
    ("esp32-c3-devkitm-1", "tag"): "Tag on an ESP32-C3",
    ("esp32-s3-devkitc-1", "node"): "Machine node on an ESP32-S3",
    ("esp32-c3-devkitm-1", "node"): "Machine node on an ESP32-C3",
    ("linux", "node"): "Machine node on a Raspberry Pi",
}


def pins_of(board, kind):
    """GPIO numbers by name, buses left out."""
    return {
        name: pin
        for name, pin in vars(boards.pins(board, kind)).items()
        if pin is not None and not name.endswith("_id")
    }


@pytest.mark.parametrize(("board", "kind"), KINDS)
def test_no_pin_has_two_duties_or_one_the_chip_keeps_for_itself(board, kind):
    chip, pins = CHIPS[board], pins_of(board, kind)
    assert len(set(pins.values())) == len(pins)
    for name, pin in pins.items():
        assert pin in chip["exists"], name
        if name == "button" and pin == chip["boot button"]:
            continue  # where the board has a button and its pull-up already
        for duty in DUTIES:
            assert pin not in chip[duty], f"{name} on GPIO{pin}: {duty}"


@pytest.mark.parametrize(("board", "kind"), KINDS)
def test_analogue_inputs_and_serial_lines_are_where_the_chip_has_them(board, kind):
    found = boards.pins(board, kind)
    if found.battery_adc is not None:
        assert found.battery_adc in CHIPS[board]["adc1"]
    lines = [line for line in (found.uart_id, found.rs485_id) if line is not None]
    assert set(lines) <= CHIPS[board]["uarts"]
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize(("board", "kind"), sorted(HEADINGS))
def test_the_wiring_document_has_the_same_table(board, kind):
    sections = dict(pairwise(re.split(r"^## (.*)$", WIRING, flags=re.MULTILINE)[1:]))
    title = next(title for title in sections if title.startswith(HEADINGS[board, kind]))
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", sections[title], flags=re.MULTILINE)
    assert {name: int(pin) for name, pin in rows} == pins_of(board, kind)


LACKING = {
    "a tag on a C3 has no UWB": (TAG | {"board": "esp32-c3-devkitm-1", "uwb": {"driver": "ryuw122"}}, "uwb"),
    "a C3 has no RS-485": (
        NODE
        | {
            "board": "esp32-c3-devkitm-1",
            "machine": NODE["machine"]
            | {
                "separation": {"max_mm_s": 1, "braking_mm_s2": 100},
                "speed": {"modbus": {"over": "rtu", "register": 0}},
            },
        },
        "rtu",
    ),
    "a gateway is no tag": (TAG | {"board": "linux"}, "cannot be a tag"),
    "a board nobody knows": (TAG | {"board": "esp8266"}, "known: esp32-c3"),
}


@pytest.mark.parametrize("case", sorted(LACKING))
def test_a_configuration_that_asks_for_what_the_board_lacks_is_refused(case):
    config, said = LACKING[case]
    with pytest.raises(ValueError, match=said):
        boards.check(settings.check(config))


@pytest.mark.parametrize("board", ["virtual", "esp32-s3-devkitc-1", "esp32-c3-devkitm-1"])
def test_a_plain_tag_and_a_plain_node_fit_on_every_board(board):
    boards.check(settings.check(TAG | {"board": board}))
    boards.check(settings.check(NODE | {"board": board}))


def test_the_manifest_freezes_what_an_installed_device_has(monkeypatch):
    """The manifest's functions are MicroPython's: here they note what they are told."""
    frozen = {"/main.py"}

    def package(name, files, base_path, opt):
        assert opt == 3
        assert all((ROOT / "firmware" / base_path / name / file).is_file() for file in files)
        frozen.update(f"/lib/{name}/{file.removesuffix('.py')}.mpy" for file in files)

    monkeypatch.chdir(ROOT / "firmware")  # manifests run in their own directory
    scope = {"require": lambda _name: None, "package": package, "module": lambda *_args, **_options: None}
    exec(compile((ROOT / "firmware/manifest.py").read_text(), "manifest.py", "exec"), scope)
    assert frozen == set(image.application()) - {"/lib/jikimi/sigcore.mpy", "/slots/now"}
