"""Labels and sheet on the disk."""

from __future__ import annotations

from jikimi.fleet.provision import PASS, Result, papers
from jikimi.fleet.registry import Description


def test_the_papers_of_an_earlier_run_stay_beside_those_of_the_newest(tmp_path):
    for number, name in enumerate(["Tag 1", "Tag 2"]):
        passed = Result(f"d{number:09}", "/dev/ttyACM0", PASS, 9.0, "", Description("tag", name, "floor"))
        papers.write("busan-1", [passed], tmp_path)
    assert "Tag 2" in (tmp_path / "sheet.html").read_text("utf-8")
    (earlier,) = tmp_path.glob("sheet-*.html")
    assert "Tag 1" in earlier.read_text("utf-8")
    assert len(list(tmp_path.glob("labels*.pdf"))) == 2
