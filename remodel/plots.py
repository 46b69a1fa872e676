"""Pictures from results: curves of a trial, and sections of bone."""

from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.typing import LineStyleType
from scipy.stats import t as student

from remodel.arrays import Floats
from remodel.cell_types import CELL_TYPES, PAINTED, CellType
from remodel.colors import (
    BLUE,
    BONE,
    CAVITY,
    GREEN,
    MARROW,
    MINERAL_RANGE,
    ORANGE,
    OUTSIDE,
    PINK,
    SKY,
    VERMILLION,
)  # fmt: skip
from remodel.fonts import save_figure
from remodel.model import BoneModel
from remodel.report import Readings
from remodel.snapshots import Snapshot, take_snapshot
from remodel.trials import Published, Trial

ARM_COLORS = (VERMILLION, BLUE, GREEN, "#555555", PINK, ORANGE, SKY)
ARM_LINES: tuple[LineStyleType, ...] = ("-", "-", "--", ":", "-.", "-", "--")
ARM_MARKS = ("o", "s", "D", "^", "v", "P", "X")
PANELS = (
    ("trabecular_bmd", "Trabecular bone"),
    ("cortical_bmd", "Cortical bone"),
    ("lumbar_spine", "Lumbar spine (DXA)"),
    ("total_hip", "Total hip (DXA)"),
    ("ctx", "CTX (resorption)"),
    ("p1np", "P1NP (formation)"),
)
MINERAL = LinearSegmentedColormap.from_list("mineral", BONE)
SCALES = (0.1, 0.5, 2.0, 5.0)  # mm; the length of the bar
WIDTH = 3.4  # inches of one section among several
CELL = 0.05  # mm; marks of cells are about to scale
LARGER = 1.8  # times the area, of the marks of large cells
Pictures = Mapping[tuple[str, float], Snapshot]


def as_label(text: str) -> str:
    """Return text that is drawn as it is: a dollar begins no formula, an underscore hides none."""
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")


def plot_trial(frame: pd.DataFrame, trial: Trial, path: Path | str) -> None:
    """Draw the curves of all arms, with the published results on them.

    Parameters
    ----------
    frame : DataFrame
        Readings as `run_trial` returns them.
    trial : Trial
        Arms, years and published results.
    path : Path
        Where to write the picture; the suffix gives its format.
    """
    figure = Figure(figsize=(10, 11.5), dpi=150, layout="constrained")
    readings = Readings(frame)
    axes = figure.subplots(3, 2, sharex=True).ravel()
    for axis, (site, title) in zip(axes, PANELS, strict=True):
        draw_panel(axis, readings, trial, site)
        axis.set_title(title, loc="left", fontsize=13)
    for axis in axes[-2:]:
        axis.set_xlabel("Years from start of treatment", fontsize=12)
    for row in (0, 1):
        share_range(axes[2 * row : 2 * row + 2])
    figure.suptitle(as_label(f"{trial.name}. {trial.title}"), fontsize=14)
    figure.legend(
        handles=trial_legend(trial), loc="outside lower center", ncols=4, fontsize=11, frameon=False
    )
    path = Path(path)
    plain = {"Software": None} if path.suffix == ".png" else None
    save_figure(figure, path, metadata=plain)


def draw_panel(axis: Axes, readings: Readings, trial: Trial, site: str) -> None:
    """Draw one quantity: a line and a 95 % band per arm, points as published."""
    axis.axhline(0, color="0.6", linewidth=0.8)
    bands = []
    for index, arm in enumerate(trial.arms):
        years, mean, half = curve(readings, arm.name, site)
        color = ARM_COLORS[index % len(ARM_COLORS)]
        style = ARM_LINES[index % len(ARM_LINES)]
        axis.plot(years, mean, color=color, linestyle=style, linewidth=2, zorder=3)
        draw_published(axis, [r for r in trial.published if r.arm == arm.name], site, index)
        bands.append((years, mean - half, mean + half, color))
    axis.margins(y=0.2)
    axis.set_ylim(axis.get_ylim())  # bands of few replicates must not hide the curves
    for years, low, high, color in bands:
        axis.fill_between(years, low, high, color=color, alpha=0.15, linewidth=0)
    axis.set_ylabel("Change, %", fontsize=12)
    axis.tick_params(labelsize=11)
    axis.grid(axis="y", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_xlim(0, trial.years + 0.1)
    draw_therapy(axis, trial)


def curve(readings: Readings, arm: str, site: str) -> tuple[Floats, Floats, Floats]:
    """Return years, mean and half of the 95 % interval."""
    years, values = readings.series(arm, site)
    count = values.shape[1]
    if count < 2:
        return years, values[:, 0], np.zeros(len(years))
    half = student.ppf(0.975, count - 1) * values.std(axis=1, ddof=1) / sqrt(count)
    return years, values.mean(axis=1), half


def draw_published(axis: Axes, rows: Sequence[Published], site: str, index: int) -> None:
    """Mark published results; open where they were chained to a baseline after the start."""
    here = [row for row in rows if row.site == site and not row.against]
    start = {row.year: row.value for row in here if row.baseline == 0.0}
    for row in here:
        if row.baseline and row.baseline not in start:
            continue
        before = start[row.baseline] if row.baseline else 0.0
        color = ARM_COLORS[index % len(ARM_COLORS)]
        axis.plot(
            row.year,
            (100 + before) * (1 + row.value / 100) - 100,
            marker=ARM_MARKS[index % len(ARM_MARKS)],
            markersize=8,
            markerfacecolor="white" if row.baseline else color,
            markeredgecolor=color if row.baseline else "black",
            markeredgewidth=1.6 if row.baseline else 0.8,
            zorder=5,
            clip_on=False,
        )


def draw_therapy(axis: Axes, trial: Trial) -> None:
    """Draw a bar over the years of treatment, just above the axis of years."""
    low, high = axis.get_ylim()
    axis.set_ylim(low - 0.1 * (high - low), high)
    if trial.on_treatment == 0:
        return
    place = axis.get_xaxis_transform()
    axis.fill_between([0, trial.on_treatment], 0, 0.03, color="0.35", transform=place, linewidth=0)
    axis.text(
        trial.on_treatment / 2, 0.04, "treatment", transform=place,
        ha="center", va="bottom", fontsize=11, color="0.35",
    )  # fmt: skip


def share_range(axes: Sequence[Axes]) -> None:
    """Give panels side by side the same range, so that they can be compared by eye."""
    limits = [axis.get_ylim() for axis in axes]
    for axis in axes:
        axis.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def trial_legend(trial: Trial) -> list[Line2D | Patch]:
    """Return the keys of lines, bands and points."""
    keys: list[Line2D | Patch] = [
        Line2D(
            [], [], color=ARM_COLORS[i % len(ARM_COLORS)], linestyle=ARM_LINES[i % len(ARM_LINES)],
            linewidth=2, label=as_label(arm.name),
        )
        for i, arm in enumerate(trial.arms)
    ]  # fmt: skip
    keys.append(Patch(color="0.5", alpha=0.3, label="95 % interval of the mean"))
    drawn = [row for row in trial.published if not row.against and row.site in dict(PANELS)]
    if drawn:
        keys.append(
            Line2D([], [], color="0.4", marker="o", linestyle="", markersize=8, label="published")
        )
    if any(row.baseline for row in drawn):
        keys.append(
            Line2D([], [], color="0.4", marker="o", linestyle="", markersize=8,
                   markerfacecolor="white", markeredgewidth=1.6,
                   label="published, from a later baseline")
        )  # fmt: skip
    return keys


def plot_section(model: BoneModel, path: Path | str) -> None:
    """Draw the section of a model as it is now: bone, cavities, cells."""
    figure = Figure(figsize=(7.5, 8.1), dpi=150, layout="constrained")
    draw_section(figure.subplots(), take_snapshot(model), 7.3)
    add_section_legend(figure, "outside lower center", 9)
    save_figure(figure, path)


def plot_sections(pictures: Pictures, path: Path | str) -> None:
    """Draw one replicate of a trial: a row for each arm, a column for each moment."""
    arms = list(dict.fromkeys(arm for arm, _ in pictures))
    years = sorted({year for _, year in pictures})
    figure, grid = section_grid(next(iter(pictures.values())), len(arms), len(years))
    for axes, arm in zip(grid, arms, strict=True):
        for axis, year in zip(axes, years, strict=True):
            draw_section(axis, pictures[arm, year], WIDTH)
        axes[0].set_ylabel(as_label(arm), fontsize=13)
    for axis, year in zip(grid[0], years, strict=True):
        axis.set_title("before treatment" if year == 0 else f"year {year:g}", fontsize=13)
    add_section_legend(figure)
    save_figure(figure, path)


def section_grid(picture: Snapshot, rows: int, columns: int) -> tuple[Figure, Any]:
    """Return a figure with room for sections, titles and legend; faster than a solved layout."""
    across = WIDTH * columns + 0.5
    down = (WIDTH * picture.matrix.shape[0] / picture.matrix.shape[1]) * rows + 1.2
    figure = Figure(figsize=(across, down), dpi=200)
    figure.subplots_adjust(
        left=0.4 / across, right=1 - 0.1 / across, bottom=0.8 / down, top=1 - 0.4 / down,
        wspace=0.03, hspace=0.03,
    )  # fmt: skip
    return figure, figure.subplots(rows, columns, squeeze=False)


def draw_section(axis: Axes, picture: Snapshot, inches: float) -> None:
    """Draw one section some inches wide, marrow on the left and periosteum on the right."""
    rows, columns = picture.matrix.shape
    side = picture.site_um / 1000
    axis.imshow(
        section_image(picture), extent=(0, columns * side, rows * side, 0), interpolation="nearest"
    )
    size = max(1.5, 72 * inches / (columns * side) * CELL) ** 2
    for one in PAINTED:
        row, column = np.divmod(picture.cells[one.name], columns)
        axis.scatter(
            (column + 0.5) * side, (row + 0.5) * side, s=size * (LARGER if one.large else 1.0),
            marker=mark_of(one), color=one.color, edgecolors="white", linewidths=0.25,
        )  # fmt: skip
    axis.set(xticks=[], yticks=[], xlim=(0, columns * side), ylim=(rows * side, 0))
    draw_scale(axis, rows * side)


def mark_of(one: CellType) -> str:
    """Return the mark of a type of cells, as Matplotlib names it."""
    return "o" if one.round else "s"


def section_image(picture: Snapshot) -> Floats:
    """Return colors of the sites: marrow, bone by its mineral, cavities under repair."""
    matrix = picture.matrix
    mineral = np.divide(picture.mineral, matrix, out=np.ones_like(matrix), where=matrix > 0)
    low, high = MINERAL_RANGE
    bone = MINERAL((mineral - low) / (high - low))[..., :3]
    empty = np.full(bone.shape, to_rgb(MARROW))
    empty[picture.outside] = to_rgb(OUTSIDE)
    empty[picture.cavity > 0] = to_rgb(CAVITY)
    share = matrix[..., None]
    return np.asarray(share * bone + (1 - share) * empty)


def draw_scale(axis: Axes, height: float) -> None:
    """Draw a bar of a round length, at most a quarter of the height, in the lower left corner."""
    y, left = 0.955 * height, 0.025 * height
    bar = max(length for length in SCALES if length <= max(SCALES[0], height / 4))
    axis.plot([left, left + bar], [y, y], color="black", linewidth=3, solid_capstyle="butt")
    axis.text(
        left + bar / 2, y - 0.02 * height, f"{bar:g} mm", ha="center", va="bottom", fontsize=10,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
    )  # fmt: skip


def add_section_legend(
    figure: Figure,
    place: Literal["lower center", "outside lower center"] = "lower center",
    size: int = 11,
) -> None:
    """Add the key of colors and marks below a picture of sections."""
    keys = [
        Patch(facecolor=MINERAL(0.95), label="bone, old and fully mineralized"),
        Patch(facecolor=MINERAL(0.05), label="bone, young"),
        Patch(facecolor=MARROW, edgecolor="0.6", label="marrow"),
        Patch(facecolor=CAVITY, label="cavity being remodeled"),
        *(
            Line2D([], [], color=one.color, marker=mark_of(one), linestyle="", markersize=7,
                   label=one.label)
            for one in CELL_TYPES
        ),
    ]  # fmt: skip
    figure.legend(handles=keys, loc=place, ncols=3, fontsize=size, frameon=False)
