"""Simulated versus published: readings by arm and quantity, and the summary of a trial."""

from math import nan, sqrt

import numpy as np
import pandas as pd

from remodel.clinic.trials import Published, Trial
from remodel.measurement.fracture import HAZARD, hazard_ratio
from remodel.parameters.measurement import Fracture
from remodel.parameters.quantities import check
from remodel.parameters.time_steps import VISIT_ROUNDING, YEAR
from remodel.support.arrays import Floats
from remodel.support.messages import shown

# A reading belongs to a visit if it was taken by that day (blood is drawn before what is
# injected), give or take the rounding of the year, and not longer ago than the longest step.
ROUNDING = VISIT_ROUNDING / YEAR
LONGEST_STEP = 14.0 / YEAR
HIP = "total_hip"
UNITS = {HAZARD: "ratio"}
Key = tuple[str, str, str, float, float]  # arm, against, site, baseline, year


class Readings:
    """Readings of a tidy frame, by arm and quantity: years and values.

    Parameters
    ----------
    frame : DataFrame
        Readings of one case, such as `run_trial` returns them.
    fracture : Fracture, optional
        What a change of bone means for fractures; by default the default numbers.

    Raises
    ------
    ValueError
        If these are no readings of a trial, or those of several cases.
    """

    def __init__(self, frame: pd.DataFrame, fracture: Fracture | None = None) -> None:
        """Sort the readings."""
        self.fracture = fracture or Fracture()
        missing = [name for name in ("year", "arm", "replicate") if name not in frame]
        if missing:
            raise ValueError(
                f"these readings have no column {missing[0]}; expected a frame such as run_trial "
                "or run_ensemble returns"
            )
        if frame.duplicated(["arm", "replicate", "year"]).any():
            raise ValueError(name_cases(frame))
        self.frames = {
            arm: part.pivot(index="year", columns="replicate") for arm, part in frame.groupby("arm")
        }

    def series(self, arm: str, site: str) -> tuple[Floats, Floats]:
        """Return years, and values of shape (readings, replicates)."""
        if arm not in self.frames:
            raise ValueError(f"no arm {shown(arm)}; there are {', '.join(map(str, self.frames))}")
        if site not in self.frames[arm]:
            raise ValueError(f"the readings have no column {shown(site)}")
        frame = self.frames[arm][site]
        return frame.index.to_numpy(dtype=float), frame.to_numpy(dtype=float)

    def at(self, arm: str, site: str, year: float) -> Floats:
        """Return the value at a visit, in its year; shape (replicates,).

        Raises
        ------
        ValueError
            If there is no such arm or column, or no reading at that time.
        """
        years, values = self.series(arm, site)
        return np.asarray(values[find_reading(years, year)])

    def change(self, arm: str, site: str, baseline: float, year: float) -> Floats:
        """Return the percent change of each replicate from a baseline year to a year.

        Raises
        ------
        ValueError
            As `at` does.
        """
        end = self.at(arm, site, year)
        if baseline == 0.0:
            return end
        return np.asarray(100 * ((100 + end) / (100 + self.at(arm, site, baseline)) - 1))

    def hazard(self, arm: str, against: str, years: float) -> Floats:
        """Return the fracture hazard ratio of each replicate, over years from the start."""
        when, hip = self.series(arm, HIP)
        reference = self.series(against, HIP)[1]
        inside = slice(find_reading(when, years) + 1)
        return hazard_ratio(when[inside], hip[inside], reference[inside], self.fracture)

    def answer(self, key: Key) -> Floats:
        """Return what the model says in place of a published result, by replicate."""
        arm, against, endpoint, baseline, year = key
        if endpoint == HAZARD:
            return self.hazard(arm, against, year)
        value = self.change(arm, endpoint, baseline, year)
        return value - self.change(against, endpoint, baseline, year) if against else value


def find_reading(years: Floats, year: float) -> int:
    """Return the index of the reading that belongs to a visit; refuse a year without one.

    Parameters
    ----------
    years : Floats
        When there were readings, rising from day 0.
    year : float
        Of the visit.
    """
    check("year", year, "year", 0, float(years[-1]) + LONGEST_STEP)
    index = int(np.searchsorted(years, year + ROUNDING, side="right")) - 1
    stale = index < 0 or year - years[index] > LONGEST_STEP
    if stale or (years[index] <= 0 < year - ROUNDING):
        near = sorted(years, key=lambda other: abs(other - year))[:2]
        raise ValueError(
            f"no reading was taken at year {year:g}, or in the days before it; the nearest are at "
            f"{' and '.join(f'{other:.4g}' for other in sorted(near))}: name it a visit of the trial"
        )
    return index


def name_cases(frame: pd.DataFrame) -> str:
    """Return one line that says which cases a frame holds, and how to take one of them."""
    labels = list(frame.columns)[: list(frame.columns).index("replicate")]
    varied = [name for name in labels if frame[name].nunique() > 1]
    if not varied:
        return "an arm has two readings of one replicate in a year; expected readings of one case"
    name = varied[0]
    found = list(dict.fromkeys(frame[name].tolist()))
    return (
        f"these are readings of several cases ({name} = {', '.join(map(shown, found))}); take one "
        f"of them, such as frame[frame[{name!r}] == {found[0]!r}]"
    )


def interval(values: Floats) -> tuple[float, float, float]:
    """Return the mean of replicates and its 95 % interval (t distribution)."""
    mean = float(values.mean())
    if values.size < 2:
        return mean, nan, nan
    from scipy.stats import t as student  # slow to import

    half = student.ppf(0.975, values.size - 1) * values.std(ddof=1) / sqrt(values.size)
    return mean, float(mean - half), float(mean + half)


def questions(trial: Trial) -> list[tuple[Key, Published | None]]:
    """Return every row of the summary, in order, each with a published result if there is one."""
    keys: dict[Key, list[Published | None]] = {
        (arm.name, "", endpoint, 0.0, visit): []
        for arm in trial.arms
        for endpoint in trial.sites
        for visit in trial.visits
    }
    for arm in trial.arms:
        if trial.reference and arm.name != trial.reference:
            keys[arm.name, trial.reference, HAZARD, 0.0, hazard_years(trial)] = []
    for row in trial.published:
        if row.year <= trial.years:
            key = (row.arm, row.against, row.site, row.baseline, row.year)
            keys.setdefault(key, []).append(row)
    order = {arm.name: number for number, arm in enumerate(trial.arms)}
    endpoints = dict.fromkeys([*trial.sites, *(key[2] for key in keys)])
    rank = {endpoint: number for number, endpoint in enumerate(endpoints)}

    def place(key: Key) -> tuple[bool, int, int, str, float, float]:
        arm, against, endpoint, baseline, year = key
        return endpoint == HAZARD, order[arm], rank[endpoint], against, baseline, year

    return [(key, row) for key in sorted(keys, key=place) for row in keys[key] or [None]]


def hazard_years(trial: Trial) -> float:
    """Return the years over which fracture hazards are compared."""
    return min(trial.fracture_years, trial.years)


def summarize(frame: pd.DataFrame, trial: Trial, fracture: Fracture | None = None) -> pd.DataFrame:
    """Compare what was simulated with what was published.

    Standard deviation, least and most are those of the replicates: of individual patients where
    the trial draws them from a population, of single sections where it does not.

    Parameters
    ----------
    frame : DataFrame
        Readings as `run_trial` returns them.
    trial : Trial
        Arms, endpoints, visits and published results.
    fracture : Fracture, optional
        As for `Readings`.

    Returns
    -------
    DataFrame
        One row for each arm, endpoint and visit, and for each published result: mean over
        the replicates with its 95 % interval, published value, and their difference.
        Percent change from year `baseline`; hazard ratios as they are.
    """
    readings = Readings(frame, fracture)
    return pd.DataFrame([summary_row(readings, *item) for item in questions(trial)])


def summary_row(readings: Readings, key: Key, row: Published | None) -> dict[str, object]:
    """Return one row of the summary."""
    arm, against, endpoint, baseline, year = key
    values = readings.answer(key)
    mean, low, high = interval(values)
    return {
        "arm": arm,
        "against": against,
        "endpoint": endpoint,
        "baseline": baseline,
        "year": year,
        "unit": UNITS.get(endpoint, "%"),
        "simulated": mean,
        "low": low,
        "high": high,
        "sd": float(values.std(ddof=1)) if values.size > 1 else nan,
        "least": float(values.min()),
        "most": float(values.max()),
        "published": row.value if row else nan,
        "spread": row.spread if row else "",
        "difference": mean - row.value if row else nan,
        "use": row.use if row else "",
        "source": row.source if row else "",
    }
