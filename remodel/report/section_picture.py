"""Pictures of sections: bone by its mineral, cavities, cells."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.ndimage import zoom

from remodel.bone.section import HALF
from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES, PAINTED
from remodel.model.snapshot import Snapshot, take_snapshot
from remodel.report.figures import LARGER, mark_of
from remodel.report.fonts import save_figure
from remodel.report.palette import BONE, CAVITY, MARROW, MINERAL_RANGE, OSTEOID, OUTSIDE, as_label
from remodel.support.arrays import Floats, Mask

MINERAL = LinearSegmentedColormap.from_list("mineral", BONE)
SCALES = (0.1, 0.5, 2.0, 5.0)  # mm; the length of the bar
WIDTH = 3.4  # inches of one section among several
CELL = 0.03  # mm; marks of cells are about to scale
FINER = 4  # points of a picture on each side of a site
CEMENT_SLOPE, CEMENT_DARK = 0.05, 0.45  # of mineral from site to site; how dark a line is
Pictures = Mapping[tuple[str, float], Snapshot]


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


def section_image(picture: Snapshot) -> Floats:
    """Return the colors of a section: marrow, bone by its mineral, what is eroded or refilled.

    Between the middles of sites all is interpolated, `FINER` times as fine, so that surfaces are
    as smooth as the fractions of the sites say. Where mineral changes sharply within bone, new
    bone meets old: the cement line.
    """
    matrix = finer(picture.matrix)
    mineral = np.divide(finer(picture.mineral), matrix, out=np.ones_like(matrix), where=matrix > 0)
    low, high = MINERAL_RANGE
    bone = MINERAL((mineral - low) / (high - low))[..., :3]
    slope = np.hypot(*np.gradient(mineral)) * FINER
    bone = bone * (1 - CEMENT_DARK * np.clip(slope / CEMENT_SLOPE - 1, 0, 1))[..., None]
    image = np.full(bone.shape, to_rgb(MARROW))
    image[finer(picture.outside) >= HALF] = to_rgb(OUTSIDE)
    image[finer(picture.eroded) >= HALF] = to_rgb(CAVITY)
    image[finer(picture.forming) >= HALF] = to_rgb(OSTEOID)
    solid = matrix >= HALF
    image[solid] = bone[solid]
    return np.asarray(np.clip(image, 0, 1))


def finer(field: Floats | Mask) -> Floats:
    """Return a field interpolated between the middles of sites; the long axis goes round."""
    around = np.pad(field.astype(float), ((1, 1), (0, 0)), mode="wrap")
    around = np.pad(around, ((0, 0), (1, 1)), mode="edge")
    fine = zoom(around, FINER, order=1, mode="nearest", grid_mode=True)
    return np.asarray(fine[FINER:-FINER, FINER:-FINER])


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
        Patch(facecolor=CAVITY, label="eroded: being resorbed, or in reversal"),
        Patch(facecolor=OSTEOID, label="being refilled by osteoblasts"),
        *(
            Line2D([], [], color=one.color, marker=mark_of(one), linestyle="", markersize=7,
                   label=one.label)
            for one in CELL_TYPES
        ),
    ]  # fmt: skip
    figure.legend(handles=keys, loc=place, ncols=3, fontsize=size, frameon=False)
