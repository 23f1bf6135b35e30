"""Every detector under the sanitizers, on scripts of any bytes: from a generator, and from libFuzzer."""

import subprocess

import pytest

from tests.native.test_c_rules import CLANG, INCLUDE, SOURCES, needs_clang, run

HERE = SOURCES[0].parents[2] / "tests" / "native"
SANITIZE = ["-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g", "-O1", "-std=c99", *INCLUDE]
DETECTORS = ["motion", "exertion", "uwb", "ble", "zone", "separation"]


def test_every_detector_keeps_its_promises_under_the_sanitizers(tmp_path):
    program = tmp_path / "harness"
    harness = [HERE / "harness_random.c", HERE / "fuzz_core.c"]
    run(["gcc", "-fsanitize=address,undefined", *SANITIZE, *harness, *SOURCES, "-o", program])
    assert int(run([program, "1800"])) == 1800


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory):
    needs_clang()
    program = tmp_path_factory.mktemp("fuzzer") / "fuzz"
    run([CLANG, "-fsanitize=fuzzer,address,undefined", *SANITIZE, HERE / "fuzz_core.c", *SOURCES, "-o", program])
    return program


@pytest.mark.parametrize("detector", DETECTORS)
def test_libfuzzer_finds_no_input_that_breaks_a_detector(fuzzer, detector, tmp_path):
    """Begins with a script of that detector; no corpus is kept, so the same seed is the same run."""
    first = tmp_path / "first"
    first.write_bytes(bytes([DETECTORS.index(detector)]) + bytes(range(256)) * 8)
    options = ["-runs=4000", "-seed=1", "-max_len=4096", "-len_control=0", f"-seed_inputs={first}"]
    done = subprocess.run(
        [str(fuzzer), *options, f"-artifact_prefix={tmp_path}/"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 4000 runs" in done.stderr
