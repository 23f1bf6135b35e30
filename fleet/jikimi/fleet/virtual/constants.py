"""Constants that have a name in the source and none in byte code: a device's heap pays for every name it loads.

MicroPython's compiler does that for the `_PRIVATE = const(1)` of one module. Here it is done for all modules of an
application together, also for what one takes from another (`kinds.FALL`, `from … import SAFE`). Lines stay where they
are, so that tracebacks do. What cannot be seen through, such as a name that is bound twice, is left as it is. A
constant is a whole number, a truth value, or a text so short that the compiler interns it wherever it stands.
"""

from __future__ import annotations

import ast
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_MARKER = "const"  # of MicroPython's compiler; its import goes as well when nothing is marked any more

_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}
_UNARY: dict[type[ast.unaryop], Callable[[int], int]] = {ast.USub: operator.neg, ast.Invert: operator.invert}

_INTERNED_CHARS = 10  # MICROPY_ALLOC_PARSE_INTERN_STRING_LEN

_Value = int | str
_Edit = tuple[int, int, str]  # in bytes of the text: from, to, what comes there


def inlined(sources: Mapping[str, str]) -> dict[str, str]:
    """The texts of an application's modules, by dotted name, with their constants written out."""
    modules = {name: _Module(name, text) for name, text in sources.items()}
    for module in modules.values():
        module.values(modules)
    used = {name: _Module(name, module.with_values(modules)) for name, module in modules.items()}
    asked = {name: module.asked_of_others(modules[name]) for name, module in used.items()}
    return {
        name: module.without_unused(modules[name], set().union(*(asked[other] for other in asked if other != name)))
        for name, module in used.items()
    }


class _Module:
    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text.encode()
        self._tree = ast.parse(text, name)
        self._starts = [0]
        for line in self._text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._nodes = list(ast.walk(self._tree))
        self._bound = Counter(_bindings(self._nodes))
        self._imported: dict[str, tuple[str, str]] = {}
        for module, one in self._imports():
            if self._imported.setdefault(_local(one), (module, one.name)) != (module, one.name):
                self._bound[_local(one)] += 1
        # Texts count as names: they may be those of an `__all__`.
        texts = {node.value for node in self._nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        self._read = texts | {node.id for node in self._nodes if isinstance(node, ast.Name) and _is_read(node)}
        self._values: dict[str, _Value] | None = None

    def values(self, modules: Mapping[str, _Module]) -> dict[str, _Value]:
        """Its constants, those made of other modules' included."""
        if self._values is None:
            self._values = {}
            for name, statement in self._definitions():
                value = self._value(statement.value, modules)
                if value is not None and self._bound[name] == 1:
                    self._values[name] = value
        return self._values

    def with_values(self, modules: Mapping[str, _Module]) -> str:
        """Its text, each plain use of a constant replaced by the number."""
        hidden = {id(node) for node in _not_replaced(self._nodes)}
        edits = []
        for node in self._nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in hidden:
                value = self._named(node, modules)
                if value is not None:
                    edits.append(self._edit(node, f"({value!r})"))
        return self._edited(edits)

    def asked_of_others(self, before: _Module) -> set[str]:
        """What it takes from modules: `MODULE:NAME` where it says which, else `NAME`; `before` is it with constants."""
        asked = set()
        for module, one in self._imports():
            if _local(one) in self._read or not before.reads(_local(one)):
                asked.add(f"{module}:{one.name}")
        for node in self._nodes:
            if isinstance(node, ast.Attribute):
                local = node.value.id if isinstance(node.value, ast.Name) else ""
                plain = local in self._imported and not self._bound[local]
                asked.add((".".join(self._imported[local]) + ":" if plain else "") + node.attr)
        return asked

    def without_unused(self, before: _Module, asked: set[str]) -> str:
        """Its text without what `with_values` left unused: definitions of constants, and imports of them."""

        def unused(name: str) -> bool:
            return name not in self._read and name not in asked and f"{self._name}:{name}" not in asked

        edits = []
        for name, statement in self._definitions():
            if before.is_constant(name) and unused(name):
                edits.append(self._edit(statement, "pass"))
        for node in self._nodes:
            if isinstance(node, ast.ImportFrom):
                left = [one for one in node.names if not before.reads(_local(one)) or not unused(_local(one))]
                if len(left) < len(node.names):
                    edits.append(self._edit(node, _import(node.module or "", left)))
        return self._edited(edits)

    def is_constant(self, name: str) -> bool:
        """Whether `values` has found its value."""
        return self._values is not None and name in self._values

    def reads(self, name: str) -> bool:
        """Whether a name is used, wherever it comes from."""
        return name in self._read

    def _imports(self) -> Iterator[tuple[str, ast.alias]]:
        for node in self._nodes:
            if isinstance(node, ast.ImportFrom):
                for one in node.names:
                    yield node.module or "", one

    def _definitions(self) -> Iterator[tuple[str, ast.Assign]]:
        for statement in self._tree.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target = statement.targets[0]
                if isinstance(target, ast.Name) and _CONSTANT.fullmatch(target.id):
                    yield target.id, statement

    def _value(self, node: ast.expr, modules: Mapping[str, _Module]) -> _Value | None:
        """What an expression comes to when it is a constant."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                return node.value if len(node.value) <= _INTERNED_CHARS else None
            return node.value if isinstance(node.value, int) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _MARKER:
            return self._value(node.args[0], modules)
        if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
            only = self._value(node.operand, modules)
            return _UNARY[type(node.op)](only) if isinstance(only, int) else None
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            left, right = self._value(node.left, modules), self._value(node.right, modules)
            if isinstance(left, int) and isinstance(right, int):
                return _BINARY[type(node.op)](left, right)
            return None
        return self._named(node, modules)

    def _named(self, node: ast.expr, modules: Mapping[str, _Module]) -> _Value | None:
        """The constant that a name or `module.NAME` stands for."""
        if isinstance(node, ast.Name) and _is_read(node):
            if node.id not in self._imported:
                return self.values(modules).get(node.id)
            module, name = self._imported[node.id]
            local = node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            local, name = node.value.id, node.attr
            module = ".".join(self._imported.get(local, ()))
        else:
            return None
        return modules[module].values(modules).get(name) if module in modules and not self._bound[local] else None

    def _edit(self, node: ast.expr | ast.stmt, text: str) -> _Edit:
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return start, end, text + "\n" * self._text[start:end].count(b"\n")

    def _edited(self, edits: list[_Edit]) -> str:
        out, at = [], 0
        for start, end, text in sorted(edits):
            out += [self._text[at:start], text.encode()]
            at = end
        return b"".join([*out, self._text[at:]]).decode()


def _bindings(nodes: list[ast.AST]) -> Iterator[str]:
    """Every name that is given a value, as often as it is, imports apart."""
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)) and node.name:
            yield node.name


def _not_replaced(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """Nodes of which Python before 3.12 does not know where in the text they are, and those in front of a dot."""
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield from ast.walk(node)
        elif isinstance(node, ast.Attribute):
            yield node.value


def _is_read(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _local(one: ast.alias) -> str:
    return one.asname or one.name


def _import(module: str, names: list[ast.alias]) -> str:
    if not names:
        return "pass"
    return f"from {module} import " + ", ".join(one.name + (f" as {one.asname}" if one.asname else "") for one in names)
