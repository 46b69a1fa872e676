"""A section over the years as a film, with its curves beside it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from tqdm import tqdm

from remodel.clinic.trial_files import build_trial, load_trial
from remodel.clinic.trials import Arm, Trial
from remodel.model.cell_types import CELL_TYPES
from remodel.model.checkpoint import Checkpoint, take_checkpoint
from remodel.model.snapshot import take_snapshot
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import check
from remodel.report.fonts import fit_letters, quiet
from remodel.report.palette import BLUE, VERMILLION, as_label
from remodel.report.section_picture import add_section_legend, draw_section
from remodel.report.trial_run import SECTION
from remodel.runs.record import read_record, recorded_section, versions_of
from remodel.runs.replicate import ReplicateTask, enter, spin_up
from remodel.support.console import command_line, is_watched
from remodel.support.files import atomic_file, file_names
from remodel.support.provenance import warn_of_others
from remodel.support.toml_table import Table

RECORD = "record.json"
FRAMES_PER_SECOND = 8
DPI = 100
INCHES = (11.0, 6.6)
SECTION_INCHES = 5.2
STYLES = ("-", "--", "-.", ":")
CURVES: tuple[
    tuple[Any, ...], ...
] = (  # from top to bottom: title, and the lines by column, name, color and style
    (
        "Bone mineral, change, %",
        ("trabecular_bmd", "trabecular", VERMILLION, "-"),
        ("cortical_bmd", "cortical", BLUE, "--"),
    ),
    (
        "Cells at work",
        *(
            (one.name, one.counted, one.color, style)
            for one, style in zip(CELL_TYPES, cycle(STYLES), strict=False)
        ),
    ),
)


@dataclass(frozen=True)
class Film:
    """What is filmed: one arm of one replicate of a trial.

    Attributes
    ----------
    task : ReplicateTask
        Trial, parameters, seed and section.
    arm : Arm
        Whose section is shown.
    frames_per_year : float
        Pictures of each year, from day 0 to the end of the trial.
    """

    task: ReplicateTask
    arm: Arm
    frames_per_year: float = 12.0

    @property
    def years(self) -> list[float]:
        """Years from day 0 of each frame."""
        end = self.task.trial.years
        count = max(1, round(end * self.frames_per_year))
        return [end * number / count for number in range(count + 1)]


def read_film(
    run: Path | str,
    arm: str | None,
    replicate: int,
    frames_per_year: float,
    base: Parameters | None = None,
    values: Mapping[str, float] | None = None,
) -> Film:
    """Return the film of a finished run, by its folder or record, or of a trial, by its name.

    Of a trial the numbers are those of `Trial.model_parameters` with `base` and `values`.

    Raises
    ------
    ValueError
        If there is no such run, trial, arm or replicate, or other numbers are given for a run.
    """
    run = str(run)
    record = Path(run, RECORD) if Path(run).is_dir() else Path(run)
    if record.suffix != ".json":
        if not Path(run).suffix and len(Path(run).parts) > 1:
            raise ValueError(
                f"{run}: there is no run; make one with: "
                f"{command_line('run', 'TRIAL', '--out', Path(run))}"
            )
        trial = load_trial(run)
        parameters = trial.model_parameters(base, values)
        task = ReplicateTask(trial, parameters, replicate, 1 + replicate)
        return Film(task, find_arm(trial, arm), frames_per_year)
    if base or values:
        raise ValueError(
            f"{record}: holds the numbers of its run; --set and --parameters are for the film of a "
            "trial, by its name or file"
        )
    held = read_record(record)
    warn_of_others(record, versions_of(held))
    check("replicate", replicate, "(of this run)", 0, held["replicates"] - 1)
    trial = build_trial(Table(held["trial"], "record"))
    tissue = recorded_section(held, record.with_name(SECTION))
    parameters = Parameters.from_values(held["parameters"], held["parameter_set"], trial.drugs)
    task = ReplicateTask(trial, parameters, replicate, held["seed"] + replicate, False, tissue)
    return Film(task, find_arm(trial, arm), frames_per_year)


def place_of(run: Path | str, film: Film) -> Path:
    """Return where the film of a run goes if no one says where: into its folder.

    No two arms of a trial share it, nor do two replicates.
    """
    arm = file_names([arm.name for arm in film.task.trial.arms])[film.arm.name]
    which = f"-replicate-{film.task.replicate}" if film.task.replicate else ""
    name = f"{arm}{which}.gif"
    if Path(run).is_dir():
        return Path(run, name)
    if Path(run).suffix == ".json":
        return Path(run).with_name(name)
    return Path("results", f"{Path(run).stem.lower()}-{name}")


def find_arm(trial: Trial, name: str | None) -> Arm:
    """Return an arm by its name; the first where none is given."""
    arms = {arm.name: arm for arm in trial.arms}
    if name is not None and name not in arms:
        raise ValueError(f"{trial.name} has no arm {name!r}; it has {', '.join(arms)}")
    return arms[name] if name is not None else trial.arms[0]


def make_movie(film: Film, path: Path | str, progress: bool = True) -> list[Path]:
    """Write a film as GIF, and as MP4 beside it where ffmpeg is found.

    Parameters
    ----------
    film : Film
        What to show.
    path : Path or str
        Of the GIF.
    progress : bool
        Show a bar on stderr if that is a terminal.

    Returns
    -------
    list of Path
        The files, each written atomically.
    """
    path = Path(path)
    point = take_checkpoint(
        spin_up(film.task, film.task.trial.patient_of(film.arm, film.task.seed))
    )
    curves = run_ahead(point, film)
    kinds: list[tuple[type[AbstractMovieWriter], str]] = [(PillowWriter, ".gif")]
    if FFMpegWriter.isAvailable():
        kinds.append((FFMpegWriter, ".mp4"))
    hide = not (progress and is_watched())
    written = []
    with tqdm(total=len(kinds) * len(film.years), unit="frame", disable=hide) as bar:
        for kind, suffix in kinds:
            file = path.with_suffix(suffix)
            with atomic_file(file) as temporary:
                shoot(point, film, curves, kind(fps=FRAMES_PER_SECOND), temporary, bar.update)
            written.append(file)
    return written


def run_ahead(point: Checkpoint, film: Film) -> pd.DataFrame:
    """Return the readings of the whole run, so that the axes of the curves stand still."""
    model = enter(point, film.arm)
    model.read_at(film.task.trial.reading_years)
    model.run_until(film.years[-1])
    return model.frame()


def shoot(
    point: Checkpoint,
    film: Film,
    curves: pd.DataFrame,
    writer: AbstractMovieWriter,
    path: Path,
    done: Callable[[], object],
) -> None:
    """Run once more from day 0, and take a picture at each moment as it comes."""
    model = enter(point, film.arm)
    figure = Figure(figsize=INCHES, dpi=DPI)
    place, axes = lay_out(figure)
    marks = list(draw_curves(axes, curves, film))
    writer.setup(figure, str(path), DPI)
    shot = 0
    try:
        for year in film.years:
            model.run_until(year)
            place.clear()
            draw_section(place, take_snapshot(model), SECTION_INCHES)
            place.set_title(as_label(f"{film.arm.name}, year {year:.1f}"), fontsize=14)
            for mark in marks:
                mark.set_xdata([year, year])
            fit_letters(figure)
            with quiet():
                writer.grab_frame()
            shot += 1
            done()
    except BaseException:
        if shot and not isinstance(writer, PillowWriter):  # which encodes only now, for nothing
            finish(writer)
        raise
    with quiet():  # it may draw once more
        finish(writer)


def finish(writer: AbstractMovieWriter) -> None:
    """Close a film; say in one line if the encoder failed."""
    try:
        writer.finish()
    except CalledProcessError as error:
        raise OSError(
            f"ffmpeg failed (exit code {error.returncode}); the GIF is complete"
        ) from None


def lay_out(figure: Figure) -> tuple[Axes, list[Axes]]:
    """Return the axes of the section, and those of the curves beside it."""
    grid = figure.add_gridspec(
        2,
        2,
        width_ratios=(1.25, 1),
        left=0.01,
        right=0.98,
        top=0.93,
        bottom=0.19,
        wspace=0.15,
        hspace=0.25,
    )
    add_section_legend(figure, "lower center", 10)
    place = figure.add_subplot(grid[:, 0])
    return place, [figure.add_subplot(grid[row, 1]) for row in (0, 1)]


def draw_curves(axes: list[Axes], curves: pd.DataFrame, film: Film) -> Iterator[Line2D]:
    """Draw the curves of the whole run; yield the lines that mark the moment shown."""
    note = "  (gray: treatment)" if film.arm.courses else ""
    for axis, (title, *rows) in zip(axes, CURVES, strict=True):
        for column, name, color, style in rows:
            axis.plot(curves["year"], curves[column], style, color=color, label=name, linewidth=2)
        axis.set_title(title + note, loc="left", fontsize=12)
        axis.grid(axis="y", color="0.9")
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlim(0, film.years[-1])
        shade_courses(axis, film.arm, film.years[-1])
        axis.legend(fontsize=10, frameon=False, loc="best")
        yield axis.axvline(0.0, color="black", linewidth=1.5)
    axes[-1].set_xlabel("Years from start of treatment", fontsize=11)


def shade_courses(axis: Axes, arm: Arm, end: float) -> None:
    """Shade the years in which something is given."""
    for course in arm.courses:
        axis.axvspan(max(0.0, course.start), np.clip(course.stop, 0.0, end), color="0.93", zorder=0)
