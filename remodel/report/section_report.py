"""The segmentation of an image: a picture, the histomorphometry, the section as a file."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from remodel.bone.files import load_section, save_section, section_sum
from remodel.bone.images import Segmentation
from remodel.bone.section import CORTICAL, OUTSIDE, REGIONS, TRABECULAR, Tissue
from remodel.measurement.histomorphometry import INDICES, structure
from remodel.report.fonts import save_figure
from remodel.report.palette import MARROW
from remodel.report.section_picture import draw_scale
from remodel.support.arrays import Floats
from remodel.support.files import atomic_file, open_folder, write_atomically

OUTPUTS = ("section.npz", "section.png", "histomorphometry.csv")
COLORS = (  # dark and light, told apart in gray too: bone, then the space in it
    ("trabecular bone", "#0072B2", "marrow", MARROW, TRABECULAR),
    ("cortical bone", "#8C3A00", "pores of the cortex", "#F0B27A", CORTICAL),
)
BEYOND = "#BBBBBB"
DRAWN = 1500  # pixels along a side are enough for a picture


def write_overview(found: Segmentation, folder: Path | str) -> pd.DataFrame:
    """Write section, picture and table into a folder; return the table.

    The folder must be new or hold the very same section.
    """
    folder = Path(folder)
    check_place(found.tissue, folder)
    open_folder(folder)
    save_section(found.tissue, folder / OUTPUTS[0], found.about)  # first: it marks the folder
    table = structure_table(found.tissue)
    write_atomically(
        folder / "histomorphometry.csv", str(table.to_csv(index=False, lineterminator="\n"))
    )
    with atomic_file(folder / "section.png") as temporary:
        plot_segmentation(found, temporary)
    return table


def check_place(tissue: Tissue, folder: Path) -> None:
    """Refuse a folder that holds another section, or other files but no section."""
    file = folder / "section.npz"
    if file.exists():
        if section_sum(load_section(file)) != section_sum(tissue):
            raise ValueError(
                f"{folder} already holds another section; choose another --out or remove the folder"
            )
    elif folder.is_dir() and any(not item.name.startswith(".") for item in folder.iterdir()):
        raise ValueError(f"{folder} holds files but no section; choose another --out")


def structure_table(tissue: Tissue) -> pd.DataFrame:
    """Return the histomorphometry that needs no cells: a row for each index, by compartment."""
    found = {region: structure(tissue, region) for region in REGIONS}
    rows = [
        {"index": item.name, "unit": item.unit, "meaning": item.meaning}
        | {region: values.get(item.name, np.nan) for region, values in found.items()}
        for item in INDICES
        if any(item.name in values for values in found.values())
    ]
    return pd.DataFrame(rows)


def describe_section(found: Segmentation, name: str) -> str:
    """Return lines that describe the segmentation."""
    tissue, scan = found.tissue, found.about["scan"]
    rows, columns = tissue.matrix.shape
    side = tissue.site_um / 1000
    high, wide = found.gray.shape
    areas = [
        f"{(tissue.region == label).sum() * side**2:.2f} mm2 {region}"
        for region, label in {**REGIONS, "beyond the periosteum": OUTSIDE}.items()
    ]
    contrast = "darker" if scan["dark"] else "lighter"
    ends = f"{rows * side:.2f} mm from top to bottom, which are joined"
    lines = (
        f"{name}: {wide} x {high} pixels",
        f"pixel size {found.pixel}",
        f"bone: {contrast} than gray level {found.threshold:g}",
        f"section: {rows} x {columns} sites of {tissue.site_um:g} µm, {columns * side:.2f} mm wide",
        f"long axis: {ends}; {found.mismatch:.0%} of the sites there do not fit",
        f"compartments: {', '.join(areas)}",
        *([f"mask: {found.mask}"] if found.mask else []),
        *(f"note: {line}" for line in found.notes),
        *warn_of(tissue),
    )
    return "\n".join(lines)


def warn_of(tissue: Tissue) -> list[str]:
    """Return a line for each thing that will make results other than one expects."""
    return [
        f"note: no {region} bone was found; virtual DXA will count it as unchanged (try --mask)"
        for region, label in REGIONS.items()
        if not tissue.matrix[tissue.region == label].any()
    ]


def format_structure(table: pd.DataFrame) -> str:
    """Return the table as text for the terminal."""
    head = f"{'':12}{'unit':8}" + "".join(f"{region:>12}" for region in REGIONS)
    lines = [head]
    for row in table.to_dict("records"):
        values = "".join(
            f"{'-' if np.isnan(row[region]) else format(row[region], '.3g'):>12}"
            for region in REGIONS
        )
        lines.append(f"{row['index']:12}{row['unit']:8}{values}  {row['meaning']}")
    return "\n".join(lines)


def plot_segmentation(found: Segmentation, path: Path) -> None:
    """Draw the image as it was read, and beside it the section that was made of it."""
    rows, columns = found.tissue.matrix.shape
    tall = min(10.0, max(3.0, 5.0 * rows / columns))
    figure = Figure(figsize=(10.4, tall + 1.2), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    side = found.tissue.site_um / 1000
    read = rows // 2 if found.about["scan"]["mirror"] else rows
    step = max(1, max(found.gray.shape) // DRAWN)
    left.imshow(found.gray[::step, ::step], cmap="gray", extent=(0, columns * side, read * side, 0))
    left.set_title("image, as read")
    right.imshow(
        compartment_image(found.tissue),
        extent=(0, columns * side, rows * side, 0),
        interpolation="nearest",
    )
    right.set_title("section, as segmented")
    for axis in (left, right):
        axis.set(xticks=[], yticks=[], ylim=(rows * side, 0))
    draw_scale(right, rows * side)
    figure.legend(handles=legend(), loc="outside lower center", ncols=5, frameon=False, fontsize=10)
    save_figure(figure, path)


def compartment_image(tissue: Tissue) -> Floats:
    """Return colors of the sites: bone and space of each compartment."""
    colors = np.full((*tissue.matrix.shape, 3), to_rgb(BEYOND))
    for _, bone, _, space, label in COLORS:
        here = tissue.region == label
        colors[here] = to_rgb(space)
        colors[here & (tissue.matrix > 0)] = to_rgb(bone)
    return colors


def legend() -> list[Patch]:
    """Return the keys of the colors."""
    keys = []
    for bone_name, bone, space_name, space, _ in COLORS:
        keys.append(Patch(facecolor=bone, label=bone_name))
        keys.append(Patch(facecolor=space, edgecolor="0.6", label=space_name))
    return [*keys, Patch(facecolor=BEYOND, label="beyond the periosteum")]
