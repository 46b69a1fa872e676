"""Options of the command line: a parser whose errors are one line, numbers with a range."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from remodel.archive import SITE_SIZES
from remodel.compartments import CORTEX_FROM, CORTEX_RANGE
from remodel.ensemble import MOST_REPLICATES, MOST_WORKERS, all_workers
from remodel.images import PIXEL_SIZES
from remodel.quantities import check

BAD_INPUT = 2


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> Never:
        """Say what is wrong and where help is."""
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")

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
                f"{self.name} = {text} {self.unit}; "
                f"expected {whole}{self.low} to {self.high} {self.unit}"
            ) from None
        return value


def workers(text: str) -> int:
    """Return a number of processes; ``all`` is one per processor."""
    if text == "all":
        return all_workers()
    return int(Number("workers", "processes (or 'all')", 1, MOST_WORKERS)(text))


def add_tissue_options(brought: Parser) -> None:
    """Add the options of `remodel tissue`."""
    brought.add_argument(
        "image",
        type=Path,
        metavar="IMAGE",
        help="one gray slice, PNG or TIFF; the marrow on the left",
    )
    for name, low, high, text in (
        ("site-size", *SITE_SIZES, "side of a site (20)"),
        ("pixel-size", *PIXEL_SIZES, "side of a pixel of the image (that of a site)"),
        ("cortex-from", *CORTEX_RANGE, f"thickness from which bone is cortex ({CORTEX_FROM:g})"),
    ):
        brought.add_argument(
            f"--{name}", type=Number(name, "um", low, high, whole=False), metavar="UM", help=text
        )
    brought.add_argument(
        "--threshold", type=Number("threshold", "(gray level)", -1e9, 1e9, whole=False),
        metavar="LEVEL", help="gray level that parts bone from marrow (Otsu's)",
    )  # fmt: skip
    brought.add_argument("--dark-bone", action="store_true", help="bone is darker than marrow")
    brought.add_argument(
        "--mask", type=Path, metavar="IMAGE",
        help="compartments: gray level 0 outside, 1 (or 128) trabecular, 2 (or 255) cortical",
    )  # fmt: skip
    brought.add_argument(
        "--rotate", type=int, choices=(0, 90, 180, 270), default=0,
        help="degrees, counterclockwise; top and bottom are joined",
    )  # fmt: skip
    brought.add_argument(
        "--mirror", action="store_true", help="add the mirror image, so that top and bottom fit"
    )
    brought.add_argument("--out", type=Path, help="folder (results/IMAGE-section)")


def add_movie_options(movie: Parser) -> None:
    """Add the options of `remodel movie`."""
    movie.add_argument("run", metavar="RUN", help="folder of a run, its record.json, or a trial")
    movie.add_argument("--arm", help="whose section (the first)")
    movie.add_argument(
        "--replicate", type=Number("replicate", "(of this run)", 0, MOST_REPLICATES - 1), default=0,
        help="which section (0)",
    )  # fmt: skip
    movie.add_argument(
        "--frames-per-year", type=Number("frames-per-year", "1/year", 1, 52), default=12,
        help="pictures of each year (12)",
    )  # fmt: skip
    movie.add_argument("--out", type=Path, metavar="FILE.gif", help="(RUN/ARM.gif)")
