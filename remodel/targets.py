"""What the model is asked to show: quantities of trials, each with the range it should lie in."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from remodel.arrays import Floats
from remodel.report import Readings, interval

EXTREMES = {"peak": np.argmax, "trough": np.argmin}


@dataclass(frozen=True, kw_only=True)
class Target:
    """One row of `evidence/targets.csv`.

    Attributes
    ----------
    quantity : str
        What is asked, in words.
    trial, arm, against, column : str
        Where it is read; with `against`, the difference from that arm or the ratio to it.
    reduction : str
        ``change`` from the year `start` to the year `end`; or ``peak`` or ``trough``, the
        highest or lowest reading of the mean curve between them.
    low, high : float
        The range asked for.
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


def read_targets() -> list[Target]:
    """Return the rows of the table that the package ships."""
    text = files("remodel").joinpath("evidence", "targets.csv").read_text(encoding="utf-8")
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
    """Return what is asked beside what is simulated, of the trials that were run.

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
