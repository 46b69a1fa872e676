"""What can be laid over a section: signals and drugs, site by site, with a range of colors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter

from remodel.model.bone_model import BoneModel
from remodel.support.arrays import Floats, Mask


@dataclass(frozen=True)
class Overlay:
    """A quantity that each site has.

    Attributes
    ----------
    label : str
        Name and unit, for the legend.
    low, high : float
        Values at the two ends of the colors.
    in_marrow : bool
        Whether it is shown in marrow; else in bone.
    absent : bool
        Whether a site may be without it; such a site is left unpainted.
    read : callable
        Model in, values out; shape (rows, columns).
    """

    label: str
    low: float
    high: float
    in_marrow: bool
    read: Callable[[BoneModel], Floats]
    absent: bool = False


def at_surface(model: BoneModel, values: Floats) -> Floats:
    """Return what the sites of the surface have as a field, 0 elsewhere; neighbors share it.

    A line of single sites could hardly be seen: those beside the surface show the same.
    """
    field = np.zeros(model.tissue.matrix.size)
    field[model.environment.surface] = values
    return np.asarray(maximum_filter(field.reshape(model.tissue.matrix.shape), size=3))


def read_rankl(model: BoneModel) -> Floats:
    """Return RANKL/OPG at the surface, over the mean of day 0."""
    now = model.environment.rankl_over_opg(model.signals)
    return at_surface(model, now / model.meter.rows[0]["rankl_opg"])


def read_free_rankl(model: BoneModel) -> Floats:
    """Return RANKL at the surface that nothing binds, over the mean of day 0."""
    now = model.environment.free_rankl(model.signals)
    return at_surface(model, now / model.meter.rows[0]["free_rankl"])


def read_supply(model: BoneModel) -> Floats:
    """Return waiting precursors times what the marrow around sends of them, at the surface."""
    return at_surface(model, model.signals.pool * model.environment.supply)


def read_strain(model: BoneModel) -> Floats:
    """Return strain over the habitual one."""
    return np.asarray(model.environment.strain * model.signals.load)


def read_bisphosphonate(model: BoneModel) -> Floats:
    """Return bound drug, in doses per surface site."""
    return model.tissue.bisphosphonate


MINERAL = "mineral"
OVERLAYS = {
    "RANKL/OPG": Overlay("RANKL/OPG, times day 0", 0.0, 2.0, False, read_rankl, absent=True),
    "free RANKL": Overlay("free RANKL, times day 0", 0.0, 2.0, False, read_free_rankl, absent=True),
    "precursor supply": Overlay(
        "precursors within reach, fraction", 0.0, 1.0, False, read_supply, absent=True
    ),
    "strain": Overlay("strain, times the habitual", 0.5, 2.0, False, read_strain),
    "bisphosphonate": Overlay(
        "bisphosphonate, doses", 0.0, 2.0, False, read_bisphosphonate, absent=True
    ),
}
CHOICES = (MINERAL, *OVERLAYS)


def shown(overlay: Overlay, model: BoneModel) -> tuple[Mask, Floats]:
    """Return the sites where an overlay shows, and its values from 0 (low) to 1 (high)."""
    tissue = model.tissue
    bone = tissue.matrix >= 0.5
    where = ~bone & ~tissue.outside if overlay.in_marrow else bone
    values = overlay.read(model)
    if overlay.absent:
        where &= values > 0.0
    scaled = (values - overlay.low) / (overlay.high - overlay.low)
    return where, np.clip(scaled, 0.0, 1.0)
