"""Simulated beside published, row by row, over many trials, and how well they agree."""

import re
from collections.abc import Iterable, Iterator, Mapping
from math import nan, sqrt

import numpy as np
import pandas as pd

from remodel.report import Readings, questions, summary_row
from remodel.trials import HAZARD, MARKERS, Trial

PARTS = {"calibrate": "Calibrated", "validate": "Validated"}
ASKED = {"calibrate": 0.7, "validate": 1.3}  # root mean square error at most, points of BMD
CLEAR = 1.0  # percentage points beyond which a change has a sign worth asking for
NUMBER = r"[-+]?\d+(?:\.\d+)?"
SPREAD = re.compile(rf"(?:95% CI|IQR) ({NUMBER})(?: to |; )({NUMBER})")


def evidence_table(trials: Iterable[Trial], readings: Mapping[str, Readings]) -> pd.DataFrame:
    """Return a row for each published result, with what the model says in its place.

    Parameters
    ----------
    trials : iterable of Trial
        Which to hold against their publications.
    readings : mapping of str to Readings
        What was simulated, by name of the trial.
    """
    rows = [row for trial in trials for row in trial_rows(trial, readings[trial.name])]
    return pd.DataFrame(rows)


def trial_rows(trial: Trial, readings: Readings) -> Iterator[dict[str, object]]:
    """Yield the published results of one trial beside the simulated ones."""
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
