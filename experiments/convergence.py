"""Do the lengths of step, site and section change the result, and how many runs are enough?

QUESTION
Five years of anastrozole, against untreated patients, with steps of 1, 3.5 and 7 days, sites of 10, 20
and 40 µm, and sections 2, 4 and 8 mm high: does the mean over seeds move by more than seeds differ by
chance? And how many seeds hold the 95 % interval of a mean within half a point to both sides?

RUN
python experiments/convergence.py --out experiments/results/convergence.json  (6 min on two cores; --quick 6 s)

LOOK FOR
Steps agree: no |z| above 1.4. Sites do not. With 10 µm the spine loses 12.1 % in place of 6.0 and the
hip 11.0 in place of 6.8; of that against untreated patients 8.3 points in place of 5.0, and 6.4 in place
of 4.1. With 40 µm they lose 0.9 and 1.1 points less. A BMU is one site wide, so that the
site is part of what a BMU is: the numbers are fitted to 20 µm and hold for no other. A section of
8 mm agrees with that of 4; one of 2 mm does not (spine 1.3 points more lost, hip 0.9). For half a
point to both sides 9 runs are needed at the spine and 6 at the hip, for the difference from
untreated patients 12 and 7; 16 runs give 0.34, 0.24, 0.42 and 0.28.

TRY
--steps 14 --sites 15 --heights 16 --replicates 6: 14 days and 16 mm agree too (no |z| above 1.6); with
15 µm the spine loses 1.9 +- 0.2 points more than with 20, the hip 1.2 +- 0.2.

TRUST The seed builds the same section for every step, and the same network for every size of site
(1 % of the area differs between 10 and 20 µm), so there differences are taken seed by seed; the
random numbers of the cells are others, because a random number belongs to a step and a site.
Sections of other heights share nothing. With 42 comparisons a correct model shows a |z| above 3 in
about one of nine repetitions. With 16 seeds a shift of about 0.7 point of spine BMD would be seen,
a smaller one not. Nothing is fitted again for another site, which might bring it back.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse

import numpy as np
import pandas as pd
from common import compare_courses, make_parser, run_cases, section, start, write
from matplotlib.figure import Figure
from scipy import stats

from remodel.clinic.courses import Course
from remodel.clinic.trials import Trial
from remodel.runs.results import Readings, interval
from remodel.runs.scenario import cross

ENDPOINTS = ("lumbar_spine", "total_hip")
AGAINST = "against untreated"
OUTCOMES = (
    *ENDPOINTS,
    *(f"{endpoint} {AGAINST}" for endpoint in ENDPOINTS),
    "trabecular_bmd",
    "cortical_bmd",
    "ctx",
)
GIVEN, UNTREATED = "anastrozole", "untreated"
UNITS = {"time.step": "day", "section.site": "µm", "section.height": "mm"}
PAIRED = ("time.step", "section.site")  # for which a seed builds the same section
DEFAULTS = {"time.step": [1.0, 3.5, 7.0], "section.site": [10.0, 20.0, 40.0],
         "section.height": [2.0, 4.0, 8.0]}  # fmt: skip
QUICK = {"time.step": [3.5, 7.0], "section.site": [20.0, 40.0], "section.height": [1.0, 2.0]}
LIMIT = 3.0  # of |z|
WANTED = 0.5  # points to both sides of a mean


def make_trial(years: float) -> Trial:
    """Return a trial of the inhibitor against nothing."""
    courses = {GIVEN: (Course(drug=GIVEN),), UNTREATED: ()}
    return compare_courses("convergence", "Anastrozole", courses, years, sites=ENDPOINTS)


def read_outcomes(frame: pd.DataFrame, years: float) -> pd.DataFrame:
    """Return the outcomes of each run at its end, CTX as the mean of the last year."""
    parts = []
    for values, run in frame.groupby([*UNITS]):
        readings = Readings(run)
        found = {name: readings.at(GIVEN, name, years) for name in OUTCOMES if AGAINST not in name}
        for endpoint in ENDPOINTS:
            found[f"{endpoint} {AGAINST}"] = found[endpoint] - readings.at(
                UNTREATED, endpoint, years
            )
        when, ctx = readings.series(GIVEN, "ctx")
        found["ctx"] = ctx[when > years - 1].mean(axis=0)
        labels = dict(zip(UNITS, values, strict=True)) | {"replicate": range(len(found["ctx"]))}
        parts.append(pd.DataFrame(labels | found))
    return pd.concat(parts, ignore_index=True)


def select(table: pd.DataFrame, number: str, default: dict[str, float]) -> pd.DataFrame:
    """Return the runs in which no other number than this one is unusual, by its value."""
    others = [name for name in UNITS if name != number]
    same = (table[others] == pd.Series(default)[others]).all(axis=1)
    return table[same].set_index(number).sort_index()


def compare(table: pd.DataFrame, default: dict[str, float]) -> pd.DataFrame:
    """Return the mean difference of each value from the default one, with its z-score.

    Paired by seed where a seed builds the same section. The t of the difference is turned into
    the z of equal probability, so that few seeds do not look like much evidence.
    """
    rows = []
    for number in UNITS:
        runs = select(table, number, default)
        for value in sorted(set(runs.index) - {default[number]}):
            for name in OUTCOMES:
                first, second = (runs.loc[at, name].to_numpy() for at in (value, default[number]))
                test = (stats.ttest_rel if number in PAIRED else stats.ttest_ind)(
                    first, second, **({} if number in PAIRED else {"equal_var": False})
                )
                apart = float((first - second).mean())
                z = float(np.sign(apart) * stats.norm.isf(test.pvalue / 2))
                rows.append(
                    {"number": number, "value": value, "against": default[number], "outcome": name,
                     "mean": float(first.mean()), "difference": apart,
                     "error": abs(apart / float(test.statistic)), "z": z}
                )  # fmt: skip
    return pd.DataFrame(rows)


def needed(spread: float) -> int:
    """Return how many replicates hold the 95 % interval of a mean within `WANTED` to both sides."""
    count = 2
    while stats.t.ppf(0.975, count - 1) * spread / np.sqrt(count) > WANTED:
        count += 1
    return count


def count_replicates(table: pd.DataFrame, default: dict[str, float]) -> pd.DataFrame:
    """Return of each DXA outcome its spread, the interval that there is, and the runs needed."""
    runs, rows = select(table, "time.step", default).loc[default["time.step"]], []
    for name in OUTCOMES[: 2 * len(ENDPOINTS)]:
        values = runs[name].to_numpy()
        mean, low, high = interval(values)
        spread = float(values.std(ddof=1))
        rows.append(
            {"outcome": name, "mean": mean, "spread": spread, "replicates": len(values),
             "half_width": (high - low) / 2, "needed": needed(spread)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, default: dict[str, float]) -> Figure:
    """Draw each seed as a gray dot, joined where sections are the same, and the means."""
    figure = Figure(figsize=(2.2 * len(OUTCOMES), 7.5), layout="constrained")
    grid = figure.subplots(len(UNITS), len(OUTCOMES), sharey="col")
    for line, (number, unit) in zip(grid, UNITS.items(), strict=True):
        runs = select(table, number, default)
        places = sorted(set(runs.index))
        for axes, name in zip(line, OUTCOMES, strict=True):
            columns = np.array([runs.loc[at, name] for at in places])
            style = "-" if number in PAIRED else "."
            axes.plot(places, columns, style, color="0.8", linewidth=0.7, markersize=3)
            axes.errorbar(
                places, columns.mean(axis=1), stats.sem(columns, axis=1),
                color="C0", marker="o", capsize=3,
            )  # fmt: skip
            axes.set(xlabel=f"{number}, {unit}", xscale="log")
            axes.set_xticks(places, [f"{at:g}" for at in places])
            axes.minorticks_off()
            axes.spines[["top", "right"]].set_visible(False)
    for axes, name in zip(grid[0], OUTCOMES, strict=True):
        axes.set_title(name.replace("_", " ").replace(AGAINST, f"\n{AGAINST}"), fontsize="medium")
    figure.supylabel("change from day 0, %")
    return figure


def report(found: pd.DataFrame, counted: pd.DataFrame) -> None:
    """Print the differences, what agrees with the default, and how many runs are needed."""
    print(found.round(2).to_string(index=False))
    for (number, value), rows in found.groupby(["number", "value"], sort=False):
        verdict = "agrees" if agree(rows) else "DOES NOT agree"
        print(f"{number} {value:g} {UNITS[number]} {verdict} with the default (|z| < {LIMIT:g})")
    print(f"\nruns needed for a 95 % interval of {WANTED:g} points to both sides of a mean")
    print(counted.round(2).to_string(index=False))


def agree(found: pd.DataFrame) -> bool:
    """Return whether no difference is beyond the limit."""
    return bool((found["z"].abs() < LIMIT).all())


def choose(options: argparse.Namespace) -> dict[str, list[float]]:
    """Return the values of each number that were asked for."""
    asked = {"time.step": options.steps, "section.site": options.sites,
             "section.height": options.heights}  # fmt: skip
    return {name: asked[name] or (QUICK if options.quick else DEFAULTS)[name] for name in UNITS}


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    parameters, years = section(options), 1.0 if options.quick else 5.0
    default = {name: parameters.values()[name] for name in UNITS}
    changes = [
        {name: value}
        for name, values in choose(options).items()
        for value in values
        if value != default[name]
    ]
    if options.replicates < 2 or {name for (name,) in changes} != set(UNITS):
        raise ValueError("expected 2 replicates or more, and of each number an unusual value")
    cases = cross([make_trial(years)], values=[{}, *changes], parameters=parameters)
    table = read_outcomes(run_cases(options, cases), years)
    found, counted = compare(table, default), count_replicates(table, default)
    report(found, counted)
    findings = {
        "years": years, "agree": agree(found), "runs": found.to_dict("records"),
        "needed": counted.to_dict("records"),
    }  # fmt: skip
    write(options, findings, table, draw(table, default))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=16)
    for name, text in (
        ("steps", "lengths of a step, days (1 3.5 7)"),
        ("sites", "sides of a site, µm (10 20 40)"),
        ("heights", "lengths of the section, mm (2 4 8)"),
    ):
        parser.add_argument(f"--{name}", type=float, nargs="+", metavar="NUMBER", help=text)
    start(parser, work)
