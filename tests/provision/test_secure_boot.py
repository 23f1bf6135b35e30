"""The recipe for secure boot: the real tools take its commands, and a virtual chip ends up as the recipe says."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_RECIPE = Path(__file__).parents[2] / "firmware" / "SECURE_BOOT.md"
_BLOCK = re.compile(r"(?P<optional><!-- optional -->\n)?```sh\n(?P<commands>.*?)```", re.DOTALL)
_TOOLS = Path(sys.executable).parent

# A chip of espefuse's own, instead of one behind a port; nobody is there to type BURN.
_ESPEFUSE = """#!/bin/sh
exec {tools}/espefuse --virt --path-efuse-file efuses.bin --do-not-confirm --chip $2 $(echo "$@" | cut -d' ' -f5-)
"""
# There is no chip to write to: options are taken, and then the port is not there.
_ESPTOOL = """#!/bin/sh
{tools}/esptool "$@" > esptool.out 2>&1
grep -q "Could not open /dev/ttyACM0" esptool.out || {{ cat esptool.out; exit 1; }}
"""


def _commands(*, optional: bool) -> str:
    blocks = _BLOCK.finditer(_RECIPE.read_text("utf-8"))
    return "\n".join(block["commands"] for block in blocks if optional or not block["optional"])


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A folder with what a build leaves, and the tools with a virtual chip."""
    for name in ("bootloader/bootloader.bin", "partition_table/partition-table.bin", "micropython.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\xe9" + os.urandom(4095))
    (tmp_path / "bin").mkdir()
    for name, text in (("espefuse", _ESPEFUSE), ("esptool", _ESPTOOL)):
        path = tmp_path / "bin" / name
        path.write_text(text.format(tools=_TOOLS))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def _run(bench: Path, commands: str) -> str:
    path = f"{bench / 'bin'}:{_TOOLS}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", commands],
        cwd=bench,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _efuses(bench: Path, chip: str) -> dict[str, Any]:
    _run(bench, f"espefuse --chip {chip} --port none summary --format json --file summary.json")
    return dict(json.loads((bench / "summary.json").read_text()))


@pytest.mark.timeout(600)  # some thirty starts of the vendor's tools, a second each and more on a busy machine
@pytest.mark.parametrize(("chip", "optional"), [("esp32s3", True), ("esp32c3", False)])
def test_every_command_of_the_recipe_is_taken_and_the_chip_is_locked_as_it_says(bench, chip, optional):
    _run(bench, _commands(optional=optional).replace("CHIP=esp32s3", f"CHIP={chip}"))
    found = _efuses(bench, chip)
    digests = {name: (bench / name).read_bytes().hex(" ") for name in ("digest-1.bin", "digest-2.bin")}
    for number, name in enumerate(digests):
        assert found[f"KEY_PURPOSE_{number}"]["value"] == f"SECURE_BOOT_DIGEST{number}"
        assert (found[f"BLOCK_KEY{number}"]["value"], found[f"BLOCK_KEY{number}"]["readable"]) == (digests[name], True)
    assert [found[f"SECURE_BOOT_KEY_REVOKE{number}"]["value"] for number in range(3)] == [False, False, True]
    burnt = ("SECURE_BOOT_EN", "DIS_PAD_JTAG", "DIS_USB_JTAG", "DIS_DIRECT_BOOT", "ENABLE_SECURITY_DOWNLOAD")
    assert [found[name]["value"] for name in burnt] == [True] * len(burnt)
    assert found["DIS_USB_SERIAL_JTAG"]["value"] in (False, "Enable")  # a word on the C3: the port stays
    assert found["DIS_DOWNLOAD_MODE"]["value"] is False
    assert found["RD_DIS"]["writeable"] is False
    assert (found["KEY_PURPOSE_4"]["value"], found["BLOCK_KEY4"]["readable"]) == (
        ("XTS_AES_128_KEY", False) if optional else ("USER", True)
    )
    assert not (bench / "flash-key.bin").exists()


def test_an_image_that_one_key_did_not_sign_is_not_verified_by_it(bench):
    commands = _commands(optional=False).split("CHIP=")[0]
    _run(bench, commands)
    with pytest.raises(AssertionError, match="Signature could not be verified"):
        _run(bench, "espsecure verify-signature --version 2 --keyfile boot-key-2.pem boot-1.bin")
