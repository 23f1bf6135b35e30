"""Markdown tables of the model card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GOALS = ("figure", "goal", "published", "here", "with answers known", "what would change it")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table: the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def goals(rows: Iterable[tuple[str, ...]]) -> str:
    """What was asked for beside what was reached without having seen the person or place.

    A row is (figure, goal, published, here), or all of GOALS: also with answers known that no device has, and what
    would change it. tools/card_overview.py gathers these tables, and says how a goal and what is here are written.
    """
    given = list(rows)
    return table(GOALS[: len(given[0])], given)


def goal_rows(text: str) -> list[tuple[str, str, str, str]]:
    """(figure, goal, published, here) of every table of `goals` in `text`."""
    found, inside = [], False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| " + " | ".join(GOALS[:4])):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            found.append((cells[0], cells[1], cells[2], cells[3]))
    return found
