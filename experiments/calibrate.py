"""Which numbers make the model agree with the published results that may be fitted?

QUESTION
The numbers marked `calibrated` that cannot be measured: which values bring the trials' rows
marked `calibrate` closest, and how well does each row then agree?

RUN
python experiments/calibrate.py --out experiments/results/calibrate.json  (40 min on two cores; --quick 15 s)

LOOK FOR
The cost falls and levels off; every row marked `calibrate` within about a point. Rows marked
`validate` are not read at all.

TRY
--seeds 8 for a quieter cost; --from RECORD goes on where an earlier run stopped; --steps 0
--generations 0 only asks how well the numbers as they are agree, and what the rows leave open.
--write-set mine-1 --out NAME.json writes what was found to mine-1.toml beside it, a set that
--parameters mine-1.toml takes; in remodel/parameters/parameter_sets/ it is one of the package.

TRUST
Least squares (SciPy, bounded by the ranges of the numbers), then an evolutionary strategy
(CMA-ES), on the logarithms of the numbers, every candidate with the same random numbers. Intervals come from the slopes at the end: they
say what the rows leave open if the model is right, not whether it is.
"""

if __name__ == "__main__":
    from remodel.support.interrupts import begin

    begin(program=True)  # from here on Ctrl-C is one line


import argparse
import json
import platform
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import mesa
import numpy as np
from common import SMALL, describe, extra, json_file
from fitted import RANGES, SCALE, published_rows, residuals, simulate
from matplotlib.figure import Figure
from scipy.optimize import least_squares
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

with extra("analysis"):
    import cma

FREE = (  # what each is informed by
    "responses.recruitment.emax",  # activation frequency
    "precursors.exponent",  # turnover of cortical against trabecular bone
    "responses.rankl.ec50",  # ATAC anastrozole, ARIBON markers
    "responses.rankl.hill",  # activation frequency before and after menopause
    "receptor.lag",  # year 2 against year 5
    "osteoclast.life",  # erosion depth, turnover
    "responses.osteoclast_apoptosis.emax",  # ATAC
    "responses.osteoblast_apoptosis.emax",  # ATAC against placebo
    "osteoblast.life",  # placebo arms
    "responses.osteoblast_survival.hill",  # year 2 against year 5
    "densitometry.spine_drift",  # placebo and tamoxifen, spine against hip
    "drugs.tamoxifen.efficacy",  # ATAC tamoxifen
    "drugs.denosumab.binding",  # FREEDOM, before the next dose
    "responses.toxicity.emax",  # zoledronate, year 2
    "responses.toxicity.ec50",  # risedronate against zoledronate
    "osteoclast.bisphosphonate_half_life",  # zoledronate, year 5
    "drugs.risedronate.bisphosphonate",  # IBIS-II risedronate
)
REFUSED = 100.0  # what each row misses, in scales, where a number lies outside its range
STRIDE = 0.1  # of a finite difference: less would measure the chance of the cells


class Search:
    """A search in the logarithms of the free numbers: least squares, then CMA-ES."""

    def __init__(
        self,
        pool: ProcessPoolExecutor,
        seeds: range,
        start: dict[str, float],
        default: Parameters,
    ) -> None:
        """Begin at some values of the free numbers; all others are as in some parameters."""
        self.pool, self.seeds, self.default = pool, seeds, default
        self.rows = published_rows()
        self.start = np.log([start[name] for name in FREE])
        self.low, self.high = limits() - self.start
        self.history: list[dict] = []
        self.keep: Callable[[], None] = lambda: None  # called when the history has grown

    def note(self, best: dict) -> None:
        """Add the best of a step to the history."""
        self.history.append(best)
        self.keep()

    def evaluate(self, points: list[np.ndarray]) -> list[dict]:
        """Run all candidates of a generation, each under every seed."""
        chosen = [dict(zip(FREE, np.exp(self.start + x).tolist(), strict=True)) for x in points]
        valid = [values for values in chosen if is_valid(self.default, values)]
        tasks = [(values, seed) for values in valid for seed in self.seeds]
        runs = list(
            self.pool.map(simulate, [(self.default.with_values(own), s) for own, s in tasks])
        )
        found = []
        for values in chosen:
            if values not in valid:
                missed = np.full(len(self.rows) + len(RANGES), REFUSED)
                found.append({"values": values, "cost": missed @ missed, "missed": missed})
                continue
            mine = [run for (own, _), run in zip(tasks, runs, strict=True) if own is values]
            answers = {name: float(np.mean([run[name] for run in mine])) for name in mine[0]}
            missed = residuals(answers, self.rows)
            one = {"values": values, "cost": float(missed @ missed), "answers": answers}
            found.append(one | {"missed": missed})
        return found

    def slopes(self, at: np.ndarray, missed: np.ndarray) -> np.ndarray:
        """Return the slopes of the residuals at a place, by finite differences."""
        strides = np.where(at + STRIDE <= self.high, STRIDE, -STRIDE)
        neighbors = self.evaluate([at + move for move in np.diag(strides)])
        return np.transpose([one["missed"] - missed for one in neighbors]) / strides

    def descend(self, steps: int) -> None:
        """Take steps of least squares, and go on from where they lead."""
        missed: dict[bytes, np.ndarray] = {}  # by place
        with tqdm(total=steps + 1, unit="step", disable=not sys.stderr.isatty()) as bar:

            def look(at: np.ndarray) -> np.ndarray:
                [found] = self.evaluate([at])
                missed[at.tobytes()] = found["missed"]
                self.note(found)
                bar.update()
                return found["missed"]

            ends = least_squares(
                look,
                np.zeros(len(FREE)),
                lambda at: self.slopes(at, missed[at.tobytes()]),
                (self.low, self.high),
                max_nfev=steps + 1,
            )
        self.move(ends.x)

    def move(self, to: np.ndarray) -> None:
        """Put the origin of the search elsewhere."""
        self.start, self.low, self.high = self.start + to, self.low - to, self.high - to

    def doubt(self) -> dict:
        """Return the interval of each number, its strongest row and its closest companion.

        From the slopes at the best point, as if residuals were linear and of spread 1.
        """
        best = min(self.history, key=lambda one: one["cost"])
        self.move(np.log([best["values"][name] for name in FREE]) - self.start)
        slopes = self.slopes(np.zeros(len(FREE)), best["missed"])
        covariance = np.linalg.pinv(slopes.T @ slopes)
        error = np.sqrt(np.diag(covariance))
        correlation = covariance / np.outer(error, error)
        names, values = [*self.rows, *(" ".join(key) for key in RANGES)], np.exp(self.start)
        report = {}
        for index, name in enumerate(FREE):
            others = np.abs(correlation[index]) * (np.arange(len(FREE)) != index)
            report[name] = {
                "low": float(values[index] * np.exp(-1.96 * error[index])),
                "high": float(values[index] * np.exp(1.96 * error[index])),
                "informed_by": names[int(np.argmax(np.abs(slopes[:, index])))],
                "goes_with": FREE[int(np.argmax(others))],
                "correlation": float(correlation[index][int(np.argmax(others))]),
            }
        return report

    def run(self, generations: int, population: int, sigma: float) -> None:
        """Search for some generations; the history keeps the best of each."""
        options = {"popsize": population, "seed": 1, "verbose": -9}
        strategy = cma.CMAEvolutionStrategy(np.zeros(len(FREE)), sigma, options)
        hidden = not sys.stderr.isatty()
        for _ in tqdm(range(generations), unit="generation", disable=hidden):
            points = strategy.ask()
            found = self.evaluate(points)
            strategy.tell(points, [one["cost"] for one in found])
            best = min(found, key=lambda one: one["cost"])
            self.note(best)


def limits() -> np.ndarray:
    """Return the ends of the ranges of the free numbers: of their logarithms, low and high."""
    rows = {row.name: row for row in Parameters().rows()}
    with np.errstate(divide="ignore"):  # some may be zero
        return np.log([[rows[name].low for name in FREE], [rows[name].high for name in FREE]])


def is_valid(default: Parameters, values: dict[str, float]) -> bool:
    """Return whether every number lies inside its range."""
    try:
        default.with_values(values)
    except ValueError:
        return False
    return True


def make_record(search: Search, doubt: dict) -> dict:
    """Return what was found, row by row."""
    best = min(search.history, key=lambda one: one["cost"])
    rows = [
        {"row": name, "published": value, "simulated": best["answers"][name]}
        for name, (value, _) in search.rows.items()
    ]
    bmd = [row for row in rows if search.rows[row["row"]][1] == SCALE["bmd"]]
    errors = [row["simulated"] - row["published"] for row in bmd]
    return {
        "made_by": {
            "remodel": remodel.__version__,
            "mesa": mesa.__version__,
            "numpy": np.__version__,
            "cma": cma.__version__,
            "python": platform.python_version(),
        },
        "parameter_set": search.default.parameter_set,
        "parameters": search.default.with_values(best["values"]).values(),
        "seeds": list(search.seeds),
        "cost": best["cost"],
        "bmd_rms_error": float(np.sqrt(np.mean(np.square(errors)))),
        "calibrated": best["values"],
        "doubt": doubt,
        "runs": rows,
        "costs": [one["cost"] for one in search.history],
    }


def draw(record: dict, path: Path) -> None:
    """Draw the cost over the steps and generations, and simulated against published."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy(record["costs"], color="black")
    left.set(xlabel="step or generation", ylabel="cost")
    bmd = [row for row in record["runs"] if not any(m in row["row"] for m in MARKERS)]
    right.plot([r["published"] for r in bmd], [r["simulated"] for r in bmd], "o", color="#0072B2")
    right.axline((0, 0), slope=1, color="grey", linewidth=1)
    right.set(xlabel="published BMD, %", ylabel="simulated, %")
    save_figure(figure, path, dpi=150, metadata={"Software": None})


def write(record: dict, path: Path | None) -> None:
    """Write the record and its picture, also in mid-search, to go on from if it ends there."""
    if path:
        write_atomically(path, json.dumps(record, indent=1) + "\n")
        draw(record, path.with_suffix(".png"))


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


def make_parser() -> Parser:
    """Return the options."""
    parser = describe(__doc__)
    parser.add_argument("--quick", action="store_true", help="one small generation")
    parser.add_argument(
        "--out", type=json_file, metavar="NAME.json", help="record; NAME.png lies beside it (none)"
    )
    parser.add_argument(
        "--from", dest="start", type=Path, metavar="NAME.json",
        help="record to go on from (none)",
    )  # fmt: skip
    parser.add_argument(
        "--write-set", type=set_label, metavar="NAME",
        help="name and version of a set to write, NAME.toml beside the record (none)",
    )  # fmt: skip
    add_parameter_options(parser)
    for name, least, default, text in (
        ("seeds", 1, 4, "runs of each candidate"),
        ("steps", 0, 5, "steps of least squares"),
        ("generations", 0, 6, "generations of CMA-ES after it"),
    ):
        kind = Number(name, "(no unit)", least, 1000)
        parser.add_argument(
            f"--{name}", type=kind, default=default, metavar="N", help=f"{text} ({default})"
        )
    parser.add_argument(
        "--workers", type=workers, metavar="N", help="processes (one per processor)"
    )
    return parser


def read_calibrated(path: Path) -> dict[str, float]:
    """Return the numbers that an earlier search found."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["calibrated"])
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{path}: is no record of this script") from None


def main() -> int:
    """Read the command line, search, write."""
    options = make_parser().parse_args()
    if options.out:
        open_folder(options.out.parent)
    path = set_path(options)
    default = base_parameters(options).with_values(set_values(options, SMALL))
    values = default.values()
    if options.start:
        values |= read_calibrated(options.start)
    seeds = range(101, 102 if options.quick else 101 + options.seeds)
    with process_pool(options.workers or all_workers()) as pool:
        search = Search(pool, seeds, {name: values[name] for name in FREE}, default)
        search.keep = lambda: write(make_record(search, {}), options.out)
        if options.quick:
            search.run(1, 3, 0.02)
        else:
            if options.steps:
                search.descend(options.steps)
            else:
                search.note(*search.evaluate([np.zeros(len(FREE))]))
            search.run(options.generations, 10, 0.03)
        doubt = {} if options.quick else search.doubt()
    record = make_record(search, doubt)
    print(f"cost {record['cost']:.1f}; BMD rows: rms error {record['bmd_rms_error']:.2f} points")
    write(record, options.out)
    if path:
        write_set(record, default, path)
    return 0


if __name__ == "__main__":
    sys.exit(guard(main))
