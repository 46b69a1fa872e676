"""Which numbers make the model agree with the published results that may be fitted?

QUESTION
The numbers marked `calibrated` that cannot be measured: which values bring the trials' rows
marked `calibrate` closest, and how well does each row then agree?

RUN
python experiments/calibrate.py --out experiments/results/calibrate.json  (1 h on two cores; --quick 30 s)

LOOK FOR
Emulated and simulated rows agree; every row marked `calibrate` within about a point. Rows marked
`validate` are not read at all.

TRY
--out NAME.json keeps every run in NAME.runs: the same command goes on where it stopped.
--sets 400 for a better emulator; --seeds 16 for a quieter choice among candidates.
--write-set mine-1 --out NAME.json writes what was found to mine-1.toml beside it, a set that
--parameters mine-1.toml takes; in remodel/parameters/parameter_sets/ it is one of the package.

TRUST
Runs at places that fill the box of `FREE`, one each; an emulator learned from them; more runs where it
agrees best with the rows; in the end candidates run under common random numbers. Rows of the main
trial count more (`WEIGHTS`). Intervals come from the slopes of the emulator: they say what the rows
leave open if the model is right, not whether it is.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse
import json
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import mesa
import numpy as np
from common import SMALL, describe, json_file
from emulator import Emulator
from fitted import RANGES, published_rows, simulate
from matplotlib.figure import Figure
from scipy.optimize import minimize
from scipy.stats import qmc
from tqdm import tqdm

import remodel
from remodel import Parameters
from remodel.cli.commands import guard
from remodel.cli.options import (
    Number,
    Parser,
    add_parameter_options,
    base_parameters,
    set_values,
    workers,
)
from remodel.measurement.markers import MARKERS
from remodel.parameters.fitted_sets import LABEL, built_in_sets
from remodel.report.fonts import save_figure
from remodel.runs.parallel import all_workers, process_pool
from remodel.support.console import command_line
from remodel.support.files import open_folder, write_atomically

FREE = {  # the box that is searched, in the unit of each number; what informs it
    "receptor.estradiol_kd": (45, 85),  # estrogen before menopause against after it
    "receptor.lag": (12, 80),  # year 2 against year 5
    "precursors.exponent": (0.25, 0.9),  # turnover of cortical against trabecular bone
    "precursors.fusion": (0.015, 0.05),  # turnover on an inhibitor
    "precursors.turnover": (0.003, 0.007),  # the time course after denosumab
    "osteoclast.life": (30, 44),  # erosion depth
    "osteoclast.bisphosphonate_half_life": (1.5, 5),  # zoledronate, year 5
    "osteoblast.life": (110, 165),  # wall thickness, placebo arms
    "osteoblast.opg": (0, 4),  # where there is bone formation
    "strain.rankl": (0.6, 2.6),  # year 2 against year 5
    "densitometry.spine_drift": (0.3, 0.8),  # placebo and tamoxifen, spine against hip
    "responses.rankl.ec50": (0.28, 0.52),  # ATAC anastrozole, ARIBON markers
    "responses.rankl.hill": (0.8, 1.7),  # activation frequency before and after menopause
    "responses.opg.ec50": (0.25, 0.6),  # ATAC tamoxifen
    "responses.recruitment.emax": (4, 9),  # activation frequency
    "responses.recruitment.ec50": (0.09, 0.35),  # denosumab
    "responses.recruitment.hill": (1.1, 2.1),  # denosumab
    "responses.rankl_withdrawal.ec50": (0.002, 0.012),  # denosumab, first weeks
    "responses.osteoclast_apoptosis.emax": (1.1, 1.5),  # ATAC
    "responses.osteoclast_apoptosis.ec50": (0.25, 0.6),  # ATAC, tamoxifen
    "responses.toxicity.emax": (4, 12),  # zoledronate, year 2
    "responses.toxicity.ec50": (0.15, 0.5),  # risedronate against zoledronate
    "responses.osteoblast_apoptosis.emax": (0.8, 1.2),  # ATAC against placebo
    "responses.osteoblast_survival.hill": (1, 4),  # year 2 against year 5
    "drugs.tamoxifen.efficacy": (0.4, 0.7),  # ATAC tamoxifen
    "drugs.tamoxifen.serm": (6, 35),  # ATAC tamoxifen
    "drugs.tamoxifen.half_life": (10, 60),  # after tamoxifen
    "drugs.denosumab.binding": (10, 28),  # FREEDOM, before the next dose
    "drugs.risedronate.bisphosphonate": (0.03, 0.12),  # IBIS-II risedronate
}
WEIGHTS = {"ATAC": 3.0, "IBIS-II / placebo": 1.5}  # of rows, by how their names begin; others 1
PRIOR = 0.5  # cost of a number that lies 0.3 of its range away from the middle
ROBUST = 2.0  # scales beyond which a row costs in proportion, no longer its square
NEAR = 0.1  # of the box: how far around the best candidates later waves look
STARTS = 6  # of the search in the emulator
WAVES = 2  # after the first


class Row(NamedTuple):
    """What an answer is compared with: nothing is missed from low to high."""

    name: str
    low: float
    high: float
    scale: float
    weight: float


def targets() -> list[Row]:
    """Return the published rows, and the ranges of histomorphometry."""
    rows = [
        Row(name, value, value, scale, row_weight(name))
        for name, (value, scale) in published_rows().items()
    ]
    ranges = [Row(" ".join(key), *limits, 1.0) for key, limits in RANGES.items()]
    return rows + ranges


def row_weight(name: str) -> float:
    """Return how much a row counts."""
    return next((w for start, w in WEIGHTS.items() if name.startswith(start)), 1.0)


class Search:
    """A search in the box of `FREE`, by runs at scattered places and what is learned from them.

    Attributes
    ----------
    runs : list of dict
        Each run: its name, its place in the unit cube, its seed and its answers.
    """

    def __init__(self, pool: ProcessPoolExecutor, default: Parameters, path: Path | None) -> None:
        """Begin, or go on with the runs that a file holds."""
        self.pool, self.default, self.path = pool, default, path
        self.rows = targets()
        self.runs: list[dict] = read_runs(path) if path else []

    def run(self, named: list[tuple[str, np.ndarray, int]], title: str) -> None:
        """Run what has not been run yet: a name, a place and a seed each."""
        known = {run["name"] for run in self.runs}
        tasks = [task for task in named if task[0] not in known]
        sets = [self.default.with_values(values_at(place)) for _, place, _ in tasks]
        seeds = [seed for _, _, seed in tasks]
        answers = self.pool.map(simulate, zip(sets, seeds, strict=True))
        bar = tqdm(answers, title, len(tasks), unit="run", disable=not sys.stderr.isatty())
        for (name, place, seed), found in zip(tasks, bar, strict=True):
            run = {"name": name, "place": place.tolist(), "seed": seed, "answers": found}
            self.runs.append(run)
            if self.path:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(run) + "\n")

    def learn(self, waves: int) -> Emulator:
        """Return an emulator of the first waves: the same if later ones are there already."""
        names = tuple(f"wave {wave} " for wave in range(waves))
        runs = [run for run in self.runs if run["name"].startswith(names)]
        places = np.array([run["place"] for run in runs])
        answers = [[run["answers"][row.name] for row in self.rows] for run in runs]
        return Emulator(places, np.array(answers))

    def missed(self, answers: np.ndarray) -> np.ndarray:
        """Return by how many scales answers miss their rows; the last axis is that of rows."""
        low, high, scale, weight = np.array([row[1:] for row in self.rows]).T
        return np.asarray((answers - np.clip(answers, low, high)) / scale * np.sqrt(weight))

    def cost(self, answers: np.ndarray) -> np.ndarray:
        """Return the cost of answers: squares of what they miss, less of what they miss by far."""
        missed = np.abs(self.missed(answers))
        far = 2 * ROBUST * missed - ROBUST**2
        return np.where(missed < ROBUST, missed**2, far).sum(axis=-1)

    def candidates(self, emulator: Emulator, seed: int) -> list[np.ndarray]:
        """Return the places at which the emulator agrees best, from several starts, best first."""
        size = len(FREE)
        places = qmc.Sobol(size, rng=np.random.default_rng(seed)).random(4096)
        starts = places[np.argsort(self.cost(emulator.predict(places)))[:STARTS]]

        def cost(place: np.ndarray) -> float:
            away = ((place - 0.5) / 0.3) ** 2
            return float(self.cost(emulator.predict(place))[0] + PRIOR * away.sum())

        ends = [
            minimize(cost, start, bounds=[(0, 1)] * size, method="L-BFGS-B") for start in starts
        ]
        return [end.x for end in sorted(ends, key=lambda end: end.fun)]

    def answers_of(self, prefix: str) -> dict[str, float]:
        """Return the mean answers of the runs whose name begins so."""
        mine = [run["answers"] for run in self.runs if run["name"].startswith(prefix)]
        return {name: float(np.mean([one[name] for one in mine])) for name in mine[0]}

    def go(self, sets: int, seeds: int) -> tuple[np.ndarray, dict[str, float], Emulator]:
        """Search, and return the best place with its mean answers, and the last emulator."""
        first = qmc.Sobol(len(FREE), rng=np.random.default_rng(7)).random(sets)
        self.run([(f"wave 0 set {k}", p, 1000 + k) for k, p in enumerate(first)], "first wave")
        for wave in range(1, WAVES + 1):
            best = self.candidates(self.learn(wave), wave)[:3]
            rng = np.random.default_rng([7, wave])
            near = [
                np.clip(best[k % len(best)] + rng.normal(0, NEAR, len(FREE)), 0, 1)
                for k in range(max(1, sets // 3))
            ]
            named = [(f"wave {wave} set {k}", p, 2000 * wave + k) for k, p in enumerate(near)]
            self.run(named, f"wave {wave}")
        emulator = self.learn(WAVES + 1)
        best = self.candidates(emulator, WAVES + 1)[:3]
        tasks = [
            (f"candidate {k} seed {101 + s}", place, 101 + s)
            for k, place in enumerate(best)
            for s in range(seeds)
        ]
        self.run(tasks, "candidates")
        found = [self.answers_of(f"candidate {k} ") for k in range(len(best))]
        costs = [float(self.cost(self.in_order(answers))) for answers in found]
        chosen = int(np.argmin(costs))
        return best[chosen], found[chosen], emulator

    def in_order(self, answers: dict[str, float]) -> np.ndarray:
        """Return answers in the order of the rows."""
        return np.array([answers[row.name] for row in self.rows])

    def doubt(self, place: np.ndarray, emulator: Emulator) -> dict:
        """Return the interval of each number, its strongest row and its closest companion.

        From the slopes of the emulator, as if residuals were linear and of spread 1.
        """
        step = 0.05
        moves = step * np.eye(len(FREE))
        ends = [self.missed(emulator.predict(place + sign * moves)) for sign in (1, -1)]
        slopes = ((ends[0] - ends[1]) / (2 * step)).T
        covariance = np.linalg.pinv(slopes.T @ slopes + np.eye(len(FREE)) / 0.3**2)
        error = np.sqrt(np.diag(covariance))
        correlation = covariance / np.outer(error, error)
        names, report = list(FREE), {}
        low, high = (values_at(np.clip(place + s * 1.96 * error, 0, 1)) for s in (-1, 1))
        for k, name in enumerate(names):
            others = np.abs(correlation[k]) * (np.arange(len(names)) != k)
            other = int(np.argmax(others))
            report[name] = {
                "low": low[name],
                "high": high[name],
                "informed_by": self.rows[int(np.argmax(np.abs(slopes[:, k])))].name,
                "goes_with": names[other],
                "correlation": float(correlation[k][other]),
            }
        return report


def values_at(place: np.ndarray) -> dict[str, float]:
    """Return the numbers at a place of the unit cube; on a scale of logarithms, but from 0."""
    found = {}
    for at, (name, (low, high)) in zip(place.tolist(), FREE.items(), strict=True):
        found[name] = low * (high / low) ** at if low > 0 else high * at
    return found


def read_runs(path: Path) -> list[dict]:
    """Return the runs that a file holds; a last line that was cut short does not count."""
    if not path.exists():
        return []
    runs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            runs.append(json.loads(line))
        except ValueError:
            break
    if any(len(run.get("place", ())) != len(FREE) for run in runs):
        raise ValueError(f"{path}: holds runs of a search in other numbers; move it away")
    return runs


def make_record(search: Search, place: np.ndarray, answers: dict[str, float], doubt: dict) -> dict:
    """Return what was found, row by row."""
    values = {name: float(f"{value:.4g}") for name, value in values_at(place).items()}
    rows = [
        {"row": name, "published": value, "simulated": answers[name]}
        for name, (value, _) in published_rows().items()
    ]
    errors = [row["simulated"] - row["published"] for row in rows if is_bmd(row["row"])]
    ranges = [
        {"row": row.name, "low": row.low, "high": row.high, "simulated": answers[row.name]}
        for row in search.rows
        if row.low < row.high
    ]
    return {
        "made_by": {
            "remodel": remodel.__version__,
            "mesa": mesa.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "parameter_set": search.default.parameter_set,
        "parameters": search.default.with_values(values).values(),
        "searched": {name: list(ends) for name, ends in FREE.items()},
        "weights": WEIGHTS,
        "number_of_runs": len(search.runs),
        "cost": float(search.cost(search.in_order(answers))),
        "bmd_rms_error": float(np.sqrt(np.mean(np.square(errors)))),
        "calibrated": values,
        "doubt": doubt,
        "runs": rows,
        "ranges": ranges,
    }


def is_bmd(name: str) -> bool:
    """Return whether a row is one of BMD."""
    return not any(marker in name for marker in MARKERS)


def draw(record: dict, path: Path) -> None:
    """Draw simulated against published BMD, and markers."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    for axes, bmd in zip(figure.subplots(1, 2), (True, False), strict=True):
        rows = [row for row in record["runs"] if is_bmd(row["row"]) == bmd]
        axes.plot(
            [r["published"] for r in rows], [r["simulated"] for r in rows], "o", color="#0072B2"
        )
        axes.axline((0, 0), slope=1, color="grey", linewidth=1)
        what = "BMD" if bmd else "marker"
        axes.set(xlabel=f"published {what}, %", ylabel="simulated, %")
    save_figure(figure, path, dpi=150, metadata={"Software": None})


def set_path(options: argparse.Namespace) -> Path | None:
    """Return where a set is to be written, if one is; refuse to write over another."""
    if not options.write_set:
        return None
    path = (options.out.parent if options.out else Path()) / f"{options.write_set}.toml"
    if path.exists():
        raise ValueError(f"{path} is there already; a later fit is another version")
    return path


def write_set(record: dict, default: Parameters, path: Path) -> None:
    """Write what was found as a parameter set, with all that was not as by default."""
    found = replace(default.with_values(record["calibrated"]), parameter_set=path.stem)
    names = {*found.fitted(), *found.differences(Parameters())}
    write_atomically(path, found.to_toml([row for row in found.rows() if row.name in names]))
    print(f"{path} written; try: {command_line('run', 'atac', '--parameters', path)}")


def set_label(text: str) -> str:
    """Return the name and version of a new set."""
    if not LABEL.fullmatch(text) or text in built_in_sets():
        raise argparse.ArgumentTypeError(
            f"{text!r}; expected a new name, a hyphen and a version, such as mine-1"
        )
    return text


def runs_file(out: Path | None) -> Path | None:
    """Return where runs are kept, beside the record."""
    if out is None:
        return None
    folder = out.with_suffix(".runs")
    folder.mkdir(exist_ok=True)
    return folder / "scattered.jsonl"


def make_parser() -> Parser:
    """Return the options."""
    parser = describe(__doc__)
    parser.add_argument("--quick", action="store_true", help="a few small runs")
    parser.add_argument(
        "--out", type=json_file, metavar="NAME.json",
        help="record; NAME.png and NAME.runs lie beside it (none)",
    )  # fmt: skip
    parser.add_argument(
        "--write-set", type=set_label, metavar="NAME",
        help="name and version of a set to write, NAME.toml beside the record (none)",
    )  # fmt: skip
    add_parameter_options(parser)
    for name, least, default, text in (
        ("sets", 4, 256, "places of the first wave; each later one has a third of it"),
        ("seeds", 1, 8, "runs of each candidate"),
    ):
        kind = Number(name, "(no unit)", least, 10_000)
        parser.add_argument(
            f"--{name}", type=kind, default=default, metavar="N", help=f"{text} ({default})"
        )
    parser.add_argument(
        "--workers", type=workers, metavar="N", help="processes (one per processor)"
    )
    return parser


def main() -> int:
    """Read the command line, search, write."""
    options = make_parser().parse_args()
    if options.out:
        open_folder(options.out.parent)
    path = set_path(options)
    default = base_parameters(options).with_values(set_values(options, SMALL))
    sets, seeds = (4, 1) if options.quick else (options.sets, options.seeds)
    with process_pool(options.workers or all_workers()) as pool:
        search = Search(pool, default, runs_file(options.out))
        place, answers, emulator = search.go(sets, seeds)
    record = make_record(search, place, answers, search.doubt(place, emulator))
    print(f"cost {record['cost']:.1f}; BMD rows: rms error {record['bmd_rms_error']:.2f} points")
    if options.out:
        write_atomically(options.out, json.dumps(record, indent=1) + "\n")
        draw(record, options.out.with_suffix(".png"))
    if path:
        write_set(record, default, path)
    return 0


if __name__ == "__main__":
    sys.exit(guard(main))
