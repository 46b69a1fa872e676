"""Which numbers of the model decide what the inhibitor costs?

QUESTION
Five years of anastrozole, then two without, against untreated women: how far do loss and recovery
of spine and hip move when each number is 10 % lower or higher, and which numbers may be left alone?

RUN
python experiments/sensitivity.py --out experiments/results/sensitivity.json  (2 min on two cores; --quick 9 s)

LOOK FOR
The lives of the two cells lead for loss: the balance of a cavity is a small difference of two large
amounts. For recovery none stands far out from luck. The time constant of mineral may be left
alone. Where mu is far below mu_star, as for the life of osteoblasts and recovery, the effect
changes its sign from place to place.

TRY
--seed 3 --trajectories 2: the two lives lead for loss again (1.9 and 1.2 points at the spine) and
mineral is last again, but overload.half falls from 1.0 to 0.5: so much is luck.

TRUST
A screening, not a ranking: three ways through seven of the model's numbers, two sections each.
Bars shorter than the dotted line may be luck; it is drawn for sections that share none, as they do
in part. All ranges are 10 % to both sides, however well each number is known, and the numbers that
were fitted together are moved apart here. There are no Sobol indices: those need thousands of runs.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd
from common import extra, make_parser, run_cases, section, start, write
from matplotlib.figure import Figure

from remodel.arms import Arm
from remodel.arrays import Floats
from remodel.cases import Case
from remodel.colors import BLUE, VERMILLION
from remodel.options import Number
from remodel.parameters import Parameters
from remodel.patients import Patient
from remodel.report import Readings
from remodel.therapies import Course
from remodel.trials import Trial

with extra("analysis"):
    from SALib.analyze import morris as analyze_morris
    from SALib.sample import morris as sample_morris

FACTORS = (
    "responses.rankl.half",
    "osteoblast.life",
    "mineral.time_constant",
    "osteoclast.life",
    "responses.osteoblast_wear.full",
    "responses.strain.power",
    "responses.overload.half",
)
SPREAD = 0.1  # of each number, to both sides
LEVELS = 4  # of each number, that the screening visits
SITES = ("lumbar_spine", "total_hip")
GIVEN, UNTREATED = "anastrozole", "untreated"
COLORS = {"loss": VERMILLION, "recovery": BLUE}


def make_trial(on: float, off: float) -> Trial:
    """Return a trial of the inhibitor against nothing."""
    courses = {GIVEN: (Course(drug=GIVEN, stop=on),), UNTREATED: ()}
    return Trial(
        name="sensitivity", title="Anastrozole, then nothing", source="", on_treatment=on,
        off_treatment=off, visits=(on, on + off), sites=SITES, patient=Patient(),
        arms=tuple(
            Arm(name=name, patient=Patient(), courses=given) for name, given in courses.items()
        ),
    )  # fmt: skip


def make_problem(factors: Sequence[str], parameters: Parameters) -> dict:
    """Return names and ranges of the factors in the form of SALib."""
    usual = parameters.values()
    bounds = [[(1 - SPREAD) * usual[name], (1 + SPREAD) * usual[name]] for name in factors]
    return {"num_vars": len(bounds), "names": list(factors), "bounds": bounds}


def list_cases(problem: dict, design: Floats, trial: Trial, parameters: Parameters) -> list[Case]:
    """Return a case for each point of the design, labeled by its number."""
    points = [dict(zip(problem["names"], row, strict=True)) for row in design.tolist()]
    return [
        Case(trial, parameters.with_values(values), {"point": number})
        for number, values in enumerate(points)
    ]


def read_outcomes(frame: pd.DataFrame, on: float, off: float) -> dict[tuple[str, str], Floats]:
    """Return loss and recovery of each site, points of BMD; shape (points, replicates)."""
    found: dict[tuple[str, str], list[Floats]] = {}
    for _, point in frame.groupby("point"):
        readings = Readings(point)
        for site in SITES:
            end, later = (
                readings.change(GIVEN, site, 0.0, year)
                - readings.change(UNTREATED, site, 0.0, year)
                for year in (on, on + off)
            )
            found.setdefault((site, "loss"), []).append(-end)
            found.setdefault((site, "recovery"), []).append(later - end)
    return {key: np.array(values) for key, values in found.items()}


def noise(values: Floats) -> float:
    """Return the mean effect that a number without any would seem to have, by luck.

    The mean distance of two normal means, over the share of the range that a step of the
    design covers. Replicates share their luck from point to point, so that it is an upper bound.
    """
    error = np.sqrt(values.var(axis=1, ddof=1).mean() / values.shape[1])
    return float(error * 2 / np.sqrt(np.pi) / (LEVELS / (2 * (LEVELS - 1))))


def screen(
    problem: dict, design: Floats, outcomes: dict[tuple[str, str], Floats], seed: int
) -> pd.DataFrame:
    """Return Morris' measures of each factor on each outcome, points over its whole range.

    ``mu`` is the mean effect, ``mu_star`` that of its size, with its 95 % interval
    ``mu_star_conf``; ``sigma`` is its spread from place to place; ``noise`` as in `noise`.
    """
    tables = []
    for (site, outcome), values in outcomes.items():
        found = analyze_morris.analyze(
            problem, design, values.mean(axis=1), num_levels=LEVELS, seed=seed
        ).to_df()
        found.insert(0, "factor", problem["names"])
        tables.append(found.assign(site=site, outcome=outcome, noise=noise(values)))
    return pd.concat(tables, ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the effect of each factor, the greatest above; dotted: what luck alone would do."""
    order = table.groupby("factor")["mu_star"].max().sort_values().index
    figure = Figure(figsize=(11, 1.5 + 0.3 * len(order)), layout="constrained")
    for axes, site in zip(figure.subplots(1, len(SITES), sharey=True), SITES, strict=True):
        for shift, (outcome, color) in zip((0.18, -0.18), COLORS.items(), strict=True):
            rows = table[(table["site"] == site) & (table["outcome"] == outcome)]
            rows = rows.set_index("factor").loc[order]
            axes.barh(
                np.arange(len(order)) + shift, rows["mu_star"], 0.34, xerr=rows["mu_star_conf"],
                color=color, label=outcome, error_kw={"ecolor": "0.3", "elinewidth": 1},
            )  # fmt: skip
            axes.axvline(rows["noise"].iloc[0], color=color, linewidth=1, linestyle=":")
        axes.set(
            title=site.replace("_", " "),
            xlabel="mean effect of the whole range, points of BMD (dotted: luck)",
            yticks=range(len(order)), yticklabels=order,
        )  # fmt: skip
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[-1].legend(frameon=False, loc="lower right")
    return figure


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    if options.replicates < 2:
        raise ValueError("replicates = 1 runs; expected 2 or more, to tell effects from luck")
    quick = options.quick
    on, off, count = (1.0, 1.0, 2) if quick else (5.0, 2.0, options.trajectories)
    parameters = section(options)
    problem = make_problem(FACTORS[:3] if quick else FACTORS, parameters)
    design = sample_morris.sample(problem, count, num_levels=LEVELS, seed=options.seed)
    cases = list_cases(problem, design, make_trial(on, off), parameters)
    outcomes = read_outcomes(run_cases(options, cases), on, off)
    table = screen(problem, design, outcomes, options.seed)
    wide = table.pivot(index="factor", columns=["site", "outcome"], values="mu_star")
    print(wide.sort_values(wide.columns[0], ascending=False).round(2).to_string())
    means = {f"{site} {outcome}": float(v.mean()) for (site, outcome), v in outcomes.items()}
    findings = {
        "on": on, "off": off, "trajectories": count, "spread": SPREAD, "means": means,
        "runs": table.to_dict("records"),
    }  # fmt: skip
    write(options, findings, table, draw(table))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=2)
    parser.add_argument(
        "--trajectories", type=Number("trajectories", "(no unit)", 2, 1000), default=3,
        metavar="N", help="ways through the ranges, a step along each (3; 2 with --quick)",
    )  # fmt: skip
    start(parser, work)
