"""ATAC as shipped: numbers that move only when somebody means them to.

The first two sections of `remodel run atac`. On Python 3.11 and 3.13, Mesa 3.3.1 and 3.5.1, NumPy
2.0, 2.4 and 2.5 they are the same to 13 digits, so that any difference is a change of the model.
If the change was meant, `python tests/test_baseline.py` writes the numbers anew.
"""

import csv
from pathlib import Path

import pytest

from remodel.clinic.trial_files import load_trial
from remodel.runs.ensemble import run_ensemble
from remodel.runs.results import Readings
from remodel.runs.scenario import Case

BASELINE = Path(__file__).with_name("baseline.csv")
CHANGES = {"lumbar_spine": (1, 5, 7), "total_hip": (1, 5, 7), "ctx": (1,), "p1np": (1,)}
SECTIONS = 2  # more would take longer and say nothing else


def measure(workers):
    """Return the mean change of each arm from day 0, %, by (arm, what, year)."""
    atac = load_trial("atac")
    readings = Readings(run_ensemble([Case(atac)], replicates=SECTIONS, workers=workers).frame)
    return {
        (arm.name, what, year): float(readings.change(arm.name, what, 0.0, year).mean())
        for arm in atac.arms
        for what, years in CHANGES.items()
        for year in years
    }


def read():
    """Return the numbers that were written."""
    with BASELINE.open(newline="", encoding="utf-8") as lines:
        return {
            (row["arm"], row["what"], int(row["year"])): float(row["change"])
            for row in csv.DictReader(lines)
        }


def write(numbers):
    """Write the numbers, as many digits as tell them from all others."""
    with BASELINE.open("w", newline="", encoding="utf-8") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(["arm", "what", "year", "change"])
        table.writerows([*key, repr(number)] for key, number in numbers.items())


def test_no_number_of_atac_has_moved():
    baseline, found = read(), measure(workers=2)  # they were written by one
    assert found.keys() == baseline.keys()
    moved = [
        f"{' '.join(map(str, key))}: {baseline[key]:.4f} -> {number:.4f}"
        for key, number in found.items()
        if number
        != pytest.approx(baseline[key], rel=1e-9, abs=1e-9)  # libraries sum in other orders
    ]
    assert not moved, "moved (if meant: python tests/test_baseline.py):\n" + "\n".join(moved)


if __name__ == "__main__":
    write(measure(workers=1))
