"""A section at one moment, as a picture needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from remodel.model.bmu import FORMATION, RESORPTION, REVERSAL
from remodel.model.bone_model import BoneModel
from remodel.model.places import cell_places, middle_plane
from remodel.parameters.time_steps import YEAR
from remodel.support.arrays import Floats, Mask


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
    cavity : Floats
        What units have taken of each site, or keep room for, as a fraction of it.
    eroded, forming : Mask
        Sites of cavities in which osteoclasts are or were, and of those that are refilled.
    outside : Mask
        Beyond the periosteum.
    cells : dict of str to Floats
        Where cells are drawn, by the name of their type: row and column of each, in sites.
    plane : str
        Which plane of a volume it is; empty for a section.
    """

    year: float
    site_um: float
    matrix: Floats
    mineral: Floats
    cavity: Floats
    eroded: Mask
    forming: Mask
    outside: Mask
    cells: Mapping[str, Floats]
    plane: str = ""

    def around(self, row: int, column: int, reach: int) -> "Snapshot":
        """Return what lies within a reach of a site, in sites; cut off where columns end."""
        rows, columns = self.matrix.shape
        down = np.arange(row - reach, row + reach + 1)
        across = np.arange(max(0, column - reach), min(columns, column + reach + 1))
        fields = ("matrix", "mineral", "cavity", "eroded", "forming", "outside")
        window = np.ix_(down % rows, across)
        cut = {name: getattr(self, name)[window] for name in fields}
        cells = {}
        for name, places in self.cells.items():
            moved = places - (down[0], across[0])
            moved[:, 0] %= rows
            inside = ((moved >= 0) & (moved < (len(down), len(across)))).all(axis=1)
            cells[name] = moved[inside]
        return replace(self, cells=cells, **cut)


def take_snapshot(model: BoneModel) -> Snapshot:
    """Copy what a picture shows of a model."""
    tissue = model.tissue
    return Snapshot(
        year=model.day / YEAR,
        site_um=tissue.site_um,
        matrix=middle_plane(tissue.matrix).copy(),
        mineral=middle_plane(tissue.mineral).copy(),
        cavity=middle_plane(tissue.cavity).copy(),
        eroded=middle_plane(cavities(model, (RESORPTION, REVERSAL))),
        forming=middle_plane(cavities(model, (FORMATION,))),
        outside=middle_plane(tissue.outside).copy(),
        cells=cell_places(model),
        plane=plane_of(model),
    )


def plane_of(model: BoneModel) -> str:
    """Return which plane of a volume pictures show; nothing for a section."""
    tissue = model.tissue
    if tissue.matrix.ndim == 2:
        return ""
    return f"middle plane of a volume {tissue.matrix.shape[2] * tissue.site_um / 1000:g} mm deep"


def cavities(model: BoneModel, phases: tuple[str, ...]) -> Mask:
    """Return the sites at which units of some phases have something left to fill."""
    found = np.zeros(model.tissue.matrix.size, dtype=bool)
    for phase in phases:
        found[model.sites_of(phase)] = True
    return found.reshape(model.tissue.matrix.shape)
