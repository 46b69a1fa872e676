"""Numbers of the model, and drugs of a user's own, in files: read strictly, written with units."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING
from difflib import get_close_matches
from math import nan

from remodel.parameters.drugs import DEFAULTS, DRUGS, Drug, drug
from remodel.parameters.fitted_sets import flatten
from remodel.parameters.quantities import CALIBRATED, Row
from remodel.support.messages import LONGEST_SHOWN, shown
from remodel.support.toml_table import Table

GONE = {  # numbers, and groups, of an earlier design, and what to do instead
    "section.cell_density": "the spacing of trabeculae is section.wavelength now",
    "section.strut_spread": "trabeculae vary by section.wavelength_spread now",
    "section.missing_struts": "leave it out: trabeculae are no longer struts that can be missing",
    "osteoblast.reference_depth": "it is unit.reference_depth now",
    "responses.strain_overfilling": "leave it out: what strain does is strain.rankl now",
}
BARE = re.compile(r"[A-Za-z0-9_-]+")  # a key that TOML takes without quotes


def say_unknown(name: str, known: Iterable[str]) -> str:
    """Return, in one line, that there is no such parameter, what is near it, and what there is."""
    group, _, item = name.rpartition(".")
    for gone in (name, group):
        if gone in GONE:
            return f"no parameter {shown(name)} in this design; {GONE[gone]}"
    inside: dict[str, list[str]] = {}
    for one in known:
        inside.setdefault(one.rpartition(".")[0], []).append(one.rpartition(".")[2])
    start, _, rest = group.partition(".")
    family = [one.partition(".")[2] for one in inside if one.startswith(f"{start}.")]
    if name in inside:
        there = f"it is a group and has {', '.join(inside[name])}"
    elif group in inside:
        there = f"{group} has {', '.join(inside[group])}"
    elif rest and family:
        there = f"{start} are {', '.join(family)}"
    else:
        there = f"groups are {', '.join(dict.fromkeys(one.partition('.')[0] for one in inside))}"
    near = [] if name in inside else find_near(group, item, inside)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no parameter {shown(name)}; {hint}{there}"


def find_near(group: str, item: str, inside: Mapping[str, Sequence[str]]) -> list[str]:
    """Return up to three parameters that may have been meant by a group and a name in it."""
    item, group = item[:LONGEST_SHOWN], group[:LONGEST_SHOWN]
    groups = [group] if group in inside else get_close_matches(group, inside) if group else inside
    found = [
        (one, near) for one in groups for near in get_close_matches(item, inside.get(one, ()), n=1)
    ]
    found.sort(key=lambda pair: pair[1] != item)  # those that differ in their group only come first
    named = [f"{one}.{near}" for one, near in found[:3]]
    return named or ([] if group else get_close_matches(item, inside))


def read_numbers(table: Table, known: Mapping[str, Row]) -> dict[str, float]:
    """Return the numbers that a table gives, by dotted name.

    Parameters
    ----------
    table : Table
        Nested tables, dotted keys or names in quotes.
    known : mapping of str to Row
        Every number that there is, by dotted name.

    Raises
    ------
    ValueError
        With file and line, if a name is unknown or a value no number in its range.
    """
    found = {}
    for name, value in flatten(table).items():
        if name not in known:
            table.refuse_name(name, say_unknown(name, known))
        row = known[name]
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else nan
        if not row.low <= number <= row.high:
            expected = f"expected {row.low:g} to {row.high:g} {row.unit}"
            table.refuse_name(name, f"{name} = {shown(value)} {row.unit}; {expected}")
        found[name] = float(number)
    return found


def read_drugs(top: Table) -> tuple[Drug, ...]:
    """Read the drugs that a file brings itself."""
    drugs: list[Drug] = []
    for table in top.tables("drug"):
        own = read_drug(table)
        if own.name in [*DRUGS, *(other.name for other in drugs)]:
            table.refuse("name", f"name = {shown(own.name)} is taken; expected a name of its own")
        drugs.append(own)
    return tuple(drugs)


def read_drug(table: Table) -> Drug:
    """Read one drug: its name, and the numbers that differ from those of doing nothing."""
    table.only(("name", *DEFAULTS))
    name = table.words("name")
    if not re.fullmatch(r"\w[\w-]*", name):
        table.refuse("name", f"name = {shown(name)}; expected one word of letters, digits, - and _")
    given = {key: default for key, default in DEFAULTS.items() if key in table.data}
    return table.call(drug, {"name": MISSING} | given)


def number_lines(rows: Iterable[Row], default: Mapping[str, float]) -> Iterator[str]:
    """Yield a line of TOML for each number, with unit, range, meaning and basis; one between groups.

    A line has the name that ``--set`` takes and means the same in any file, whatever is around it.
    Where a number is not the `reference_t_score` one, and not fitted, the basis is that of the default one.
    """
    before = ""
    for row in rows:
        group = row.name.rpartition(".")[0]
        if before and group != before:
            yield ""
        before = group
        basis, before_change = row.basis, default.get(row.name, row.value)
        if before_change != row.value and basis != CALIBRATED:
            basis = f"{before_change:g} by default, {basis}"
        comment = f"{row.unit}, {row.low:g} to {row.high:g}; {row.meaning} ({basis})"
        yield f"{toml_key(row.name)} = {float(row.value)!r} # {comment}"


def drug_lines(drugs: Iterable[Drug]) -> Iterator[str]:
    """Yield the lines of TOML of drugs of a user's own."""
    for own in drugs:
        yield ""
        yield "[[drug]]"
        for name, value in own.as_data().items():
            yield f"{name} = {toml_value(value)}"


def toml_key(name: str) -> str:
    """Return a dotted name as TOML has it."""
    return ".".join(
        part if BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False)
        for part in name.split(".")
    )


def toml_value(value: float | bool | str) -> str:
    """Return text, a truth or a number, exactly, as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(float(value))
