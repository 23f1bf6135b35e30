"""What a run leaves on paper: a label for each device that passed, and the sheet of all."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from jikimi.fleet.provision import label, sheet
from jikimi.fleet.provision.work import PASS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jikimi.fleet.provision.work import Result


def write(site: str, results: Sequence[Result], folder: Path) -> list[Path]:
    """Write `ID.png` for each device that passed, `labels.pdf` and `sheet.html` to `folder`; what to print.

    Those of earlier runs stay, with their time in their name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels = [
        label.Label(site, result.id, result.description.kind)
        for result in sorted(results, key=lambda result: result.port)
        if result.result == PASS and result.id and result.description
    ]
    for one in labels:
        label.write_png(one, folder / f"{one.device}.png")
    page = _free(folder / "sheet.html")
    page.write_text(sheet.render(site, results), "utf-8")
    if not labels:
        return [page]
    pdf = _free(folder / "labels.pdf")
    label.write_pdf(labels, pdf)
    return [pdf, page]


def _free(path: Path) -> Path:
    """`path`, after what an earlier run left there was given the time of that run as part of its name."""
    if path.exists():
        moment = datetime.datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        path.rename(path.with_stem(f"{path.stem}-{moment:%Y%m%d-%H%M%S}"))
    return path
