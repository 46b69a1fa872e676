"""How does bone depend on the level of estradiol?

QUESTION
All of a patient's own estradiol (20 pmol/L) is blocked and 0 to 400 pmol/L are given instead:
how do trabecular and cortical bone change within five years?

RUN
python experiments/estrogen.py --out experiments/results/estrogen.json  (3 min on two cores; --quick 10 s)

LOOK FOR
Half of the range is passed below 40 pmol/L, around what patients have after menopause, and the curve
levels off above: the receptor is then nearly always occupied. Trabecular bone spans more than
twice what cortical bone does. At 20 pmol/L nothing is changed but the source: what is lost
there is lost with age.

TRY
--years 2 --replicates 8: the same form; trabecular bone spans 13 points instead of 20, cortical
bone 5 instead of 9.

TRUST
The form of the curve is that of the responses in the code, fitted to trials below 20 pmol/L and
to few above it. Above 100 pmol/L it is an extrapolation. One kind of patient, in means.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse

import pandas as pd
from common import compare_courses, make_parser, run_cases, section, start, write
from matplotlib.figure import Figure

from remodel.clinic.courses import Course
from remodel.clinic.patients import Patient
from remodel.clinic.trials import Trial
from remodel.parameters.parameters import Parameters
from remodel.report.palette import BLUE, VERMILLION
from remodel.runs.results import Readings, interval
from remodel.runs.scenario import Case

DOSES = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 400.0)  # pmol/L
OUTCOMES = {"trabecular_bmd": VERMILLION, "cortical_bmd": BLUE}
BLOCK = (Course(drug="letrozole"), Course(drug="exemestane"))  # together leave 0.02 pmol/L


def make_trial(doses: tuple[float, ...], years: float, parameters: Parameters) -> Trial:
    """Return a trial with an arm for each dose, which share section, spin-up and random numbers."""
    default = parameters.drugs["estradiol"].estradiol
    courses = {
        f"{dose:g}": (*BLOCK, Course(drug="estradiol", dose=dose / default)) for dose in doses
    }
    title = "Estradiol blocked and replaced"
    return compare_courses("estradiol", title, courses, years, sites=tuple(OUTCOMES))


def summarize(frame: pd.DataFrame, years: float) -> pd.DataFrame:
    """Return the mean change of each compartment at each dose, with its 95 % interval."""
    readings, rows = Readings(frame), []
    for arm in frame["arm"].unique():
        for outcome in OUTCOMES:
            mean, low, high = interval(readings.change(arm, outcome, 0.0, years))
            rows.append(
                {"estradiol": float(arm), "outcome": outcome, "change": mean, "low": low,
                 "high": high}
            )  # fmt: skip
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, years: float) -> Figure:
    """Draw the change of each compartment against the dose."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.axvline(Patient().estradiol, color="0.6", linewidth=0.8, linestyle=":")
    for marker, (outcome, color) in zip("os", OUTCOMES.items(), strict=True):
        rows = table[table["outcome"] == outcome]
        error = (rows["high"] - rows["low"]) / 2
        name = outcome.removesuffix("_bmd") + " bone"
        axes.errorbar(
            rows["estradiol"], rows["change"], error, color=color, marker=marker, capsize=3,
            label=name,
        )  # fmt: skip
    axes.set_xscale("symlog", linthresh=10)
    axes.set_xticks(sorted(table["estradiol"].unique()))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlabel("estradiol, pmol/L (dotted: endogenous before)")
    axes.set_ylabel(f"change of BMD in {years:g} years, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    doses, years = (DOSES[::4], 1.0) if options.quick else (DOSES, options.years)
    parameters = section(options)
    trial = make_trial(doses, years, parameters)
    table = summarize(run_cases(options, [Case(trial, parameters)]), years)
    print(table.round(2).to_string(index=False))
    findings = {"years": years, "runs": table.to_dict("records")}
    write(options, findings, table, draw(table, years))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=16)
    parser.add_argument(
        "--years",
        type=float,
        default=5.0,
        metavar="YEARS",
        help="at each level (5; 1 with --quick)",
    )
    start(parser, work)
