"""The section as one picture: tissue and cells in, an image with few colors out."""

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from math import ceil

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from remodel.bone.section import CORTICAL, Tissue
from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES, PAINTED, CellType
from remodel.model.places import in_plane, middle_plane
from remodel.model.snapshot import Snapshot, take_snapshot
from remodel.report.palette import BONE
from remodel.report.section_painter import FIRST, NEW, PLAIN, SHADES, Pixels, paint_section, shade
from remodel.support.arrays import Floats
from remodel.support.interpolation import repeated
from remodel.viewer.overlays import OVERLAYS, shown

BLACK, WHITE, NO_VALUE = "#000000", "#FFFFFF", "#9A948B"
RAMP = ("#440154", "#31688E", "#35B779", "#FDE725")  # viridis: lighter as it rises, for every eye
BEHIND = FIRST + SHADES  # what comes after the colors of the painter
MARKS = (BLACK, WHITE, NO_VALUE, *(one.color for one in CELL_TYPES))
INK, RIM, GRAY = range(BEHIND, BEHIND + 3)
COLOR_OF = {one.name: index for index, one in enumerate(CELL_TYPES, GRAY + 1)}
SCALE = BEHIND + len(MARKS)
BAR = 500.0  # µm, length of the scale bar
TEXT = 175.0  # µm, height of letters
RING = 130.0  # µm, half the width of the ring around a site
DASH = 16  # pixels, of the line between the compartments and its gaps
Mark = tuple[Floats, Floats, Pixels]


def rgb(color: str) -> tuple[int, ...]:
    """Return red, green and blue of a color such as ``"#D55E00"``."""
    return tuple(ImageColor.getrgb(color)[:3])


def ramp(colors: Sequence[str]) -> Floats:
    """Return `SHADES` colors from the first of some to the last, shape (SHADES, 3)."""
    stops, places = np.array([rgb(color) for color in colors]), np.linspace(0, 1, len(colors))
    at = np.linspace(0, 1, SHADES)
    return np.stack([np.interp(at, places, channel) for channel in stops.T], axis=1)


@lru_cache(maxsize=1)
def palette() -> bytes:
    """Return every color that an image may hold, three bytes each."""
    plain, marks = (np.array([rgb(color) for color in colors]) for colors in (PLAIN, MARKS))
    table = np.concatenate([plain, ramp(BONE), marks, ramp(RAMP)])
    return bytes(table.round().astype(np.uint8).tobytes())


def paint(model: BoneModel, picture: Snapshot, overlay: str, pixels: int) -> Pixels:
    """Return the color of each pixel under an overlay, some pixels a site, without cells."""
    image = paint_section(picture, pixels)
    if overlay in OVERLAYS:
        where, values = shown(OVERLAYS[overlay], model)
        solid = image >= NEW
        image[solid] = GRAY
        colors = repeated(SCALE + shade(values), pixels)
        over = solid & repeated(where, pixels)
        image[over] = colors[over]
    return image


@lru_cache(maxsize=16)
def mark(round_: bool, side: int, color: int) -> Mark:
    """Return a mark some pixels wide: pixels from its middle, and their colors.

    A disc has a white rim.
    """
    y, x = (part.ravel() - 0.5 * (side - 1) for part in np.mgrid[:side, :side])
    away = np.hypot(y, x) if round_ else np.zeros(side * side)
    inside = away <= 0.5 * side
    rim = away[inside] > 0.5 * side - 1
    return y[inside], x[inside], np.where(rim, RIM, color).astype(np.uint8)


def stamp(image: Pixels, places: Floats, pixels: int, shape: Mark) -> None:
    """Put a mark on places, in sites; rows go round, columns end at the edge."""
    y, x, colors = shape
    row, column = (places * pixels).T
    down = np.floor(row[:, None] + y).astype(int) % image.shape[0]
    right = np.floor(column[:, None] + x).astype(int)
    image[down, np.clip(right, 0, image.shape[1] - 1)] = colors


def draw_cells(image: Pixels, picture: Snapshot, pixels: int) -> None:
    """Mark the cells, those of the first type on top."""
    for one in PAINTED:
        stamp(image, picture.cells[one.name], pixels, cell_mark(one, pixels / picture.site_um))


def cell_mark(one: CellType, scale: float) -> Mark:
    """Return the mark of a type of cells, where a micrometer has so many pixels.

    Squares stand side by side, with a gap between them.
    """
    side = round(one.size * scale)
    side = max(5, side) if one.round else max(3, side - 1)
    return mark(one.round, side, COLOR_OF[one.name])


def draw_section(model: BoneModel, overlay: str, pixels: int, site: int | None = None) -> Pixels:
    """Return the section with its cells, some pixels a site, shape (height, width).

    Parameters
    ----------
    overlay : str
        A name in `viewer.overlays.CHOICES`.
    pixels : int
        Side of a site.
    site : int, optional
        A site to put a ring around.
    """
    picture = take_snapshot(model)
    image = paint(model, picture, overlay, pixels)
    draw_cells(image, picture, pixels)
    if site is not None:
        row, column, _ = in_plane(site, model.tissue.matrix.shape)
        ring = ring_of(round(2 * RING * pixels / picture.site_um))
        stamp(image, np.array([[row + 0.5, column + 0.5]]), pixels, ring)
    return image


def ring_of(side: int) -> Mark:
    """Return the mark that goes round a site."""
    y, x, colors = mark(True, side, INK)
    line = np.hypot(y, x) > 0.5 * side - 2.5
    return y[line], x[line], np.full_like(colors[line], INK)


def pixels_of(tissue: Tissue, um: float) -> int:
    """Return how many pixels of about some micrometers there are along the side of a site."""
    return max(1, round(tissue.site_um / um))


def draw_close_up(model: BoneModel, site: int, reach: float, um: float) -> bytes:
    """Return what lies within a reach of a site, um, as PNG with pixels of some micrometers."""
    pixels = pixels_of(model.tissue, um)
    row, column, _ = in_plane(site, model.tissue.matrix.shape)
    picture = take_snapshot(model).around(row, column, ceil(reach / model.tissue.site_um))
    image = paint_section(picture, pixels)
    draw_cells(image, picture, pixels)
    return as_png(with_palette(image))


def label_section(image: Image.Image, tissue: Tissue, pixels: int) -> None:
    """Name the two compartments and draw the scale bar."""
    scale = pixels / tissue.site_um
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=TEXT * scale)
    inner = np.flatnonzero((tissue.region == CORTICAL).any(axis=(0, *range(2, tissue.region.ndim))))
    edge = int(inner[0]) * pixels if inner.size else image.width
    for text, left in (("trabecular", 8), ("cortical", edge + 8)):
        if left < image.width:
            write(pen, (left, 4), text, font)
    width, low = round(BAR * scale), image.height - 12
    write(pen, (8, low - round(TEXT * scale) - 12), f"{BAR / 1000:g} mm", font)
    pen.rectangle([(8, low), (8 + width, low + 4)], fill=INK, outline=RIM)


def part(image: Pixels, tissue: Tissue, pixels: int) -> None:
    """Draw a dashed line between the compartments."""
    cortical = repeated(middle_plane(tissue.region) == CORTICAL, pixels)
    edge = np.zeros_like(cortical)
    for width in (1, 2):
        edge[:, width:] |= cortical[:, width:] != cortical[:, :-width]
        edge[width:] |= cortical[width:] != cortical[:-width]
    edge &= ~repeated(middle_plane(tissue.outside), pixels)
    y, x = np.nonzero(edge)
    dash = (y + x) % (2 * DASH) < DASH
    image[y[dash], x[dash]] = INK


def write(
    pen: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write on a white plate, so that it can be read on bone and on marrow."""
    pen.rectangle(pen.textbbox(place, text, font=font), fill=RIM, outline=RIM, width=2)
    pen.text(place, text, fill=INK, font=font)


def as_picture(model: BoneModel, overlay: str, pixels: int, site: int | None = None) -> Image.Image:
    """Return the labeled section as an image with a palette."""
    image = draw_section(model, overlay, pixels, site)
    part(image, model.tissue, pixels)
    picture = with_palette(image)
    label_section(picture, model.tissue, pixels)
    return picture


def with_palette(image: Pixels) -> Image.Image:
    """Return pixels as an image with their colors."""
    picture = Image.fromarray(image)
    picture.putpalette(palette())
    return picture


def as_png(picture: Image.Image) -> bytes:
    """Return an image as the bytes of a PNG file, packed quickly."""
    file = BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()
