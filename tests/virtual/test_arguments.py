"""Arguments lose their names in a device's application and nothing else changes: CPython's compiler is the judge."""

from __future__ import annotations

import ast
import dis
from collections import Counter
from collections.abc import Iterator
from types import CodeType

import pytest

from jikimi.fleet.virtual import image
from jikimi.fleet.virtual.arguments import shortened

# Cells are in the order of their names, which may change; which ones there are may not.
_BY_CELL = ("MAKE_CELL", "LOAD_CLOSURE")


def one(text: str) -> str:
    return shortened({"m": text})["m"]


def test_an_argument_is_a_letter_wherever_it_is_meant():
    text = "def f(self, value, limit=9):\n    value = min(value, limit)\n    return self.value, value\n"
    assert one(text) == "def f(self, a, b=9):\n    a = min(a, b)\n    return self.value, a\n"


def test_letters_of_functions_around_and_of_the_module_are_left_alone():
    text = "def f(one):\n    def g(two):\n        return one, two, a\n    return g\n"
    assert one(text) == "def f(b):\n    def g(c):\n        return b, c, a\n    return g\n"


def test_an_argument_that_anybody_passes_by_name_keeps_it_in_all_modules():
    texts = shortened({"m": "def f(x, limit):\n    return limit\n", "n": "from m import f\nf(1, limit=2)\n"})
    assert texts["m"] == "def f(a, limit):\n    return limit\n"


@pytest.mark.parametrize(
    "body",
    [
        "return [x for x in y]",
        "return lambda x: x",
        "return f'{x}'",
        "def g():\n        nonlocal x\n        x = 1",
        "class C:\n        x = 1",
        "import x",
        "try:\n        pass\n    except OSError as x:\n        pass",
        "def x():\n        pass",
    ],
)
def test_a_name_that_means_something_else_as_well_stays(body):
    text = f"def f(x):\n    {body}\n"
    assert "def f(x):" in one(text)


def test_a_default_is_what_the_name_means_outside():
    assert one("x = 1\ndef f(x=x):\n    return x\n") == "x = 1\ndef f(a=x):\n    return a\n"


def _codes(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _steps(code: CodeType, names: dict[str, str]) -> list[tuple[str, str]]:
    """Steps of a function, its variables by their names in `names`."""
    variables = {*dis.haslocal, *dis.hasfree}
    steps = []
    for step in dis.get_instructions(code):
        value = "code" if isinstance(step.argval, CodeType) else step.argval
        if step.opcode in variables:
            value = [names.get(name, name) for name in (value if isinstance(value, tuple) else (value,))]
        steps.append((step.opname, repr(value)))
    return steps


def _differences(old: CodeType, new: CodeType, around: dict[str, str]) -> Iterator[str]:
    """Functions in which a step is not the same one, with arguments by their new names."""
    names = around | dict(zip(old.co_varnames, new.co_varnames, strict=True))
    steps, became = _steps(old, names), _steps(new, {})
    ordered = [[step for step in some if step[0] not in _BY_CELL] for some in (steps, became)]
    if Counter(steps) != Counter(became) or ordered[0] != ordered[1]:
        yield old.co_name
    for before, after in zip(_codes(old), _codes(new), strict=True):
        yield from _differences(before, after, names)


def _compiled(name: str, text: str) -> CodeType:
    """Byte code without annotations, which a device's compiler leaves out."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
    return compile(tree, name, "exec")


def _argument_names(code: CodeType) -> set[str]:
    return set(code.co_varnames[: code.co_argcount]).union(*map(_argument_names, _codes(code)))


def test_in_the_whole_application_every_step_is_the_same_and_most_arguments_are_short():
    sources = image.sources()
    old = {name: _compiled(name, text) for name, text in sources.items()}
    new = {name: _compiled(name, text) for name, text in shortened(sources).items()}
    wrong = {name: list(_differences(old[name], new[name], {})) for name in old}
    assert {name: found for name, found in wrong.items() if found} == {}
    before, after = (set().union(*map(_argument_names, codes.values())) for codes in (old, new))
    assert len(after) < len(before) / 4
