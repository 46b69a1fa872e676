"""Is it geometry alone that makes trabecular and cortical bone differ?

QUESTION
The same rules on sections of other trabecular volume and thickness, cortical porosity and canal
width: do turnover, loss on anastrozole and what returns follow the form, whatever the compartment?

RUN
python experiments/geometry.py --out experiments/results/geometry.json  (2 min on two cores; --quick 10 s)

LOOK FOR
All outcomes follow bone surface per bone volume, and where the compartments meet, at 7 per mm, they
are alike: thick trabeculae turn over 7 % a year and lose 3.4 %, a cortex of wide canals 5 % and
3.2 %. What is left between them is the marrow, of which a canal supplies less.

TRY
--seed 2: other sections, the same line. With `precursors.exponent` 0 the marrow no longer counts, and
turnover per surface of the cortex is that of trabecular bone, or a little more.

TRUST
That the compartments differ by form alone is how the model was made: no rule asks where it is.
What this adds is which property of form it is. The line is loosest where little bone is left (volume
halved: loss within 4 points either way). Canals run straight through a section of two dimensions. Four
sections of each form; bars are 95 % intervals.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse

import pandas as pd
from common import compare_courses, make_parser, run_cases, section, start, write
from matplotlib.figure import Figure

from remodel.bone.section import REGIONS
from remodel.clinic.courses import Course
from remodel.clinic.trials import Trial
from remodel.model.biopsy import histomorphometry
from remodel.model.bone_model import BoneModel
from remodel.parameters.parameters import Parameters
from remodel.report.palette import BLUE, VERMILLION
from remodel.runs.results import Readings, interval
from remodel.runs.scenario import Case
from remodel.support.arrays import Floats

DRUG, UNTREATED = "anastrozole", "untreated"
SURFACE = "BS/BV"
OUTCOMES = {
    "turnover": "turnover on day 0, %/year",
    "loss": "BMD lost on the drug, %",
    "regained": "BMD regained after it, % of day 0",
}
MARKS = dict(zip(REGIONS, (("o", VERMILLION), ("s", BLUE)), strict=True))
SCALES = {  # numbers of a section, in multiples of the default ones
    "bone_volume": (0.5, 2.0),
    "wavelength": (1.0, 2.4),  # longer: thicker and fewer trabeculae at the same volume
    "canal_density": (0.5, 1.5),
    "canal_width": (0.7, 1.4),
}


def make_cases(parameters: Parameters, trial: Trial) -> list[Case]:
    """Return the default section, then sections that differ from it in one number each."""
    cases = [Case(trial, parameters, {"changed": "nothing", "times": 1.0})]
    for name, scales in SCALES.items():
        default = getattr(parameters.section, name)
        for times in scales:
            changed = parameters.with_values({f"section.{name}": times * default})
            cases.append(Case(trial, changed, {"changed": name, "times": times}))
    return cases


def make_trial(on: float, off: float) -> Trial:
    """Return a trial of the inhibitor against nothing."""
    courses = {DRUG: (Course(drug=DRUG, stop=on),), UNTREATED: ()}
    sites = ("trabecular_bmd", "cortical_bmd")
    return compare_courses("geometry", "Anastrozole, then nothing", courses, on, off, sites)


def measure(model: BoneModel) -> dict[str, float]:
    """Return turnover, %/year, and surface per bone volume, 1/mm, of each compartment."""
    shown = {region: histomorphometry(model, region) for region in REGIONS}
    return {
        f"{region} {index}": found[index]
        for region, found in shown.items()
        for index in ("turnover", SURFACE)
    }


def summarize(frame: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return form and outcomes of each compartment of each section, means over replicates."""
    rows = []
    for (changed, times), part in frame.groupby(["changed", "times"], sort=False):
        readings = Readings(part)
        for region in REGIONS:
            row = {"changed": changed, "times": times, "compartment": region}
            row[SURFACE] = float(readings.at(UNTREATED, f"{region} {SURFACE}", 0.0).mean())
            for name, values in outcomes(readings, region, trial).items():
                mean, low, high = interval(values)
                row |= {name: mean, f"{name} low": low, f"{name} high": high}
            rows.append(row)
    return pd.DataFrame(rows)


def outcomes(readings: Readings, region: str, trial: Trial) -> dict[str, Floats]:
    """Return turnover, loss and what returned of a compartment, by replicate.

    Loss and return are differences from untreated patients with the same random numbers.
    """
    loss, stays = (
        readings.at(UNTREATED, f"{region}_bmd", year) - readings.at(DRUG, f"{region}_bmd", year)
        for year in trial.visits
    )
    turnover = readings.at(UNTREATED, f"{region} turnover", 0.0)
    return {"turnover": turnover, "loss": loss, "regained": loss - stays}


def correlate(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the correlation of each outcome with surface per bone volume.

    Over all sections, and within each compartment.
    """
    parts = {"both": table} | {str(name): part for name, part in table.groupby("compartment")}
    return {
        outcome: {name: float(part[SURFACE].corr(part[outcome])) for name, part in parts.items()}
        for outcome in OUTCOMES
    }


def draw(table: pd.DataFrame) -> Figure:
    """Draw each outcome against surface per bone volume; the default section is filled."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, (outcome, title) in zip(
        figure.subplots(1, len(OUTCOMES)), OUTCOMES.items(), strict=True
    ):
        for region, (marker, color) in MARKS.items():
            rows = table[table["compartment"] == region]
            error = (rows[f"{outcome} high"] - rows[f"{outcome} low"]) / 2
            axes.errorbar(
                rows[SURFACE], rows[outcome], error, fmt=marker, color=color, mfc="white",
                elinewidth=0.6, label=f"{region} bone",
            )  # fmt: skip
            default = rows[rows["times"] == 1.0]
            axes.plot(default[SURFACE], default[outcome], marker, color=color, ms=9, zorder=3)
        axes.set(title=title, xlabel="bone surface per bone volume, 1/mm")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False)
    return figure


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    parameters = section(options)
    trial = make_trial(*((1.0, 0.5) if options.quick else (5.0, 2.0)))
    table = summarize(run_cases(options, make_cases(parameters, trial), measure), trial)
    found = correlate(table)
    print(table.round(2).to_string(index=False))
    print("\ncorrelation with surface per bone volume")
    print(pd.DataFrame(found).round(2).to_string())
    findings = {"correlation": found, "runs": table.to_dict("records")}
    write(options, findings, table, draw(table))


if __name__ == "__main__":
    start(make_parser(__doc__, replicates=4), work)
