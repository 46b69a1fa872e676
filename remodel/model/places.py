"""Where the cells of a unit are, from how far the unit is: what every picture draws.

A cell acts through the floor of its unit; no rule asks where in the cavity it is. A picture does: an
osteoclast lies at the bottom of its lacuna, osteoblasts form a row along the seam.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from remodel.model.bmu import FORMATION
from remodel.support.arrays import Ints

if TYPE_CHECKING:
    from remodel.model.bmu import BMU
    from remodel.model.bone_model import BoneModel
    from remodel.model.cell_types import CellType

WIDTH = 20.0  # um, of an osteoblast in its row


def cell_places(model: BoneModel, kind: CellType) -> Ints:
    """Return the sites at which the cells of a type are drawn; a team at several."""
    places: list[int] = []
    for cell in model.cells_of(kind.kind):
        unit = getattr(cell, "unit", None)
        if unit is None:
            places.append(cell.site)
        elif unit.phase == FORMATION:
            places.extend(seam(model, unit))
        else:
            places.append(bottom(model, unit))
    return np.array(places, dtype=np.int64)


def bottom(model: BoneModel, unit: BMU) -> int:
    """Return the site at the floor of a unit, beneath the place where it began."""
    pits = model.tissue.pits
    rows = pits.rows_of(unit.number)
    own = dict(zip(pits.site[rows].tolist(), rows.tolist(), strict=True))
    site, passed = unit.site, {unit.site}
    while site in own and pits.gone[own[site]] >= 1.0:
        beneath = int(pits.beneath[own[site]])
        if beneath not in own or beneath in passed:
            break
        site = beneath
        passed.add(site)
    return site


def seam(model: BoneModel, unit: BMU) -> list[int]:
    """Return sites along the floor of a unit, one for each width of a cell."""
    pits, tissue = model.tissue.pits, model.tissue
    rows = pits.rows_of(unit.number)
    part = rows[pits.claimed[rows] & (pits.gone[rows] > 0.0) & (pits.gone[rows] < 1.0)]
    step = max(1, round(WIDTH / tissue.site_um))
    found: dict[tuple[int, ...], int] = {}
    for site in sorted(pits.site[part].tolist()):
        place = np.unravel_index(site, tissue.matrix.shape)
        found.setdefault(tuple(int(at) // step for at in place), site)
    return list(found.values()) or [bottom(model, unit)]
