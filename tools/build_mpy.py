"""Build the signal core as a MicroPython native module: native/jikimi/sigcore/mpy/sigcore-ARCH.mpy.

The headers and the linker of MicroPython come from the source distribution of mpy-cross-v6-3, kept under build/, or
from a MicroPython checkout named by MPY_DIR (needed for rv32imc, which the packaged linker does not know). x64 is
built with gcc and tested in the real interpreter; xtensawin (ESP32, ESP32-S3) and rv32imc (ESP32-C3) need their cross
compilers on the path and are untested.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "native"
SDIST = "mpy-cross-v6-3==1.1.1"
_CACHE = ROOT / "build" / "micropython"
# Compiled for size and as one: functions used once melt into their caller, arguments that never change disappear. The
# compiler does that when it links a program, so the program is thrown away and the object it was made of is kept.
# What would be computed once before a loop is computed in it, where it needs no register that has to be saved.
SIZE = ("-Oz", "-flto", "-fvisibility=hidden", "-fno-move-loop-invariants")
# What runs once a decision or less is also spared the copies of code that save a jump; these run for every sample.
_EVERY_SAMPLE = {"sig_front", "sig_motion", "sig_fall", "sig_bend", "sig_common"}
_AS_ONE = (
    "-flto-partition=one", "-flinker-output=dyn", "-save-temps", "-nostdlib", "-Wl,--unresolved-symbols=ignore-all",
)  # fmt: skip
_CFLAGS = [
    "-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-DNDEBUG", "-DNO_QSTR",
    "-DMICROPY_ENABLE_DYNRUNTIME", "-fpic", "-fno-common", "-fno-jump-tables",
    "-fno-tree-loop-distribute-patterns", "-U_FORTIFY_SOURCE",
]  # fmt: skip


@dataclass(frozen=True)
class Arch:
    """How one processor is compiled for."""

    cross: str
    flags: tuple[str, ...]
    float_impl: str


# Tables stand at the distance the ABI asks for: the compiler's own, for speed, fills a hundred bytes with nothing.
ARCHS = {
    "x64": Arch("", ("-fno-stack-protector", "-malign-data=abi"), "DOUBLE"),
    "xtensawin": Arch("xtensa-esp32-elf-", (), "FLOAT"),
    "rv32imc": Arch("riscv32-esp-elf-", ("-march=rv32imc", "-mabi=ilp32"), "NONE"),
}


class BuildError(Exception):
    """The module cannot be built; the text says what to do."""


def micropython_dir() -> Path:
    """Folder with py/dynruntime.h and tools/mpy_ld.py: MPY_DIR, or the unpacked source distribution (fetched once)."""
    if named := os.environ.get("MPY_DIR"):
        return _checked(Path(named))
    found = _unpacked()
    if found is None:
        _fetch()
        found = _unpacked()
    if found is None:
        raise BuildError(f"{SDIST} holds no MicroPython sources; set MPY_DIR to a MicroPython checkout")
    return _checked(found)


def _checked(folder: Path) -> Path:
    for needed in ("py/dynruntime.h", "tools/mpy_ld.py"):
        if not (folder / needed).is_file():
            raise BuildError(f"{folder} has no {needed}; set MPY_DIR to a MicroPython checkout")
    return folder


def _unpacked() -> Path | None:
    return next((path.parent.parent for path in _CACHE.glob("*/micropython/py/dynruntime.h")), None)


def _fetch() -> None:
    _CACHE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--dest", str(_CACHE), SDIST]
    if subprocess.run(command, check=False).returncode != 0:
        raise BuildError(f"pip cannot download {SDIST}; set MPY_DIR to a MicroPython checkout")
    archive = next(_CACHE.glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later
            tar.extractall(_CACHE, filter="data")
        else:
            tar.extractall(_CACHE)


def _run(command: list[str], folder: Path = ROOT) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def small(source: Path) -> tuple[str, ...]:
    """The flags that compile `source` for size."""
    return SIZE if source.stem in _EVERY_SAMPLE else (*SIZE, "-fno-thread-jumps")


def as_one(compiler: Sequence[str], objects: Sequence[Path], entries: Sequence[str]) -> Path:
    """The one object that `objects`, compiled with `small`, become when only `entries` are called from outside."""
    folder = objects[0].parent / "whole"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    wanted = [f"-Wl,-e,{entries[0]}", *(f"-Wl,-u,{name}" for name in entries)]
    _run([*compiler, *_AS_ONE, *wanted, *map(str, objects), "-o", str(folder / "core")])
    return next(folder.glob("*.ltrans.o"))


def build(arch: str, output: Path) -> Path:
    """Compile and link the module for `arch` into `output`; BuildError says what is missing."""
    with tempfile.TemporaryDirectory(prefix="natmod-") as work:  # its own: several may build at once
        return _build(arch, output, Path(work))


def _build(arch: str, output: Path, work: Path) -> Path:
    target, mpy_dir = ARCHS[arch], micropython_dir()
    compiler = shutil.which(target.cross + "gcc")
    if compiler is None:
        raise BuildError(f"{target.cross}gcc is not on the path; install the compiler for {arch}")
    sources = sorted((NATIVE / "natmod").glob("*.c")) + sorted((NATIVE / "src").glob("*.c"))
    config = work / "sigcore.config.h"
    linker = [sys.executable, str(mpy_dir / "tools" / "mpy_ld.py"), "--arch", arch]
    _run([*linker, "--preprocess", "-o", str(config), *map(str, sources)])
    flags = [*_CFLAGS, *target.flags, f"-I{mpy_dir}", f"-I{NATIVE / 'include'}", f"-I{NATIVE / 'src'}"]
    flags += [f"-DMP_CONFIGFILE=<{config}>", f"-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{target.float_impl}"]
    objects = [work / (source.stem + ".o") for source in sources]
    for source, obj in zip(sources, objects, strict=True):
        _run([compiler, *flags, *small(source), "-c", str(source), "-o", str(obj)])
    whole = as_one([compiler, *flags, *SIZE], objects, ["mpy_init"])
    output.parent.mkdir(parents=True, exist_ok=True)
    # The linker keeps the name it is given in the module, in ASCII: where the tree lies has no place there.
    _run([*linker, "--qstrs", str(config), "-o", output.name, str(whole)], output.parent)
    return output


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=sorted(ARCHS), default="x64")
    parser.add_argument("--output", type=Path, help="default: native/jikimi/sigcore/mpy/sigcore-ARCH.mpy")
    args = parser.parse_args()
    output = args.output or NATIVE / "jikimi" / "sigcore" / "mpy" / f"sigcore-{args.arch}.mpy"
    try:
        build(args.arch, output)
    except BuildError as error:
        print(f"build_mpy: {error}", file=sys.stderr)
        return 1
    print(f"{output.relative_to(ROOT) if output.is_relative_to(ROOT) else output}: {output.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
