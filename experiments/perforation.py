"""Does the trabecular network recover from the inhibitor as its bone does?

QUESTION
Five years of anastrozole, then five without: are trabeculae that were cut through joined again,
while bone mineral returns?

RUN
python experiments/perforation.py --out experiments/results/perforation.json  (2 min on two cores; --quick 8 s)

LOOK FOR
Each cut through a trabecula that holds nothing else leaves one piece more. Pieces rise on the
drug and do not fall when it is stopped, while bone mineral returns: what was cut has no floor
on which osteoblasts could stand.

TRY
--off 15 --replicates 8: against untreated patients the difference shrinks, though no cut was mended:
loose pieces are resorbed, and age cuts the trabeculae of untreated patients, too.
--set osteoclast.restraint=1: osteoclasts leave the last layer of bone, and nothing is cut.

TRUST
Osteoblasts build up to the old surface only, so that no gap is bridged: a loop is lost where a mesh
is opened. In two dimensions a hole in a plate looks like a cut through a rod, and a section shows few
of the connections of a bone: the order of the answer may hold, its size is that of this section.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse

import numpy as np
import pandas as pd
from common import compare_courses, each_year, make_parser, run_cases, section, start, write
from matplotlib.figure import Figure

from remodel.bone.section import TRABECULAR
from remodel.clinic.courses import Course
from remodel.clinic.trials import Trial
from remodel.measurement.histomorphometry import connected
from remodel.model.bone_model import BoneModel
from remodel.report.palette import BLUE, VERMILLION
from remodel.runs.results import interval
from remodel.runs.scenario import Case

ARMS = {"anastrozole": VERMILLION, "untreated": BLUE}
OUTCOMES = {
    "pieces": "pieces of trabecular bone per mm2",
    "trabecular_bmd": "trabecular BMD, change, %",
    "cuts": "cuts right through, so far",
    "loops": "loops of trabeculae per mm2",
}


def measure(model: BoneModel) -> dict[str, float]:
    """Return loops and pieces of the trabecular network per area, 1/mm2, and cuts so far.

    Open cavities are taken for refilled, so that a cut counts only once its cavity is given
    up for want of a floor. Loops are pieces less the Euler number, which of sites joined by
    their sides is sites less pairs plus squares of four; the first axis is periodic.
    """
    tissue = model.tissue
    here = tissue.region == TRABECULAR
    bone = here & (tissue.matrix + tissue.cavity >= 0.5)
    along, across = bone & np.roll(bone, -1, axis=0), bone[:, 1:] & bone[:, :-1]
    squares = along[:, 1:] & along[:, :-1]
    euler = int(bone.sum()) - int(along.sum()) - int(across.sum()) + int(squares.sum())
    pieces = int(connected(bone, tissue.periodic).max())
    area = float(here.sum()) * (tissue.site_um / 1000) ** 2
    return {
        "loops": (pieces - euler) / area,
        "pieces": pieces / area,
        "cuts": float(model.perforations),
    }


def make_trial(on: float, off: float) -> Trial:
    """Return a trial of the inhibitor against nothing, visited each year."""
    courses = {"anastrozole": (Course(drug="anastrozole", stop=on),), "untreated": ()}
    title, visits = "Anastrozole, then nothing", each_year(on + off)
    return compare_courses("perforation", title, courses, on, off, ("trabecular_bmd",), visits)


def summarize(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each outcome at each visit: of both arms, and their difference in pairs."""
    visits = frame[frame["loops"].notna()]
    rows = []
    for outcome in OUTCOMES:
        values = visits.pivot(index="year", columns=["arm", "replicate"], values=outcome)
        shown = {name: values[name] for name in ARMS}
        shown["difference"] = values["anastrozole"] - values["untreated"]
        for name, part in shown.items():
            for year, row in part.iterrows():
                mean, low, high = interval(row.to_numpy())
                rows.append(
                    {"year": round(float(year)), "outcome": outcome, "arm": name, "mean": mean,
                     "low": low, "high": high}
                )  # fmt: skip
    return pd.DataFrame(rows)


def regained(table: pd.DataFrame, on: float) -> dict[str, float | None]:
    """Return the fraction of each loss on the drug, against untreated, that came back by the end, %.

    None where nothing was lost.
    """
    fractions = {}
    for outcome in ("pieces", "trabecular_bmd"):
        rows = table[(table["outcome"] == outcome) & (table["arm"] == "difference")]
        loss = rows.set_index("year")["mean"]
        left, most = float(loss.iloc[-1]), float(loss[on])
        fractions[outcome] = 100 * (1 - left / most) if most else None
    return fractions


def draw(table: pd.DataFrame, on: float) -> Figure:
    """Draw each outcome of both arms over the years."""
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    for axes, (outcome, title) in zip(
        figure.subplots(1, len(OUTCOMES)), OUTCOMES.items(), strict=True
    ):
        axes.axvspan(0, on, color="0.93")
        for marker, (arm, color) in zip("os", ARMS.items(), strict=True):
            rows = table[(table["outcome"] == outcome) & (table["arm"] == arm)]
            error = (rows["high"] - rows["low"]) / 2
            axes.errorbar(
                rows["year"], rows["mean"], error, color=color, marker=marker, capsize=2, label=arm
            )
        axes.set(title=title, xlabel="years (gray: on the drug)")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[-1].legend(frameon=False)
    return figure


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    on, off = (1.0, 1.0) if options.quick else (5.0, options.off)
    frame = run_cases(options, [Case(make_trial(on, off), section(options))], measure)
    table = summarize(frame)
    fractions = regained(table, on)
    print(table[table["year"].isin([0, on, on + off])].round(2).to_string(index=False))
    for outcome, fraction in fractions.items():
        said = "nothing was lost" if fraction is None else f"{fraction:.0f} %"
        print(f"regained after the drug, {outcome}: {said}")
    findings = {"on": on, "off": off, "regained": fractions, "runs": table.to_dict("records")}
    write(options, findings, table, draw(table, on))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=24)
    parser.add_argument(
        "--off", type=float, default=5.0, metavar="YEARS", help="after the drug (5)"
    )
    start(parser, work)
