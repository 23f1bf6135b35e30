"""Attributes that only their own objects use lose their names in a device's application, and nothing else changes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType

import pytest

from jikimi.fleet.virtual import image
from jikimi.fleet.virtual.attributes import shortened
from jikimi.fleet.virtual.linker import linked

CLASS = "class C:\n    def f(self):\n        self._x = 1\n"
SHORT = "class C:\n    def f(self):\n        self.a = 1\n"


def one(text: str, **others: str) -> str:
    return shortened({"m": text, **others})["m"]


def test_an_attribute_of_its_own_object_is_a_letter_and_classes_share_the_letters():
    other = CLASS.replace("class C", "class D").replace("_x = 1", "_far = self._near")
    assert one(CLASS, n=other) == SHORT
    assert shortened({"m": CLASS, "n": other})["n"] == SHORT.replace("class C", "class D").replace("1", "self.b")


def test_a_class_and_its_base_in_another_module_never_share_a_letter():
    base = "class Base:\n    def g(self):\n        self._y = self._x\n"
    user = "import m\n" + CLASS.replace("class C", "class C(m.Base)")
    texts = shortened({"m": base, "n": user})
    assert texts["m"].endswith("self.a = self.b\n")
    assert texts["n"].endswith("self.b = 1\n")


def test_a_base_by_another_name_is_the_same_class():
    base = "class Base:\n    def g(self):\n        self._y = self._x\n"
    user = "from m import Base as B\n" + CLASS.replace("class C", "class C(B)")
    assert shortened({"m": base, "n": user})["n"].endswith("self.b = 1\n")


@pytest.mark.parametrize("base", ["B", "make()"])
def test_classes_with_a_base_that_is_some_value_keep_their_names(base):
    text = "B = make()\n" + CLASS.replace("class C", f"class C({base})")
    assert one(text) == text


def test_an_attribute_within_a_function_of_a_method_is_its_objects():
    text = "class C:\n    def f(self):\n        self._x = 1\n        return lambda: self._x\n"
    assert one(text).endswith("        self.a = 1\n        return lambda: self.a\n")


@pytest.mark.parametrize(
    "more",
    [
        "def f(c):\n    return c._x\n",
        "def f(self):\n    return self._x\n",
        "def f(c):\n    return getattr(c, '_x')\n",
        "class D(C):\n    def _x(self):\n        pass\n",
        "class D(C):\n    _x = 2\n",
        "class D(C):\n    def g(self):\n        return f'{self._x}'\n",
    ],
)
def test_an_attribute_that_somebody_else_asks_for_or_a_class_defines_keeps_its_name_in_all_modules(more):
    assert one(CLASS, n=more) == CLASS
    assert one(CLASS + more) == CLASS + more


@pytest.mark.parametrize("name", ["x", "__x__"])
def test_what_everybody_may_ask_for_keeps_its_name(name):
    text = CLASS.replace("_x", name)
    assert one(text) == text


@pytest.mark.parametrize("more", ["def f(c):\n    c.a = 2\n", "def f(c):\n    setattr(c, 'a', 2)\n"])
def test_a_letter_that_is_an_attribute_already_is_not_taken(more):
    assert one(CLASS, n=more) == SHORT.replace("self.a", "self.b")


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _compiled(name: str, text: str) -> list[CodeType]:
    return list(_codes(compile(ast.parse(text), name, "exec")))


def test_in_the_whole_application_every_step_is_the_same_and_most_such_attributes_are_short():
    sources = linked(image.sources(), "jikimi.wire")
    texts = shortened(sources)
    old, new = ({name: _compiled(name, text) for name, text in some.items()} for some in (sources, texts))
    for name, codes in old.items():
        for before, after in zip(codes, new[name], strict=True):
            assert before.co_qualname == after.co_qualname, name
            assert before.co_code == after.co_code, before.co_qualname
            assert before.co_varnames == after.co_varnames, before.co_qualname
            changed = {one for one, other in zip(before.co_names, after.co_names, strict=True) if one != other}
            assert all(one.startswith("_") for one in changed), before.co_qualname
    names = [{name for codes in some.values() for code in codes for name in code.co_names} for some in (old, new)]
    assert len(names[1]) < len(names[0]) - 150
