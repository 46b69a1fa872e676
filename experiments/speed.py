"""How much does a simulated year cost?

QUESTION
CPU time, its growth with area, memory, and the gain of a second worker, each beside its criterion
and its target.

RUN
python experiments/speed.py --out experiments/results/speed.json  (4 min; --quick 15 s)

LOOK FOR
Cost grows no faster than area: cells are stepped one by one, sites all at once. A cell's step
is judged against Mesa stepping agents that do nothing, measured in the same run, so that the
answer does not depend on the machine.

TRY
BoneModel with time.renewal = 7: the surface, the marrow and the strain are then measured in
each step, and a year costs 1.6 to 1.9 times as much.

TRUST
CPU times move by a third from one machine or one moment to the next; the ratios by a tenth.
The gain of a second worker needs two idle cores. --against FOLDER, a checkout of another version, has
that run five years of anastrozole too, in the same run, and gives ratios.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import NamedTuple
from unittest.mock import patch

import mesa
import numpy as np
import pandas as pd
from common import compare_courses, make_parser, start, write
from matplotlib.figure import Figure
from mesa.agent import AgentSet
from PIL import Image

from remodel import BoneModel, Parameters
from remodel.bone.synthetic import build_section
from remodel.cli.options import base_parameters, set_values
from remodel.clinic.courses import Course
from remodel.model.cells import Osteoblast, Osteoclast
from remodel.report.palette import BLUE, VERMILLION
from remodel.runs import replicate
from remodel.runs.ensemble import run_ensemble
from remodel.runs.scenario import Case
from remodel.support.provenance import made_by

DRUG = "anastrozole 0-100"
PEAK = """
import resource
status = Path("/proc/self/status")  # on Linux ru_maxrss begins with that of the parent
lines = status.read_text().splitlines() if status.exists() else []
peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
unit = 1 if sys.platform == "darwin" else 1024
print(*peaks or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit])
"""
MEMORY = """
import json
import sys
from pathlib import Path
from remodel import BoneModel, Parameters
parameters = Parameters().with_values(json.loads(sys.argv[1]))
print(BoneModel(parameters=parameters, rng=1).tissue.matrix.size)
"""

FROM_IMAGE = """
import json
import sys
from pathlib import Path
from time import process_time
from remodel import BoneModel, Parameters
from remodel.bone.images import read_section
tissue = read_section(Path(sys.argv[1])).tissue
parameters = Parameters().with_values(json.loads(sys.argv[2]))
model = BoneModel("anastrozole 0-100", parameters=parameters, tissue=tissue, rng=1)
begin = process_time()
model.run(years=1)
print(process_time() - begin)
"""


YEARS = """
import json, sys
from time import process_time
from remodel import BoneModel, Parameters
values, seeds = json.loads(sys.argv[1])
changes, spent, on_drug = [], 0.0, 0.0
for seed in range(1, seeds + 1):
    begin = process_time()
    model = BoneModel("anastrozole 0-5", parameters=Parameters().with_values(values), rng=seed)
    middle = process_time()
    model.run(5)
    on_drug += process_time() - middle
    spent += process_time() - begin
    changes.append(model.meter.now["lumbar_spine"])
print(json.dumps([on_drug / seeds / 5, spent / seeds, changes]))
"""
HALF_WIDTH = 0.5  # points, of the 95 % interval of a mean that is asked for


class Finding(NamedTuple):
    """One line of the table; `criterion` and `aim` are the largest values wanted, or the smallest."""

    what: str
    unit: str
    measured: float
    criterion: float
    target: float | None = None
    more_is_better: bool = False

    @property
    def met(self) -> bool:
        """Whether the criterion is met."""
        return (
            self.measured >= self.criterion
            if self.more_is_better
            else self.measured <= self.criterion
        )

    @property
    def ratio(self) -> float:
        """How much of the criterion is used up; 1 or less is met."""
        return (
            self.criterion / self.measured
            if self.more_is_better
            else self.measured / self.criterion
        )


class Idler(mesa.Agent):
    """Does nothing, which is what Mesa itself costs."""

    def rest(self, days: float) -> None:
        """Let the days pass."""


class TimedModel(BoneModel):
    """Times its cells, and in each step as many agents that do nothing."""

    idlers: Sequence[Idler] = ()  # none in spin-up, which is not timed
    cells = 0
    cell_time = idle_time = 0.0

    def resorb(self) -> None:
        """Time the osteoclasts."""
        self.compare(super().resorb, Osteoclast)

    def form(self) -> None:
        """Time the osteoblasts."""
        self.compare(super().form, Osteoblast)

    def compare(self, work: Callable[[], None], kind: type[mesa.Agent]) -> None:
        """Time the work of one kind of cell, then of idlers of the same number."""
        count = len(self.agents_by_type.get(kind, ()))
        others = AgentSet(self.idlers[:count], random=self.random)
        begin = process_time()
        work()
        middle = process_time()
        others.do("rest", self.days)
        self.idle_time += process_time() - middle
        self.cell_time += middle - begin
        self.cells += count


def cost_of_a_year(years: float, parameters: Parameters) -> Iterator[Finding]:
    """Run the default section on a drug."""
    model = BoneModel(DRUG, parameters=parameters, rng=1)
    begin = process_time()
    model.run(years)
    cost = (process_time() - begin) / years
    yield Finding("CPU per simulated year, default section", "s", cost, 0.14, 0.04)


def cost_of_a_cell(years: float, parameters: Parameters) -> Iterator[Finding]:
    """Compare a cell's step with that of an agent that does nothing."""
    model = TimedModel(DRUG, parameters=parameters, rng=1)
    still = mesa.Model(rng=1)
    model.idlers = [Idler(still) for _ in range(5000)]
    model.cells, model.cell_time, model.idle_time = 0, 0.0, 0.0
    model.run(years)
    cell, idle = (1e6 * spent / model.cells for spent in (model.cell_time, model.idle_time))
    print(f"a cell's step takes {cell:.2f} us, an idle agent's {idle:.2f} us", file=sys.stderr)
    yield Finding("cell's step / idle agent's step", "1", cell / idle, 4.0, 2.0)


def growth_with_area(heights: list[float], years: float, default: Parameters) -> Iterator[Finding]:
    """Make the section longer, which keeps its composition, and fit a power of its area."""
    areas, costs = [], []
    for height in heights:
        parameters = default.with_values({"section.height": height, "time.spin_up": 2.0})
        model = BoneModel(DRUG, parameters=parameters, rng=1)
        begin = process_time()
        model.run(years)
        areas.append(height * parameters.section.width)
        costs.append((process_time() - begin) / years)
    power = np.polyfit(np.log(areas), np.log(costs), 1)[0]
    span = f"{areas[0]:g} to {areas[-1]:g} mm2"
    yield Finding(f"growth of cost with area, power, {span}", "1", float(power), 1.0)


def memory(heights: list[float], default: Parameters) -> Iterator[Finding]:
    """Read the peak memory of processes of their own, with longer and longer sections."""
    sites, peaks = [], []
    for height in heights:
        values = default.with_values({"section.height": height, "time.spin_up": 0.5}).values()
        line = [sys.executable, "-c", MEMORY + PEAK, json.dumps(values)]
        text = subprocess.run(line, check=True, capture_output=True, text=True).stdout
        site, peak = map(int, text.split())
        sites.append(site)
        peaks.append(peak)
    yield Finding("peak memory, default section", "MB", peaks[0] / 1e6, 300)
    each = (peaks[-1] - peaks[0]) / (sites[-1] - sites[0])
    yield Finding(f"memory per site beyond it, to {sites[-1] / 1e6:.1f} million", "byte", each, 100)


def section_from_image(side: float, default: Parameters) -> Iterator[Finding]:
    """Read a square section from an image in a process of its own, and run it for a year."""
    size = {"section.height": side, "section.width": side}
    bone = build_section(default.with_values(size), seed=1).matrix > 0
    values = default.with_values({"time.spin_up": 0.5}).values()
    with TemporaryDirectory() as folder:
        image = Path(folder, "section.png")
        Image.fromarray(bone).save(image)
        line = [sys.executable, "-c", FROM_IMAGE + PEAK, str(image), json.dumps(values)]
        text = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    cost, peak = map(float, text.split())
    sites = " x ".join(map(str, bone.shape))
    yield Finding(f"CPU per year, {sites} sites from an image", "s", cost, 15)
    yield Finding(f"peak memory, {sites} sites from an image", "MB", peak / 1e6, 600)


def time_ensemble(case: Case, runs: int, workers: int) -> tuple[float, float]:
    """Return the seconds of an ensemble, and those of its runs if they are in this process."""
    spent: list[float] = []

    def timed(task: replicate.ReplicateTask) -> replicate.Replicate:
        begin = perf_counter()
        result = run_replicate(task)
        spent.append(perf_counter() - begin)
        return result

    run_replicate = replicate.run_replicate
    with TemporaryDirectory() as folder, patch.object(replicate, "run_replicate", timed):
        begin = perf_counter()
        run_ensemble([case], Path(folder, "runs"), runs, workers=workers)
        return perf_counter() - begin, sum(spent)


def cost_of_ensembles(runs: int, parameters: Parameters) -> Iterator[Finding]:
    """Compare two workers with one, and an ensemble with its runs."""
    courses = {"anastrozole": (Course(drug="anastrozole"),)}
    trial = compare_courses("speed", "Anastrozole", courses, 7.0, sites=("total_hip",))
    one, spent = time_ensemble(Case(trial, parameters), runs, 1)
    two, _ = time_ensemble(Case(trial, parameters), runs, 2)
    what = f"{runs} runs of 7 years: two workers / half of one"
    yield Finding(what, "1", two / (one / 2), 1.15, 1.11)
    yield Finding("overhead of an ensemble over its runs", "%", 100 * (one / spent - 1), 5.0)


def five_years(
    values: dict[str, float], seeds: int, version: Path | None = None
) -> tuple[float, float]:
    """Run five years of anastrozole in a process of its own, of another version if its folder is given.

    Returns
    -------
    tuple of float
        CPU-seconds of a simulated year, and CPU-seconds, spin-up with them, until the 95 % interval
        of the change of the spine is `HALF_WIDTH` to both sides.
    """
    line = [sys.executable, "-c", YEARS, json.dumps([values, seeds])]
    environment = os.environ | ({"PYTHONPATH": str(version.resolve())} if version else {})
    text = subprocess.run(
        line, check=True, capture_output=True, text=True, env=environment, cwd=version
    ).stdout
    year, run, changes = json.loads(text)
    return year, run * (1.96 * float(np.std(changes, ddof=1)) / HALF_WIDTH) ** 2


def cost_of_an_answer(quick: bool, version: Path | None) -> Iterator[Finding]:
    """Measure a year and an answer, and against another version in the same run if one is given."""
    seeds, small = (2, {"section.height": 1.0, "time.spin_up": 1.0}) if quick else (24, {})
    year, answer = five_years(small, seeds)
    fine, _ = five_years(small | {"section.site": 10.0}, 2)
    yield Finding("CPU until the spine at 5 years is known to half a point", "s", answer, 60)
    if version:
        other, its_answer = five_years(small, seeds, version)
        yield Finding("CPU per year / that of the other version", "1", year / other, 1.2)
        yield Finding("the same with sites of 10 um", "1", fine / other, 2.5)
        yield Finding("CPU until it is known / that of the other", "1", answer / its_answer, 3, 1.5)


def cost_of_a_volume(quick: bool, default: Parameters) -> Iterator[Finding]:
    """Run a cube without drugs."""
    side = 0.6 if quick else 2.0
    names = ("section.height", "section.width", "section.depth")
    values = dict.fromkeys(names, side) | {"section.site": 20.0, "section.cortex": 0.0}
    model = BoneModel(parameters=default.with_values(values | {"time.spin_up": 1.0}), rng=1)
    begin = process_time()
    model.run(1)
    sites = model.tissue.matrix.size / 1e6
    yield Finding(
        f"CPU per year, {sites:.2f} million sites in 3-D", "s", process_time() - begin, 1.5
    )


def measure(quick: bool, parameters: Parameters, version: Path | None = None) -> Iterator[Finding]:
    """Make all measurements, the shortest that tell anything if quick."""
    yield from cost_of_an_answer(quick, version)
    yield from cost_of_a_volume(quick, parameters)
    yield from cost_of_a_year(3 if quick else 20, parameters)
    yield from cost_of_a_cell(3 if quick else 20, parameters)
    heights = [1.0, 4.0] if quick else [1.0, 2.0, 4.0, 8.0, 16.0]
    yield from growth_with_area(heights, 1 if quick else 4, parameters)
    yield from memory([4.0, 12.0] if quick else [4.0, 36.0], parameters)
    yield from section_from_image(4.0 if quick else 20.0, parameters)
    yield from cost_of_ensembles(2 if quick else 64, parameters)


def describe_machine() -> dict[str, str | int]:
    """Return what the numbers were measured on; nothing that tells whose it is."""
    info = Path("/proc/cpuinfo")  # on Linux `platform` does not know the model
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    pages = (
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    )
    return {
        "processor": (models or [platform.processor() or platform.machine()])[0],
        "cores": os.cpu_count() or 1,
        "memory": f"{pages / 2**30:.0f} GB" if pages else "unknown",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        **{name: made_by()[name] for name in ("python", "numpy", "mesa")},
    }


def draw(table: pd.DataFrame) -> Figure:
    """Draw how much of the criterion each finding uses up."""
    figure = Figure(figsize=(9, 1 + 0.35 * len(table)), layout="constrained")
    axes = figure.subplots()
    marks = axes.barh(table["what"], table["ratio"], color=np.where(table["met"], BLUE, VERMILLION))
    axes.bar_label(marks, fmt="{:.2g}", padding=4, backgroundcolor="white")
    axes.axvline(1, color="0.3", linestyle=":", zorder=0)
    axes.set(xlabel="measured / criterion (beyond the line it is not met)", xlim=0)
    axes.margins(x=0.1)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def work(options: argparse.Namespace) -> None:
    """Measure, print the criterion beside it, and write the record where asked."""
    parameters = base_parameters(options).with_values(set_values(options))
    runs = [
        item._asdict() | {"ratio": item.ratio, "met": item.met}
        for item in measure(options.quick, parameters, options.against)
    ]
    table, machine = pd.DataFrame(runs), describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    shown = table.drop(columns="more_is_better")
    print(shown.to_string(index=False, float_format="{:.3g}".format, na_rep=""))
    findings = {"machine": machine, "parameters": parameters.values(), "runs": runs}
    write(options, findings, table, draw(table))


if __name__ == "__main__":
    parser = make_parser(__doc__, replicates=1)
    parser.add_argument(
        "--against", type=Path, metavar="FOLDER", help="checkout of another version to compare with"
    )
    start(parser, work)
