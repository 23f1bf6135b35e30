"""The model card in sections: each is written by the tool that measures it, between markers, and by nothing else.

    from tools import card
    card.write("exertion", "train_exertion", body)

`body` begins with its own heading. Text outside the markers belongs to people and is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

CARD = Path(__file__).resolve().parent.parent / "native" / "MODEL_CARD.md"


def replaced(text: str, section: str, tool: str, body: str) -> str:
    """`text` with the section's body in place of the old one, or at the end when the card does not have it yet.

    ValueError for a name or body that would break the markers, or a card whose markers are broken already.
    """
    if not re.fullmatch(r"[a-z0-9-]+", section) or not re.fullmatch(r"[a-z0-9_]+", tool):
        raise ValueError(f"a section and a tool are named by small letters, not {section!r} and {tool!r}")
    if "<!-- section " in body or "<!-- end of section " in body:
        raise ValueError("the body holds a marker")
    first = re.findall(rf"<!-- section {section}, written by [^>]*-->\n", text)
    last = f"<!-- end of section {section} -->\n"
    begin = f"<!-- section {section}, written by `python -m tools.{tool} --write` -->\n"
    fresh = begin + body.strip("\n") + "\n" + last
    if not first and last not in text:
        return text.rstrip("\n") + "\n\n" + fresh
    if len(first) != 1 or text.count(last) != 1 or text.index(first[0]) > text.index(last):
        raise ValueError(f"the markers of section {section} are broken")
    before, _, rest = text.partition(first[0])
    return before + fresh + rest.partition(last)[2]


def write(section: str, tool: str, body: str) -> Path:
    """Put `body` into the model card; returns its path."""
    CARD.write_text(replaced(CARD.read_text(encoding="utf-8"), section, tool, body), encoding="utf-8")
    return CARD


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table: the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def goals(rows: Iterable[tuple[str, str, str, str, str, str]]) -> str:
    """What was asked for beside what was reached without having seen the person or place.

    A row is (figure, goal, published, here, with answers known that no device has, what would change it).
    """
    return table(("figure", "goal", "published", "here", "with answers known", "what would change it"), rows)
