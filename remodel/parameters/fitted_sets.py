"""Sets of fitted numbers that the package ships: each a file with a name and a version.

A number that is fitted is nowhere else: dataclasses take theirs from `FITTED`. A later fit is
another file, so that what was run with an earlier one can be run again.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from remodel.support.messages import shown
from remodel.support.toml_table import LARGEST, Table, parse_toml

DEFAULT_SET = "second-design-1"
FOLDER = "parameter_sets"
EARLIER = ("first-design-1",)  # sets whose numbers mean something else in this design
OF_EARLIER = (
    "is of an earlier design, and its numbers do not fit this one: "
    f"begin anew from {DEFAULT_SET}, or use the version that it was made with"
)
ABOUT = ("name", "version", "about")  # keys of a file that are no numbers
LABEL = re.compile(r"\w[\w-]*-[1-9][0-9]*")


def built_in_sets() -> list[str]:
    """Return the sets of the package, each by its name, a hyphen and its version."""
    found = (item.name for item in files("remodel.parameters").joinpath(FOLDER).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def say_no_set(label: str) -> str:
    """Return, in one line, that there is no such set, and what there is."""
    if label in EARLIER:
        return f"set {label} {OF_EARLIER}"
    return f"no parameter set {shown(label)}; there are {', '.join(built_in_sets())}"


def set_table(label: str) -> Table:
    """Return the file of a set of the package, not yet compared with what a number may be."""
    name = f"{label}.toml"
    text = files("remodel.parameters").joinpath(FOLDER, name).read_text(encoding="utf-8")
    return Table(parse_toml(text, name), name, text)


def set_values(label: str) -> dict[str, float]:
    """Return the numbers of a set of the package, by dotted name."""
    return {
        name: value
        for name, value in flatten(set_table(label)).items()
        if isinstance(value, float | int)
    }


def flatten(top: Table) -> dict[str, object]:
    """Return what stands under each dotted name, in nested tables or under the name in quotes.

    Keys at the top that tell what the file is are left out.

    Raises
    ------
    ValueError
        If a name is given twice.
    """
    found: dict[str, object] = {}

    def collect(data: Mapping[str, object], before: str) -> None:
        for key, value in data.items():
            name = f"{before}{key}"
            if isinstance(value, dict):
                collect(value, f"{name}.")
            elif name in found:
                top.refuse(key, f"{name} is given twice; expected it once")
            else:
                found[name] = value

    collect({key: value for key, value in top.data.items() if key not in (*ABOUT, "drug")}, "")
    return found


def read_label(top: Table) -> str | None:
    """Return name and version that a file gives itself, such as ``"second-design-1"``, if any."""
    if "name" not in top.data and "version" not in top.data:
        return None
    name = top.words("name")
    version = top.get("version", int, "a whole number from 1", None)
    label = f"{name}-{version}"
    if version is None or not 1 <= version <= LARGEST:
        top.refuse("version", f"version = {version}; expected a whole number from 1")
    if not LABEL.fullmatch(label):
        top.refuse("name", f"name = {shown(name)}; expected letters, digits, - and _")
    return label


FITTED: Mapping[str, float] = MappingProxyType(set_values(DEFAULT_SET))
