"""Tables of every number, in Markdown, printed from the code."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from inspect import getdoc, signature
from pkgutil import resolve_name

import remodel
from remodel.drugs import Drug
from remodel.parameters import Parameters

USED = {  # what one calls of a class, and what else one may import
    "BoneModel": ("give", "change", "run", "run_until", "frame"),
    "Parameters": ("with_values", "with_drugs", "values", "rows"),
    "Readings": ("series", "change", "hazard"),
    "Trial": ("with_years_off",),
}
BESIDE = ("drugs.drug", "histomorphometry.histomorphometry", "plots.plot_section")


def api_table() -> str:
    """Return what a script may rely on as a Markdown table; all else may change."""
    names = [f"{name}{method}" for name in remodel.__all__ for method in ("", *methods(name))]
    top = [api_row(name, f"remodel:{name}") for name in names]
    return markdown(("name", "what it is"), top + [api_row(x, f"remodel.{x}") for x in BESIDE])


def methods(name: str) -> list[str]:
    """Return what one calls of a class, each with the dot before it."""
    return [f".{method}" for method in USED.get(name, ())]


def api_row(name: str, place: str) -> tuple[str, str]:
    """Return a name with what it takes, and the first line of what it says of itself."""
    it = resolve_name(place)
    taken = [
        f"**{item.name}" if item.kind is item.VAR_KEYWORD else item.name
        for item in signature(it).parameters.values()
        if item.name != "self"
    ]
    return f"`{name}({', '.join(taken)})`", (getdoc(it) or "").splitlines()[0]


def parameter_table(parameters: Parameters | None = None) -> str:
    """Return every number of the model as a Markdown table."""
    rows = (parameters or Parameters()).rows()
    return markdown(
        ("name", "value", "unit", "range", "meaning", "source"),
        [
            (f"`{r.name}`", f"{r.value:g}", r.unit, f"{r.low:g} to {r.high:g}", r.meaning, r.source)
            for r in rows
        ],
    )


def response_table(parameters: Parameters | None = None) -> str:
    """Return who tells whom as a Markdown table: a signal and the behavior it changes."""
    responses = (parameters or Parameters()).responses
    curves = [getattr(responses, item.name) for item in fields(responses)]
    return markdown(
        ("signal", "behavior", "rest", "full", "unit", "half", "power", "source"),
        [
            (c.signal, c.behavior, f"{c.rest:g}", f"{c.full:g}", c.unit, f"{c.half:g}",
             f"{c.power:g}", c.source)
            for c in curves
        ],
    )  # fmt: skip


def drug_table(parameters: Parameters | None = None) -> str:
    """Return the drugs as a Markdown table: how each is given, and what it changes."""
    drugs = (parameters or Parameters()).drugs
    return markdown(
        ("drug", "given", "half-life, days", "what it changes, at the usual dose", "source"),
        [
            (f"`{name}`", how_given(one), half_life(one), changes(one), one.source or "assumed")
            for name, one in drugs.items()
        ],
    )


def how_given(one: Drug) -> str:
    """Return how often a drug is given."""
    if one.lasting:
        return "once, for good"
    return f"every {one.interval:g} days" if one.interval else "daily"


def half_life(one: Drug) -> str:
    """Return the half-life of a drug in days, where its level follows from it."""
    followed = not (one.lasting or one.concentration or one.bisphosphonate)
    return f"{one.half_life:g}" if followed else ""


def changes(one: Drug) -> str:
    """Return the numbers of a drug that are not those of doing nothing."""
    rows = {row.name.partition(".")[2]: row for row in one.rows("it")}
    shown = [row for name, row in rows.items() if name not in ("half_life", "interval")]
    units = ["" if row.unit in ("1", "fraction") else f" {row.unit}" for row in shown]
    return "; ".join(
        f"{row.meaning}: {row.value:g}{unit}" for row, unit in zip(shown, units, strict=True)
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned for reading as text."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [[cell.ljust(w) for cell, w in zip(line, widths, strict=True)] for line in lines]
    padded.insert(1, ["-" * width for width in widths])
    return "".join(f"| {' | '.join(line)} |\n" for line in padded)
