"""Small changes to a text of which Python's parser has said where they go."""

from __future__ import annotations

from collections.abc import Iterable

Edit = tuple[int, int, int, str]  # line from 1, column and length in bytes, what comes there


def edited(text: str, edits: Iterable[Edit]) -> str:
    """`text` with each edit made; no two of them touch."""
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for line, column, length, name in sorted(edits, reverse=True):
        whole = lines[line - 1]
        lines[line - 1] = whole[:column] + name.encode() + whole[column + length :]
    return b"".join(lines).decode()
