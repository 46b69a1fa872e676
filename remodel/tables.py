"""Tables of every number, in Markdown, printed from the code."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

from remodel.parameters import Parameters


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


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned for reading as text."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [[cell.ljust(w) for cell, w in zip(line, widths, strict=True)] for line in lines]
    padded.insert(1, ["-" * width for width in widths])
    return "".join(f"| {' | '.join(line)} |\n" for line in padded)
