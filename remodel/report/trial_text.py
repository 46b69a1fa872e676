"""The summary of a trial as text for the terminal."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from remodel.clinic.trials import Trial
from remodel.measurement.fracture import HAZARD
from remodel.measurement.markers import MARKERS

HEAD = (
    "arm", "endpoint", "years", "simulated", "95 % interval", "published", "diff.", "use", "spread",
)  # fmt: skip
LEFT = ("arm", "endpoint", "years", "use", "spread")  # columns of words


def format_table(summary: pd.DataFrame, trial: Trial, replicates: int) -> str:
    """Return the summary of a trial as text for the terminal."""
    hazard, marker = summary["endpoint"] == HAZARD, summary["endpoint"].isin(MARKERS)
    runs = f"{replicates} replicate{'s' if replicates > 1 else ''}"
    note = f"mean of {runs} [95 % interval of the mean]"
    parts = [
        (f"BMD, % change, {note}", table_lines, summary[~hazard & ~marker]),
        (f"Markers, % change, {note} (published)", marker_lines, summary[marker]),
        (
            "Fracture hazard ratio, by the published gradient with total hip BMD",
            table_lines,
            summary[hazard],
        ),
    ]
    if trial.population:  # each replicate is a patient
        spread = "BMD of individual patients, % change: standard deviation, least, most"
        parts.insert(1, (spread, spread_lines, summary[~hazard & ~marker]))
    text = [f"{trial.name}: {trial.title}"]
    for title, lines, rows in parts:
        if len(rows):
            text += ["", title, *align(lines(rows))]
    return "\n".join(text) + "\n"


def table_lines(rows: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the cells of a table with a row for each visit, its head first."""
    yield [*HEAD]
    for row in rows.to_dict("records"):
        digits = 2 if row["endpoint"] == HAZARD else 1
        simulated, low, high, published = (
            number(row[name], digits, row["unit"])
            for name in ("simulated", "low", "high", "published")
        )
        yield [
            *labels(row),
            f"{row['baseline']:g} to {row['year']:g}",
            simulated,
            f"[{low}, {high}]",
            published,
            number(row["difference"], digits, ""),
            row["use"],
            row["spread"],
        ]


def spread_lines(rows: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the cells of a table of how far replicates lie apart, its head first."""
    yield ["arm", "endpoint", "years", "SD", "least", "most"]
    for row in rows.to_dict("records"):
        years = f"{row['baseline']:g} to {row['year']:g}"
        ends = (number(row[name], 1, "%") for name in ("least", "most"))
        yield [*labels(row), years, number(row["sd"], 1, "ratio"), *ends]


def marker_lines(rows: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the cells of a table with a column for each visit, its head first."""
    spans = list(dict.fromkeys(zip(rows["baseline"], rows["year"], strict=True)))
    yield ["arm", "endpoint", *(f"{baseline:g} to {year:g}" for baseline, year in sorted(spans))]
    table: dict[tuple[str, str], dict[tuple[float, float], str]] = {}
    for row in rows.to_dict("records"):
        simulated, low, high, published = (
            number(row[name], 0, "%") for name in ("simulated", "low", "high", "published")
        )
        text = f"{simulated} [{low}, {high}]" + (f" ({published})" if published != "-" else "")
        table.setdefault(labels(row), {})[row["baseline"], row["year"]] = text
    for names, cells in table.items():
        yield [*names, *(cells.get(span, "") for span in sorted(spans))]


def labels(row: Mapping[Hashable, Any]) -> tuple[str, str]:
    """Return arm and endpoint of a row of the summary, as a reader wants them."""
    versus = f" vs {row['against']}" if row["against"] else ""
    return row["arm"] + versus, row["endpoint"].replace("_", " ")


def number(value: float, digits: int, unit: str) -> str:
    """Return a number as text: changes with their sign, ratios without, a dash for none."""
    if np.isnan(value):
        return "-"
    return f"{value:.{digits}f}" if unit == "ratio" else f"{value:+.{digits}f}"


def align(lines: Iterable[list[str]]) -> list[str]:
    """Return lines whose columns stand under each other; numbers to the right."""
    table = list(lines)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if table[0][column] in LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]
