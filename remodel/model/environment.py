"""What differs from site to site: the surface, its marrow supply, the strain."""

from typing import Any

import numpy as np

from remodel.bone.section import Tissue, flat_view
from remodel.parameters.parameters import Parameters
from remodel.support.arrays import Floats, Fractions, Ints


class LocalEnvironment:
    """What differs from site to site: the surface, its marrow supply, the strain.

    Renewed on a calendar of its own, slower than a step, because geometry changes
    over months.
    """

    def __init__(self, parameters: Parameters, tissue: Tissue) -> None:
        """Take the section as it is now for the one adapted to its load."""
        self.parameters = parameters
        self.habitual = tissue.bone_fraction(parameters.strain.reach)
        self.renew(tissue)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is copied; the view of single sites is opened anew there."""
        return {name: value for name, value in vars(self).items() if name != "strain_at"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was copied."""
        vars(self).update(state)
        self.strain_at = flat_view(self.strain)

    def renew(self, tissue: Tissue) -> None:
        """Measure the surface and its local environment."""
        reach = self.parameters.precursors.reach
        self.surface: Ints = tissue.surface_sites()
        fraction = tissue.marrow_fraction(reach).reshape(-1)[self.surface]
        self.supply: Floats = (
            np.maximum(fraction, 0.0).astype(np.float64) ** self.parameters.precursors.exponent
        )
        self.strain = strain_around(self.parameters, tissue, self.habitual)
        self.strain_at = flat_view(self.strain)


def strain_around(parameters: Parameters, tissue: Tissue, habitual: Fractions) -> Fractions:
    """Return the strain of each site, 1 where bone and load are the habitual ones.

    The load of a neighborhood is shared by the bone that is left in it.
    """
    bone = tissue.bone_fraction(parameters.strain.reach)
    ratio = np.divide(habitual, bone, out=np.ones_like(bone), where=bone > 1e-3)
    return np.asarray(parameters.strain.load * ratio)
