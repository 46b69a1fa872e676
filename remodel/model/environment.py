"""What differs from place to place: surface, marrow supply, strain, and who makes RANKL and OPG."""

from typing import Any

import numpy as np

from remodel.bone.section import Tissue, flat_view
from remodel.model.signals import Signals
from remodel.parameters.parameters import Parameters
from remodel.support.arrays import Floats, Fractions, Ints

LEAST = 0.05  # strain, of the habitual one: beneath it RANKL rises no further


class LocalEnvironment:
    """What differs from place to place, measured at each site of the surface.

    Renewed on a calendar of its own, slower than a step, because geometry changes
    over months.

    Attributes
    ----------
    surface : Ints
        Flat indices of the sites that border open marrow.
    faces : Floats
        Surface that each of them stands for, in faces of a site.
    area : Floats
        The same in mm, or in a volume in mm2.
    area_of : Floats
        The same for each site of the section, 0 off the surface.
    supply : Floats
        Of osteoclast precursors from the marrow around, 0 to 1.
    strain : Fractions
        Of each site of the section, 1 where bone and load are the habitual ones.
    rankl, opg : Floats
        Of each site of the surface, over what estrogen alone would have there: strain lowers
        RANKL, osteoblasts at work nearby add OPG.
    """

    def __init__(self, parameters: Parameters, tissue: Tissue) -> None:
        """Take the section as it is now for the one adapted to its load."""
        self.parameters = parameters
        self.habitual = tissue.bone_fraction(parameters.strain.reach)
        self.renew(tissue, np.zeros(0, dtype=np.int64))

    def __getstate__(self) -> dict[str, Any]:
        """Return what is copied; the views of single sites are opened anew there."""
        return {k: v for k, v in vars(self).items() if not k.endswith("_at")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was copied."""
        vars(self).update(state)
        self.share_memory()

    def share_memory(self) -> None:
        """Open the views through which cells read single sites."""
        self.strain_at = flat_view(self.strain)
        self.osteoid_at = flat_view(self.osteoid)

    def renew(self, tissue: Tissue, forming: Ints) -> None:
        """Measure the surface and its local environment; `forming` are sites under osteoid."""
        p = self.parameters
        self.surface: Ints = tissue.surface_sites()
        self.faces: Floats = tissue.surface_faces(self.surface)
        self.area: Floats = self.faces * tissue.site_face
        self.area_of: Floats = np.zeros(tissue.matrix.size)
        self.area_of[self.surface] = self.area
        fraction = tissue.marrow_fraction(p.precursors.reach, self.surface)
        self.supply: Floats = (
            np.maximum(fraction, 0.0).astype(np.float64) ** p.precursors.exponent
        )
        self.strain = strain_around(p, tissue, self.habitual)
        self.osteoid = self.osteoid_around(tissue, forming)
        self.share_memory()
        strain = self.strain.reshape(-1)[self.surface].astype(np.float64)
        self.rankl: Floats = rankl_under(p, strain)
        near = self.osteoid.reshape(-1)[self.surface].astype(np.float64)
        self.opg: Floats = 1.0 + p.osteoblast.opg * near

    def osteoid_around(self, tissue: Tissue, forming: Ints) -> Fractions:
        """Return the fraction of the surface within the reach of OPG that is under osteoid."""
        p = self.parameters.osteoblast
        if not p.opg:
            return np.zeros(tissue.matrix.shape, dtype=np.float32)
        surface = np.zeros(tissue.matrix.size, dtype=np.float32)
        surface[self.surface] = self.faces
        osteoid = np.zeros_like(surface)
        osteoid[forming] = surface[forming]
        all_of_it, part = (
            tissue.mean_around(field.reshape(tissue.matrix.shape), p.opg_reach)
            for field in (surface, osteoid)
        )
        near = np.zeros_like(part)
        return np.divide(part, all_of_it, out=near, where=all_of_it > 1e-6)

    def free_rankl(self, signals: Signals) -> Floats:
        """Return what neither OPG nor an antibody binds of the RANKL at each surface site."""
        return np.asarray(signals.unbound(self.rankl * self.rankl_under_load(signals), self.opg))

    def rankl_under_load(self, signals: Signals) -> float:
        """Return what the load on the whole skeleton makes of RANKL."""
        return float(rankl_under(self.parameters, signals.load))

    def free_rankl_at(self, site: int, signals: Signals) -> float:
        """Return the same at one site, of the surface or not."""
        p = self.parameters
        strain = max(self.strain_at[site], LEAST) * max(signals.load, LEAST)
        opg = 1.0 + p.osteoblast.opg * self.osteoid_at[site]
        return float(signals.unbound(strain**-p.strain.rankl, opg))

    def mean(self, values: Floats) -> float:
        """Return the mean over the surface of what each of its sites has; 0 where there is none."""
        total = self.area.sum()
        return float(self.area @ values / total) if total else 0.0


def rankl_under(parameters: Parameters, strain: Any) -> Any:
    """Return how much RANKL bone makes under a strain, over that under the habitual one."""
    return np.maximum(strain, LEAST) ** -parameters.strain.rankl


def strain_around(parameters: Parameters, tissue: Tissue, habitual: Fractions) -> Fractions:
    """Return the strain of each site, 1 where bone and load are the habitual ones.

    The load of a neighborhood is shared by the bone that is left in it.
    """
    bone = tissue.bone_fraction(parameters.strain.reach)
    ratio = np.divide(habitual, bone, out=np.ones_like(bone), where=bone > 1e-3)
    return np.asarray(parameters.strain.load * ratio)
