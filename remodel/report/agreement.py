"""How well simulated and published agree: row by row, and by what is asked of the model."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from math import nan, sqrt
from typing import Any

import numpy as np
import pandas as pd

from remodel.clinic.trials import Trial
from remodel.measurement.fracture import HAZARD
from remodel.measurement.markers import MARKERS
from remodel.runs.results import Readings, interval, questions, summary_row
from remodel.support.arrays import Floats

EXTREMES = {"peak": np.argmax, "trough": np.argmin}
PARTS = {"calibrate": "Calibrated", "validate": "Validated"}
ACCEPTANCE = {"calibrate": 0.7, "validate": 1.3}  # root mean square error at most, points of BMD
CLEAR = 1.0  # percentage points beyond which a change has a sign that must agree
NUMBER = r"[-+]?\d+(?:\.\d+)?"
SPREAD = re.compile(rf"(?:95% CI|IQR) ({NUMBER})(?: to |; )({NUMBER})")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One row of `evidence/targets.csv`.

    Attributes
    ----------
    quantity : str
        What is judged, in words.
    trial, arm, against, column : str
        Where it is read; with `against`, the difference from that arm or the ratio to it.
    reduction : str
        ``change`` from the year `start` to the year `end`; or ``peak`` or ``trough``, the
        highest or lowest reading of the mean curve between them.
    low, high : float
        The acceptance range.
    unit : str
        ``%``, ``points`` or ``ratio``; the ratio of a reading is to that at the start.
    use : str
        ``calibrate`` if rows of the evidence that were fitted decide it, or ``validate``.
    source : str
        Publication about whose result the range lies.
    """

    quantity: str
    trial: str
    arm: str
    against: str
    column: str
    reduction: str
    start: float
    end: float
    low: float
    high: float
    unit: str
    use: str
    source: str


def evidence_table(trials: Iterable[Trial], readings: Mapping[str, Readings]) -> pd.DataFrame:
    """Return a row for each published result, with what the model says in its place.

    Parameters
    ----------
    trials : iterable of Trial
        Which to compare with their publications.
    readings : mapping of str to Readings
        What was simulated, by name of the trial.
    """
    rows = [row for trial in trials for row in trial_rows(trial, readings[trial.name])]
    return pd.DataFrame(rows)


def trial_rows(trial: Trial, readings: Readings) -> Iterator[dict[str, object]]:
    """Yield the published results of one trial with the simulated ones."""
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
    return ~table["endpoint"].isin([*MARKERS, HAZARD])


def score(table: pd.DataFrame) -> tuple[int, float, int, int, int]:
    """Return BMD rows, their root mean square error, clear ones, wrong signs; rows inside."""
    bmd = table[is_bmd(table)]
    error = sqrt(float(np.mean(bmd["difference"] ** 2))) if len(bmd) else nan
    clear = bmd[bmd["published"].abs() > CLEAR]
    wrong = np.sign(clear["simulated"]) != np.sign(clear["published"])
    return len(bmd), error, len(clear), int(wrong.sum()), int(table["inside"].sum())


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


def read_targets() -> list[Target]:
    """Return the rows of the table that the package ships."""
    text = files("remodel.clinic").joinpath("evidence", "targets.csv").read_text(encoding="utf-8")
    return [read_target(row) for row in csv.DictReader(text.splitlines())]


def read_target(row: dict[str, Any]) -> Target:
    """Return one row, its numbers read."""
    numbers = [item.name for item in fields(Target) if item.type is float]
    return Target(**row | {name: float(row[name]) for name in numbers})


def find_values(target: Target, readings: Readings) -> Floats:
    """Return the quantity in each replicate.

    An extreme is taken where the mean of the replicates has it: that of each replicate
    by itself would be the extreme of its noise too.
    """
    if target.reduction == "change":
        key = (target.arm, target.against, target.column, target.start, target.end)
        return readings.answer(key)
    years, values = readings.series(target.arm, target.column)
    inside = values[(years >= target.start) & (years <= target.end)]
    found = inside[EXTREMES[target.reduction](inside.mean(axis=1))]
    return np.asarray(1 + found / 100 if target.unit == "ratio" else found)


def target_table(readings: Mapping[str, Readings]) -> pd.DataFrame:
    """Return the acceptance criteria and what is simulated, of the trials that were run.

    Parameters
    ----------
    readings : mapping of str to Readings
        By name of the trial.
    """
    rows = []
    for target in read_targets():
        if target.trial in readings:
            mean, low, high = interval(find_values(target, readings[target.trial]))
            found = {"simulated": mean, "sim_low": low, "sim_high": high}
            rows.append(vars(target) | found | {"inside": target.low <= mean <= target.high})
    names = [item.name for item in fields(Target)]
    return pd.DataFrame(rows, columns=[*names, "simulated", "sim_low", "sim_high", "inside"])
