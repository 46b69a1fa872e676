"""Virtual DXA: what a scan reports of a skeletal site, and how far single scans err."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtri

from remodel.parameters.measurement import Densitometry
from remodel.support.arrays import Floats
from remodel.support.random_numbers import draws


def scan_factors(numbers: Densitometry, skeletal_site: str, years: Floats, seed: int) -> Floats:
    """Return what single scans of one patient show, over what there is.

    Parameters
    ----------
    numbers : Densitometry
        Precision errors.
    skeletal_site : str
        ``"spine"``, ``"hip"`` or ``"neck"``.
    years : Floats
        When, from day 0 on; each scan errs by itself.
    seed : int
        The same seed gives the same errors, whatever is given.
    """
    when = np.round(1000 * years).astype(np.int32)  # two scans are never closer
    uniform = draws(seed, f"scan of {skeletal_site}", 0, when).clip(1e-12, 1 - 1e-12)
    return np.asarray(1 + getattr(numbers, f"{skeletal_site}_error") / 100 * ndtri(uniform))


def with_scan_error(
    frame: pd.DataFrame, numbers: Densitometry, sites: Mapping[str, str], seed: int
) -> pd.DataFrame:
    """Return readings as single scans of one patient show them.

    The scan of day 0 errs too, so that a change errs by more than a scan.

    Parameters
    ----------
    frame : DataFrame
        Readings, day 0 first; percent change from day 0.
    numbers, seed
        As for `scan_factors`.
    sites : mapping of str to str
        Columns, and the sites that they are of.
    """
    measured, years = frame.copy(), frame["year"].to_numpy()
    for column, skeletal_site in sites.items():
        scan = (100 + frame[column]) * scan_factors(numbers, skeletal_site, years, seed)
        measured[column] = 100 * (scan / scan.iloc[0] - 1)
    return measured


def dxa_change(
    numbers: Densitometry, skeletal_site: str, change: dict[str, float], age: float, years: float
) -> float:
    """Return what DXA reports of a site, percent change from day 0.

    Mineral per area, mixed from the compartments by the trabecular fraction of the site.
    Degenerative change, which DXA cannot tell from bone, adds to the spine of patients past
    a certain age.

    Parameters
    ----------
    numbers : Densitometry
        Fractions and drift.
    skeletal_site : str
        ``"spine"``, ``"hip"`` or ``"neck"``.
    change : dict
        Percent change of each compartment.
    age, years : float
        Age at day 0, and years since.
    """
    fraction = getattr(numbers, f"{skeletal_site}_trabecular")
    bone = fraction * change["trabecular_bmd"] + (1 - fraction) * change["cortical_bmd"]
    if skeletal_site != "spine":
        return float(bone)
    older = age + years - max(age, numbers.drift_from)
    return float(bone + numbers.spine_drift * max(0.0, min(older, years)))
