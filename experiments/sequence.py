"""When is bone to be protected from an inhibitor?

QUESTION
Five years of anastrozole, then five without, in women of a virtual population who are scanned each
year: zoledronate upfront, delayed until a scan shows a low T-score, every second year, or never.
What does each cost in infusions, and what does it save in bone and fractures?

RUN
python experiments/sequence.py --out experiments/results/sequence.json  (2 min on two cores; --quick 4 s)

LOOK FOR An infusion lasts longer than the year to the next: every second year does nearly what
every year does, for three infusions in place of five. A patient who waits for a low T-score is
often never treated, and loses most in the first year, as without protection. After the inhibitor,
no arm is protected from age, but what was bound to bone is still at work.

TRY
--drug denosumab --replicates 4: given once a year, each injection is undone by its rebound (hazard
0.92, against 0.67 where given each half year), and when it is stopped two thirds of the gain go.

TRUST
What a scan shows decides who is treated, and errs as scans do; bone and fractures are of what is
there. Hazards are a ratio of each patient to the same patient: who waits for a low T-score has more fractures
to lose, so that a delayed infusion saves more of them than its ratio says. Patients stop the inhibitor
as in practice, but come to every infusion. Jaw, kidney and broken thighs are not counted.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse
from collections.abc import Mapping

import numpy as np
import pandas as pd
from common import compare_courses, each_year, make_parser, run_cases, section, start, write
from matplotlib.figure import Figure

from remodel.cli.options import Number
from remodel.clinic.courses import Course
from remodel.clinic.trials import Trial
from remodel.measurement.fracture import hazard_ratio
from remodel.model.bone_model import BoneModel
from remodel.parameters.drugs import DRUGS, Drug
from remodel.parameters.measurement import Fracture
from remodel.parameters.population import Population
from remodel.report.palette import BLUE, GREEN, ORANGE, VERMILLION
from remodel.runs.results import interval
from remodel.runs.scenario import Case

INHIBITOR = "anastrozole"
INJECTED = tuple(name for name, drug in DRUGS.items() if drug.interval)
COLORS = {"none": VERMILLION, "intermittent": ORANGE, "delayed": BLUE, "upfront": GREEN}
OUTCOMES = {
    "lumbar_spine_true": "lumbar spine BMD, change, %",
    "total_hip_true": "total hip BMD, change, %",
}
THRESHOLD = Number("below", "SD", -5, 4, whole=False)


def measure(model: BoneModel) -> dict[str, float]:
    """Return what no scan shows, percent change of BMD, and injections given so far."""
    drugs, now = model.treatment.drugs, model.meter.now
    doses = sum(
        course.injections(0.0, model.day, course.interval or drugs[course.drug].interval)
        for course in model.treatment.courses
    )
    return {
        "lumbar_spine_true": now["lumbar_spine"],
        "total_hip_true": now["total_hip"],
        "doses": float(doses),
    }


def make_trial(
    on: float, off: float, drug: str, below: float, drugs: Mapping[str, Drug] = DRUGS
) -> Trial:
    """Return a trial of when to protect bone, visited each year."""
    protection = {
        "none": (),
        "intermittent": (Course(drug=drug, stop=on, interval=2 * drugs[drug].interval),),
        "delayed": (Course(drug=drug, stop=on, below=below),),
        "upfront": (Course(drug=drug, stop=on),),
    }
    inhibitor = Course(drug=INHIBITOR, stop=on)
    courses = {name: (inhibitor, *given) for name, given in protection.items()}
    title, visits = "When bone is protected from an inhibitor", each_year(on + off)
    return compare_courses(
        "sequence", title, courses, on, off, visits=visits, population=Population()
    )


def at_visits(frame: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return what was measured: a row for each visit, columns arm and replicate."""
    visits = frame[frame[outcome].notna()]
    visits = visits.assign(year=visits["year"].round())
    return visits.pivot(index="year", columns=["arm", "replicate"], values=outcome)


def summarize(frame: pd.DataFrame, on: float, fracture: Fracture | None = None) -> pd.DataFrame:
    """Return bone, injections and fracture hazard of each arm, with 95 % intervals.

    The hazard is that of each patient over all years, against the same patient without protection.
    """
    hip, doses, rows = at_visits(frame, "total_hip_true"), at_visits(frame, "doses"), []
    for arm in COLORS:
        given = doses[arm].iloc[-1]
        found = {
            f"{outcome}, year {year:g}": at_visits(frame, outcome)[arm].loc[year]
            for outcome in OUTCOMES
            for year in (on, hip.index[-1])
        } | {
            "doses": given,
            "patients given some, %": 100.0 * (given > 0),
            "fracture hazard ratio": hazard_ratio(
                hip.index.to_numpy(dtype=float),
                hip[arm].to_numpy(),
                hip["none"].to_numpy(),
                fracture,
            ),
        }
        for outcome, values in found.items():
            mean, low, high = interval(np.asarray(values))
            rows.append({"arm": arm, "outcome": outcome, "mean": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def price(table: pd.DataFrame) -> dict[str, float]:
    """Return how much of the fracture hazard each injection takes away, %, by arm."""
    means = table.pivot(index="arm", columns="outcome", values="mean")
    saved = 100 * (1 - means["fracture hazard ratio"]) / means["doses"]
    return {arm: float(saved[arm]) for arm in COLORS if means["doses"][arm] > 0}


def draw_bone(axes, frame: pd.DataFrame, outcome: str, on: float) -> None:
    """Draw the mean of BMD in each arm over the years."""
    axes.axvspan(0, on, color="0.93")
    axes.axhline(0, color="0.6", linewidth=0.8)
    values = at_visits(frame, outcome)
    for marker, (arm, color) in zip("osD^", COLORS.items(), strict=True):
        mean = values[arm].mean(axis=1)
        axes.plot(mean.index, mean, color=color, marker=marker, markersize=4, label=arm)
    axes.set(title=OUTCOMES[outcome], xlabel="years (gray: inhibitor)")


def draw_price(axes, table: pd.DataFrame) -> None:
    """Draw the fracture hazard of each arm against what was given for it."""
    for marker, (arm, color) in zip("osD^", COLORS.items(), strict=True):
        rows = table[table["arm"] == arm].set_index("outcome")
        doses, hazard = rows.loc["doses"], rows.loc["fracture hazard ratio"]
        axes.errorbar(
            doses["mean"], hazard["mean"], (hazard["high"] - hazard["low"]) / 2,
            (doses["high"] - doses["low"]) / 2, color=color, marker=marker, capsize=3, label=arm,
        )  # fmt: skip
    axes.set(title="fracture hazard ratio, against none", xlabel="injections per patient")
    axes.legend(frameon=False)


def draw(frame: pd.DataFrame, table: pd.DataFrame, on: float) -> Figure:
    """Draw bone over the years, and fractures against injections."""
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    *left, right = figure.subplots(1, len(OUTCOMES) + 1)
    for axes, outcome in zip(left, OUTCOMES, strict=True):
        draw_bone(axes, frame, outcome, on)
    draw_price(right, table)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    on, off = (2.0, 1.0) if options.quick else (5.0, 5.0)
    parameters = section(options)
    trial = make_trial(on, off, options.drug, options.below, parameters.drugs)
    frame = run_cases(options, [Case(trial, parameters)], measure)
    table = summarize(frame, on, parameters.fracture)
    print(
        table.pivot(index="outcome", columns="arm", values="mean")[[*COLORS]].round(2).to_string()
    )
    prices = price(table)
    for arm, fraction in prices.items():
        print(f"{arm}: each injection takes away {fraction:.1f} % of fractures")
    findings = {
        "on": on, "off": off, "drug": options.drug, "below": options.below,
        "saved per injection": prices, "runs": table.to_dict("records"),
    }  # fmt: skip
    write(options, findings, table, draw(frame, table, on))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=24)
    parser.add_argument(
        "--drug", choices=INJECTED, default="zoledronate", metavar="DRUG",
        help=f"{' or '.join(INJECTED)} (zoledronate)",
    )  # fmt: skip
    parser.add_argument(
        "--below", type=THRESHOLD, default=-2.0, metavar="T",
        help="T-score that begins the delayed arm (-2)",
    )  # fmt: skip
    start(parser, work)
