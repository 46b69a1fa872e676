"""The code stays small and its imports run one way."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

TOP = Path(__file__).parent.parent
PACKAGE = sorted((TOP / "remodel").rglob("*.py"))
FILES = [*PACKAGE, *sorted((TOP / "experiments").glob("*.py")), *sorted(TOP.glob("tests/*.py"))]
LONGEST_FILE, LONGEST_FUNCTION = 300, 40  # lines; of a function without its docstring


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def length(function):
    first = function.body[0]
    told = first.end_lineno - first.lineno + 1 if is_docstring(first) else 0
    return function.end_lineno - function.lineno + 1 - told


def for_types_only(node):
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(tree, modules):
    """Yield the modules of the package that a module needs when it is imported."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and not for_types_only(node):
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            yield from inner or {node.module} & modules


def test_files_are_short():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert [str(path) for path, lines in lengths.items() if lines > LONGEST_FILE] == []


def test_functions_are_short():
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [
        each for path in FILES for each in ast.walk(parse(path)) if isinstance(each, kinds)
    ]
    assert len(functions) > 500
    assert [each.name for each in functions if length(each) > LONGEST_FUNCTION] == []


def test_imports_run_one_way():
    names = {".".join(path.relative_to(TOP).with_suffix("").parts): path for path in PACKAGE}
    modules = set(names) - {"remodel.__init__"}  # which only opens the doors to the others
    graph = {name: set(imports(parse(names[name]), modules)) for name in modules}
    order = list(TopologicalSorter(graph).static_order())  # raises where there is a circle
    assert order.index("remodel.cells") < order.index("remodel.model")
    assert order.index("remodel.model") < order.index("remodel.ensemble")
