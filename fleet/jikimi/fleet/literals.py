"""Python's parser, for threads: that of CPython 3.11 fails when two are in it at the same time (cpython#106905)."""

from __future__ import annotations

import ast
import threading
from typing import Any

_one_at_a_time = threading.Lock()


def tree(text: str, name: str) -> ast.Module:
    """The syntax tree of a module that errors call `name`; SyntaxError."""
    with _one_at_a_time:
        return ast.parse(text, name)


def value(text: str) -> Any:
    """The value of a literal, such as a board prints; SyntaxError or ValueError for anything else."""
    with _one_at_a_time:
        return ast.literal_eval(text)
