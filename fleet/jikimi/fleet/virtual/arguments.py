"""Names of arguments, which byte code keeps in case somebody passes them by name, become a few short ones.

In an application as a whole it is known which ones are passed by name; the others cost a device a text each for
nothing. Local variables have no names in byte code, and tracebacks say functions and lines: nothing is lost to read.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Mapping
from string import ascii_lowercase

from jikimi.fleet.virtual.edits import Edit, edited

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_KEPT = {"self", "cls"}  # everywhere, so one text


def shortened(sources: Mapping[str, str]) -> dict[str, str]:
    """The texts of an application's modules, by dotted name, with short names for arguments nobody passes by name."""
    trees = {name: ast.parse(text, name) for name, text in sources.items()}
    by_name = set(_KEPT)
    for tree in trees.values():
        by_name |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
    return {name: edited(sources[name], _edits(tree, by_name, set())) for name, tree in trees.items()}


def _edits(node: ast.AST, by_name: set[str], taken: set[str]) -> Iterator[Edit]:
    """Changes in and below `node`; `taken` are the short names of the functions around it."""
    if isinstance(node, _FUNCTIONS):
        chosen = _chosen(node, by_name, taken)
        taken = taken | set(chosen.values())
        for argument in _positional(node):
            if argument.arg in chosen:
                yield argument.lineno, argument.col_offset, len(argument.arg.encode()), chosen[argument.arg]
        for inner in _body(node):
            if isinstance(inner, ast.Name) and inner.id in chosen:
                yield inner.lineno, inner.col_offset, len(inner.id.encode()), chosen[inner.id]
    for child in ast.iter_child_nodes(node):
        yield from _edits(child, by_name, taken)


def _chosen(function: _Function, by_name: set[str], taken: set[str]) -> dict[str, str]:
    """New names of the arguments that can have one."""
    arguments = [one.arg for one in _positional(function)]
    wanted = [name for name in arguments if name not in by_name and name not in _unclear(function)]
    used = {node.id for node in _body(function) if isinstance(node, ast.Name)} | set(arguments) | taken
    used |= {name for node in _body(function) if isinstance(node, _SCOPES) for name in _bound(node)}
    free = (letter for letter in ascii_lowercase if letter not in used)
    return dict(zip(wanted, free, strict=False))


def _unclear(function: _Function) -> set[str]:
    """Names that mean more than the argument somewhere in the function, or stand where nobody can say where."""
    found: set[str] = set()
    for node in _body(function):
        if isinstance(node, ast.JoinedStr):  # Python before 3.12 does not know where in the text its parts are
            found |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found |= set(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {one.asname or one.name for one in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, _SCOPES):
            found |= set(_bound(node))
    return found


def _bound(scope: ast.AST) -> Iterator[str]:
    """Names that a function, class or comprehension gives a value."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name


def _positional(function: _Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args]


def _body(function: _Function) -> Iterator[ast.AST]:
    """Nodes in whose scope the arguments are: not defaults and decorators."""
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    return itertools.chain.from_iterable(ast.walk(node) for node in body)
