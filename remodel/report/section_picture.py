"""Pictures of sections: bone by its mineral, cavities, cells."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES, PAINTED
from remodel.model.snapshot import Snapshot, take_snapshot
from remodel.report.figures import mark_of
from remodel.report.fonts import save_figure
from remodel.report.palette import BONE, CAVITY, CEMENT, MARROW, OSTEOID, REFILLED, as_label
from remodel.report.section_painter import PLAIN, SHADES, paint_section
from remodel.support.arrays import Floats

MINERAL = LinearSegmentedColormap.from_list("mineral", BONE)
SCALES = (0.1, 0.5, 2.0, 5.0)  # mm; the length of the bar
WIDTH = 3.4  # inches of one section among several
LEAST = 1.5  # printer's points, of the mark of a cell; else it is to scale
POINT = 5.0  # um, at most, from point to point of a picture
PLATE: dict[str, Any] = {
    "fontsize": 10,
    "bbox": {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
}
Pictures = Mapping[tuple[str, float], Snapshot]


def plot_section(model: BoneModel, path: Path | str) -> None:
    """Draw the section of a model as it is now: bone, cavities, cells."""
    picture = take_snapshot(model)
    rows, columns = picture.matrix.shape
    figure = Figure(figsize=(7.5, 7.5 * rows / columns + 0.7), dpi=150, layout="constrained")
    draw_section(figure.subplots(), picture, 7.3)
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
    axis.imshow(section_image(picture), extent=(0, columns * side, rows * side, 0))
    scale = 72 * inches / (columns * picture.site_um)  # printer's points of a micrometer
    for one in PAINTED:
        row, column = picture.cells[one.name].T
        axis.scatter(
            column * side, row * side, s=max(LEAST, one.size * scale) ** 2, marker=mark_of(one),
            color=one.color, edgecolors="white", linewidths=0.1 * LEAST,
        )  # fmt: skip
    axis.set(xticks=[], yticks=[], xlim=(0, columns * side), ylim=(rows * side, 0))
    draw_scale(axis, rows * side)
    if picture.plane:
        axis.text(0.02, 0.985, picture.plane, va="top", transform=axis.transAxes, **PLATE)


def section_image(picture: Snapshot) -> Floats:
    """Return the colors of a section, shape (height, width, 3)."""
    shades = MINERAL(np.linspace(0, 1, SHADES))[:, :3]
    colors = np.concatenate([[to_rgb(color) for color in PLAIN], shades])
    return np.asarray(colors[paint_section(picture, ceil(picture.site_um / POINT))])


def draw_scale(axis: Axes, height: float) -> None:
    """Draw a bar of a round length, at most a quarter of the height, in the lower left corner."""
    y, left = 0.955 * height, 0.025 * height
    bar = max(length for length in SCALES if length <= max(SCALES[0], height / 4))
    axis.plot([left, left + bar], [y, y], color="black", linewidth=3, solid_capstyle="butt")
    axis.text(
        left + bar / 2, y - 0.02 * height, f"{bar:g} mm", ha="center", va="bottom", **PLATE
    )  # fmt: skip


def add_section_legend(
    figure: Figure,
    place: Literal["lower center", "outside lower center"] = "lower center",
    size: int = 11,
) -> None:
    """Add the key of colors and marks below a picture of sections."""
    keys = [
        Patch(facecolor=MINERAL(0.95), label="old bone"),
        Patch(facecolor=MINERAL(0.05), label="young bone"),
        Patch(facecolor=MARROW, edgecolor="0.6", label="marrow"),
        Line2D([], [], color=CEMENT, linewidth=1.5, label="cement line: new bone on old"),
        Patch(facecolor=CAVITY, label="eroded, or in reversal"),
        Patch(facecolor=REFILLED, edgecolor="0.6", label="still to be refilled"),
        Patch(facecolor=OSTEOID, label="osteoid, newest bone"),
        *(
            Line2D([], [], color=one.color, marker=mark_of(one), linestyle="", markersize=7,
                   label=one.label)
            for one in CELL_TYPES
        ),
    ]  # fmt: skip
    figure.legend(handles=keys, loc=place, ncols=3, fontsize=size, frameon=False)
