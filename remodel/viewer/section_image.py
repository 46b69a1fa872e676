"""The section as one picture: tissue and cells in, an image with few colors out."""

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from remodel.bone.section import CORTICAL, HALF, Tissue
from remodel.model.bmu import AT_WORK
from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES, PAINTED, CellType
from remodel.model.places import cell_places
from remodel.model.snapshot import cavities, in_middle_plane, middle_plane
from remodel.report.palette import BONE, CAVITY, MARROW, MINERAL_RANGE, OUTSIDE, SKY
from remodel.support.arrays import Floats, Ints, Mask
from remodel.viewer.overlays import OVERLAYS, shown

BLACK, WHITE, PLAIN = "#000000", "#FFFFFF", "#9A948B"
CORTEX = ("#D5DAE1", "#A6AFBD", "#6B7688")  # cool where trabecular bone is warm
RAMP = ("#440154", "#31688E", "#35B779", "#FDE725")  # viridis: lighter as it rises, for every eye
OF_SECTION = (OUTSIDE, MARROW, CAVITY, SKY, BLACK, WHITE, PLAIN)
OUT, OPEN, ERODED, OSTEOID, INK, RIM, GRAY = range(len(OF_SECTION))
SOLID = (*OF_SECTION, *(one.color for one in CELL_TYPES))
COLOR_OF = {one.name: index for index, one in enumerate(CELL_TYPES, len(OF_SECTION))}
SHADES = 64
WARM, COOL, SCALE = (len(SOLID) + SHADES * index for index in range(3))
FRESH = 0.9  # of what new matrix lacks in mineral: laid within about three months
BAR = 500.0  # µm, length of the scale bar
TEXT = 7  # sites, height of letters
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


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
    solid = np.array([rgb(color) for color in SOLID], dtype=float)
    table = np.concatenate([solid, ramp(BONE), ramp(CORTEX), ramp(RAMP)])
    return bytes(table.round().astype(np.uint8).tobytes())


def shade(values: Floats) -> Pixels:
    """Return the shade of values from 0 to 1."""
    return np.asarray(np.clip(values, 0, 1) * (SHADES - 1) + 0.5).astype(np.uint8)


def paint_tissue(tissue: Tissue, at_work: Mask) -> Pixels:
    """Return the color of each site: bone by mineral and part, marrow, eroded, osteoid.

    `at_work` are the sites at which units have something left to fill.
    """
    matrix, mineral = tissue.matrix, tissue.mineral
    fraction = np.divide(mineral, matrix, out=np.ones_like(matrix), where=matrix > 0)
    low, high = MINERAL_RANGE
    bone = shade((fraction - low) / (high - low))
    bone += np.where(tissue.region == CORTICAL, COOL, WARM).astype(np.uint8)
    bone[fraction < 1 - FRESH * (1 - low)] = OSTEOID
    empty = np.where(tissue.outside, OUT, OPEN)
    image = np.where(matrix >= HALF, bone, empty).astype(np.uint8)
    image[at_work & (matrix < HALF)] = ERODED
    return np.asarray(middle_plane(image))


def paint(model: BoneModel, overlay: str) -> Pixels:
    """Return the color of each site under an overlay."""
    image = paint_tissue(model.tissue, cavities(model, AT_WORK))
    if overlay in OVERLAYS:
        where, values = shown(OVERLAYS[overlay], model)
        image[image >= WARM] = GRAY
        image[where] = SCALE + shade(values[where])
    return image


@lru_cache(maxsize=16)
def mark(round_: bool, reach: int, color: int) -> tuple[Ints, Ints, Pixels]:
    """Return the pixels of a mark around its middle, and their colors, with a white rim."""
    y, x = (part.ravel() for part in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    away = np.hypot(y, x) if round_ else np.maximum(abs(y), abs(x))
    inside = away <= reach
    colors = np.where(away[inside] > reach - 1.5, RIM, color).astype(np.uint8)
    return y[inside], x[inside], colors


def stamp(
    image: Pixels, sites: Ints, columns: int, pixels: int, shape: tuple[Ints, Ints, Pixels]
) -> None:
    """Put a mark on the middle of each site; rows go round, columns end at the edge."""
    y, x, colors = shape
    row, column = np.divmod(sites, columns)
    down = (row[:, None] * pixels + pixels // 2 + y) % image.shape[0]
    right = np.clip(column[:, None] * pixels + pixels // 2 + x, 0, image.shape[1] - 1)
    image[down, right] = colors


def draw_cells(image: Pixels, model: BoneModel, pixels: int) -> None:
    """Mark the cells, those of the first type on top."""
    for one in PAINTED:
        columns = model.tissue.matrix.shape[1]
        stamp(image, cell_sites(model, one), columns, pixels, cell_mark(one, pixels))


def cell_mark(one: CellType, pixels: int) -> tuple[Ints, Ints, Pixels]:
    """Return the mark of a type of cells, where a site has so many pixels."""
    return mark(one.round, 2 * pixels if one.large else pixels + 1, COLOR_OF[one.name])


def cell_sites(model: BoneModel, one: CellType) -> Ints:
    """Return the sites of the cells of a type."""
    return in_middle_plane(cell_places(model, one), model.tissue.matrix.shape)


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
    image = paint(model, overlay).repeat(pixels, 0).repeat(pixels, 1)
    draw_cells(image, model, pixels)
    if site is not None:
        y, x, _ = mark(True, 5 * pixels, INK)
        ring = np.hypot(y, x) > 5 * pixels - 2.5
        black = np.full(int(ring.sum()), INK, dtype=np.uint8)
        stamp(
            image, np.array([site]), model.tissue.matrix.shape[1], pixels, (y[ring], x[ring], black)
        )
    return image


def draw_close_up(model: BoneModel, site: int, reach: int, pixels: int) -> bytes:
    """Return what lies within a reach of a site as PNG, both in sites."""
    rows, columns = model.tissue.matrix.shape
    top = site // columns - reach
    left = min(max(0, site % columns - reach), max(0, columns - 2 * reach - 1))
    image = np.roll(paint_tissue(model.tissue, cavities(model, AT_WORK)), -top, 0)
    image = image[: 2 * reach + 1, left : left + 2 * reach + 1]
    image = image.repeat(pixels, 0).repeat(pixels, 1)
    for one in PAINTED:
        row, column = np.divmod(cell_sites(model, one), columns)
        row, column = (row - top) % rows, column - left
        inside = (row <= 2 * reach) & (column >= 0) & (column <= 2 * reach)
        across = image.shape[1] // pixels
        shape = cell_mark(one, pixels // 2)
        stamp(image, (row * across + column)[inside], across, pixels, shape)
    picture = Image.fromarray(image)
    picture.putpalette(palette())
    return as_png(picture)


def label_section(image: Image.Image, tissue: Tissue, pixels: int) -> None:
    """Name the two compartments, part them by a line, and draw the scale bar."""
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=TEXT * pixels)
    inner = np.flatnonzero((tissue.region == CORTICAL).any(axis=0))
    edge = int(inner[0]) * pixels if inner.size else image.width
    for y in range(0, image.height, 4 * pixels):
        pen.line([(edge, y), (edge, y + 2 * pixels)], fill=INK, width=max(1, pixels // 3))
    for text, left in (("trabecular", 2 * pixels), ("cortical", edge + 2 * pixels)):
        if left < image.width:
            write(pen, (left, pixels), text, font)
    width, low = round(BAR / tissue.site_um * pixels), image.height - 3 * pixels
    write(pen, (2 * pixels, low - (TEXT + 3) * pixels), f"{BAR / 1000:g} mm", font)
    pen.rectangle([(2 * pixels, low), (2 * pixels + width, low + pixels)], fill=INK, outline=RIM)


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
    picture = Image.fromarray(draw_section(model, overlay, pixels, site))
    picture.putpalette(palette())
    label_section(picture, model.tissue, pixels)
    return picture


def as_png(picture: Image.Image) -> bytes:
    """Return an image as the bytes of a PNG file, packed quickly."""
    file = BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()
