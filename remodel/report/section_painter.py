"""The painter of sections for print, film and page: which color each point of a picture has."""

from typing import Any

import numpy as np

from remodel.bone.section import HALF
from remodel.model.snapshot import Snapshot
from remodel.report.palette import (
    CAVITY,
    CEMENT,
    MARROW,
    MINERAL_RANGE,
    OSTEOID,
    OUTSIDE,
    REFILLED,
)
from remodel.support.arrays import Fractions, Mask
from remodel.support.interpolation import finer, repeated

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
PLAIN = (OUTSIDE, MARROW, CAVITY, REFILLED, OSTEOID, CEMENT)
OUT, OPEN, ERODED, FORMING, NEW, LINE, FIRST = range(len(PLAIN) + 1)
LEAST = np.float32(1e-6)  # matrix of a point
SHADES = 64  # of bone, from fresh to fully mineralized
FRESH = 0.96  # of what new matrix lacks in mineral: laid within six weeks
STEP = 0.03  # of mineral from site to site, from which on new bone is told from old


def paint_section(picture: Snapshot, points: int) -> Pixels:
    """Return the color of each point as a number: in `PLAIN`, or `FIRST` and the shade of bone.

    Where bone, or bone and cavity, fill half a site, there is its surface: as smooth as the
    fractions of the sites say.

    Parameters
    ----------
    picture : Snapshot
        What to paint.
    points : int
        Along each side of a site.
    """
    matrix = finer(picture.matrix, points)
    mineral = finer(picture.mineral, points)
    solid = matrix >= HALF
    fraction = np.divide(mineral, np.maximum(matrix, LEAST, out=matrix), out=mineral)
    low, high = MINERAL_RANGE
    empty = np.where(picture.outside, OUT, OPEN).astype(np.uint8)
    image: Pixels = repeated(empty, points)
    cavity = np.where(picture.eroded, ERODED, np.where(picture.forming, FORMING, empty))
    held = finer(picture.matrix + picture.cavity, points) >= HALF
    np.copyto(image, repeated(cavity.astype(np.uint8), points), where=held)
    bone = shade((fraction - low) / (high - low)) + np.uint8(FIRST)
    bone[fraction < 1 - FRESH * (1 - low)] = NEW
    np.copyto(image, bone, where=solid)
    image[cement_lines(fraction, solid, points)] = LINE
    return image


def shade(values: Any) -> Pixels:
    """Return the shade of values from 0 to 1."""
    return np.asarray(np.clip(values, 0, 1) * (SHADES - 1) + 0.5).astype(np.uint8)


def cement_lines(fraction: Fractions, solid: Mask, points: int) -> Mask:
    """Return the points at which new bone meets old: where mineral changes most, and sharply.

    The model has no cement lines. They are seen for as long as the two differ in mineral.
    """
    columns = fraction.shape[1]
    down, right = np.zeros_like(fraction), np.zeros_like(fraction)
    np.subtract(fraction[2:], fraction[:-2], out=down[1:-1])
    np.subtract(fraction[:, 2:], fraction[:, :-2], out=right[:, 1:-1])
    steep = down * down
    steep += right * right
    wanted = solid & (steep > np.float32(2 * STEP / points) ** 2)
    wanted[[0, -1]] = wanted[:, [0, -1]] = False
    at = np.flatnonzero(wanted)
    steep, down, right = (field.reshape(-1) for field in (steep, down, right))
    here = steep[at]
    ahead = np.rint(down[at] / np.sqrt(here)) * columns + np.rint(right[at] / np.sqrt(here))
    ahead = ahead.astype(np.int64)
    found = np.zeros_like(solid)
    found.reshape(-1)[at[(here >= steep[at - ahead]) & (here > steep[at + ahead])]] = True
    return found
