"""Do the lengths of step, site and section, or how a section lies, change the result?

QUESTION
Five years of anastrozole, and untreated, with steps of 1, 3.5 and 7 days; sites of 10, 20 and 40 µm;
sections 4 and 8 mm high; a section and its mirror images; trabeculae and the same turned by 90
degrees; plates at 0, 30 and 90 degrees to the grid; a section and a cube of as much bone and surface:
does the mean over seeds move by more than seeds differ by chance? And how many seeds hold the 95 %
interval of a mean within half a point to both sides?

RUN
python experiments/convergence.py --out experiments/results/convergence.json  (30 min on two cores; --quick 20 s)

LOOK FOR
No |z| beyond 2 between steps, between sites of 10 and 20 µm, and between what is turned or mirrored
and what is not; with sites of 40 µm a few tenths of a point. A remodeling unit has a size of its own,
and its floor moves by parts of a site. A cube and a section need not agree: see TRUST.

TRY
--steps 14 --sites 15 --heights 16 --replicates 6: coarser steps, sites that fit less well, a longer
section.

TRUST
The seed builds the same section for every step and every size of site, so there differences are taken
seed by seed; the random numbers of the cells are others, because one belongs to a step and a site.
All replicates of a shape begin with the same tissue, which is one draw of it. Where trabeculae are
turned, another pair of their ends meets across the border.
The cube has the bone and the surface of the section (its wavelength is a little longer), but it is no
stack of such sections: a plane cut through it shows about pi/4 of its surface for the same bone, and a
plate cut askew looks thicker than it is. A unit covers a disk, not a length, its pit is a bowl and not
a trough, and a trabecula that is cut in one plane may hold on in the next. So a difference there is
one of dimension, not of the grid. With 100 comparisons a correct model shows a few |z| above 2.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from common import compare_courses, make_parser, run_cases, section, start, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from remodel.bone.section import OUTSIDE, TRABECULAR, Tissue
from remodel.bone.synthetic import assign_ages, build_section
from remodel.clinic.courses import Course
from remodel.clinic.trials import Trial
from remodel.parameters.parameters import Parameters
from remodel.runs.results import Readings, interval
from remodel.runs.scenario import Case, cross

ENDPOINTS = ("lumbar_spine", "total_hip")
GIVEN, UNTREATED = "anastrozole", "untreated"
WHERE = (*ENDPOINTS, "trabecular_bmd", "cortical_bmd")
OUTCOMES = (*WHERE, *(f"{name} {UNTREATED}" for name in WHERE), "ctx")
UNITS = {"time.step": "day", "section.site": "µm", "section.height": "mm"}
PAIRED = ("time.step", "section.site")  # for which a seed builds the same section
DEFAULTS = {"time.step": [1.0, 3.5, 7.0], "section.site": [10.0, 20.0, 40.0],
         "section.height": [4.0, 8.0]}  # fmt: skip
REFERENCE = {"section.site": 20.0}  # others are compared with the default
QUICK = {"time.step": [3.5, 7.0], "section.site": [20.0, 40.0], "section.height": [1.0, 2.0]}
SPACING = 700.0  # um, of plates
SAME = {"mirrored along": "section", "mirrored across": "section", "turned": "trabeculae",
        "plates at 30": "plates at 0", "plates at 90": "plates at 0", "cube": "trabeculae"}  # fmt: skip
SHAPES = tuple(dict.fromkeys(shape for pair in SAME.items() for shape in reversed(pair)))
CUBE_SITE = 40.0  # um
TRIES = 6  # at a cube
LIMIT = 3.0  # of |z|
WANTED = 0.5  # points to both sides of a mean


def make_trial(years: float) -> Trial:
    """Return a trial of the inhibitor against nothing."""
    courses = {GIVEN: (Course(drug=GIVEN),), UNTREATED: ()}
    return compare_courses("convergence", "Anastrozole", courses, years, sites=ENDPOINTS)


def read_outcomes(
    frame: pd.DataFrame, years: float, labels: Sequence[str] = tuple(UNITS)
) -> pd.DataFrame:
    """Return the outcomes of each run at its end, CTX as the mean of the last year."""
    parts = []
    for values, run in frame.groupby([*labels]):
        readings = Readings(run)
        found = {name: readings.at(GIVEN, name, years) for name in WHERE}
        found |= {f"{name} {UNTREATED}": readings.at(UNTREATED, name, years) for name in WHERE}
        when, ctx = readings.series(GIVEN, "ctx")
        found["ctx"] = ctx[when > years - 1].mean(axis=0)
        of_run = dict(zip(labels, values, strict=True)) | {"replicate": range(len(found["ctx"]))}
        parts.append(pd.DataFrame(of_run | found))
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
        with_ = REFERENCE.get(number, default[number])
        if with_ not in runs.index:
            with_ = default[number]
        for value in sorted(set(runs.index) - {with_}):
            for name in OUTCOMES:
                first, second = (runs.loc[at, name].to_numpy() for at in (value, with_))
                rows.append(
                    {"number": number, "value": value, "against": with_, "outcome": name}
                    | differ(first, second, number in PAIRED)
                )
    return pd.DataFrame(rows)


def differ(first: np.ndarray, second: np.ndarray, paired: bool) -> dict[str, float]:
    """Return two means, their difference, its z-score, and standard errors."""
    if paired:
        test = stats.ttest_rel(first, second)
    else:
        test = stats.ttest_ind(first, second, equal_var=False)
    apart = float(first.mean() - second.mean())
    return {
        "mean": float(first.mean()), "mean_error": float(stats.sem(first)),
        "reference": float(second.mean()), "difference": apart,
        "error": abs(apart / float(test.statistic)) if test.statistic else 0.0,
        "z": float(np.sign(apart) * stats.norm.isf(test.pvalue / 2)),
    }  # fmt: skip


def plates(parameters: Parameters, angle: float) -> Tissue:
    """Return plates that lie at an angle to the long axis, degrees, as thick as trabeculae are.

    A square holds a whole number of them along either axis, and half as many at 30 degrees, so
    that plates meet themselves across the periodic border however they lie.
    """
    site = parameters.section.site
    rows, columns = (
        round(1000 * length / site)
        for length in (parameters.section.height, parameters.section.width)
    )
    apart = rows * site / 2 / max(1, round(rows * site / 2 / SPACING))
    thick = apart * parameters.section.bone_volume / 100
    y, x = np.meshgrid(
        (np.arange(rows) + 0.5) * site, (np.arange(columns) + 0.5) * site, indexing="ij"
    )
    across = y * np.sin(np.radians(angle)) + x * np.cos(np.radians(angle))
    away = np.abs(across % apart - apart / 2)
    matrix = np.clip((thick / 2 - away) / site + 0.5, 0.0, 1.0)
    region = np.full(matrix.shape, TRABECULAR, dtype=np.int8)
    tissue = Tissue(matrix=matrix, region=region, outside=region == OUTSIDE, site_um=site)
    assign_ages(tissue, parameters, np.random.default_rng(1))
    return tissue


def changed(tissue: Tissue, change: Callable[[np.ndarray], np.ndarray]) -> Tissue:
    """Return a built tissue of which each field is flipped or turned."""
    matrix, region = (change(field).copy() for field in (tissue.matrix, tissue.region))
    other = Tissue(matrix, region, region == OUTSIDE, tissue.site_um)
    other.unmineralized[:] = change(tissue.unmineralized)
    return other


def surface_per_bone(tissue: Tissue) -> float:
    """Return BS/BV, 1/mm."""
    surface = tissue.surface_faces(tissue.surface_sites()).sum() * tissue.site_face
    return float(surface / (tissue.matrix.sum() * tissue.site_volume))


def build_cube(flat: Parameters, side: float) -> tuple[Tissue, Parameters]:
    """Return trabeculae in three dimensions, with as much surface per bone as in two.

    The longer the wavelength, the less surface; few waves fit into a cube, so that not every
    amount can be had: the nearest of some tries.
    """
    wanted = surface_per_bone(build_section(flat, 1))
    lengths = dict.fromkeys(("section.height", "section.width", "section.depth"), side)
    solid = flat.with_values(lengths | {"section.site": CUBE_SITE})
    tries = []
    for _ in range(TRIES):
        tissue = build_section(solid, 1)
        ratio = surface_per_bone(tissue) / wanted
        tries.append((abs(np.log(ratio)), tissue, solid))
        nearer = np.clip(solid.section.wavelength * ratio, side / 4, side)
        solid = solid.with_values({"section.wavelength": float(nearer)})
    _, tissue, solid = min(tries, key=lambda one: one[0])
    return tissue, solid


def shapes(parameters: Parameters, quick: bool) -> dict[str, tuple[Tissue, Parameters]]:
    """Return tissues to compare, by name, each with the numbers to run it with."""
    built = build_section(parameters, 1)
    flat = parameters.with_values(
        {"section.cortex": 0.0, "section.width": parameters.section.height}
    )
    square = build_section(flat, 1)
    return {
        "section": (built, parameters),
        "mirrored along": (changed(built, lambda field: np.flip(field, 0)), parameters),
        "mirrored across": (changed(built, lambda field: np.flip(field, 1)), parameters),
        "trabeculae": (square, flat),
        "turned": (changed(square, np.transpose), flat),
        **{f"plates at {angle}": (plates(flat, angle), flat) for angle in (0, 30, 90)},
        "cube": build_cube(flat, 1.2 if quick else 3.0),
    }


def describe_shapes(found: dict[str, tuple[Tissue, Parameters]]) -> pd.DataFrame:
    """Return how much bone and surface each shape has."""
    rows = []
    for name, (tissue, _) in found.items():
        inside = float((tissue.region != OUTSIDE).sum())
        rows.append(
            {"shape": name, "sites": tissue.matrix.size, "site, µm": tissue.site_um,
             "BV/TV, %": 100 * float(tissue.matrix.sum()) / inside,
             "BS/BV, 1/mm": surface_per_bone(tissue)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def compare_shapes(runs: pd.DataFrame) -> pd.DataFrame:
    """Return each shape against the one that it is to agree with; without a cortex, less."""
    runs, rows = runs.set_index("shape"), []
    for name, other in SAME.items():
        for outcome in outcomes_of(name):
            first, second = (runs.loc[at, outcome].to_numpy() for at in (name, other))
            rows.append(
                {"number": "shape", "value": name, "against": other, "outcome": outcome}
                | differ(first, second, paired=False)
            )
    return pd.DataFrame(rows)


def outcomes_of(shape: str) -> tuple[str, ...]:
    """Return what is compared of a shape: where there is no cortex, its trabecular bone."""
    whole = SAME.get(shape, shape) == "section"
    return OUTCOMES if whole else ("trabecular_bmd", f"trabecular_bmd {UNTREATED}", "ctx")


def needed(spread: float) -> int:
    """Return how many replicates hold the 95 % interval of a mean within `WANTED` to both sides."""
    count = 2
    while stats.t.ppf(0.975, count - 1) * spread / np.sqrt(count) > WANTED:
        count += 1
    return count


def count_replicates(table: pd.DataFrame, default: dict[str, float]) -> pd.DataFrame:
    """Return of each DXA outcome its spread, the interval that there is, and the runs needed."""
    runs, rows = select(table, "time.step", default).loc[default["time.step"]], []
    for name in (*ENDPOINTS, *(f"{name} {UNTREATED}" for name in ENDPOINTS)):
        values = runs[name].to_numpy()
        mean, low, high = interval(values)
        spread = float(values.std(ddof=1))
        rows.append(
            {"outcome": name, "mean": mean, "spread": spread, "replicates": len(values),
             "half_width": (high - low) / 2, "needed": needed(spread)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, default: dict[str, float], formed: pd.DataFrame) -> Figure:
    """Draw each seed as a gray dot, joined where sections are the same, and the means."""
    figure = Figure(figsize=(2.2 * len(OUTCOMES), 10.5), layout="constrained")
    grid = figure.subplots(len(UNITS) + 1, len(OUTCOMES))
    for line, (number, unit) in zip(grid, UNITS.items(), strict=False):
        runs = select(table, number, default)
        places = sorted(set(runs.index))
        for axes, name in zip(line, OUTCOMES, strict=True):
            columns = [runs.loc[at, name].to_numpy() for at in places]
            draw_means(axes, places, columns, number in PAIRED)
            axes.set(xlabel=f"{number}, {unit}", xscale="log")
            axes.set_xticks(places, [f"{at:g}" for at in places])
            axes.minorticks_off()
    for axes, name in zip(grid[-1], OUTCOMES, strict=True):
        shown = [shape for shape in SHAPES if name in outcomes_of(shape)]
        columns = [formed.loc[formed["shape"] == shape, name].to_numpy() for shape in shown]
        draw_means(axes, list(range(len(shown))), columns, joined=False)
        axes.set_xticks(range(len(shown)), shown, rotation=90, fontsize="small")
    for axes, name in zip(grid[0], OUTCOMES, strict=True):
        axes.set_title(
            name.replace("_", " ").replace(UNTREATED, f"\n{UNTREATED}"), fontsize="medium"
        )
    figure.supylabel("change from day 0, %")
    return figure


def draw_means(axes: Axes, places: list, columns: list[np.ndarray], joined: bool) -> None:
    """Draw the seeds at each place, and their mean with its standard error."""
    if joined:
        axes.plot(places, np.array(columns), "-", color="0.8", linewidth=0.7)
    for place, values in zip(places, columns, strict=True):
        axes.plot([place] * len(values), values, ".", color="0.8", markersize=3)
    means, errors = [v.mean() for v in columns], [stats.sem(v) for v in columns]
    axes.errorbar(
        places, means, errors, color="C0", marker="o", capsize=3, linestyle="-" if joined else ""
    )
    axes.spines[["top", "right"]].set_visible(False)


def report(found: pd.DataFrame, counted: pd.DataFrame, forms: pd.DataFrame) -> None:
    """Print the differences, what agrees with the default, and how many runs are needed."""
    print(found.round(2).to_string(index=False))
    for (number, value), rows in found.groupby(["number", "value"], sort=False):
        verdict = "agrees" if agree(rows) else "DOES NOT agree"
        what = f"{number} {value}" if number == "shape" else f"{number} {value:g} {UNITS[number]}"
        print(f"{what} {verdict} with {rows['against'].iloc[0]} (|z| < {LIMIT:g})")
    print("\nthe shapes as built")
    print(forms.round(2).to_string(index=False))
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
    made, counted = shapes(parameters, options.quick), count_replicates(table, default)
    cases = [
        Case(make_trial(years), p, {"shape": name}, built) for name, (built, p) in made.items()
    ]
    formed = read_outcomes(run_cases(options, cases, part="shapes"), years, ["shape"])
    found = pd.concat([compare(table, default), compare_shapes(formed)], ignore_index=True)
    forms = describe_shapes(made)
    report(found, counted, forms)
    findings = {
        "years": years, "agree": agree(found), "runs": found.to_dict("records"),
        "needed": counted.to_dict("records"), "shapes": forms.to_dict("records"),
    }  # fmt: skip
    both = pd.concat([table, formed], ignore_index=True)
    write(options, findings, both, draw(table, default, formed))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=16)
    for name, text in (
        ("steps", "lengths of a step, days (1 3.5 7)"),
        ("sites", "sides of a site, µm (10 20 40)"),
        ("heights", "lengths of the section, mm (4 8)"),
    ):
        parser.add_argument(f"--{name}", type=float, nargs="+", metavar="NUMBER", help=text)
    start(parser, work)
