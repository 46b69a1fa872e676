"""What of bone returns after the inhibitor, where, and does strain on RANKL bring it back?

QUESTION
After 1 to 10 years of anastrozole and five without: how much of the mineral that was lost against
untreated patients is back, of which kind was the loss that stays, and how much less would return if
strain did not lower RANKL (`strain.rankl` 0)?

RUN
python experiments/recovery.py --out experiments/results/recovery.json  (5 min on two cores; --quick 15 s)

LOOK FOR
The rows `with` and `without`, in two tables. Against untreated patients: cavities that wait to be
refilled come back, and young bone fills with mineral, with or without a field; what is given up,
trabeculae cut through or thinned and canals widened, has no floor to be refilled from. From the
end of the drug on, as a trial reports it: a field also slows what patients lose in these years by age,
whether they had the drug or not, so that more seems to return with it. Read the two tables together.

TRY
--off 2: the remodeling space is back by then, mineral and what was given up are not.
--set strain.rankl=2: a field twice as steep, or nearly.

TRUST
The three parts add up to the whole in every section, by definition; what they are worth depends on
the model. Without the field untreated patients are others too, and all is compared with theirs; the
lives of osteoblasts answer to strain in both. Nothing is fitted again. Eight sections: see the
intervals. Five years after the drug patients are of different ages, which the untreated ones share.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse

import numpy as np
import pandas as pd
from common import compare_courses, make_parser, run_cases, section, start, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from remodel.bone.section import REGIONS
from remodel.clinic.courses import Course
from remodel.clinic.trials import Trial
from remodel.model.bone_model import BoneModel
from remodel.parameters.parameters import Parameters
from remodel.report.palette import BLUE, VERMILLION
from remodel.runs.results import Readings, interval
from remodel.runs.scenario import Case
from remodel.support.arrays import Floats

YEARS_ON = (1.0, 2.0, 3.0, 5.0, 10.0)
UNTREATED = "untreated"
WITH, WITHOUT = "with", "without"  # the field: strain on RANKL
PARTS = {
    "mineral": "all mineral",
    "space": "remodeling space",
    "young": "mineral of young bone",
    "bone": "bone given up",
}


def measure(model: BoneModel) -> dict[str, float]:
    """Return mineral and its parts in each compartment, in sites of full mineral.

    Mineral is the bone that there is when all cavities are refilled, less the cavities that
    BMUs at work have yet to refill, less what young matrix has yet to take up. What is
    missing counts as negative, so that the parts add up.
    """
    tissue, found = model.tissue, {}
    for region, label in REGIONS.items():
        here = tissue.region == label
        matrix, cavity, unmineralized = (
            float(field[here].sum())
            for field in (tissue.matrix, tissue.cavity, tissue.unmineralized)
        )
        parts = {
            "mineral": matrix - unmineralized,
            "space": -cavity,
            "young": -unmineralized,
            "bone": matrix + cavity,
        }
        found |= {f"{region} {part}": value for part, value in parts.items()}
    return found


def make_trial(years_on: tuple[float, ...], off: float) -> Trial:
    """Return a trial with an arm for each time on the inhibitor, and one without."""
    given = {f"{on:g}": (Course(drug="anastrozole", stop=on),) for on in years_on}
    sites, visits = ("trabecular_bmd", "cortical_bmd"), {*years_on, *(on + off for on in years_on)}
    title, courses = "Anastrozole for a time, then nothing", {UNTREATED: (), **given}
    return compare_courses("recovery", title, courses, max(years_on), off, sites, sorted(visits))


def make_cases(trial: Trial, parameters: Parameters) -> list[Case]:
    """Return the trial as it is, and without an answer of RANKL to strain."""
    without = parameters.with_values({"strain.rankl": 0.0})
    return [
        Case(trial, numbers, {"field": name})
        for name, numbers in ((WITH, parameters), (WITHOUT, without))
    ]


def summarize(frame: pd.DataFrame, years_on: tuple[float, ...], off: float) -> pd.DataFrame:
    """Return each part of each loss against untreated patients, at the end of the drug and later.

    Percent of the mineral of the compartment on day 0: mean and 95 % interval over pairs, with
    the field and without it.
    """
    parts = [
        summarize_losses(part, years_on, off).assign(field=name)
        for name, part in frame.groupby("field", sort=False)
    ]
    return pd.concat(parts, ignore_index=True)


def summarize_losses(frame: pd.DataFrame, years_on: tuple[float, ...], off: float) -> pd.DataFrame:
    """Return the rows of one of the two."""
    visits = frame[frame["trabecular mineral"].notna()]
    rows = []
    for region in REGIONS:
        for part in PARTS:
            change = against_untreated(visits, f"{region} {part}", f"{region} mineral")
            for on in years_on:
                for after in (0.0, off):
                    mean, low, high = interval(at_year(change[f"{on:g}"], on + after))
                    rows.append(
                        {"years_on": on, "years_after": after, "compartment": region,
                         "part": part, "mean": mean, "low": low, "high": high}
                    )  # fmt: skip
    return pd.DataFrame(rows)


def against_untreated(visits: pd.DataFrame, column: str, whole: str) -> dict[str, pd.DataFrame]:
    """Return a column in each arm less that of untreated patients, % of the whole on day 0."""
    tables = {
        arm: part.pivot(index="year", columns="replicate") for arm, part in visits.groupby("arm")
    }
    default = tables.pop(UNTREATED)
    return {
        arm: 100 * (table[column] - default[column]) / default[whole].iloc[0]
        for arm, table in tables.items()
    }


def at_year(table: pd.DataFrame, year: float) -> Floats:
    """Return each replicate at the visit of a year; readings are up to 28 days older."""
    return np.asarray(table.iloc[np.abs(table.index.to_numpy() - year).argmin()])


def regained(table: pd.DataFrame) -> pd.DataFrame:
    """Return, by field, compartment and time on the drug, which fraction of the loss came back.

    Percent of the loss at the end of the drug; the parts add up to the whole.
    """
    means = table.pivot(
        index=["compartment", "years_on", "field"], columns=["part", "years_after"], values="mean"
    )
    end, later = (
        means.xs(after, axis="columns", level="years_after")
        for after in sorted(table["years_after"].unique())
    )
    fractions = (end - later).div(end["mineral"], axis="index")
    return 100 * fractions[list(PARTS)].rename_axis(columns=None)


def since_the_end(frame: pd.DataFrame, years_on: tuple[float, ...], off: float) -> pd.DataFrame:
    """Return how BMD moves from the end of the drug on, as a trial reports it, points of day 0.

    Of the patients who took it, and of untreated ones in the same years; mean and 95 % interval.
    """
    rows = []
    for field, part in frame.groupby("field", sort=False):
        readings = Readings(part)
        for on in years_on:
            for region in REGIONS:
                for arm in (f"{on:g}", UNTREATED):
                    end, later = (
                        readings.at(arm, f"{region}_bmd", year) for year in (on, on + off)
                    )
                    mean, low, high = interval(later - end)
                    rows.append(
                        {"field": field, "years_on": on, "compartment": region,
                         "arm": UNTREATED if arm == UNTREATED else "drug", "mean": mean,
                         "low": low, "high": high}
                    )  # fmt: skip
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> Figure:
    """Draw each part of the loss in each compartment against the years on the drug."""
    figure = Figure(figsize=(12, 5.6), layout="constrained")
    grid = figure.subplots(len(REGIONS), len(PARTS), sharex=True, sharey="row")
    for line, region in zip(grid, REGIONS, strict=True):
        for axes, (part, title) in zip(line, PARTS.items(), strict=True):
            rows = table[(table["compartment"] == region) & (table["part"] == part)]
            draw_part(axes, rows)
            axes.set_title(title)
        line[0].set_ylabel(f"{region} bone, against untreated,\n% of mineral on day 0")
    for axes in grid[-1]:
        axes.set_xlabel("years on anastrozole")
    grid[0, 1].legend(frameon=False, loc="lower left", fontsize="small")
    return figure


def draw_part(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw one part of the loss, at the end of the drug and after it; open: without the field."""
    axes.axhline(0, color="0.6", linewidth=0.8)
    for field, line, filled in ((WITH, "-", True), (WITHOUT, ":", False)):
        both = rows[rows["field"] == field].groupby("years_after")
        for marker, color, (after, part) in zip("os", (VERMILLION, BLUE), both, strict=True):
            error = (part["high"] - part["low"]) / 2
            name = f"{after:g} years after it" if after else "at the end of the drug"
            axes.errorbar(
                part["years_on"], part["mean"], error, color=color, marker=marker, linestyle=line,
                mfc=color if filled else "white", capsize=2, label=f"{name}, {field} field",
            )  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    years_on, off = ((0.5, 1.0), 1.0) if options.quick else (YEARS_ON, options.off)
    cases = make_cases(make_trial(years_on, off), section(options))
    frame = run_cases(options, cases, measure)
    table, moved = summarize(frame, years_on, off), since_the_end(frame, years_on, off)
    fractions = regained(table)
    print(table.round(2).to_string(index=False))
    print(f"\nregained {off:g} years after the drug, % of the loss on it, and by which part")
    print(fractions.round(0).to_string())
    print(f"\nchange from the end of the drug to {off:g} years later, points of BMD on day 0")
    print(moved.round(2).to_string(index=False))
    findings = {
        "off": off,
        "regained": fractions.reset_index().to_dict("records"),
        "since_the_end": moved.to_dict("records"),
        "runs": table.to_dict("records"),
    }
    write(options, findings, table, draw(table))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=8)
    parser.add_argument(
        "--off", type=float, default=5.0, metavar="YEARS", help="after the drug (5)"
    )
    start(parser, work)
