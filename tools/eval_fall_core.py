"""Unseen people judged by the C core itself: `python -m tools.eval_fall_core --people SA01 SE01`.

For each of them tables are trained on all others, built into a core of their own, and whole recordings are pushed
through it; what it reports is laid beside what tools.fall_verdict computes from the candidates. Exit code 1 when they
differ in a fall found or a false alarm. `falling` may differ where the core keeps silent for 2 s after it has spoken.
"""

from __future__ import annotations

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from jikimi.sigcore._sigcore import ffi, lib

from jikimi.sigcore import block
from jikimi.sigcore.counts import ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100, to_counts
from tools import fall_curves, fall_models, fall_verdict, nets, train_fall
from tools.fall_data import Trial
from tools.fall_models import Example, Placement, Scales
from tools.fall_verdict import Verdict

_NATIVE = Path(__file__).resolve().parent.parent / "native"
_ROOM, _BLOCK = 8, 16


def build(folder: Path, placement: Placement, impact: nets.Net, falling: nets.Net) -> ctypes.CDLL:
    """The core with these networks in place of this placement's, as a library in `folder`."""
    for part in ("src", "include"):
        shutil.copytree(_NATIVE / part, folder / part)
    header = folder / "src" / "sig_fall_model.h"
    shipped = train_fall.with_scales(header.read_text(encoding="utf-8"), Scales(impact.scale, falling.scale))
    for kind, model in (("fall", impact), ("pre", falling)):
        shipped = train_fall.with_tables(shipped, f"{kind}_{placement.name}", model)
    header.write_text(shipped, encoding="utf-8")
    library = folder / "core.so"
    sources = sorted((folder / "src").glob("*.c"))
    command = ["gcc", "-O2", "-shared", "-fPIC", f"-I{folder / 'include'}", *map(str, sources), "-o", str(library)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


def events(core: ctypes.CDLL, trial: Trial, placement: int) -> list[tuple[int, float]]:
    """Kind and time (s) of everything the core reports about one recording, pushed in blocks."""
    counts = to_counts(trial.acc_g, trial.gyro_dps)
    motion = block.motion_new_centihz(round(trial.rate_hz * 100), ACC_LSB_PER_G, GYRO_LSB_PER_DPS_X100)
    state = block.fall_new(placement, no_motion_s=-1)
    data, out = ffi.from_buffer(counts.tobytes()), ffi.new("sig_event_t[]", _ROOM)
    found: list[tuple[int, float]] = []
    for start in range(0, len(counts), _BLOCK):
        n = min(_BLOCK, len(counts) - start)
        places = [motion, state, ffi.NULL, ffi.NULL, data + start * lib.SIG_SAMPLE_BYTES]
        addresses = [ctypes.c_void_p(int(ffi.cast("uintptr_t", place))) for place in places]
        got = core.sig_motion_push(*addresses, n, ctypes.c_void_p(int(ffi.cast("uintptr_t", out))), _ROOM)
        found += [(out[i].kind, out[i].t_ms / 1000) for i in range(got)]
    return found


def verdict(example: Example, reported: list[tuple[int, float]]) -> Verdict:
    """What the core's events come to."""
    falls = [t_s for kind, t_s in reported if kind == lib.SIG_EVENT_FALL]
    early = np.array([t_s for kind, t_s in reported if kind == lib.SIG_EVENT_FALLING])
    return fall_verdict.of_events(example, falls, early)


def compare(placement: Placement, person: str, trials: list[Trial], examples: list[Example], scales: Scales) -> bool:
    """Judge one person both ways and print it; returns whether falls and false alarms are the same."""
    others = [e for e in examples if e.person != person]
    own = {e.name: e for e in fall_curves.recorded(examples) if e.person == person}
    impact = fall_models.train_impact(placement, others, scales.impact)
    falling = fall_models.train_falling(placement, others, scales.falling)
    from_tables = {name: fall_verdict.scored(e, impact, falling).verdict() for name, e in own.items()}
    with tempfile.TemporaryDirectory() as folder:
        core = build(Path(folder), placement, impact, falling)
        from_core = {t.name: verdict(own[t.name], events(core, t, placement.number)) for t in trials if t.name in own}
    for title, verdicts in (("tables", from_tables), ("C core", from_core)):
        print(f"{person} {title}: {', '.join(fall_curves.four(list(verdicts.values())))}", flush=True)
    same = [
        (v.found, v.alarms > 0) == (from_core[name].found, from_core[name].alarms > 0)
        for name, v in from_tables.items()
    ]
    spoke = [
        (v.lead_s is None, v.false_falling) == (from_core[name].lead_s is None, from_core[name].false_falling)
        for name, v in from_tables.items()
    ]
    print(f"{person}: {sum(same)} of {len(same)} recordings the same for falls, {sum(spoke)} for falling", flush=True)
    return all(same)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--placement", choices=["waist", "wrist"], default="waist")
    parser.add_argument("--people", nargs="+", required=True, metavar="ID")
    args = parser.parse_args()
    placement = next(p for p in fall_models.PLACEMENTS if p.name == args.placement)
    trials = fall_models.recordings(placement)
    examples = fall_models.examples(placement, trials)
    waist = fall_models.PLACEMENTS[0]
    scaled = examples if placement is waist else fall_models.examples(waist, fall_models.recordings(waist))
    scales = fall_models.scales(scaled)
    differing = [person for person in args.people if not compare(placement, person, trials, examples, scales)]
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
