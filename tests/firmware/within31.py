"""Loads device code with every calculation watched: on a chip a number beyond 31 bits is an object on the heap.

MicroPython on a 32-bit chip keeps -2^30 … 2^30 - 1 in the reference itself. The virtual board's are 63 bits wide, so
that no measurement there shows the difference. Here each `a + b`, `-a`, `a += b` is compiled as a call that looks at
its result.
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import jikimi.edge

_LEAST, _MOST = -(1 << 30), (1 << 30) - 1
_EDGE = Path(next(iter(jikimi.edge.__path__)))
_WATCH = "_watch"


class Watched:
    """`modules` compiled anew; `left` has "module:line value" for each calculation that left 31 bits."""

    def __init__(self) -> None:
        self.left: set[str] = set()
        self.calculations = 0

    def load(self, name: str) -> ModuleType:
        """The module jikimi.edge.NAME, a copy of its own."""
        path = _EDGE / (name.replace(".", "/") + ".py")
        tree = _Calls(name).visit(ast.parse(path.read_text(), str(path)))
        spec = importlib.util.spec_from_loader("watched." + name, None)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        module.__dict__[_WATCH] = self._watch
        exec(compile(ast.fix_missing_locations(tree), str(path), "exec"), module.__dict__)
        return module

    def _watch(self, value: Any, where: str) -> Any:
        self.calculations += 1
        if type(value) is int and not _LEAST <= value <= _MOST:
            self.left.add(where)
        return value


class _Calls(ast.NodeTransformer):
    """Calculations become calls of `_watch(result, "module:line")`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return self._watched(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return self._watched(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        """`target op= value` as `target = target op value`: device code has no target with side effects."""
        self.generic_visit(node)
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        result = self._watched(ast.copy_location(ast.BinOp(read, node.op, node.value), node))
        return ast.copy_location(ast.Assign([node.target], result), node)

    def _watched(self, node: ast.expr) -> ast.expr:
        where = ast.Constant(f"{self._name}:{node.lineno}")
        return ast.copy_location(ast.Call(ast.Name(_WATCH, ast.Load()), [node, where], []), node)
