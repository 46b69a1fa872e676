"""A section at one moment, as a picture needs it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from remodel.model.bmu import FORMATION, RESORPTION, REVERSAL
from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES
from remodel.model.places import cell_places
from remodel.parameters.time_steps import YEAR
from remodel.support.arrays import Floats, Ints, Mask


@dataclass(frozen=True)
class Snapshot:
    """Bone, mineral, cavities and cells of a section, or of the middle plane of a volume.

    Attributes
    ----------
    year : float
        From day 0.
    site_um : float
        Side of a site, um.
    matrix, mineral : Floats
        Fractions of a site; shape (rows, columns).
    eroded, forming : Mask
        Sites of cavities in which osteoclasts are or were, and of those that are refilled.
    outside : Mask
        Beyond the periosteum.
    cells : dict of str to Ints
        Flat indices of the sites at which cells are drawn, by the name of their type.
    """

    year: float
    site_um: float
    matrix: Floats
    mineral: Floats
    eroded: Mask
    forming: Mask
    outside: Mask
    cells: dict[str, Ints]


def take_snapshot(model: BoneModel) -> Snapshot:
    """Copy what a picture shows of a model."""
    tissue = model.tissue
    return Snapshot(
        year=model.day / YEAR,
        site_um=tissue.site_um,
        matrix=middle_plane(tissue.matrix).copy(),
        mineral=middle_plane(tissue.mineral).copy(),
        eroded=middle_plane(cavities(model, (RESORPTION, REVERSAL))),
        forming=middle_plane(cavities(model, (FORMATION,))),
        outside=middle_plane(tissue.outside).copy(),
        cells={
            one.name: in_middle_plane(cell_places(model, one), tissue.matrix.shape)
            for one in CELL_TYPES
        },
    )


def cavities(model: BoneModel, phases: tuple[str, ...]) -> Mask:
    """Return the sites at which units of some phases have something left to fill."""
    found = np.zeros(model.tissue.matrix.size, dtype=bool)
    for phase in phases:
        found[model.sites_of(phase)] = True
    return found.reshape(model.tissue.matrix.shape)


def middle_plane(field: Any) -> Any:
    """Return a field of a section, or that of the middle plane across the third axis of a volume."""
    while field.ndim > 2:
        field = field[..., field.shape[-1] // 2]
    return field


def in_middle_plane(sites: Ints, shape: tuple[int, ...]) -> Ints:
    """Return the flat indices in that plane of the sites that lie in it."""
    while len(shape) > 2:
        count = shape[-1]
        sites = sites[sites % count == count // 2] // count
        shape = shape[:-1]
    return sites
