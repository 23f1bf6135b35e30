"""Rules of the core that the compiler and its tools can check: warnings, symbols, sanitizers, budgets."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from jikimi.sigcore._sigcore import ffi

from tests.native.conftest import ROOT

SOURCES = sorted((ROOT / "native" / "src").glob("*.c"))
HEADERS = sorted((ROOT / "native" / "include").glob("*.h"))
INCLUDE = [f"-I{ROOT / 'native' / 'include'}", f"-I{ROOT / 'native' / 'src'}"]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wcast-qual", "-Werror"]
CLANG = "clang-14"
# What a compiler may call on its own for a structure copy; MicroPython's runtime table has both.
ALLOWED = {"memset", "memcpy", "_GLOBAL_OFFSET_TABLE_"}


def run(command: list[object]) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs_clang() -> None:
    """Skip where it is not installed; its runtime library belongs to the sanitizers."""
    if not shutil.which(CLANG):
        pytest.skip("no clang: apt-get install clang-14 libclang-rt-14-dev")


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    made = []
    for source in SOURCES:
        made.append(folder / (source.stem + ".o"))
        run(["gcc", *STRICT, "-Os", "-fpic", "-fno-stack-protector", *INCLUDE, "-c", source, "-o", made[-1]])
    return made


@pytest.mark.parametrize("level", ["-O0", "-O3"])
@pytest.mark.parametrize("compiler", ["gcc", CLANG])
def test_the_core_compiles_without_a_warning(compiler, level, tmp_path):
    if compiler == CLANG:
        needs_clang()
    for source in SOURCES:
        run([compiler, *STRICT, level, *INCLUDE, "-c", source, "-o", tmp_path / "a.o"])


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_every_header_stands_on_its_own(header, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{header.name}"\nint main(void) {{ return 0; }}\n', encoding="utf-8")
    run(["gcc", *STRICT, *INCLUDE, "-c", source, "-o", tmp_path / "alone.o"])


def symbols(path: Path) -> list[tuple[str, ...]]:
    """(letter, name) of every symbol, as nm prints them."""
    return [tuple(line.split()[-2:]) for line in run(["nm", path]).splitlines()]


def test_no_object_has_data_that_can_be_written(objects):
    writable = [(path.name, *symbol) for path in objects for symbol in symbols(path) if symbol[0] in "bBdDcCsSgG"]
    # Constant tables of addresses live in .data.rel.ro, which nm also calls d.
    sections = {path.name: run(["objdump", "-h", path]) for path in objects}
    sizes = {
        name: sum(int(size, 16) for size in re.findall(r" \.(?:data|bss|tdata|tbss) +([0-9a-f]+)", text))
        for name, text in sections.items()
    }
    assert set(sizes.values()) == {0}, (writable, sizes)


def test_no_object_calls_a_library(objects):
    defined = {name for path in objects for letter, name in symbols(path) if letter in "TR"}
    wanted = {name for path in objects for letter, name in symbols(path) if letter == "U"}
    assert wanted - defined <= ALLOWED


def test_the_core_uses_no_floating_point():
    for path in [*SOURCES, *HEADERS, *(ROOT / "native" / "src").glob("*.h")]:
        code = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"\b(float|double)\b|\b\d+\.\d", code), path.name


def test_the_fall_state_fits_its_budget():
    assert ffi.sizeof("sig_fall_t") <= 1024
