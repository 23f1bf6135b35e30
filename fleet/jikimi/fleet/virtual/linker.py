"""An application as a whole, before it is compiled: a device's heap pays for every name and every function it loads.

Constants become what they stand for, in all modules, also where one takes them from another (`kinds.FALL`, `from …
import SAFE`); MicroPython's compiler does that only for the `_PRIVATE = const(1)` of one module. Libraries keep only
what the application asks them for: the wire's serve both ends of a connection.

Lines stay where they are, so that tracebacks do. What cannot be seen through, such as a name that is bound twice, is
left as it is. A constant is a whole number, a truth value, or a text so short that the compiler interns it anyhow.
"""

from __future__ import annotations

import ast
import operator
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping

from jikimi.fleet import literals

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


def linked(sources: Mapping[str, str], library: str = "", public: Container[str] = ()) -> dict[str, str]:
    """The texts of an application's modules, by dotted name; of the package `library` only what is used.

    Modules in `public` are used by others too: what they define without an underscore stays.
    """
    before = {name: _Module(name, text) for name, text in sources.items()}
    constants = {name: module.constants(before) for name, module in before.items()}
    modules = {name: module.with_values(before) for name, module in before.items()}
    while True:
        asked = set().union(*(module.asked_of_others(before[name]) for name, module in modules.items()))
        after = {
            name: module.without_unused(
                before[name],
                asked | ({f"{name}:{one}" for one in constants[name] if one[0] != "_"} if name in public else set()),
                constants[name],
                (name + ".").startswith(library + "."),
            )
            for name, module in modules.items()
        }
        if all(after[name] is module for name, module in modules.items()):
            return {name: module.text for name, module in after.items()}
        modules = after


class _Module:
    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self._bytes = text.encode()
        self._tree = literals.tree(text, name)
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._nodes = list(ast.walk(self._tree))
        self._bound = Counter(_bindings(self._nodes))
        self._imported: dict[str, tuple[str, str]] = {}
        for node in self._nodes:
            if isinstance(node, ast.Import):
                self._imported |= {one.name: ("", one.name) for one in node.names if _is_plain(one)}
        for module, one in self._imports():
            if self._imported.setdefault(_local(one), (module, one.name)) != (module, one.name):
                self._bound[_local(one)] += 1
        self.read = {node.id for node in self._nodes if isinstance(node, ast.Name) and _is_read(node)}
        self._values: dict[str, _Value] | None = None

    def constants(self, modules: Mapping[str, _Module]) -> dict[str, _Value]:
        """Its constants, those made of other modules' included."""
        if self._values is None:
            self._values = {}
            for name, statement in self._assignments():
                value = self._value(statement.value, modules) if _CONSTANT.fullmatch(name) else None
                if value is not None and self._bound[name] == 1:
                    self._values[name] = value
        return self._values

    def with_values(self, modules: Mapping[str, _Module]) -> _Module:
        """This module with each plain use of a constant replaced by what it stands for."""
        hidden = {id(node) for node in _not_replaced(self._nodes)}
        edits = []
        for node in self._nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in hidden:
                value = self._named(node, modules)
                if value is not None:
                    edits.append(self._edit(node, f"({value!r})"))
        return self._edited(edits)

    def asked_of_others(self, before: _Module) -> set[str]:
        """What it takes from modules: `MODULE:NAME`, or `MODULE:*` for one it hands on; `before` is it with constants.

        Attributes of anything else are `:NAME`: they may be a module's that was handed on.
        """
        asked = set()
        for module, one in self._imports():
            if _local(one) in self.read or _local(one) not in before.read:
                asked.add(f"{module}:{one.name}")
        for node in self._nodes:
            if isinstance(node, ast.Import):
                asked |= {f"{one.name}:*" for one in node.names if not _is_plain(one)}
        owners = set()
        for node in self._nodes:
            if isinstance(node, ast.Attribute):
                owner = self._module_meant(node.value)
                owners.add(id(node.value))
                asked.add(f"{owner or ''}:{node.attr}")
        for node in self._nodes:
            if isinstance(node, ast.Name) and node.id in self._imported and self._is_handed_on(node, owners):
                asked.add(_dotted(*self._imported[node.id]) + ":*")
        return asked

    def without_unused(
        self, before: _Module, asked: set[str], constants: Mapping[str, _Value], strict: bool
    ) -> _Module:
        """Without what is left over: constants, imports of them, and when `strict` all that nobody asks for."""

        def unused(name: str) -> bool:
            handed_on = f"{self.name}:*" in asked and f":{name}" in asked
            return name not in self.read and f"{self.name}:{name}" not in asked and not handed_on

        edits = []
        for name, statement in self._strictly_defined() if strict else self._assignments():
            if unused(name) and (strict or (name in constants and name not in self._listed())):
                edits.append(self._edit(statement, "pass"))
        for node in self._nodes:
            if isinstance(node, ast.ImportFrom):
                left = [
                    one
                    for one in node.names
                    if not unused(_local(one)) or (not strict and _local(one) not in before.read)
                ]
                if len(left) < len(node.names):
                    edits.append(self._edit(node, _import(node.module or "", left)))
        return self._edited(edits)

    def _strictly_defined(self) -> Iterator[tuple[str, ast.stmt]]:
        """What a module without side effects defines, each at one place."""
        for name, assignment in self._assignments():
            if self._bound[name] == 1:
                yield name, assignment
        for statement in self._tree.body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) and not statement.decorator_list:
                yield statement.name, statement

    def _listed(self) -> set[str]:
        """What its `__all__` says."""
        for name, statement in self._assignments():
            if name == "__all__":
                return {str(one.value) for one in ast.walk(statement) if isinstance(one, ast.Constant)}
        return set()

    def _imports(self) -> Iterator[tuple[str, ast.alias]]:
        for node in self._nodes:
            if isinstance(node, ast.ImportFrom):
                for one in node.names:
                    yield node.module or "", one

    def _assignments(self) -> Iterator[tuple[str, ast.Assign]]:
        for statement in self._tree.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target = statement.targets[0]
                if isinstance(target, ast.Name):
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
        if isinstance(node, ast.Attribute):
            owner = self._module_meant(node.value)
            return modules[owner].constants(modules).get(node.attr) if owner in modules else None
        if not isinstance(node, ast.Name) or not _is_read(node):
            return None
        if node.id not in self._imported:
            return self.constants(modules).get(node.id)
        owner, name = self._imported[node.id]
        plain = owner in modules and not self._bound[node.id]
        return modules[owner].constants(modules).get(name) if plain else None

    def _module_meant(self, node: ast.expr) -> str:
        """The module that a name in front of a dot stands for; "" when that is not plain."""
        plain = isinstance(node, ast.Name) and node.id in self._imported and not self._bound[node.id]
        return _dotted(*self._imported[node.id]) if plain and isinstance(node, ast.Name) else ""

    def _is_handed_on(self, node: ast.Name, owners: set[int]) -> bool:
        return bool(self._bound[node.id]) or id(node) not in owners

    def _edit(self, node: ast.expr | ast.stmt, text: str) -> _Edit:
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return start, end, text + "\n" * self._bytes[start:end].count(b"\n")

    def _edited(self, edits: list[_Edit]) -> _Module:
        if not edits:
            return self
        out, at = [], 0
        for start, end, text in sorted(edits):
            out += [self._bytes[at:start], text.encode()]
            at = end
        return _Module(self.name, b"".join([*out, self._bytes[at:]]).decode())


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


def _is_plain(one: ast.alias) -> bool:
    """Whether `import` binds the module's own name and nothing else."""
    return one.asname is None and "." not in one.name


def _dotted(package: str, name: str) -> str:
    return f"{package}.{name}" if package else name


def _local(one: ast.alias) -> str:
    return one.asname or one.name


def _import(module: str, names: list[ast.alias]) -> str:
    if not names:
        return "pass"
    return f"from {module} import " + ", ".join(one.name + (f" as {one.asname}" if one.asname else "") for one in names)
