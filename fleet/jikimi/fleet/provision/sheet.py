"""The pass/fail sheet of a run, as a page to print or keep; Korean and English side by side."""

from __future__ import annotations

import datetime
from html import escape
from typing import TYPE_CHECKING

from jikimi.fleet.provision.work import PASS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jikimi.fleet.provision.work import Result

_HEAD = (
    "포트 / port",
    "ID",
    "종류 / kind",
    "이름 / name",
    "구역 / zone",
    "결과 / result",
    "초 / s",
    "부품 / parts",
    "사유 / reason",
)
_PAGE = """<!doctype html>
<html lang="ko"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font-family: sans-serif; margin: 2em }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border: 1px solid #888; padding: .3em .5em; text-align: left; vertical-align: top; font-size: .85em }}
.fail {{ background: #f8d0d0 }} .pass {{ background: #d8f0d8 }}
</style>
<h1>{title}</h1>
<p>{when} · 합격 / passed {passed} · 불합격 / failed {failed}</p>
<table><thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table>
<p>기술자 / technician: ____________________</p>
</html>
"""


def render(site: str, results: Sequence[Result]) -> str:
    """The page as HTML, failed boards first."""
    ordered = sorted(results, key=lambda result: (result.result == PASS, result.port))
    passed = sum(result.result == PASS for result in results)
    return _PAGE.format(
        title=escape(f"jikimi {site}"),
        when=datetime.datetime.now().astimezone().isoformat(" ", "minutes"),
        passed=passed,
        failed=len(results) - passed,
        head="".join(f"<th>{escape(name)}</th>" for name in _HEAD),
        rows="\n".join(_row(result) for result in ordered),
    )


def _row(result: Result) -> str:
    told = result.description
    parts = "; ".join(f"{part.name} {'✓' if part.passed else '✗'} {part.seen}" for part in result.parts)
    cells = [
        result.port,
        result.id or "",
        told.kind if told else "",
        told.name if told else "",
        told.zone if told else "",
        result.result,
        f"{result.seconds:.1f}",
        parts,
        result.reason,
    ]
    return f'<tr class="{result.result}">' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
