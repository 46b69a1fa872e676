"""What made a number: versions, and a checksum of the code."""

import platform
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import remodel
from remodel.drugs import Drug
from remodel.parameters import Parameters

LIBRARIES = ("mesa", "numpy", "scipy", "pandas")
NO_RESULT = {
    "plots.py",
    "colors.py",
    "tables.py",
    "__main__.py",
    "options.py",
    "validation.py",
    "comparison.py",
    "targets.py",
    "pages.py",
    "movies.py",
    "overview.py",
    "workers.py",
    "files.py",
    "terminal.py",
    "early.py",
    "fonts.py",
    "identity.py",
}  # modules that change no number


def origin() -> dict[str, Any]:
    """Return the versions and the code that a number can depend on."""
    return {"made_by": made_by(), "code": code_sum()}


def made_by() -> dict[str, str]:
    """Return the versions on which a number can depend."""
    libraries = {name: version(name) for name in LIBRARIES}
    return {"remodel": remodel.__version__, "python": platform.python_version(), **libraries}


def code_sum() -> str:
    """Return a checksum of the modules that a number can depend on."""
    here = [item for item in files("remodel").iterdir() if item.name.endswith(".py")]
    named = sorted((item.name, item) for item in here if item.name not in NO_RESULT)
    return sha256(b"".join(item.read_bytes() for _, item in named)).hexdigest()


def recorded_parameters(
    values: dict[str, float], parameter_set: str, drugs: Iterable[Drug] = ()
) -> Parameters:
    """Return the parameters of a record; each number must be there and known."""
    usual = replace(Parameters(), parameter_set=parameter_set).with_drugs(drugs)
    missing = sorted(set(usual.values()) - set(values))
    if missing:
        raise ValueError(f"record: no value of {', '.join(missing)}; made by another version")
    return usual.with_values(values)
