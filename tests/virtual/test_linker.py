"""A device's application as it is compiled: constants written out, and nothing that is asked for is missing."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

from jikimi.fleet.virtual import image
from jikimi.fleet.virtual.linker import linked

ROOT = Path(__file__).parents[2]


def one(text: str, **others: str) -> str:
    return linked({"m": text, **others})["m"]


def test_a_constant_is_its_number_wherever_it_is_used_and_its_name_is_gone():
    assert one("A = 1 << 4\nB = const(A - 20)\n\ndef f():\n    return x[B] * A\n") == (
        "pass\npass\n\ndef f():\n    return x[(-4)] * (16)\n"
    )


def test_a_constant_of_another_module_is_its_number_by_either_way_of_import():
    kinds = "FALL = 1\nSOS = FALL + 1\nNAME = 'fall'\n\ndef name():\n    return NAME\n"
    user = "from p import kinds\nfrom p.kinds import SOS as CALL\nx = [kinds.FALL, CALL, kinds.NAME]\n"
    texts = linked({"p": "", "p.kinds": kinds, "m": user})
    assert texts["m"] == "pass\npass\nx = [(1), (2), ('fall')]\n"
    assert texts["p.kinds"] == "pass\npass\npass\n\ndef name():\n    return ('fall')\n"


def test_an_import_that_gives_more_than_constants_keeps_the_rest_and_its_lines():
    text = one("from p import (\n    A,\n    f,\n)\nx = f(A)\n", p="A = 3\n\ndef f(x):\n    return x\n")
    assert text == "from p import f\n\n\n\nx = f((3))\n"
    assert one("def g():\n    from p import A\n    return A\n", p="A = 3\n") == "def g():\n    pass\n    return (3)\n"


@pytest.mark.parametrize(
    "text",
    [
        "A = 1\nA = 2\nx = A\n",
        "A = 1\n\ndef f(A):\n    return A\n",
        "A = 1\n\ndef f():\n    global A\n    A = 2\n",
        "A = 1\nfor A in range(3):\n    print(A)\n",
        "A = (1, 2)\nx = A\n",
        "A = 'longer than ten'\nx = A\n",
        "A = f()\nx = A\n",
        "A = 1.5\nx = A\n",
        "a = 1\nx = a\n",
        "A = 1\nx = A.real\n",
        "A = 1\nx = f'{A}'\n",
    ],
)
def test_what_is_no_constant_or_cannot_be_seen_through_stays_as_it_is(text):
    assert one(text) == text


def test_a_name_that_others_still_ask_for_stays_defined():
    owner = "A = 1\nB = 2\nC = 3\nD = 4\n"
    user = "import p\nfrom p import A\n\ndef f(q):\n    return q.B, f'{A}', f(p), p.D\n"
    texts = linked({"p": owner, "m": user})
    assert texts["p"] == "A = 1\nB = 2\npass\npass\n"
    assert texts["m"].endswith("f(p), (4)\n")


def test_what_others_use_as_well_keeps_the_names_that_are_theirs():
    texts = linked({"p": "A = 1\n_B = 2\n", "m": "import p\nX = p.A\n_Y = p._B\n"}, public=["p", "m"])
    assert texts == {"p": "A = 1\npass\n", "m": "import p\nX = (1)\npass\n"}


def test_a_module_whose_name_is_also_an_argument_is_not_taken_for_the_argument():
    texts = {"p": "", "p.q": "A = 1\n", "m": "from p import q\n\ndef f(q):\n    return q.A\n"}
    assert linked(texts) == texts


def test_constants_that_a_module_hands_on_stay():
    texts = linked({"p": "A = 1\n", "m": "from p import A\n__all__ = ('A',)\n", "n": "from m import A\nx = A\n"})
    assert texts["p"] == "A = 1\n"
    assert texts["m"].startswith("from p import A\n")


LIBRARY = {
    "p": "",
    "p.q": "import os\n__all__ = ('f', 'g')\nT = {1: 'x'}\n\ndef f():\n    return _h()\n\ndef _h():\n    return 1\n\n"
    "def g():\n    return T, k()\n\ndef k():\n    return 2\n\nclass C:\n    pass\n",
}


def test_of_a_library_only_what_is_used_is_left_and_what_that_needs():
    texts = linked(LIBRARY | {"m": "from p import q\n\ndef main():\n    return q.f()\n"}, "p")
    assert texts["m"] == "from p import q\n\ndef main():\n    return q.f()\n"
    left = [line for line in texts["p.q"].splitlines() if line not in ("", "pass")]
    assert left == ["import os", "def f():", "    return _h()", "def _h():", "    return 1"]
    assert texts["p.q"].count("\n") == LIBRARY["p.q"].count("\n")


@pytest.mark.parametrize(
    "user",
    [
        "from p import q\n\ndef main(x):\n    x.use(q)\n\ndef use(q):\n    q.g(q.C)\n",
        "import p.q\n\ndef main():\n    return p.q.g(p.q.C)\n",
        "from p.q import C, g\n",
    ],
)
def test_a_library_that_is_handed_on_keeps_what_anybody_may_ask_it_for(user):
    left = linked(LIBRARY | {"m": user}, "p")["p.q"]
    assert {"def g():", "def k():", "class C:", "T = {1: 'x'}"} <= set(left.splitlines())


def _defined(tree: ast.Module) -> set[str]:
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(name.asname or name.name).partition(".")[0] for name in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
            found.add(str(node.name))
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def test_in_the_whole_application_no_name_is_asked_for_that_is_not_there():
    sources = image.sources()
    texts = linked(sources, "jikimi.wire")
    trees = {name: ast.parse(text) for name, text in texts.items()}
    defined = {name: _defined(tree) for name, tree in trees.items()}
    missing = []
    for name, tree in trees.items():
        assert texts[name].count("\n") == sources[name].count("\n"), name
        modules = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id not in defined[name] | set(dir(builtins)) | {"const"}:
                missing.append((name, node.id))
            if isinstance(node, ast.ImportFrom):
                for asked in node.names:
                    full = f"{node.module}.{asked.name}"
                    modules[asked.asname or asked.name] = full
                    if node.module in defined and full not in defined and asked.name not in defined[node.module]:
                        missing.append((name, full))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                owner = modules.get(node.value.id, "")
                if owner in defined and node.attr not in defined[owner] | {"__path__", "__name__"}:
                    missing.append((name, f"{owner}.{node.attr}"))
    assert missing == [("jikimi.edge.port", "jikimi.edge.port_cpython")]  # the gateway's


def test_in_the_whole_application_hardly_a_constant_is_left_with_a_name():
    texts = linked(image.sources(), "jikimi.wire")
    left = [
        statement.targets[0].id
        for text in texts.values()
        for statement in ast.parse(text).body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, int)
    ]
    assert len(left) < 20, left
