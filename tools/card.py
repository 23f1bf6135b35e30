"""The model card in sections: each is written by the tool that measures it, between markers, and by nothing else.

    from tools import card
    card.write("exertion", "train_exertion", body)

`body` begins with its own heading. Text outside the markers belongs to people and is never touched. The first section,
an overview of the goals of all others, is brought up to date with each; by itself:

    python -m tools.card [--write]
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools import card_overview
from tools.card_tables import goals, table

__all__ = ["CARD", "goals", "replaced", "sections", "table", "with_overview", "write"]

CARD = Path(__file__).resolve().parent.parent / "native" / "MODEL_CARD.md"
_OVERVIEW = "overview"


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


def sections(text: str) -> dict[str, tuple[str, str]]:
    """The tool and the body of every section, by its name; but for the overview."""
    marked = re.findall(
        r"<!-- section ([a-z0-9-]+), written by `python -m tools\.(\w+) --write` -->\n(.*?)<!-- end of section \1 -->",
        text, re.DOTALL,
    )  # fmt: skip
    return {name: (tool, body) for name, tool, body in marked if name != _OVERVIEW}


def with_overview(text: str) -> str:
    """`text` with its overview as its sections have it."""
    return replaced(text, _OVERVIEW, "card", card_overview.body(sections(text)))


def write(section: str, tool: str, body: str) -> Path:
    """Put `body` into the model card, and bring its overview up to date; returns its path."""
    text = replaced(CARD.read_text(encoding="utf-8"), section, tool, body)
    CARD.write_text(with_overview(text), encoding="utf-8")
    return CARD


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="bring the overview in native/MODEL_CARD.md up to date")
    args = parser.parse_args()
    text = CARD.read_text(encoding="utf-8")
    print(card_overview.body(sections(text)))
    if args.write:
        CARD.write_text(with_overview(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
