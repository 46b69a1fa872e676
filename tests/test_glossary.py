"""Each name in the last column of the glossary is there in the code."""

import importlib
import pkgutil
import re
from collections import defaultdict
from pathlib import Path

import pytest

import remodel
from remodel import Parameters, Patient

TOP = Path(__file__).parent.parent
TEXT = (TOP / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| term")
]
NAMED = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[3])})


def modules():
    """Yield the modules of the package that need no extra."""
    for found in pkgutil.walk_packages(remodel.__path__, "remodel."):
        if not found.name.endswith((".app", ".controls", ".panels", ".serve", ".tab", ".session")):
            yield importlib.import_module(found.name)


def everything():
    """Return all that a name can be, and what modules hold."""
    found, owners = set(Parameters().values()), defaultdict(list)
    for module in modules():
        for name, value in vars(module).items():
            owners[name].append(value)
        found |= set(vars(module))
        found |= set(getattr(module, "COLUMNS", ()))
        head = getattr(module, "HEAD", ())  # of a table; elsewhere a number
        found |= set(head) if isinstance(head, tuple) else set()
        found |= {index.name for index in getattr(module, "INDICES", ())}
    return found, owners


FOUND, OWNERS = everything()


def test_a_term_is_defined_once_and_every_row_is_complete():
    terms = [row[0] for row in ROWS]
    assert len(terms) > 100
    assert all(len(row) == 4 and row[1] for row in ROWS)
    pairs = [(row[0], row[1]) for row in ROWS]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("name", NAMED)
def test_a_name_of_the_glossary_is_there(name):
    owner, _, item = name.rpartition(".")
    if name.startswith("experiments/"):
        assert (TOP / name).exists()
    elif name.startswith("remodel "):
        assert name.removeprefix("remodel ") in OWNERS["COMMANDS"][0]
    elif name in FOUND or hasattr(Patient(), name):
        assert name
    else:
        assert any(has(found, item) for found in OWNERS[owner])


def has(found, item):
    """Return whether a class has an attribute, of its own or of what it makes."""
    if hasattr(found, item) or item in getattr(found, "__dataclass_fields__", {}):
        return True
    source = Path(importlib.import_module(found.__module__).__file__).read_text(encoding="utf-8")
    return f"self.{item}" in source
