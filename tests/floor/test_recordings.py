"""Both layouts of SisFall, and the motion made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jikimi.fleet.errors import JikimiError
from jikimi.fleet.floor import recordings
from jikimi.fleet.floor.recordings import RATE_HZ, RecordedMotion, load, resample


def test_both_layouts_of_sisfall_give_the_same_trials(npz_folder: Path, authors_folder: Path) -> None:
    ours, theirs = load(npz_folder), load(authors_folder)
    assert [person.name for person in ours] == [person.name for person in theirs] == ["SA01", "SA02"]
    for a, b in zip(ours, theirs, strict=True):
        assert a.names("D", "F") == b.names("D", "F")
        for name in a.names("D", "F"):
            np.testing.assert_array_equal(a.trial(name), b.trial(name))


def test_counts_become_g_and_degrees_a_second(npz_folder: Path, trials: dict[str, Any]) -> None:
    trial = load(npz_folder)[0].trial("D15_SA01_R01")
    raw = trials["D15_SA01_R01"]
    np.testing.assert_allclose(trial[:, 1], raw[:, 1] * 32 / 8192, rtol=1e-6)
    np.testing.assert_allclose(trial[:, 3], raw[:, 3] * 4000 / 65536, rtol=1e-6)
    assert trial[:, 1].mean() == pytest.approx(-1, abs=0.01)


def test_a_last_line_cut_short_is_left_out(authors_folder: Path) -> None:
    path = authors_folder / "SA01" / "D15_SA01_R01.txt"
    whole = load(authors_folder)[0].trial("D15_SA01_R01")
    path.write_text(path.read_text()[:-20])
    recordings._read.cache_clear()
    np.testing.assert_array_equal(load(authors_folder)[0].trial("D15_SA01_R01"), whole[:-1])


def test_a_damaged_line_is_an_error_that_names_the_file(authors_folder: Path) -> None:
    path = authors_folder / "SA01" / "D15_SA01_R01.txt"
    path.write_text("1,2,x,4,5,6,7,8,9;\n" * 300)
    recordings._read.cache_clear()
    with pytest.raises(JikimiError, match=r"D15_SA01_R01\.txt is not a SisFall file"):
        load(authors_folder)[0].trial("D15_SA01_R01")


def test_a_folder_without_recordings_says_what_it_should_hold(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(JikimiError, match=r"no SisFall recordings: expected SA01\.npz"):
        load(tmp_path)


def test_a_folder_of_people_without_falls_says_what_is_missing(tmp_path: Path) -> None:
    np.savez(tmp_path / "SE01.npz", D01_SE01_R01=np.zeros((400, 6), np.int16))
    with pytest.raises(JikimiError, match="none of its 1 people has falls"):
        load(tmp_path)


@pytest.mark.parametrize(("freq_hz", "gain"), [(2.0, 1.0), (20.0, 1.0), (80.0, 0.0)])
def test_resampling_to_104_hz_keeps_motion_and_removes_what_would_alias(freq_hz: float, gain: float) -> None:
    t = np.arange(2000) / RATE_HZ
    recording = np.sin(2 * np.pi * freq_hz * t)[:, None]
    chip = np.arange(1.0, 9.0, 1 / 104)
    out = resample(recording, chip)[:, 0]
    assert np.abs(out - gain * np.sin(2 * np.pi * freq_hz * chip)).max() < 0.03


def test_a_recorded_fall_peaks_where_it_says_and_ends_lying_still(npz_folder: Path) -> None:
    clip = RecordedMotion(load(npz_folder)[0]).fall(np.random.default_rng(1))
    assert clip.impact_s is not None
    assert clip.impact_s == pytest.approx(1005 / RATE_HZ)
    t = np.arange(0, clip.duration_s, 1 / 104)
    magnitude = np.linalg.norm(clip.sample(t)[:, :3], axis=1)
    assert t[magnitude.argmax()] == pytest.approx(clip.impact_s, abs=0.03)
    after = clip.sample(t[t > clip.impact_s + 1.0])
    assert len(after) > 104 * 10
    assert np.abs(after[:, 2] - 1.0).max() < 0.05  # on the back to the end, long after the trial's own end


def test_hard_running_steps_before_a_fall_are_not_taken_for_the_impact(npz_folder: Path) -> None:
    path = npz_folder / "SA01.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["F05_SA01_R01"][400:880:80, 1] = -2100
    np.savez(path, **arrays)
    recordings._read.cache_clear()
    clip = RecordedMotion(load(npz_folder)[0]).fall(np.random.default_rng(1))
    assert clip.impact_s == pytest.approx(1005 / RATE_HZ)


def test_the_real_recordings_load_and_every_person_in_use_has_falls(sisfall: Path) -> None:
    people = load(sisfall)
    assert len(people) >= 10
    assert all(person.name.startswith("SA") for person in people)
    clip = RecordedMotion(people[0]).fall(np.random.default_rng(3))
    assert clip.impact_s is not None
    assert 0 < clip.impact_s < 15
