"""Python's parser in several threads."""

from __future__ import annotations

import ast
import gc
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jikimi.fleet import literals


class _Yielding:
    """Garbage whose collection, in the middle of whatever made an object, lets another thread run."""

    def __init__(self) -> None:
        self.myself = self

    def __del__(self) -> None:
        time.sleep(0)


def test_threads_parse_modules_and_literals_at_the_same_time():
    module, literal = Path(__file__).read_text("utf-8") * 20, repr([(i, b"x" * i) for i in range(200)])

    def work(number: int) -> str:
        _Yielding()
        return ast.dump(literals.tree(module, "m")) if number % 2 else repr(literals.value(literal))

    thresholds = gc.get_threshold()
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(work, range(40)))
    finally:
        gc.set_threshold(*thresholds)
    assert found == [ast.dump(ast.parse(module)), literal][::-1] * 20


def test_what_is_no_literal_is_refused():
    with pytest.raises(ValueError, match="malformed"):
        literals.value("open('x')")
