"""The page, the tables and the figure of the evidence."""

import csv
from importlib.resources import files
from pathlib import Path

import pandas as pd

from remodel.measurement.fracture import HAZARD
from remodel.measurement.markers import MARKERS
from remodel.report.agreement import ACCEPTANCE, CLEAR, PARTS, is_bmd, score
from remodel.report.fonts import save_figure
from remodel.report.parameter_tables import markdown
from remodel.report.trial_text import number
from remodel.runs.record import as_csv
from remodel.runs.results import interval
from remodel.support.files import atomic_file, write_atomically
from remodel.support.provenance import made_by
from remodel.support.version import VERSION

OUTPUTS = ("evidence.md", "evidence.csv", "targets.csv", "evidence.png")
HEAD = (
    "trial", "arm", "endpoint", "years", "simulated", "95 % interval", "published", "spread",
    "difference", "inside",
)  # fmt: skip
TARGET_HEAD = (
    "quantity", "trial", "unit", "simulated", "95 % interval", "criterion", "about", "inside",
)  # fmt: skip
RANGES = (  # index, compartment, row of biology.csv, which of the ranges it prints
    ("turnover", "trabecular", "U001", 0),
    ("turnover", "cortical", "U001", 1),
    ("Ac.f", "trabecular", "H074", 0),
    ("OS/BS", "trabecular", "H057", 0),
    ("ES/BS", "trabecular", "H055", 0),
)
ABOUT = """\
Percent change from the first to the second of the years, percentage points of it where
arms are compared ("vs"), or a ratio (fracture hazard). In brackets the 95 % interval of
the simulated mean. Inside: the published value lies in the simulated interval, or the
simulated mean in the 95 % interval or between the quartiles (IQR) published with it.
"""
ABOUT_CRITERIA = {
    "calibrate": "Ranges about results that were fitted, or that lie between fitted ones.\n",
    "validate": "Ranges about results that were never fitted.\n",
}


def write_pages(
    table: pd.DataFrame, targets: pd.DataFrame, baseline: pd.DataFrame, made: str, folder: Path
) -> None:
    """Write the page, the tables and the figure."""
    write_atomically(folder / "evidence.csv", as_csv(table))
    write_atomically(folder / "targets.csv", as_csv(targets))
    with atomic_file(folder / "evidence.png") as temporary:
        plot_evidence(table, temporary)
    write_atomically(folder / "evidence.md", evidence_page(table, targets, baseline, made))


def evidence_page(
    table: pd.DataFrame, targets: pd.DataFrame, baseline: pd.DataFrame, made: str
) -> str:
    """Return the page: scores, then tables of each kind, then the baseline."""
    head = (
        "rows", "BMD rows", "root mean square error", "criterion, at most",
        f"wrong signs beyond {CLEAR:g}", "inside",
    )  # fmt: skip
    shown = ("index", "simulated", "95 % interval", "range", "unit", "source", "inside")
    commit = f", commit {found}" if (found := made_by().get("commit")) else ""
    scores = [(name, *score_cells(table, use)) for use, name in PARTS.items()]
    text = [
        "# Simulated versus published\n",
        f"Made by `remodel validate`: {made}, remodel {VERSION}{commit}.\n",
        ABOUT,
        markdown(head, scores),
    ]
    for use, name in PARTS.items():
        rows, criteria = table[table["use"] == use], targets[targets["use"] == use]
        text += [f"## {name}\n", markdown(HEAD, map(cells, records(rows)))]
        text += [f"## {name}: acceptance criteria\n", ABOUT_CRITERIA[use]]
        text += [markdown(TARGET_HEAD, map(target_cells, records(criteria)))]
    text += ["## Before treatment\n", markdown(shown, baseline_lines(baseline))]
    return "\n".join(text)


def target_cells(row: dict[str, object]) -> list[str]:
    """Return the cells of one acceptance criterion."""
    digits = {"ratio": 2, "points": 1}.get(str(row["unit"]), 0 if row["column"] in MARKERS else 1)
    simulated, low, high = (
        number(float(str(row[name])), digits, str(row["unit"]))
        for name in ("simulated", "sim_low", "sim_high")
    )
    criteria = f"{row['low']:g} to {row['high']:g}"
    return [
        str(row["quantity"]), str(row["trial"]), str(row["unit"]), simulated, f"[{low}, {high}]",
        criteria, str(row["source"]), "yes" if row["inside"] else "no",
    ]  # fmt: skip


def baseline_lines(baseline: pd.DataFrame) -> list[list[str]]:
    """Return the lines of the table of histomorphometry before treatment."""
    lines = []
    for index, region, source, which in RANGES:
        name = f"{index}, {region}"
        mean, low, high = interval(baseline[name].to_numpy(dtype=float))
        least, most, unit = range_of(source, which)
        verdict = "yes" if least <= mean <= most else "no"
        lines.append(
            [name, f"{mean:.2f}", f"[{low:.2f}, {high:.2f}]",
             f"{least:g} to {most:g}", unit, source, verdict]
        )  # fmt: skip
    return lines


def range_of(source: str, which: int) -> tuple[float, float, str]:
    """Return one of the ranges that a row of the evidence on biology prints, and its unit."""
    text = files("remodel.clinic").joinpath("evidence", "biology.csv").read_text(encoding="utf-8")
    row = next(row for row in csv.DictReader(text.splitlines()) if row["id"] == source)
    low, _, high = row["range"].split(" / ")[which].partition("-")
    return float(low), float(high), row["unit"]


def score_cells(table: pd.DataFrame, use: str) -> list[str]:
    """Return the scores of one kind of rows as text."""
    rows = int((table["use"] == use).sum())
    count, error, clear, wrong, within = score(table[table["use"] == use])
    return [
        str(count),
        f"{error:.2f}",
        f"{ACCEPTANCE[use]:g}",
        f"{wrong} of {clear}",
        f"{within} of {rows}",
    ]


def records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a table as dicts."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def cells(row: dict[str, object]) -> list[str]:
    """Return the cells of one published result."""
    digits = 2 if row["endpoint"] == HAZARD else 0 if row["endpoint"] in MARKERS else 1
    simulated, low, high, published, difference = (
        number(float(str(row[name])), digits, str(row["unit"]))
        for name in ("simulated", "low", "high", "published", "difference")
    )
    if row["endpoint"] == HAZARD:
        difference = number(float(str(row["difference"])), digits, "")
    return [
        str(row["trial"]),
        str(row["arm"]) + (f" vs {row['against']}" if row["against"] else ""),
        str(row["endpoint"]).replace("_", " "),
        f"{row['baseline']:g} to {row['year']:g}",
        simulated,
        f"[{low}, {high}]",
        published,
        str(row["spread"]).replace("|", "/"),
        difference,
        "yes" if row["inside"] else "no",
    ]


def plot_evidence(table: pd.DataFrame, path: Path) -> None:
    """Draw simulated against published BMD, what was fitted and what is predicted apart."""
    from matplotlib.figure import Figure  # slow to import

    bmd = table[is_bmd(table)]
    trials = list(bmd["trial"].unique())
    figure = Figure(figsize=(10, 5.4), dpi=150, layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    values = bmd[["simulated", "published"]].to_numpy()
    ends = (values.min() - 1, values.max() + 1)
    for axis, (use, name) in zip(panels, PARTS.items(), strict=True):
        axis.plot(ends, ends, color="0.6", linewidth=1)
        for trial, rows in bmd[bmd["use"] == use].groupby("trial", sort=False):
            index = trials.index(trial)
            half = (rows["high"] - rows["low"]) / 2
            axis.errorbar(
                rows["published"], rows["simulated"], yerr=half.fillna(0), linestyle="",
                marker="osD^vPX<>*"[index % 10], color=f"C{index % 10}", label=str(trial),
            )  # fmt: skip
        axis.set_title(name, loc="left", fontsize=13)
        axis.set_xlabel("Published BMD change, % or points", fontsize=12)
        axis.legend(fontsize=9, frameon=False)
        axis.set_ylim(*ends)
    panels[0].set_ylabel("Simulated, with 95 % interval", fontsize=12)
    save_figure(figure, path)
