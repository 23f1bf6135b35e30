import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("JIKIMI_DATA", ROOT.parent / "shared" / "data"))

sys.path.insert(0, str(ROOT))  # for `tools`, which is not part of the distribution


@pytest.fixture(scope="session")
def sisfall_files():
    files = sorted((DATA / "sisfall").glob("S*.npz"))
    if not files:
        pytest.skip("no SisFall recordings: set JIKIMI_DATA")
    return files


@pytest.fixture(scope="session")
def sisfall_trials(sisfall_files):
    """A fixed handful: name -> (n, 6) int16 raw counts at 200 Hz (256 per g, 16.384 per deg/s)."""
    wanted = {0: ("F05", "D05"), 3: ("F13", "D19"), 9: ("F01", "D14"), 14: ("D17",), 18: ("D11",)}
    trials = {}
    for index, activities in wanted.items():
        path = sisfall_files[index % len(sisfall_files)]
        with np.load(path) as recordings:
            for activity in activities:
                name = next((n for n in sorted(recordings.files) if n.startswith(activity)), None)
                if name is not None:
                    trials[name] = recordings[name]
    return trials
