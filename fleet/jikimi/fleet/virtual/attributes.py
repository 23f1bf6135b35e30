"""Names of attributes that only their own objects use, as `self._journal`, become a few short ones.

A device keeps the text of every name once, however many modules have it, and a slot for it in a table that doubles. In
an application as a whole it is known who uses an attribute: one that starts with an underscore, and is asked for
through `self` alone, must differ only from the others of its object, so all classes can do with the same letters.
Methods and what classes define keep their names, which tracebacks and errors say.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from string import ascii_lowercase

from jikimi.fleet import literals
from jikimi.fleet.virtual.edits import Edit, edited

_SELF = "self"
_Use = tuple[str, ast.Attribute]  # class, `self.NAME` in it


def shortened(sources: Mapping[str, str]) -> dict[str, str]:
    """The texts of an application's modules, by dotted name, with short names for attributes nobody else asks for."""
    trees = {name: literals.tree(text, name) for name, text in sources.items()}
    whole = _Application(list(trees.values()))
    return {name: edited(sources[name], whole.edits(tree)) for name, tree in trees.items()}


class _Application:
    """Which attributes of which family of classes get which letter. Classes that inherit from each other are one."""

    def __init__(self, trees: list[ast.Module]) -> None:
        nodes = [node for tree in trees for node in ast.walk(tree)]
        self._family_of: dict[str, str] = {}
        self._kept: set[tuple[str, str]] = set()  # (family, name)
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    self._join(node.name, _last_name(base))
            elif isinstance(node, ast.alias) and node.asname:
                self._join(node.asname, node.name.rpartition(".")[2])
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                self._kept |= {(self._family(node.name), name) for name in _defined(node)}
        # Of a base that is the value of an expression nobody can say here whose attributes it has.
        unclear = {self._family(name) for name in _values(nodes)} | {self._family("")}
        uses = [use for tree in trees for use in _own_uses(tree)]
        self._kept |= {(self._family(owner), one.attr) for owner, one in uses if self._family(owner) in unclear}
        own = {id(attribute) for _, attribute in uses}
        # Asked for through another name, or by text (`getattr`): it may be any object's.
        self._taken = {node.attr for node in nodes if isinstance(node, ast.Attribute) and id(node) not in own}
        self._taken |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        # Python before 3.12 does not know where in the text the parts of an f-string are.
        hidden = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
        self._kept |= {(self._family(owner), one.attr) for owner, one in uses if id(one) in hidden}
        self._letters = self._chosen(uses)

    def edits(self, tree: ast.Module) -> Iterator[Edit]:
        """What changes in a module."""
        for owner, attribute in _own_uses(tree):
            letter = self._letters.get((self._family(owner), attribute.attr))
            if letter is not None:
                length = len(attribute.attr.encode())
                yield attribute.end_lineno or 0, (attribute.end_col_offset or 0) - length, length, letter

    def _chosen(self, uses: list[_Use]) -> dict[tuple[str, str], str]:
        public = {attribute.attr for _, attribute in uses}
        free = [letter for letter in ascii_lowercase if letter not in self._taken | public]
        names: dict[str, dict[str, None]] = {}
        for owner, attribute in uses:
            family, name = self._family(owner), attribute.attr
            if _is_private(name) and name not in self._taken and (family, name) not in self._kept:
                names.setdefault(family, {})[name] = None
        return {
            (family, name): letter for family, some in names.items() for name, letter in zip(some, free, strict=False)
        }

    def _family(self, name: str) -> str:
        while name in self._family_of:
            name = self._family_of[name]
        return name

    def _join(self, one: str, other: str) -> None:
        one, other = self._family(one), self._family(other)
        if one != other:
            self._family_of[one] = other


def _own_uses(node: ast.AST, owner: str = "") -> Iterator[_Use]:
    """Each `self.NAME` in a class, with the innermost class it stands in."""
    if isinstance(node, ast.ClassDef):
        owner = node.name
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == _SELF and owner:
        yield owner, node
    for child in ast.iter_child_nodes(node):
        yield from _own_uses(child, owner)


def _defined(node: ast.ClassDef) -> Iterator[str]:
    """What the body of a class gives a name."""
    for statement in node.body:
        for inner in ast.walk(statement):
            if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield inner.name
            elif isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                yield inner.id


def _values(nodes: list[ast.AST]) -> Iterator[str]:
    """Names that stand for what an assignment gives them."""
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _last_name(base: ast.expr) -> str:
    """Of `module.Class` the class; "" for what is no name. Classes of one name in several modules are taken for one."""
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
