"""Which numbers of the model decide what the inhibitor costs?

QUESTION
Five years of anastrozole, then two without, against untreated patients: how far do loss and recovery
of spine and hip move when each number is 10 % lower or higher, which numbers may be left alone, and
how much of the variance is each leader's, and how much is chance?

RUN
python experiments/sensitivity.py --out experiments/results/sensitivity.json  (13 min on two cores; --quick 8 s)

LOOK FOR
Load and osteoblasts lead for loss: the balance of a cavity is a
small difference of two large amounts. Twice what chance would do is reached at the spine by the load
and the apoptosis rate of osteoclasts alone, at the hip by six. Of the variance over the six leaders chance is 7 %
for the loss of the spine and 4 % for that of the hip, and the load is the largest part. Of that of the
recovery chance is 40 and 32 %, as much as any index: no number decides it. The lag of RANKL, the time
constant of mineral and the half-life of the drug may be left alone.

TRY
In the table compare `mu` with `mu_star`, for the loss of the spine: of the load all 2.5 points are left
when signs count (less is lost under more load), of `osteoclast.life` 0.9 of 1.4, of `section.width` 0.0 of
1.1: that bar is the chance of other sections. --seed 2 takes other ways and other sections.

TRUST
Four ways through the numbers, two sections each; the Sobol indices are of 32 points for each number
and two, so that their intervals are a tenth to a third either way, and those by itself fall below 0.
A bar shorter than the dotted line may be chance; the line takes all points for unlike, so that it is
rather too high. Of the screening, two numbers that only act as their ratio (`osteoblast.life` and
`responses.osteoblast_apoptosis.e0`) are one, seen twice. `section.height` can act by chance alone: its
sections are others. All ranges are 10 % to both sides, however well each number is known, and what was
fitted together is moved apart here. What the search for numbers that matter does not find lies below
what two sections of this size can show, or acts only beyond half a year.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from common import compare_courses, extra, make_parser, run_cases, start, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from remodel.cli.options import Number, base_parameters, set_values
from remodel.clinic.courses import Course
from remodel.clinic.trials import Trial
from remodel.parameters.parameters import Parameters
from remodel.report.palette import BLUE, VERMILLION
from remodel.report.trial_run import QUICK
from remodel.runs.results import Readings
from remodel.runs.scenario import Case
from remodel.support.arrays import Floats

with extra("analysis"):
    from SALib.analyze import morris as analyze_morris
    from SALib.analyze import sobol as analyze_sobol
    from SALib.sample import morris as sample_morris
    from SALib.sample import sobol as sample_sobol

RESOLUTION = ("time.", "section.site")
SPREAD = 0.1  # of each number, to both sides
LEVELS = 4  # of each number, that the screening visits
LEADERS = 6  # numbers of which there are Sobol indices
SHOWN = 20  # numbers in the picture
ENDPOINTS = ("lumbar_spine", "total_hip")
GIVEN, UNTREATED = "anastrozole", "untreated"
COLORS = {"loss": VERMILLION, "recovery": BLUE}
SMALL = QUICK | {"time.spin_up": 0.5}
TINY = SMALL | {"section.height": 1.0, "section.width": 2.0}
QUICK_EVERY = 20  # of so many numbers --quick takes one
Outcomes = dict[tuple[str, str], Floats]  # by site and outcome; shape (points, replicates)


def make_trial(on: float, off: float) -> Trial:
    """Return a trial of the inhibitor against nothing."""
    courses = {GIVEN: (Course(drug=GIVEN, stop=on),), UNTREATED: ()}
    title = "Anastrozole, then nothing"
    return compare_courses("sensitivity", title, courses, on, off, ENDPOINTS)


def list_ranges(parameters: Parameters) -> dict[str, list[float]]:
    """Return how far each number goes, within its declared range; not zeros, not resolution."""
    ranges = {}
    for row in parameters.rows():
        if row.value and not row.name.startswith(RESOLUTION):
            ends = sorted((1 + side * SPREAD) * row.value for side in (-1, 1))
            ranges[row.name] = [max(ends[0], row.low), min(ends[1], row.high)]
    return ranges


def find_factors(options: argparse.Namespace, parameters: Parameters) -> list[str]:
    """Return the numbers that can matter: those that, moved alone, move an outcome at all.

    In a small section and a short trial. A run repeats to the last bit, so that what does
    not matter moves nothing, and what does shows it however little it is.
    """
    ranges = list_ranges(parameters)
    names = list(ranges)[:: QUICK_EVERY if options.quick else 1]
    moved = [{name: end} for name in names for end in ranges[name]]
    outcomes = run_points(options, "probe", [{}, *moved], parameters, 0.5, 0.5)
    apart = np.max([abs(v - v[0]).max(axis=1)[1:] for v in outcomes.values()], axis=0)
    return [
        name
        for name, most in zip(names, apart.reshape(-1, 2).max(axis=1), strict=True)
        if most > 1e-9
    ]


def run_points(
    options: argparse.Namespace, part: str, points: Iterable[Mapping[str, float]],
    parameters: Parameters, on: float, off: float,
) -> Outcomes:  # fmt: skip
    """Run the trial with each set of values; return its outcomes."""
    trial = make_trial(on, off)
    cases = [
        Case(trial, parameters.with_values(values), {"point": number})
        for number, values in enumerate(points)
    ]
    return read_outcomes(run_cases(options, cases, part=part), on, off)


def read_outcomes(frame: pd.DataFrame, on: float, off: float) -> Outcomes:
    """Return loss and recovery of each site, points of BMD."""
    found: dict[tuple[str, str], list[Floats]] = {}
    for _, point in frame.groupby("point"):
        readings = Readings(point)
        for endpoint in ENDPOINTS:
            end, later = (
                readings.change(GIVEN, endpoint, 0.0, year)
                - readings.change(UNTREATED, endpoint, 0.0, year)
                for year in (on, on + off)
            )
            found.setdefault((endpoint, "loss"), []).append(-end)
            found.setdefault((endpoint, "recovery"), []).append(later - end)
    return {key: np.array(values) for key, values in found.items()}


def make_problem(names: Iterable[str], parameters: Parameters) -> dict:
    """Return names and ranges of some numbers in the form of SALib."""
    ranges = {name: list_ranges(parameters)[name] for name in names}
    return {"num_vars": len(ranges), "names": list(ranges), "bounds": list(ranges.values())}


def list_points(problem: dict, design: Floats) -> list[dict[str, float]]:
    """Return the values of each point of a design."""
    return [dict(zip(problem["names"], row, strict=True)) for row in design.tolist()]


def chance(values: Floats) -> float:
    """Return the variance, by chance, of the mean of a point's replicates.

    Replicates share their sections and random numbers from point to point; what is common to all points
    moves no index and is taken out. Shape of `values`: (points, replicates).
    """
    points, replicates = values.shape
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    return float((rest**2).sum() / ((points - 1) * (replicates - 1)) / replicates)


def screen(problem: dict, design: Floats, outcomes: Outcomes, seed: int) -> pd.DataFrame:
    """Return Morris' measures of each factor on each outcome, points over its whole range.

    ``mu`` is the mean effect, ``mu_star`` that of its size, with its 95 % interval
    ``mu_star_conf``; ``sigma`` is its spread from place to place. ``noise`` is the mean size
    that an effect would have by chance alone: the mean distance of two normal means, over the
    fraction of the range that a step of the design covers. ``rank`` is by the greatest mu_star.
    """
    step = LEVELS / (2 * (LEVELS - 1))
    tables = []
    for (endpoint, outcome), values in outcomes.items():
        found = analyze_morris.analyze(
            problem, design, values.mean(axis=1), num_levels=LEVELS, seed=seed
        ).to_df()
        noise = 2 * np.sqrt(chance(values) / np.pi) / step
        found.insert(0, "factor", problem["names"])
        tables.append(found.assign(endpoint=endpoint, outcome=outcome, noise=noise))
    table = pd.concat(tables, ignore_index=True)
    greatest = table.groupby("factor")["mu_star"].transform("max")
    return table.assign(rank=greatest.rank(method="dense", ascending=False).astype(int))


def apportion(problem: dict, outcomes: Outcomes, seed: int) -> pd.DataFrame:
    """Return Sobol indices: the fraction of the variance of each outcome that is each factor's.

    ``S1`` is what it does by itself, ``ST`` what it does in all, each with the half-width of
    its 95 % interval; ``chance`` is the fraction of chance, which is part of every ST.
    """
    tables = []
    for (endpoint, outcome), values in outcomes.items():
        means = values.mean(axis=1)
        found = analyze_sobol.analyze(problem, means, calc_second_order=False, seed=seed)
        indices = {name: found[name] for name in ("S1", "S1_conf", "ST", "ST_conf")}
        fraction = chance(values) / float(means.var(ddof=1))
        tables.append(
            pd.DataFrame(indices).assign(
                factor=problem["names"], endpoint=endpoint, outcome=outcome, chance=fraction
            )
        )
    return pd.concat(tables, ignore_index=True)


def draw_bars(
    axes: Axes, table: pd.DataFrame, names: list[str], bar: str, point: str, limit: str
) -> None:
    """Draw two columns of the table, one as bars, and a third, what chance alone would do, dotted."""
    for shift, (outcome, color) in zip((-0.18, 0.18), COLORS.items(), strict=True):
        rows = table[table["outcome"] == outcome].set_index("factor").loc[names]
        places = np.arange(len(names)) + shift
        axes.barh(
            places, rows[bar], 0.34, xerr=rows[f"{bar}_conf"], color=color, label=outcome,
            error_kw={"ecolor": "0.3", "elinewidth": 1},
        )  # fmt: skip
        axes.plot(rows[point], places, "D", color="white", mec="black", ms=3.5, mew=0.7)
        axes.axvline(rows[limit].iloc[0], color=color, linewidth=1, linestyle=":")
    axes.axvline(0, color="0.3", linewidth=1)
    axes.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    axes.spines[["top", "right"]].set_visible(False)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the greatest effects above, Sobol indices of the leaders below."""
    order = table.sort_values("rank")["factor"].unique()[:SHOWN].tolist()
    leaders = [name for name in order if table.set_index("factor").loc[name, "ST"].notna().all()]
    figure = Figure(figsize=(12, 2.5 + 0.3 * (len(order) + len(leaders))), layout="constrained")
    heights = [len(order) + 1, len(leaders) + 1]
    axes = figure.subplots(2, len(ENDPOINTS), sharey="row", sharex="row", height_ratios=heights)
    for column, endpoint in enumerate(ENDPOINTS):
        part = table[table["endpoint"] == endpoint]
        draw_bars(axes[0, column], part, order, "mu_star", "mu", "noise")
        draw_bars(axes[1, column], part, leaders, "ST", "S1", "chance")
        axes[0, column].set(
            title=endpoint.replace("_", " "),
            xlabel="effect of the whole range, points of BMD\n"
            "(bar: mean size, diamond: mean, dotted: size by chance)",
        )
        axes[1, column].set(
            xlabel="fraction of the variance (bar: total, diamond: by itself, dotted: chance)"
        )
    axes[0, -1].legend(frameon=False, loc="lower right")
    return figure


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    if options.replicates < 2:
        raise ValueError("replicates = 1 runs; expected 2 or more, to tell effects from chance")
    quick, seed = options.quick, options.seed
    on, off = (0.25, 0.25) if quick else (5.0, 2.0)
    count, base, most = (2, 4, 2) if quick else (options.trajectories, options.base, LEADERS)
    default = base_parameters(options)
    parameters = default.with_values(set_values(options, TINY))
    factors = find_factors(options, default.with_values({**SMALL, **set_values(options)}))
    problem = make_problem(factors, parameters)
    design = sample_morris.sample(problem, count, num_levels=LEVELS, seed=seed)
    outcomes = run_points(options, "screening", list_points(problem, design), parameters, on, off)
    table = screen(problem, design, outcomes, seed).sort_values("rank", kind="stable")
    leaders = make_problem(table["factor"].unique()[:most], parameters)
    design = sample_sobol.sample(leaders, base, calc_second_order=False, seed=seed)
    fractions = run_points(options, "sobol", list_points(leaders, design), parameters, on, off)
    table = table.merge(apportion(leaders, fractions, seed), how="left")
    report(table)
    means = {
        f"{endpoint} {outcome}": float(v.mean()) for (endpoint, outcome), v in outcomes.items()
    }
    findings = {
        "parameters": parameters.values(), "on": on, "off": off, "trajectories": count, "base": base,
        "spread": SPREAD, "means": means,
        "runs": table.replace({np.nan: None}).to_dict("records"),
    }  # fmt: skip
    write(options, findings, table, draw(table))


def report(table: pd.DataFrame) -> None:
    """Print the ranking, and the fractions of the leaders."""
    for columns in (["mu_star"], ["S1", "ST", "ST_conf", "chance"]):
        rows = table.dropna(subset=columns)
        wide = rows.pivot(index=["rank", "factor"], columns=["endpoint", "outcome"], values=columns)
        print(wide.round(2).to_string())


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=2)
    parser.add_argument(
        "--trajectories", type=Number("trajectories", "(no unit)", 2, 1000), default=4,
        metavar="N", help="ways through the ranges, a step along each (4; 2 with --quick)",
    )  # fmt: skip
    parser.add_argument(
        "--base", type=Number("base", "(no unit)", 2, 2**16), default=32, metavar="N",
        help="points of the Sobol design, a power of two (32; 4 with --quick)",
    )  # fmt: skip
    start(parser, work)
