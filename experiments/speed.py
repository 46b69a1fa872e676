"""How much does a simulated year cost?

QUESTION
CPU time, its growth with area, memory, and the gain of a second worker, each beside what was
asked of the model and what it aims for.

RUN
python experiments/speed.py --out experiments/results/speed.json  (1 min; --quick 10 s)

LOOK FOR
Cost grows no faster than area: cells are stepped one by one, sites all at once. A cell's step
is judged against Mesa stepping agents that do nothing, measured in the same run, so that the
answer does not depend on the machine.

TRY
BoneModel with time.renewal = 7: the surface, the marrow and the strain are then measured in
each step, and a year costs 1.6 to 1.9 times as much.

TRUST
CPU times move by a third from one machine or one moment to the next; the ratios by a tenth.
The gain of a second worker needs two idle cores.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import NamedTuple

import mesa
import numpy as np
from mesa.agent import AgentSet
from PIL import Image

import remodel
from remodel import BoneModel, Parameters
from remodel.cells import Osteoblast, Osteoclast
from remodel.sections import build_section

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
import sys
from pathlib import Path
from remodel import BoneModel, Parameters
changes = {"section.height": float(sys.argv[1]), "time.spin_up": 0.5}
print(BoneModel(parameters=Parameters().with_values(changes)).tissue.matrix.size)
"""

FROM_IMAGE = """
import sys
from pathlib import Path
from time import process_time
from remodel import BoneModel, Parameters
from remodel.images import read_section
tissue = read_section(Path(sys.argv[1])).tissue
parameters = Parameters().with_values({"time.spin_up": 0.5})
model = BoneModel("anastrozole 0-100", parameters=parameters, tissue=tissue)
begin = process_time()
model.run(years=1)
print(process_time() - begin)
"""


class Finding(NamedTuple):
    """One line of the table; `ask` and `aim` are the largest values wanted, or the smallest."""

    what: str
    unit: str
    measured: float
    ask: float
    aim: float | None = None
    more_is_better: bool = False

    @property
    def met(self) -> bool:
        """Whether what was asked is met."""
        return self.measured >= self.ask if self.more_is_better else self.measured <= self.ask


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


def cost_of_a_year(years: float) -> Iterator[Finding]:
    """Run the default section on a drug."""
    model = BoneModel(DRUG)
    begin = process_time()
    model.run(years)
    cost = (process_time() - begin) / years
    yield Finding("CPU per simulated year, default section", "s", cost, 0.14, 0.04)


def cost_of_a_cell(years: float) -> Iterator[Finding]:
    """Compare a cell's step with that of an agent that does nothing."""
    model = TimedModel(DRUG)
    still = mesa.Model(rng=1)
    model.idlers = [Idler(still) for _ in range(5000)]
    model.cells, model.cell_time, model.idle_time = 0, 0.0, 0.0
    model.run(years)
    cell, idle = (1e6 * spent / model.cells for spent in (model.cell_time, model.idle_time))
    print(f"a cell's step takes {cell:.2f} us, an idle agent's {idle:.2f} us", file=sys.stderr)
    yield Finding("cell's step / idle agent's step", "1", cell / idle, 4.0, 2.0)


def growth_with_area(heights: list[float], years: float) -> Iterator[Finding]:
    """Make the section longer, which keeps its composition, and fit a power of its area."""
    areas, costs = [], []
    for height in heights:
        parameters = Parameters().with_values({"section.height": height, "time.spin_up": 2.0})
        model = BoneModel(DRUG, parameters=parameters)
        begin = process_time()
        model.run(years)
        areas.append(height * parameters.section.width)
        costs.append((process_time() - begin) / years)
    power = np.polyfit(np.log(areas), np.log(costs), 1)[0]
    span = f"{areas[0]:g} to {areas[-1]:g} mm2"
    yield Finding(f"growth of cost with area, power, {span}", "1", float(power), 1.0)


def memory(heights: list[float]) -> Iterator[Finding]:
    """Read the peak memory of processes of their own, with longer and longer sections."""
    sites, peaks = [], []
    for height in heights:
        line = [sys.executable, "-c", MEMORY + PEAK, str(height)]
        text = subprocess.run(line, check=True, capture_output=True, text=True).stdout
        site, peak = map(int, text.split())
        sites.append(site)
        peaks.append(peak)
    yield Finding("peak memory, default section", "MB", peaks[0] / 1e6, 300)
    each = (peaks[-1] - peaks[0]) / (sites[-1] - sites[0])
    yield Finding(f"memory per site beyond it, to {sites[-1] / 1e6:.1f} million", "byte", each, 100)


def section_from_image(side: float) -> Iterator[Finding]:
    """Read a square section from an image in a process of its own, and run it for a year."""
    size = {"section.height": side, "section.width": side}
    bone = build_section(Parameters().with_values(size), seed=1).matrix > 0
    with TemporaryDirectory() as folder:
        image = Path(folder, "section.png")
        Image.fromarray(bone).save(image)
        line = [sys.executable, "-c", FROM_IMAGE + PEAK, str(image)]
        text = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    cost, peak = map(float, text.split())
    sites = " x ".join(map(str, bone.shape))
    yield Finding(f"CPU per year, {sites} sites from an image", "s", cost, 15)
    yield Finding(f"peak memory, {sites} sites from an image", "MB", peak / 1e6, 600)


def run_once(seed: int) -> float:
    """Run one replicate; the work that is shared out among workers."""
    model = BoneModel(DRUG, rng=seed)
    model.run(years=5)
    return float(model.meter.now["total_hip"])


def time_workers(workers: int, runs: int) -> float:
    """Return the seconds that some workers, already started, need for some runs."""
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(math.sqrt, range(workers)))
        begin = perf_counter()
        list(pool.map(run_once, range(runs)))
        return perf_counter() - begin


def gain_of_workers(runs: int) -> Iterator[Finding]:
    """Compare two workers with one."""
    gain = time_workers(1, runs) / time_workers(2, runs)
    yield Finding("two workers against one, times faster", "1", gain, 1.8, more_is_better=True)


def measure(quick: bool) -> Iterator[Finding]:
    """Make all measurements, the shortest that tell anything if quick."""
    yield from cost_of_a_year(3 if quick else 20)
    yield from cost_of_a_cell(3 if quick else 20)
    yield from growth_with_area(
        [1.0, 4.0] if quick else [1.0, 2.0, 4.0, 8.0, 16.0], 1 if quick else 4
    )
    yield from memory([4.0, 12.0] if quick else [4.0, 36.0])
    yield from section_from_image(4.0 if quick else 20.0)
    yield from gain_of_workers(2 if quick else 16)


def print_table(findings: list[Finding]) -> None:
    """Print what was asked beside what was measured."""
    print(f"{'':55}{'asked':>10}{'aim':>8}{'measured':>10}")
    for item in findings:
        sign = ">=" if item.more_is_better else "<="
        aim = f"{item.aim:g}" if item.aim is not None else ""
        what = f"{item.what} [{item.unit}]"
        verdict = "met" if item.met else "NOT MET"
        print(f"{what:55}{sign + f' {item.ask:g}':>10}{aim:>8}{item.measured:>10.3g}  {verdict}")


def main() -> None:
    """Measure, print, and write the record where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="10 s instead of 60")
    parser.add_argument("--out", type=Path, help="JSON file for the record")
    options = parser.parse_args()
    findings = list(measure(options.quick))
    print_table(findings)
    if options.out:
        record = {
            "made_by": {
                "remodel": remodel.__version__,
                "mesa": mesa.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
                "cores": os.cpu_count(),
            },
            "quick": options.quick,
            "runs": [item._asdict() | {"met": item.met} for item in findings],
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
