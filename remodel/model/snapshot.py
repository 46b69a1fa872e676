"""A section at one moment, as a picture needs it."""

from dataclasses import dataclass

import numpy as np

from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES
from remodel.parameters.time_steps import YEAR
from remodel.support.arrays import Floats, Ints, Mask


@dataclass(frozen=True)
class Snapshot:
    """Bone, mineral, cavities and cells of a section; sites are flat indices."""

    year: float
    site_um: float
    matrix: Floats
    mineral: Floats
    cavity: Floats
    outside: Mask
    cells: dict[str, Ints]  # by the name of their type


def take_snapshot(model: BoneModel) -> Snapshot:
    """Copy what a picture shows of a model."""
    tissue = model.tissue
    return Snapshot(
        year=model.day / YEAR,
        site_um=tissue.site_um,
        matrix=tissue.matrix.copy(),
        mineral=tissue.mineral,
        cavity=tissue.cavity.copy(),
        outside=tissue.outside.copy(),
        cells={
            one.name: np.array([cell.site for cell in model.cells_of(one.kind)], dtype=np.int32)
            for one in CELL_TYPES
        },
    )
