"""Files that describe a bench; no board is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil_tests.bench import board_names, open_bench


def test_the_example_file_is_a_bench(tmp_path):
    example = str(Path(__file__).with_name("bench.example.toml"))
    assert board_names(example) == {"tag-left": "tag", "node-right": "node"}
    asked: list[str] = []
    with open_bench(example, tmp_path, asked.append) as bench:
        bench.places["tag-left"].power.off()
        bench.places["tag-left"].press(3)
        assert bench.network.ssid == "bench"
        assert [(place.imu, place.uwb) for place in bench.places.values()] == [("mpu6050", False), ("lsm6dsox", True)]
    assert asked == [
        "unplug tag-left and take its battery off",
        "hold the button of tag-left for 3 seconds, then go on",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[network]\nhost = "h"\n',
        '[network]\nhost = "h"\n[[board]]\nname = "a"\nkind = "tag"\nport = "p"\n',
        '[network]\nhost = "h"\n[[board]]\nname = "a"\nkind = "tag"\nport = "p"\narch = "x64"\nimu = "none"\n',
    ],
    ids=["empty", "no board", "no arch", "no such inertial unit"],
)
def test_a_file_that_is_no_bench_is_refused(tmp_path, text):
    path = tmp_path / "bench.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match="bench"):
        board_names(str(path))
