"""The files of a device: {path on the device: content}. Code compiled for MicroPython, configuration, keys.

Device code is data here: it is looked up on disk and never imported.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jikimi.fleet.errors import BoardError
from jikimi.fleet.virtual import written_out
from jikimi.fleet.virtual.compiler import compile_module

Image = dict[str, bytes]

# Parts of the packages that only run on CPython, and the /main.py that an installation keeps among them.
_GATEWAY_ONLY = {"port_cpython.py", "gateway_advert.py", "gateway_ble.py", "gateway_machine.py", "__main__.py"}
_HOST_ONLY = {"jikimi.wire": {"host.py"}, "jikimi.edge": {*_GATEWAY_ONLY, "main.py"}}

_compiling = threading.Lock()  # one thread compiles for all that ask at the same time


@dataclass(frozen=True)
class Tls:
    """DER files of one device."""

    ca: bytes
    cert: bytes
    key: bytes = field(repr=False)


def device_image(config: Mapping[str, Any], tls: Tls | None = None, arch: str = "x64") -> Image:
    """Everything a device needs; `arch` names the native core (`x64` is the virtual board's)."""
    return application(arch) | settings(config, tls)


def application(arch: str = "x64", edge: Path | None = None) -> Image:
    """The code: /main.py, the packages as byte code and the native core, and that these are to run, no release.

    `edge` is a folder with the sources of jikimi.edge, if they are not this installation's. BoardError.
    """
    if edge is not None and not (edge / "app.py").is_file():
        raise BoardError(f"{edge} is no copy of jikimi/edge: it has no app.py")
    with _compiling:
        image = dict(_compiled(tuple(sources(edge).items())))
    image["/lib/jikimi/sigcore.mpy"] = _native_core(arch)
    image["/main.py"] = _main().read_bytes()
    image["/slots/now"] = b"cable"
    return image


def settings(config: Mapping[str, Any], tls: Tls | None = None) -> Image:
    """What differs between devices, and all a Linux gateway's directory needs."""
    image = {"/config.json": json.dumps(config, indent=1, ensure_ascii=False).encode() + b"\n"}
    if tls is not None:
        image |= {"/tls/ca.der": tls.ca, "/tls/cert.der": tls.cert, "/tls/key.der": tls.key}
    return image


def write_image(image: Image, flash_dir: Path) -> None:
    """Put the files onto a virtual board's flash, keys readable by their owner only."""
    for device_path, content in image.items():
        path = flash_dir / device_path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600 if device_path.endswith("key.der") else 0o644)
        path.write_bytes(content)


def sources(edge: Path | None = None) -> dict[str, str]:
    """What a device runs of our Python: {dotted name: text}; `edge` as `application` takes it."""
    return _texts("jikimi.wire") | _texts("jikimi.edge", edge)


def _texts(package: str, folder: Path | None = None) -> dict[str, str]:
    folder = folder or _folder(package)
    texts = {}
    for source in sorted(folder.rglob("*.py")):
        inside = source.relative_to(folder)
        if inside.as_posix() not in _HOST_ONLY[package] and "__pycache__" not in inside.parts:
            name = ".".join([package, *inside.with_suffix("").parts]).removesuffix(".__init__")
            texts[name] = source.read_text(encoding="utf-8")
    return texts


@functools.cache
def _compiled(texts: tuple[tuple[str, str], ...]) -> Mapping[str, bytes]:
    """Byte code of an application, by path on the device. BoardError."""
    try:
        modules = written_out.application(dict(texts))
    except SyntaxError as error:
        raise BoardError(f"the application does not compile: {error}") from error
    packages = {name.rpartition(".")[0] for name in modules}
    return {
        "/lib/" + name.replace(".", "/") + ("/__init__.mpy" if name in packages else ".mpy"): compile_module(name, text)
        for name, text in modules.items()
    }


def _native_core(arch: str) -> bytes:
    path = _folder("jikimi.sigcore") / "mpy" / f"sigcore-{arch}.mpy"
    if not path.exists():
        raise BoardError(f"the native core for {arch} is not built: run tools/build_mpy.py --arch {arch} (make setup)")
    return path.read_bytes()


def _main() -> Path:
    """In the tree it is firmware/main.py; an installation has it inside the package."""
    edge = _folder("jikimi.edge")
    for path in (edge.parent.parent / "main.py", edge / "main.py"):
        if path.exists():
            return path
    raise BoardError("firmware/main.py is missing from this installation")


def _folder(name: str) -> Path:
    """Where a package is, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise BoardError(f"the package {name} is missing from this installation")
    return Path(next(iter(spec.submodule_search_locations)))
