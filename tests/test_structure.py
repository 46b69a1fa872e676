"""Imports run one way."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

TOP = Path(__file__).parent.parent
PACKAGE = sorted((TOP / "remodel").rglob("*.py"))


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def for_types_only(node):
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(tree, modules):
    """Yield the modules of the package that a module needs when it is imported."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and not for_types_only(node):
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            yield from inner or {node.module} & modules


def test_imports_run_one_way():
    names = {".".join(path.relative_to(TOP).with_suffix("").parts): path for path in PACKAGE}
    modules = set(names) - {"remodel.__init__"}  # which only opens the doors to the others
    graph = {name: set(imports(parse(names[name]), modules)) for name in modules}
    order = list(TopologicalSorter(graph).static_order())  # raises where there is a circle
    assert order.index("remodel.cells") < order.index("remodel.model")
    assert order.index("remodel.model") < order.index("remodel.ensemble")
