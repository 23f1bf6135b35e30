"""Worst stack of the signal core's functions, from the call graph gcc writes for the processor at hand."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.build_mpy import as_one, small

NATIVE = Path(__file__).resolve().parent.parent / "native"
_NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "[^"]*\\n(\d+) bytes \((\w+)\)', re.MULTILINE)
_EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', re.MULTILINE)


class UnboundedError(Exception):
    """A function's stack has no limit that is known when it is compiled; the text names it."""


def entries() -> list[str]:
    """The core's functions that the native module calls."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (NATIVE / "natmod").glob("*.c"))
    return sorted(set(re.findall(r"\b(sig_\w+)\(", text)))


def deepest(frames: dict[str, int], calls: dict[str, set[str]]) -> dict[str, int]:
    """Bytes each function and what it calls need at most; UnboundedError for one that calls itself."""
    found: dict[str, int] = {}

    def depth(name: str, callers: tuple[str, ...]) -> int:
        if name in callers:
            raise UnboundedError(f"{name} calls itself")
        if name not in found:
            below = [depth(other, (*callers, name)) for other in calls.get(name, ())]
            found[name] = frames.get(name, 0) + max(below, default=0)
        return found[name]

    return {name: depth(name, ()) for name in frames}


def worst(compiler: Sequence[str]) -> dict[str, int]:
    """{public function of the core: bytes of stack at most}, as `compiler` (command and flags) builds it."""
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for source in sorted((NATIVE / "src").glob("*.c")):
            objects.append(Path(folder) / (source.stem + ".o"))
            include = [f"-I{NATIVE / 'include'}", f"-I{NATIVE / 'src'}"]
            subprocess.run([*compiler, *small(source), *include, "-c", str(source), "-o", str(objects[-1])], check=True)
        whole = as_one([*compiler, "-fcallgraph-info=su"], objects, entries())
        for graph in whole.parent.glob("*.ci"):
            text = graph.read_text(encoding="utf-8")
            for name, size, kind in _NODE.findall(text):
                if kind != "static":
                    raise UnboundedError(f"{name} has a {kind} stack")
                frames[name] = int(size)
            for caller, callee in _EDGE.findall(text):
                calls.setdefault(caller, set()).add(callee)
    return {name: size for name, size in sorted(deepest(frames, calls).items()) if ":" not in name}
