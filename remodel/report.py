"""Simulated beside published: the summary of a trial, and its text for the terminal."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from math import nan, sqrt
from typing import Any

import numpy as np
import pandas as pd

from remodel.arrays import Floats
from remodel.fracture import hazard_ratio
from remodel.instruments import Fracture
from remodel.parameters import VISIT_ROUNDING, YEAR
from remodel.quantities import check, shown
from remodel.trials import HAZARD, MARKERS, Published, Trial

# A reading belongs to a visit if it was taken by that day (blood is drawn before what is
# injected), give or take the rounding of the year, and not longer ago than the longest step.
ROUNDING = VISIT_ROUNDING / YEAR
LONGEST_STEP = 14.0 / YEAR
HIP = "total_hip"
HEAD = (
    "arm", "site", "years", "simulated", "95 % interval", "published", "diff.", "use", "spread",
)  # fmt: skip
LEFT = ("arm", "site", "years", "use", "spread")  # columns of words
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
        arm, against, site, baseline, year = key
        if site == HAZARD:
            return self.hazard(arm, against, year)
        value = self.change(arm, site, baseline, year)
        return value - self.change(against, site, baseline, year) if against else value


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
        (arm.name, "", site, 0.0, visit): []
        for arm in trial.arms
        for site in trial.sites
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
    sites = dict.fromkeys([*trial.sites, *(key[2] for key in keys)])
    rank = {site: number for number, site in enumerate(sites)}

    def place(key: Key) -> tuple[bool, int, int, str, float, float]:
        arm, against, site, baseline, year = key
        return site == HAZARD, order[arm], rank[site], against, baseline, year

    return [(key, row) for key in sorted(keys, key=place) for row in keys[key] or [None]]


def hazard_years(trial: Trial) -> float:
    """Return the years over which fracture hazards are compared."""
    return min(trial.fracture_years, trial.years)


def summarize(frame: pd.DataFrame, trial: Trial, fracture: Fracture | None = None) -> pd.DataFrame:
    """Compare what was simulated with what was published.

    Standard deviation, least and most are those of the replicates: of single women where
    the trial draws them from a population, of single sections where it does not.

    Parameters
    ----------
    frame : DataFrame
        Readings as `run_trial` returns them.
    trial : Trial
        Arms, sites, visits and published results.
    fracture : Fracture, optional
        As for `Readings`.

    Returns
    -------
    DataFrame
        One row for each arm, site and visit, and for each published result: mean over
        the replicates with its 95 % interval, published value, and their difference.
        Percent change from year `baseline`; hazard ratios as they are.
    """
    readings = Readings(frame, fracture)
    return pd.DataFrame([summary_row(readings, *item) for item in questions(trial)])


def summary_row(readings: Readings, key: Key, row: Published | None) -> dict[str, object]:
    """Return one row of the summary."""
    arm, against, site, baseline, year = key
    values = readings.answer(key)
    mean, low, high = interval(values)
    return {
        "arm": arm,
        "against": against,
        "site": site,
        "baseline": baseline,
        "year": year,
        "unit": UNITS.get(site, "%"),
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


def format_table(summary: pd.DataFrame, trial: Trial, replicates: int) -> str:
    """Return the summary of a trial as text for the terminal."""
    hazard, marker = summary["site"] == HAZARD, summary["site"].isin(MARKERS)
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
    if trial.population:  # each replicate is a woman
        spread = "BMD of single women, % change: standard deviation, least, most"
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
        digits = 2 if row["site"] == HAZARD else 1
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
    yield ["arm", "site", "years", "SD", "least", "most"]
    for row in rows.to_dict("records"):
        years = f"{row['baseline']:g} to {row['year']:g}"
        ends = (number(row[name], 1, "%") for name in ("least", "most"))
        yield [*labels(row), years, number(row["sd"], 1, "ratio"), *ends]


def marker_lines(rows: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the cells of a table with a column for each visit, its head first."""
    spans = list(dict.fromkeys(zip(rows["baseline"], rows["year"], strict=True)))
    yield ["arm", "site", *(f"{baseline:g} to {year:g}" for baseline, year in sorted(spans))]
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
    """Return arm and site of a row of the summary, as a reader wants them."""
    versus = f" vs {row['against']}" if row["against"] else ""
    return row["arm"] + versus, row["site"].replace("_", " ")


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
