"""Every built-in trial held against its publication: what was fitted, what is predicted."""

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib.resources import files
from math import nan, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

import remodel
from remodel.files import open_folder, write_whole
from remodel.histomorphometry import histomorphometry
from remodel.model import BoneModel
from remodel.parameters import Parameters
from remodel.record import as_csv, code_sum
from remodel.replicates import Replicate, ReplicateTask, run_replicate
from remodel.report import Readings, interval, number, questions, summary_row
from remodel.tables import markdown
from remodel.trials import HAZARD, MARKERS, Trial, built_in_trials, load_trial
from remodel.workers import run_all

OUTPUTS = ("evidence.md", "evidence.csv", "evidence.png")
PARTS = {"calibrate": "Calibrated", "validate": "Validated"}
CLEAR = 1.0  # percentage points beyond which a change has a sign worth asking for
HEAD = (
    "trial", "arm", "site", "years", "simulated", "95 % interval", "published", "spread",
    "difference", "inside",
)  # fmt: skip
RANGES = (  # index, compartment, row of biology.csv, which of the ranges it prints
    ("turnover", "trabecular", "U001", 0),
    ("turnover", "cortical", "U001", 1),
    ("Ac.f", "trabecular", "H074", 0),
    ("OS/BS", "trabecular", "H057", 0),
    ("ES/BS", "trabecular", "H055", 0),
)
NUMBER = r"[-+]?\d+(?:\.\d+)?"
SPREAD = re.compile(rf"(?:95% CI|IQR) ({NUMBER})(?: to |; )({NUMBER})")
ABOUT = """\
Percent change from the first to the second of the years, percentage points of it where
arms are compared ("vs"), or a ratio (fracture hazard). In brackets the 95 % interval of
the simulated mean. Inside: the published value lies in the simulated interval, or the
simulated mean in the 95 % interval or between the quartiles (IQR) published with it.
"""


@dataclass(frozen=True)
class Baseline:
    """What one section shows before any treatment, by index and compartment."""

    number: int
    values: dict[tuple[str, str], float]


def validate(
    parameters: Parameters, replicates: int, seed: int, workers: int | Executor, folder: Path
) -> pd.DataFrame:
    """Run every built-in trial and write tables and a figure into a folder.

    Arguments are those of `run_trial`, and the folder.

    Returns
    -------
    DataFrame
        One row for each published result.
    """
    claim(folder)
    trials = [load_trial(name) for name in built_in_trials()]
    tasks = [
        ReplicateTask(trial, parameters, number, seed + number)
        for number in range(replicates)
        for trial in trials
    ]
    frames: dict[str, list[Replicate]] = {trial.name: [] for trial in trials}
    baselines: list[Baseline] = []
    with tqdm(total=len(tasks) + replicates, unit="run", disable=not sys.stderr.isatty()) as bar:

        def take_baseline(found: Baseline) -> None:
            baselines.append(found)
            bar.update()

        def take(found: tuple[str, Replicate]) -> None:
            frames[found[0]].append(found[1])
            bar.update()

        run_all(tasks[:: len(trials)], measure_baseline, workers, take_baseline)
        run_all(tasks, run_named, workers, take)
    table = evidence_table(trials, frames)
    made = f"{replicates} replicates, seed {seed}"
    write_evidence(table, baseline_table(baselines), made, folder)
    return table


def claim(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier validation."""
    if folder.is_dir() and any(item.name not in OUTPUTS for item in folder.iterdir()):
        raise ValueError(f"{folder} holds other files; choose another --out")
    open_folder(folder)


def run_named(task: ReplicateTask) -> tuple[str, Replicate]:
    """Run one replicate of a trial and say of which."""
    return task.trial.name, run_replicate(task)


def measure_baseline(task: ReplicateTask) -> Baseline:
    """Run the spin-up alone and measure the section as a biopsy would be."""
    model = BoneModel(patient=task.trial.patient, rng=task.seed, parameters=task.parameters)
    shown = {region: histomorphometry(model, region) for _, region, _, _ in RANGES}
    values = {(index, region): shown[region][index] for index, region, _, _ in RANGES}
    return Baseline(task.replicate, values)


def evidence_table(trials: Iterable[Trial], frames: dict[str, list[Replicate]]) -> pd.DataFrame:
    """Return a row for each published result, with what the model says in its place."""
    return pd.DataFrame([row for trial in trials for row in trial_rows(trial, frames[trial.name])])


def trial_rows(trial: Trial, found: list[Replicate]) -> Iterator[dict[str, object]]:
    """Yield the published results of one trial beside the simulated ones."""
    ordered = sorted(found, key=lambda replicate: replicate.number)
    readings = Readings(pd.concat([replicate.frame for replicate in ordered]))
    for key, published in questions(trial):
        if published:
            row = summary_row(readings, key, published)
            yield {"trial": trial.name} | row | {"inside": inside(row)}


def inside(row: dict[str, object]) -> bool:
    """Return whether simulated and published agree within what either leaves open."""
    simulated, low, high, published = (
        float(str(row[name])) for name in ("simulated", "low", "high", "published")
    )
    least, most = published_interval(str(row["spread"]))
    return low <= published <= high or least <= simulated <= most


def published_interval(spread: str) -> tuple[float, float]:
    """Return the interval that a spread names; not-a-number if it names none."""
    found = SPREAD.search(spread)
    return (float(found[1]), float(found[2])) if found else (nan, nan)


def is_bmd(table: pd.DataFrame) -> pd.Series:
    """Return which rows are changes of BMD, in percentage points."""
    return ~table["site"].isin([*MARKERS, HAZARD])


def score(table: pd.DataFrame) -> tuple[int, float, int, int, int]:
    """Return BMD rows, their root mean square error, clear ones, wrong signs; rows inside."""
    bmd = table[is_bmd(table)]
    error = sqrt(float(np.mean(bmd["difference"] ** 2))) if len(bmd) else nan
    clear = bmd[bmd["published"].abs() > CLEAR]
    wrong = np.sign(clear["simulated"]) != np.sign(clear["published"])
    return len(bmd), error, len(clear), int(wrong.sum()), int(table["inside"].sum())


def baseline_table(baselines: Sequence[Baseline]) -> list[list[str]]:
    """Return the lines of the table of baseline histomorphometry."""
    lines = []
    for index, region, source, which in RANGES:
        values = np.array(
            [b.values[index, region] for b in sorted(baselines, key=lambda b: b.number)]
        )
        mean, low, high = interval(values)
        least, most, unit = range_of(source, which)
        verdict = "yes" if least <= mean <= most else "no"
        lines.append(
            [f"{index}, {region}", f"{mean:.2f}", f"[{low:.2f}, {high:.2f}]",
             f"{least:g} to {most:g}", unit, source, verdict]
        )  # fmt: skip
    return lines


def range_of(source: str, which: int) -> tuple[float, float, str]:
    """Return one of the ranges that a row of the evidence on biology prints, and its unit."""
    text = files("remodel").joinpath("evidence", "biology.csv").read_text(encoding="utf-8")
    row = next(row for row in csv.DictReader(text.splitlines()) if row["id"] == source)
    low, _, high = row["range"].split(" / ")[which].partition("-")
    return float(low), float(high), row["unit"]


def write_evidence(table: pd.DataFrame, baseline: list[list[str]], made: str, folder: Path) -> None:
    """Write the page, the table and the figure."""
    write_whole(folder / "evidence.csv", as_csv(table))
    plot_evidence(table, folder / "evidence.png")
    write_whole(folder / "evidence.md", evidence_page(table, baseline, made))


def evidence_page(table: pd.DataFrame, baseline: list[list[str]], made: str) -> str:
    """Return the page: scores, then a table of each kind, then the baseline."""
    parts = {use: table[table["use"] == use] for use in PARTS}
    scores = [(name, *score_cells(parts[use])) for use, name in PARTS.items()]
    head = ("rows", "BMD rows", "root mean square error", f"wrong signs beyond {CLEAR:g}", "inside")
    shown = ("index", "simulated", "95 % interval", "range", "unit", "source", "inside")
    text = [
        "# Simulated beside published\n",
        (
            f"Made by `remodel validate`: {made}, remodel {remodel.__version__}, "
            f"code {code_sum()[:12]}.\n"
        ),
        ABOUT,
        markdown(head, scores),
    ]
    for use, name in PARTS.items():
        text += [f"## {name}\n", markdown(HEAD, map(cells, records(parts[use])))]
    text += ["## Before treatment\n", markdown(shown, baseline)]
    return "\n".join(text)


def score_cells(table: pd.DataFrame) -> list[str]:
    """Return the scores of one kind of rows as text."""
    count, error, clear, wrong, within = score(table)
    return [str(count), f"{error:.2f}", f"{wrong} of {clear}", f"{within} of {len(table)}"]


def records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a table as dicts."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def cells(row: dict[str, object]) -> list[str]:
    """Return the cells of one published result."""
    digits = 2 if row["site"] == HAZARD else 0 if row["site"] in MARKERS else 1
    simulated, low, high, published, difference = (
        number(float(str(row[name])), digits, str(row["unit"]))
        for name in ("simulated", "low", "high", "published", "difference")
    )
    if row["site"] == HAZARD:
        difference = number(float(str(row["difference"])), digits, "")
    return [
        str(row["trial"]),
        str(row["arm"]) + (f" vs {row['against']}" if row["against"] else ""),
        str(row["site"]).replace("_", " "),
        f"{row['baseline']:g} to {row['year']:g}",
        simulated,
        f"[{low}, {high}]",
        published,
        str(row["spread"]).replace("|", "/"),
        difference,
        "yes" if row["inside"] else "no",
    ]


def format_scores(table: pd.DataFrame) -> str:
    """Return the scores as lines for the terminal."""
    lines = []
    for use, name in PARTS.items():
        count, error, clear, wrong, within = score(table[table["use"] == use])
        lines.append(
            f"{name}: {count} BMD rows, root mean square error {error:.2f} points, "
            f"{wrong} of {clear} signs wrong; {within} rows of any kind inside"
        )
    return "\n".join(lines)


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
    figure.savefig(path)
