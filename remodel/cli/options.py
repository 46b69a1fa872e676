"""Options of the command line: a parser whose errors are one line and whose help is one screen."""

import argparse
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from remodel.bone.files import SITE_SIZES
from remodel.bone.pixel_size import PIXEL_SIZES
from remodel.bone.segmentation import CORTEX_FROM, CORTEX_RANGE
from remodel.clinic.trial_files import built_in_trials
from remodel.parameters.fitted_sets import DEFAULT_SET
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import check
from remodel.report.trial_run import QUICK_REPLICATES
from remodel.runs.ensemble import MOST_REPLICATES
from remodel.runs.parallel import MOST_WORKERS, all_workers, open_cluster
from remodel.support.messages import LONGEST_SHOWN, one_line
from remodel.support.random_numbers import HIGHEST_SEED

BAD_INPUT = 2
SECTION_NAMES = "default, small, long, thin cortex or sparse trabeculae (default)"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and whose help fits the screen of a terminal.

    Attributes
    ----------
    example, takes : str
        A command line for the end of the help, and how long it takes.
    """

    example = takes = ""

    def format_help(self) -> str:
        """Return the help: what is needed, the options once, and the example, never broken."""
        needed = [str(action.metavar) for action in self._get_positional_actions()]
        self.usage = " ".join(["%(prog)s [options]", *needed])
        self._optionals.title = "options (in parentheses what holds without them)"
        text = super().format_help()
        return f"{text}\nexample ({self.takes}):\n  {self.example}\n" if self.example else text

    def error(self, message: str) -> Never:
        """Say what is wrong and where help is."""
        self.exit(BAD_INPUT, f"{self.prog}: {one_line(message)} (see {self.prog} --help)\n")

    def options(self) -> str:
        """Return the options that there are."""
        return ", ".join(name for name in self._option_string_actions if name.startswith("--"))


@dataclass(frozen=True)
class Number:
    """Reads a number of an option and compares it with its range."""

    name: str
    unit: str
    low: float
    high: float
    whole: bool = True

    def __call__(self, text: str) -> float:
        """Return the number; `argparse` prints what is wrong with it."""
        try:
            value: float = int(text) if self.whole else float(text)
            check(self.name, value, self.unit, self.low, self.high)
        except ValueError:
            whole = "whole number, " if self.whole else ""
            raise argparse.ArgumentTypeError(
                f"{self.name} = {text[:LONGEST_SHOWN]} {self.unit}; "
                f"expected {whole}{self.low} to {self.high} {self.unit}"
            ) from None
        return value


def workers(text: str) -> int:
    """Return a number of processes; ``all`` is one per processor."""
    if text == "all":
        return all_workers()
    return int(Number("workers", "processes (or 'all')", 1, MOST_WORKERS)(text))


def setting(text: str) -> tuple[str, float]:
    """Return name and value of a parameter from text such as ``time.step=1``."""
    name, sign, value = text.partition("=")
    try:
        if not sign:
            raise ValueError
        return name.strip(), float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text[:LONGEST_SHOWN]!r}; expected a name and a number, such as time.step=1"
        ) from None


def add_run_options(run: Parser) -> None:
    """Add the options of `remodel run`."""
    run.add_argument(
        "trial", metavar="TRIAL", help=f"a FILE.toml of your own, or {', '.join(built_in_trials())}"
    )
    add_ensemble_options(run, 8)
    run.add_argument(
        "--years-off", type=Number("years-off", "year", 0, 50, whole=False), metavar="YEARS",
        help="follow-up after treatment (as the trial has it)",
    )  # fmt: skip
    run.add_argument(
        "--tissue", type=Path, metavar="FILE.npz",
        help="a section from remodel tissue (one is built for each run)",
    )  # fmt: skip
    run.add_argument(
        "--out", type=Path, metavar="FOLDER",
        help="where to write (results/TRIAL; results/TRIAL-quick)",
    )  # fmt: skip


def add_ensemble_options(command: Parser, replicates: int) -> None:
    """Add the options of how often to run, on what section and with which seed."""
    command.add_argument(
        "--replicates", type=Number("replicates", "runs", 1, MOST_REPLICATES), metavar="N",
        help=f"runs, each with its own seed ({replicates}; {QUICK_REPLICATES} with --quick)",
    )  # fmt: skip
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=workers, metavar="N",
        help="processes, or all: one per processor (all; 1 if quick)",
    )  # fmt: skip
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster that does the work instead"
    )
    command.add_argument(
        "--seed",
        type=Number("seed", "(no unit)", 0, HIGHEST_SEED),
        default=1,
        metavar="N",
        help="seed of the first run; the next has the next (1)",
    )
    add_parameter_options(command)
    command.add_argument(
        "--quick", action="store_true",
        help="a try on a small section; its numbers mean little",
    )  # fmt: skip


def add_parameter_options(command: Parser) -> None:
    """Add the options of what the numbers of the model are."""
    command.add_argument(
        "--set", type=setting, action="append", default=[], metavar="NAME=VALUE", dest="values",
        help="another value of a parameter; may be repeated (remodel parameters lists them)",
    )  # fmt: skip
    command.add_argument(
        "--parameters", default="", metavar="SET",
        help=f"a fitted set or a FILE.toml, which --set changes ({DEFAULT_SET})",
    )  # fmt: skip


def base_parameters(args: argparse.Namespace) -> Parameters:
    """Return the parameters of ``--parameters``, or the default ones."""
    return Parameters.load(args.parameters) if args.parameters else Parameters()


def set_values(
    args: argparse.Namespace, quick: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Return the values of ``--set``; with ``--quick`` those of a try, where they say nothing."""
    return {**(quick if quick and args.quick else {}), **dict(args.values)}


def add_parameters_options(printed: Parser) -> None:
    """Add the options of `remodel parameters`."""
    printed.add_argument(
        "name", nargs="?", default="", metavar="[NAME]",
        help="a parameter, or a group such as osteoclast or drugs.tamoxifen (all)",
    )  # fmt: skip
    printed.add_argument(
        "--toml", action="store_true", help="as a file that --parameters takes (a table)"
    )
    add_parameter_options(printed)


def add_reproduce_options(reproduce: Parser) -> None:
    """Add the options of `remodel reproduce`."""
    reproduce.add_argument("record", type=Path, metavar="RECORD", help="record.json, or its folder")
    reproduce.add_argument(
        "--workers", type=workers, default="all", metavar="N",
        help="processes, or all: one per processor (all)",
    )  # fmt: skip


def add_validate_options(held: Parser) -> None:
    """Add the options of `remodel validate`."""
    add_ensemble_options(held, 24)
    held.add_argument(
        "--out", type=Path, default=Path("results", "validate"), metavar="FOLDER",
        help="where to write (results/validate)",
    )  # fmt: skip


def add_tissue_options(brought: Parser) -> None:
    """Add the options of `remodel tissue`."""
    brought.add_argument(
        "image",
        type=Path,
        metavar="IMAGE",
        help="one gray slice, PNG, TIFF, BMP or JPEG, with the marrow on the left",
    )
    for name, low, high, text in (
        ("site-size", *SITE_SIZES, "side of a site of the section (20)"),
        (
            "pixel-size",
            *PIXEL_SIZES,
            "side of a pixel of the image (what the file says, or a site)",
        ),
        ("cortex-from", *CORTEX_RANGE, f"compact bone is cortex if as thick ({CORTEX_FROM:g})"),
    ):
        brought.add_argument(
            f"--{name}", type=Number(name, "µm", low, high, whole=False), metavar="UM", help=text
        )
    brought.add_argument(
        "--threshold", type=Number("threshold", "(gray level)", -1e9, 1e9, whole=False),
        metavar="LEVEL", help="gray level that parts bone from marrow (Otsu's)",
    )  # fmt: skip
    brought.add_argument("--dark-bone", action="store_true", help="bone is darker than marrow")
    brought.add_argument(
        "--mask", type=Path, metavar="IMAGE",
        help="0 outside, 1 (or 128) trabecular, 2 (or 255) cortical; or 0 and 255: in",
    )  # fmt: skip
    brought.add_argument(
        "--rotate", type=int, choices=(0, 90, 180, 270), default=0, metavar="DEGREES",
        help="turn the image: 90, 180 or 270 counterclockwise (0)",
    )  # fmt: skip
    brought.add_argument(
        "--mirror", action="store_true", help="add the mirror image, so that the joined ends fit"
    )
    brought.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where to write (results/IMAGE-section)"
    )


def add_movie_options(movie: Parser) -> None:
    """Add the options of `remodel movie`."""
    movie.add_argument("run", metavar="RUN", help="folder of a run, its record.json, or a trial")
    movie.add_argument("--arm", metavar="NAME", help="arm, as in the table (the first)")
    movie.add_argument(
        "--replicate", type=Number("replicate", "(of this run)", 0, MOST_REPLICATES - 1), default=0,
        metavar="N", help="which run of that arm (0)",
    )  # fmt: skip
    movie.add_argument(
        "--frames-per-year", type=Number("frames-per-year", "1/year", 1, 52), default=12,
        metavar="N", help="pictures of each year (12)",
    )  # fmt: skip
    add_parameter_options(movie)
    movie.add_argument("--out", type=Path, metavar="FILE.gif", help="where to write (RUN/NAME.gif)")


def add_new_options(new: Parser) -> None:
    """Add the options of `remodel new`."""
    new.add_argument("file", type=Path, metavar="FILE.toml", help="a file that is not there yet")


def add_view_options(view: Parser) -> None:
    """Add the options of `remodel view`."""
    view.add_argument("--lesson", default="", metavar="LESSON", help="its number, 1 to 8, or name")
    view.add_argument(
        "--trial", default="", metavar="TRIAL", help="as for remodel run: a name, or a FILE.toml"
    )
    view.add_argument("--section", default="", metavar="NAME", help=SECTION_NAMES)
    add_parameter_options(view)
    view.add_argument(
        "--port", type=Number("port", "(no unit)", 1, 65535), default=8765, metavar="N",
        help="of the address of the page (8765)",
    )  # fmt: skip
    view.add_argument(
        "--host", default="127.0.0.1", metavar="NAME",
        help="where to listen (127.0.0.1: this machine only; 0.0.0.0: all)",
    )  # fmt: skip
    view.add_argument("--no-browser", action="store_true", help="only print the address")


@contextmanager
def open_workers(args: argparse.Namespace) -> Iterator[int | Executor]:
    """Open the workers that the options ask for: processes here, or those of a cluster."""
    if args.scheduler is not None:
        with open_cluster(args.scheduler) as cluster:
            yield cluster
    else:
        yield args.workers or (1 if args.quick else all_workers())
