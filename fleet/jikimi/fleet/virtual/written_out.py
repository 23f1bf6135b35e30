"""Code for devices as it is compiled, kept on disk: seeing through all of an application takes a second or two."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from jikimi.fleet import literals
from jikimi.fleet.site.files import PUBLIC, write_atomic
from jikimi.fleet.virtual import arguments, attributes, edits, linker
from jikimi.fleet.virtual.compiler import cache_dir

Texts = dict[str, str]  # of modules, by dotted name

_OWN_CODE = (arguments, attributes, edits, linker, literals, sys.modules[__name__])


def application(sources: Mapping[str, str]) -> Texts:
    """Linked, with short names for arguments and attributes. SyntaxError."""

    def write() -> Texts:
        return arguments.shortened(attributes.shortened(linker.linked(sources, "jikimi.wire")))

    return _kept("application", sources, write)


def rom(sources: Mapping[str, str]) -> Texts:
    """The modules that emulate a chip's: of those without an underscore all names stay, as on the chip. SyntaxError."""

    def write() -> Texts:
        public = [name for name in sources if name[0] != "_"]
        whole = linker.linked(sources, public=public)
        return arguments.shortened(whole) | {name: whole[name] for name in public}

    return _kept("rom", sources, write)


def _kept(what: str, sources: Mapping[str, str], write: Callable[[], Texts]) -> Texts:
    given = json.dumps([what, _own_code(), sys.version, sorted(sources.items())])
    path = cache_dir() / f"{hashlib.sha256(given.encode()).hexdigest()}.json"
    try:
        texts: Texts = json.loads(path.read_bytes())
    except FileNotFoundError:
        texts = write()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(texts), PUBLIC)
    return texts


@functools.cache
def _own_code() -> list[str]:
    """A change of the linker makes other texts of the same sources."""
    return [Path(str(module.__file__)).read_text(encoding="utf-8") for module in _OWN_CODE]
