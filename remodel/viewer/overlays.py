"""What can be laid over a section: signals and drugs, site by site, with a range of colors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from remodel.model.bone_model import BoneModel
from remodel.model.places import middle_plane
from remodel.support.arrays import Floats, Mask

BAND = 30.0  # µm beneath the surface that show what is there


@dataclass(frozen=True)
class Overlay:
    """A quantity that each site has.

    Attributes
    ----------
    label : str
        Name and unit, for the legend.
    low, high : float
        Values at the two ends of the colors.
    absent : bool
        Whether a site may be without it; such a site is left unpainted.
    read : callable
        Model in, values out; shape (rows, columns).
    """

    label: str
    low: float
    high: float
    read: Callable[[BoneModel], Floats]
    absent: bool = False


def at_surface(model: BoneModel, values: Floats) -> Floats:
    """Return what the sites of the surface have as a field, and 0 elsewhere.

    A line of single sites could hardly be seen: what lies within `BAND` of the surface shows what
    the nearest site of the surface has.
    """
    tissue = model.tissue
    field = np.zeros(tissue.matrix.size)
    field[model.environment.surface] = values
    surface = np.zeros(tissue.matrix.size, dtype=bool)
    surface[model.environment.surface] = True
    field, surface = (middle_plane(each.reshape(tissue.matrix.shape)) for each in (field, surface))
    if not surface.any():
        return np.zeros(surface.shape)
    away, nearest = distance_transform_edt(~surface, return_indices=True)
    return np.asarray(np.where(away * tissue.site_um <= BAND, field[tuple(nearest)], 0.0))


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
    return np.asarray(middle_plane(model.environment.strain) * model.signals.load)


def read_bisphosphonate(model: BoneModel) -> Floats:
    """Return bound drug, in doses per surface site."""
    return np.asarray(middle_plane(model.tissue.bisphosphonate))


MINERAL = "mineral"
OVERLAYS = {
    "RANKL/OPG": Overlay("RANKL/OPG, times day 0", 0.0, 3.0, read_rankl, absent=True),
    "free RANKL": Overlay("free RANKL, times day 0", 0.0, 3.0, read_free_rankl, absent=True),
    "precursor supply": Overlay(
        "precursors within reach, fraction", 0.0, 1.0, read_supply, absent=True
    ),
    "strain": Overlay("strain, times the habitual", 0.5, 2.0, read_strain),
    "bisphosphonate": Overlay("bisphosphonate, doses", 0.0, 2.0, read_bisphosphonate, absent=True),
}
CHOICES = (MINERAL, *OVERLAYS)


def shown(overlay: Overlay, model: BoneModel) -> tuple[Mask, Floats]:
    """Return the sites where an overlay shows, if there is bone, and its values from 0 to 1."""
    values = overlay.read(model)
    where = values > 0.0 if overlay.absent else ~middle_plane(model.tissue.outside)
    scaled = (values - overlay.low) / (overlay.high - overlay.low)
    return where, np.clip(scaled, 0.0, 1.0)
