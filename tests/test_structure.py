"""The rooms of the package: the contract of `pyproject.toml` holds for all that there are.

The contract itself, imports that run one way, is checked by `lint-imports` in `.ci/run`.
"""

import ast
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PACKAGE = TOP / "remodel"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def layers():
    """Return the layers of the contract, the highest first, each with what it holds."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def test_every_room_and_every_module_beside_them_is_a_layer():
    temporary = [path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"]
    assert sorted(name for layer in layers() for name in layer) == sorted([*ROOMS, *temporary])


def test_the_model_is_above_what_it_is_made_of_and_below_what_is_made_of_it():
    order = [name for layer in layers() for name in layer]
    rooms = ("viewer", "report", "runs", "model", "clinic", "measurement", "bone", "parameters")
    places = [order.index(room) for room in rooms]
    assert places == sorted(places)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_is_in_it_and_holds_it(room):
    text = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
    assert len((ast.get_docstring(ast.parse(text)) or "").split()) > 8
    assert len(list((PACKAGE / room).glob("*.py"))) > 2


def test_no_module_is_outside_of_a_room():
    """Beside the rooms are the doors only: what `docs/api.md` names, and `python -m remodel`."""
    for path in set(PACKAGE.glob("*.py")) - {PACKAGE / "__init__.py"}:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert [node.name for node in tree.body if isinstance(node, kinds)] == [], path.name
