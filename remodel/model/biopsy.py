"""Histomorphometry of a model: of its section, and of its readings of the last years."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from remodel.bone.section import REGIONS
from remodel.measurement.histomorphometry import section_indices
from remodel.measurement.markers import BASELINE_YEARS
from remodel.parameters.time_steps import YEAR

if TYPE_CHECKING:
    from remodel.model.bone_model import BoneModel


def histomorphometry(
    model: BoneModel, region: str, years: float = BASELINE_YEARS
) -> dict[str, float]:
    """Return the indices of one compartment; names and units are those of `INDICES`.

    Parameters
    ----------
    model : BoneModel
        Read as it is; nothing in it changes.
    region : str
        ``"trabecular"`` or ``"cortical"``.
    years : float
        Rates and cells are means over the readings of the last years; none from before
        day 0 is used once the model has gone on from there.

    Returns
    -------
    dict of str to float
        An index that cannot be measured, such as the wall thickness where nothing was
        formed, is not-a-number.

    Raises
    ------
    ValueError
        If there is no such compartment, or no reading in the last years.
    """
    if region not in REGIONS:
        raise ValueError(f"no compartment {region!r}; there are {', '.join(REGIONS)}")
    return section_indices(model.tissue, mean_reading(model, region, years), region)


def mean_reading(model: BoneModel, region: str, years: float) -> dict[str, float]:
    """Return the mean of the readings of the last years, by name without its prefix.

    Each reading counts by the time since the one before: there are more of them at visits.

    Units are those of `model.observer.COLUMNS`.
    """
    if model.day > 0:
        since = max(0.0, model.day / YEAR - years)
        readings = [row for row in model.meter.rows if row["year"] > since]
    else:
        readings = model.meter.last(years * YEAR)
    if not readings:
        raise ValueError(f"no reading in the last {years} years: run the model on, or ask for more")
    lengths = [row["year"] - row["since"] for row in readings] if model.day > 0 else None
    prefix = f"{region}_"
    names = [name for name in readings[-1] if name.startswith(prefix)]
    return {
        name.removeprefix(prefix): float(
            np.average([row[name] for row in readings], weights=lengths)
        )
        for name in names
    }
