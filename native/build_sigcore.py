"""cffi builder of `jikimi.sigcore._sigcore` (API mode): the headers are the declarations, src/*.c the sources."""

import re
from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]

_NATIVE = Path(__file__).resolve().parent
_FIRST = [
    "sig_common.h",
    "sig_events.h",
    "sig_front.h",
    "sig_trees.h",
    "sig_bend.h",
    "sig_fall.h",
    "sig_exertion.h",
    "sig_load.h",
]  # the others build on these
_FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wshadow"]


def headers() -> list[str]:
    """Names of the public headers, in an order in which each finds what it needs."""
    found = {path.name for path in (_NATIVE / "include").glob("sig_*.h")}
    return _FIRST + sorted(found - set(_FIRST))


def declarations() -> str:
    """Everything the headers declare, without preprocessor lines (which cffi does not read)."""
    text = "\n".join((_NATIVE / "include" / name).read_text(encoding="utf-8") for name in headers())
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def sources() -> list[str]:
    """Paths of the C files, relative to the project root as setuptools wants them."""
    return sorted(f"native/src/{path.name}" for path in (_NATIVE / "src").glob("*.c"))


ffibuilder = FFI()
ffibuilder.cdef(declarations())
ffibuilder.set_source(
    "jikimi.sigcore._sigcore",
    "\n".join(f'#include "{name}"' for name in headers()),
    sources=sources(),
    include_dirs=["native/include", "native/src"],
    extra_compile_args=_FLAGS,
)
