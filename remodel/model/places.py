"""Where the cells of a unit are, from how far the unit is: what print, film and page draw.

A cell acts through the floor of its unit; no rule asks where in the cavity it is. A picture does: an
osteoclast lies at the bottom of its lacuna, osteoblasts form a row along the seam. Both lie on the
surface of the bone as it is drawn, where that runs through what their unit has taken.

A volume is drawn by its middle plane across the third axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from remodel.bone.section import HALF, Tissue
from remodel.model.bmu import FORMATION
from remodel.model.cell_types import CELL_TYPES, CellType
from remodel.support.arrays import Floats, Ints
from remodel.support.interpolation import finer

if TYPE_CHECKING:
    from remodel.model.bmu import BMU
    from remodel.model.bone_model import BoneModel

FINE = 9.0  # um, at most, from point to point along the surface
NEAR = 1.5  # sites from the birthplace of a unit that has resorbed nothing yet
NO_PLACES: Floats = np.zeros((0, 2))


class Line(NamedTuple):
    """Points of the surface: their places and normals, row and column, in sites.

    The middle of the first site of all is at 0.5, 0.5; normals point to marrow.
    """

    at: Floats
    normal: Floats

    def part(self, chosen: Any) -> Line:
        """Return some of the points."""
        return Line(self.at[chosen], self.normal[chosen])


def middle_plane(field: Any) -> Any:
    """Return a field of a section, or that of the middle plane across the third axis of a volume."""
    while field.ndim > 2:
        field = field[..., field.shape[-1] // 2]
    return field


def in_plane(site: int, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return row and column of a site, and how many sites it lies from the plane that is drawn."""
    row, column, *beyond = (int(at) for at in np.unravel_index(site, shape))
    away = (abs(at - count // 2) for at, count in zip(beyond, shape[2:], strict=True))
    return row, column, max(away, default=0)


def site_in_plane(row: int, column: int, shape: tuple[int, ...]) -> int:
    """Return the site that is drawn at a row and a column."""
    place = (row, column, *(count // 2 for count in shape[2:]))
    return int(np.ravel_multi_index(place, shape))


def cell_places(model: BoneModel) -> Mapping[str, Floats]:
    """Return where the cells of each type are drawn, by its name.

    An array for each: row and column in sites; a team of osteoblasts has several rows.
    """
    surface = surface_line(model.tissue)
    parts = parts_of_units(model, surface)
    found = {}
    for kind in CELL_TYPES:
        places = [
            places_of(model, kind, cell, surface, parts) for cell in model.cells_of(kind.kind)
        ]
        found[kind.name] = np.concatenate([NO_PLACES, *places])
    return found


def places_of(
    model: BoneModel, kind: CellType, cell: Any, surface: Line, parts: Mapping[int, Line]
) -> Floats:
    """Return where one cell, or each cell of a team, is drawn; nowhere if far from the plane."""
    tissue, unit = model.tissue, getattr(cell, "unit", None)
    row, column, away = in_plane(cell.site, tissue.matrix.shape)
    begun = np.array([row + 0.5, column + 0.5])
    size = kind.size / tissue.site_um
    if unit is not None and unit.phase == FORMATION:
        own = parts.get(unit.number)
        return NO_PLACES if own is None else along_seam(own, begun, size, tissue)
    if away > 0.5 * size:
        return NO_PLACES
    if unit is None:
        return begun[None]
    return in_lacuna(parts.get(unit.number, surface), unit, begun, size, tissue)


def in_lacuna(line: Line, unit: BMU, begun: Floats, size: float, tissue: Tissue) -> Floats:
    """Return the place of an osteoclast: on the floor of its pit, in the middle."""
    away = np.hypot(*steps(line.at, begun, tissue).T)
    if not len(away) or (not unit.resorbed and away.min() > NEAR):
        return begun[None]
    nearest = int(away.argmin())
    return np.asarray(line.at[nearest] + 0.4 * size * line.normal[nearest])[None]


def along_seam(line: Line, begun: Floats, size: float, tissue: Tissue) -> Floats:
    """Return the places of osteoblasts: side by side upon the seam."""
    aside = steps(line.at, begun, tissue)
    order = np.argsort(aside[:, int(np.ptp(aside, axis=0).argmax())], kind="stable")
    at, aside = (line.at + 0.5 * size * line.normal)[order], aside[order]
    chosen = []
    while len(at):
        chosen.append(at[0])
        left = np.hypot(*(aside - aside[0]).T) >= size
        at, aside = at[left], aside[left]
    return np.array(chosen)


def steps(places: Floats, begun: Floats, tissue: Tissue) -> Floats:
    """Return the steps to some places from another, the shorter way round the long axis."""
    rows = tissue.matrix.shape[0]
    found = places - begun
    found[:, 0] = (found[:, 0] + 0.5 * rows) % rows - 0.5 * rows
    return found


def surface_line(tissue: Tissue) -> Line:
    """Return the points at which the surface of the bone crosses a finer grid."""
    points = ceil(tissue.site_um / FINE)
    matrix = np.where(middle_plane(tissue.outside), 1.0, middle_plane(tissue.matrix))
    fine = finer(matrix, points)
    bone = fine >= HALF
    places, slopes = [], []
    for axis in (0, 1):
        here, there = np.moveaxis(fine, axis, 0)[:-1], np.moveaxis(fine, axis, 0)[1:]
        sides = np.moveaxis(bone, axis, 0)
        along, across = np.nonzero(sides[:-1] != sides[1:])
        low, high = here[along, across], there[along, across]
        place = np.stack([along + (HALF - low) / (high - low), across.astype(float)], axis=1)
        places.append(place[:, ::-1] if axis else place)
        slopes.append(slope_at(fine, np.rint(places[-1]).astype(int)))
    normal = -np.concatenate(slopes)
    length = np.maximum(np.hypot(*normal.T), 1e-9)
    return Line((np.concatenate(places) + 0.5) / points, normal / length[:, None])


def slope_at(fine: Any, places: Ints) -> Floats:
    """Return the slope of a field at some points of its grid."""
    (rows, columns), (row, column) = fine.shape, places.T
    right, left = np.minimum(column + 1, columns - 1), np.maximum(column - 1, 0)
    down = fine[(row + 1) % rows, column] - fine[row - 1, column]
    return np.stack([down, fine[row, right] - fine[row, left]], axis=1).astype(float)


def parts_of_units(model: BoneModel, surface: Line) -> dict[int, Line]:
    """Return the points of the surface in what each unit has taken, by the number of the unit."""
    owner = middle_plane(owners(model))
    rows, columns = owner.shape
    numbers = np.zeros(len(surface.at), dtype=np.int64)
    for step in (0.0, -0.5, 0.5):  # in the seam itself, else just beneath or above
        row, column = np.floor(surface.at + step * surface.normal).astype(int).T
        beside = owner[row % rows, np.clip(column, 0, columns - 1)]
        numbers = np.where(numbers > 0, numbers, beside)
    order = np.argsort(numbers, kind="stable")
    found, first = np.unique(numbers[order], return_index=True)
    groups = np.split(order, first[1:])
    return {
        int(number): surface.part(group)
        for number, group in zip(found, groups, strict=True)
        if number
    }


def owners(model: BoneModel) -> Ints:
    """Return for each site the number of the unit that has something to fill there, else 0."""
    pits = model.tissue.pits
    count = slice(pits.count)
    open_ = (pits.gone[count] > 0.0) | (pits.floor[pits.unit[count]] < 0.0)
    rows = np.flatnonzero(open_ & pits.claimed[count])
    owner = np.zeros(model.tissue.matrix.size, dtype=np.int64)
    owner[pits.site[rows]] = pits.unit[rows]
    return owner.reshape(model.tissue.matrix.shape)
