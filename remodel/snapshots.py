"""A section at one moment, as a picture needs it."""

from dataclasses import dataclass

import numpy as np

from remodel.arrays import Floats, Ints, Mask
from remodel.cells import Osteoblast, Osteoclast
from remodel.model import BoneModel
from remodel.parameters import YEAR


@dataclass(frozen=True)
class Snapshot:
    """Bone, mineral, cavities and cells of a section; sites are flat indices."""

    year: float
    site_um: float
    matrix: Floats
    mineral: Floats
    cavity: Floats
    outside: Mask
    osteoclasts: Ints
    osteoblasts: Ints


def take_snapshot(model: BoneModel) -> Snapshot:
    """Copy what a picture shows of a model."""
    tissue, cells = model.tissue, model.agents_by_type
    return Snapshot(
        year=model.day / YEAR,
        site_um=tissue.site_um,
        matrix=tissue.matrix.copy(),
        mineral=tissue.mineral,
        cavity=tissue.cavity.copy(),
        outside=tissue.outside.copy(),
        osteoclasts=np.array([cell.site for cell in cells.get(Osteoclast, ())], dtype=np.int32),
        osteoblasts=np.array([cell.site for cell in cells.get(Osteoblast, ())], dtype=np.int32),
    )
