"""What the experiments share: their command line, their runs and what they write.

A script makes its options with `make_parser`, hands its cases to `run_cases` and its findings
to `write`, and begins with `start`. With ``--out NAME.json`` each finished run is kept in
NAME.runs, from where the same command goes on if it was stopped.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from remodel.cli.commands import guard
from remodel.cli.options import (
    Parser,
    add_ensemble_options,
    base_parameters,
    open_workers,
    set_values,
)
from remodel.clinic.courses import Course
from remodel.clinic.patients import Patient
from remodel.clinic.trials import Arm, Trial
from remodel.parameters.parameters import Parameters
from remodel.parameters.population import Population
from remodel.report.fonts import save_figure
from remodel.report.trial_run import QUICK, QUICK_REPLICATES
from remodel.runs.ensemble import all_finished, run_ensemble
from remodel.runs.record import with_versions
from remodel.runs.replicate import Measure
from remodel.runs.scenario import Case
from remodel.runs.storage import write_frame
from remodel.support.files import atomic_file, open_folder, write_atomically
from remodel.support.provenance import made_by

SMALL = QUICK | {"time.spin_up": 2.0}  # the baseline of rates is a mean over these


def make_parser(about: str, replicates: int) -> Parser:
    """Return the options of an experiment; `about` is the docstring of its script."""
    parser = describe(about)
    add_ensemble_options(parser, replicates)
    parser.add_argument(
        "--out", type=json_file, metavar="NAME.json",
        help="record; NAME.csv, NAME.png and NAME.runs lie beside it (none)",
    )  # fmt: skip
    parser.set_defaults(default=replicates, versions=[])  # of the package, that made the runs
    return parser


def describe(about: str) -> Parser:
    """Return a parser without options; question, example and its time are in the docstring."""
    parser = Parser(description=about.splitlines()[0], allow_abbrev=False)
    found = re.search(r"^RUN\n(python .+?)  \((.+)\)$", about, flags=re.MULTILINE)
    if not found:
        raise ValueError(f"{about.splitlines()[0]} RUN: expected a command line, then (its time)")
    parser.example, parser.takes = found.groups()
    return parser


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import libraries of an extra of the package within; say in one line if one is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        script = Path(sys.argv[0]).name
        sys.exit(f'{script}: needs {error.name}; install it with: pip install "remodel[{name}]"')


def json_file(text: str) -> Path:
    """Return a path that ends in .json."""
    path = Path(text)
    if path.suffix != ".json":
        raise argparse.ArgumentTypeError(f"{text!r}; expected a name that ends in .json")
    return path


def start(parser: Parser, work: Callable[[argparse.Namespace], None]) -> None:
    """Do the work of a script; what goes wrong is one line on stderr."""

    def command() -> int:
        options = parser.parse_args()
        options.replicates = options.replicates or (
            QUICK_REPLICATES if options.quick else options.default
        )
        if options.out:
            open_folder(options.out.parent)
        work(options)
        return 0

    sys.exit(guard(command))


def section(options: argparse.Namespace) -> Parameters:
    """Return the numbers of the model as the options ask for, on a small section if quick."""
    return base_parameters(options).with_values(set_values(options, SMALL))


def compare_courses(
    name: str,
    title: str,
    courses: Mapping[str, Sequence[Course]],
    on: float,
    off: float = 0.0,
    sites: Sequence[str] = ("lumbar_spine", "total_hip"),
    visits: Iterable[float] = (),
    population: Population | None = None,
) -> Trial:
    """Return a trial of reference patients, or drawn ones, whose arms differ by their courses.

    They are visited at the end of the drug and of the follow-up, in years, unless told otherwise.
    """
    arms = [Arm(name=arm, patient=Patient(), courses=tuple(c)) for arm, c in courses.items()]
    return Trial(
        name=name, title=title, source="", on_treatment=on, off_treatment=off,
        visits=tuple(visits) or tuple(sorted({on, on + off})), sites=tuple(sites),
        patient=Patient(), arms=tuple(arms), population=population,
    )  # fmt: skip


def each_year(years: float) -> list[float]:
    """Return the years of yearly visits."""
    return [float(year) for year in range(1, round(years) + 1)]


def run_cases(
    options: argparse.Namespace,
    cases: Sequence[Case],
    measure: Measure | None = None,
    part: str = "",
) -> pd.DataFrame:
    """Run the cases as the options say; return the tidy frame of `run_ensemble`.

    A script that runs several ensembles gives each `part` a name, and so a folder of its own.
    """
    folder = options.out.with_suffix(".runs") / part if options.out else None
    shared: AbstractContextManager[int | Executor] = open_workers(options)
    with shared as workers:
        found = run_ensemble(
            cases, folder, options.replicates, options.seed, workers, True, measure=measure
        )
    options.versions.extend(found.made_by)
    return all_finished(found, kept=folder is not None)


def write(
    options: argparse.Namespace,
    findings: dict[str, Any],
    table: pd.DataFrame | None = None,
    figure: Figure | None = None,
) -> None:
    """Write the record where asked, and beside it a table and the picture.

    Parameters
    ----------
    options : Namespace
        Of the command line.
    findings : dict
        What came out; ``runs`` among them, and ``parameters`` if they are not the default.
    table : DataFrame, optional
        For NAME.csv.
    figure : Figure, optional
        For NAME.png.
    """
    if not options.out:
        return
    record = {
        **with_versions({"made_by": made_by()}, options.versions),
        "quick": options.quick,
        "seed": options.seed,
        "replicates": options.replicates,
        "parameter_set": section(options).parameter_set,
        "parameters": section(options).values(),
    }
    if table is not None:
        write_frame(table, options.out.with_suffix(".csv"))
    if figure:
        with atomic_file(options.out.with_suffix(".png")) as temporary:
            save_figure(figure, temporary, dpi=150, metadata={"Software": None})
    write_atomically(options.out, json.dumps(record | findings, indent=1) + "\n")
