"""What follows denosumab best?

QUESTION
Denosumab for some years, then nothing, or one infusion of zoledronate when the next injection would
have been due, 6 or 12 months later: how much of the bone that was gained is kept?

RUN
python experiments/rebound.py --out experiments/results/rebound.json  (1 min on two cores; --quick 5 s)

LOOK FOR Precursors that no RANKL called have gathered; when the antibody is gone they come at once,
and CTX rises to nearly twice its rest for some months. Most of the gain is resorbed in half a year.
An infusion in time lets few of them work. A late one still wins back much: the new cavities are
still open, and are refilled while few others are made.

TRY
--on 10 --replicates 4: the rebound is as high after ten years as after three, because the pool is
soon full, and resorbs the same 7 to 8 points; of a greater gain a greater fraction is left.

TRUST
The order (at once, then 6, then 12 months, then nothing) is the model's; of what was gained the
infusions keep nearly alike. Trials lose some points of the spine in spite of an infusion (recalled,
not looked up): the model protects too well, and mends too well what was resorbed. No rule makes an
infusion bind worse on a surface that rests. Vertebral fractures of the rebound are not in it.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse

import pandas as pd
from common import compare_courses, make_parser, run_cases, section, start, write
from matplotlib.figure import Figure

from remodel.clinic.courses import Course
from remodel.clinic.trials import Trial
from remodel.report.palette import BLUE, GREEN, ORANGE, PINK, SKY, VERMILLION
from remodel.runs.results import Readings, interval
from remodel.runs.scenario import Case
from remodel.support.arrays import Floats

WAITS = (0, 6, 12)  # months from the injection that is not given to the infusion
ENDPOINTS = ("lumbar_spine", "total_hip")
UNTREATED, STOPPED, CONTINUED = "untreated", "nothing", "denosumab"
COLORS = (BLUE, GREEN, VERMILLION, SKY, PINK, ORANGE)
TITLES = {
    "lumbar_spine": "lumbar spine BMD, change, %",
    "total_hip": "total hip BMD, change, %",
    "ctx": "CTX, change, %",
}


def name_wait(months: int) -> str:
    """Return the name of the arm in which the infusion waits for some months."""
    return f"zoledronate at {months} months"


def list_courses(on: float, waits: tuple[int, ...]) -> dict[str, tuple[Course, ...]]:
    """Return the courses of each arm, of which the last injection wears off in year `on`."""
    injections = Course(drug="denosumab", stop=on)
    infused = {
        name_wait(months): (
            injections,
            Course(drug="zoledronate", start=on + months / 12, stop=on + months / 12),
        )
        for months in waits
    }
    return {
        UNTREATED: (),
        CONTINUED: (Course(drug="denosumab"),),
        STOPPED: (injections,),
    } | infused


def make_trial(on: float, off: float, waits: tuple[int, ...]) -> Trial:
    """Return a trial of denosumab and what follows it."""
    title = "Denosumab and what follows it"
    return compare_courses("rebound", title, list_courses(on, waits), on, off, ENDPOINTS)


def kept(readings: Readings, arm: str, endpoint: str, on: float, year: float) -> Floats:
    """Return the fraction of what denosumab gained that is there in a year, %, by replicate.

    Gains are against untreated patients of the same year. Fractions of single replicates would
    divide by gains that differ by chance, so that the gain is that of all.
    """
    gain, left = (
        readings.change(arm, endpoint, 0.0, when) - readings.change(UNTREATED, endpoint, 0.0, when)
        for when in (on, year)
    )
    return 100 * left / gain.mean()


def mean_ctx(readings: Readings, arm: str, first: float, last: float) -> Floats:
    """Return the mean change of CTX from one year to another, %, by replicate."""
    years, values = readings.series(arm, "ctx")
    return values[(years > first) & (years <= last)].mean(axis=0)


def summarize(frame: pd.DataFrame, on: float, off: float) -> pd.DataFrame:
    """Return what became of bone and of resorption in each arm, with 95 % intervals."""
    readings, end, rows = Readings(frame), on + off, []
    for arm in frame["arm"].unique():
        found = {f"ctx, year {year + 1}": mean_ctx(readings, arm, on + year, on + year + 1)
                 for year in range(round(off))}  # fmt: skip
        for endpoint in ENDPOINTS:
            found[f"{endpoint}, on denosumab"] = readings.change(arm, endpoint, 0.0, on)
            found[f"{endpoint}, after it"] = readings.change(arm, endpoint, on, end)
            if arm != UNTREATED:
                found[f"{endpoint}, kept"] = kept(readings, arm, endpoint, on, end)
        for outcome, values in found.items():
            mean, low, high = interval(values)
            rows.append({"arm": arm, "outcome": outcome, "mean": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def draw(frame: pd.DataFrame, on: float) -> Figure:
    """Draw bone and resorption of each arm, means over the replicates."""
    readings, arms = Readings(frame), frame["arm"].unique()
    figure = Figure(figsize=(13, 4), layout="constrained")
    for axes, (quantity, title) in zip(
        figure.subplots(1, len(TITLES)), TITLES.items(), strict=True
    ):
        axes.axvspan(0, on, color="0.93")
        axes.axhline(0, color="0.6", linewidth=0.8)
        for arm, color in zip(arms, COLORS[: len(arms)], strict=True):
            years, values = readings.series(arm, quantity)
            axes.plot(years, values.mean(axis=1), color=color, label=arm)
        axes.set(title=title, xlabel="years (gray: denosumab)")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", frameon=False)
    return figure


def work(options: argparse.Namespace) -> None:
    """Run, print, and write where asked."""
    on, off, waits = (1.0, 1.0, WAITS[:1]) if options.quick else (options.on, options.off, WAITS)
    frame = run_cases(options, [Case(make_trial(on, off, waits), section(options))])
    table = summarize(frame, on, off)
    print(table.pivot(index="outcome", columns="arm", values="mean").round(1).to_string())
    findings = {"on": on, "off": off, "runs": table.to_dict("records")}
    write(options, findings, table, draw(frame, on))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=8)
    parser.add_argument("--on", type=float, default=3.0, metavar="YEARS", help="of denosumab (3)")
    parser.add_argument("--off", type=float, default=4.0, metavar="YEARS", help="after it (4)")
    start(parser, work)
