"""What differs from place to place: surface, marrow supply, strain, and who makes RANKL and OPG."""

from typing import Any

import numpy as np

from remodel.bone.section import Tissue
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
    strain_of_blocks, osteoid_of_blocks : Fractions
        Of each block of sites: strain, 1 where bone and load are the habitual ones, and the
        fraction of the surface nearby that is under osteoid.
    rankl, opg : Floats
        Of each site of the surface, over what estrogen alone would have there: strain lowers
        RANKL, osteoblasts at work nearby add OPG.
    """

    def __init__(self, parameters: Parameters, tissue: Tissue) -> None:
        """Take the section as it is now for the one adapted to its load."""
        self.parameters = parameters
        self.blocks = tissue.blocks
        self.no_marrow = self.blocks.mean(tissue.outside.astype(np.float32))
        bone = self.blocks.mean(tissue.matrix.astype(np.float32))
        self.habitual = self.blocks.around(bone, parameters.strain.reach)
        self.renew(tissue, np.zeros(0, dtype=np.int64))

    def renew(self, tissue: Tissue, forming: Ints) -> None:
        """Measure the surface and its local environment; `forming` are sites under osteoid."""
        p = self.parameters
        self.surface: Ints = tissue.surface_sites()
        self.faces: Floats = tissue.surface_faces(self.surface)
        self.area: Floats = self.faces * tissue.site_face
        self.area_of: Floats = np.zeros(tissue.matrix.size)
        self.area_of[self.surface] = self.area
        at = self.blocks.number(self.surface)
        bone = self.blocks.mean(tissue.matrix.astype(np.float32))
        marrow = self.blocks.around(1.0 - bone - self.no_marrow, p.precursors.reach)
        fraction = marrow.reshape(-1)[at].astype(np.float64)
        self.supply: Floats = np.maximum(fraction, 0.0) ** p.precursors.exponent
        around = self.blocks.around(bone, p.strain.reach)
        self.strain_of_blocks = strain_under_load(p, around, self.habitual)
        strain = self.strain_of_blocks.reshape(-1)[at].astype(np.float64)
        self.rankl: Floats = rankl_under(p, strain)
        self.osteoid_of_blocks = self.osteoid_around(at, forming)
        near = self.osteoid_of_blocks.reshape(-1)[at].astype(np.float64)
        self.opg: Floats = 1.0 + p.osteoblast.opg * near

    def osteoid_around(self, at: Ints, forming: Ints) -> Fractions:
        """Return the fraction of the surface within the reach of OPG that is under osteoid.

        `at` are the blocks of the surface sites.
        """
        under = self.blocks.sums(self.blocks.number(forming), self.area_of[forming])
        surface = self.blocks.sums(at, self.area)
        reach = self.parameters.osteoblast.opg_reach
        part, whole = self.blocks.around(under, reach), self.blocks.around(surface, reach)
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 1e-6 * whole.max())

    @property
    def strain(self) -> Fractions:
        """Strain of each site of the section, 1 where bone and load are the habitual ones."""
        return self.blocks.spread(self.strain_of_blocks)

    def strain_near(self, site: int) -> float:
        """Return the strain at one site."""
        return float(self.strain_of_blocks.reshape(-1)[self.blocks.number(np.array(site))])

    def free_rankl(self, signals: Signals) -> Floats:
        """Return what neither OPG nor an antibody binds of the RANKL at each surface site."""
        return np.asarray(signals.unbound(self.rankl * self.rankl_under_load(signals), self.opg))

    def rankl_over_opg(self, signals: Signals) -> Floats:
        """Return RANKL over OPG at each surface site, over that of a patient without estrogen."""
        rankl = np.maximum(
            0.0, signals.rankl * self.rankl_under_load(signals) * self.rankl + signals.added_rankl
        )
        return np.asarray(rankl / (signals.opg * self.opg))

    def rankl_under_load(self, signals: Signals) -> float:
        """Return what the load on the whole skeleton makes of RANKL."""
        return float(rankl_under(self.parameters, signals.load))

    def free_rankl_near(self, sites: Ints, signals: Signals) -> Floats:
        """Return the same at any sites, of the surface or not."""
        at = self.blocks.number(sites)
        strain = self.strain_of_blocks.reshape(-1)[at].astype(np.float64)
        osteoid = self.osteoid_of_blocks.reshape(-1)[at].astype(np.float64)
        rankl = rankl_under(self.parameters, strain) * self.rankl_under_load(signals)
        return np.asarray(signals.unbound(rankl, 1.0 + self.parameters.osteoblast.opg * osteoid))

    def mean(self, values: Floats) -> float:
        """Return the mean over the surface of what each of its sites has; 0 where there is none."""
        total = self.area.sum()
        return float(self.area @ values / total) if total else 0.0


def rankl_under(parameters: Parameters, strain: Any) -> Any:
    """Return how much RANKL bone makes under a strain, over that under the habitual one."""
    return np.maximum(strain, LEAST) ** -parameters.strain.rankl


def strain_under_load(parameters: Parameters, bone: Fractions, habitual: Fractions) -> Fractions:
    """Return the strain of bone, 1 where bone and load are the habitual ones.

    The load of a neighborhood is shared by the bone that is left in it.
    """
    ratio = np.divide(habitual, bone, out=np.ones_like(bone), where=bone > 1e-3)
    return np.asarray(parameters.strain.load * ratio)
