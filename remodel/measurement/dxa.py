"""Virtual DXA: what a scan reports of a skeletal site, and how far single scans err."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtri

from remodel.parameters.measurement import Densitometry
from remodel.support.arrays import Floats
from remodel.support.random_numbers import draws


def scan_factors(numbers: Densitometry, site: str, years: Floats, seed: int) -> Floats:
    """Return what single scans of one woman show, over what there is.

    Parameters
    ----------
    numbers : Densitometry
        Precision errors.
    site : str
        ``"spine"``, ``"hip"`` or ``"neck"``.
    years : Floats
        When, from day 0 on; each scan errs by itself.
    seed : int
        The same seed gives the same errors, whatever she is given.
    """
    when = np.round(1000 * years).astype(np.int32)  # two scans are never closer
    luck = draws(seed, f"scan of {site}", 0, when).clip(1e-12, 1 - 1e-12)
    return np.asarray(1 + getattr(numbers, f"{site}_error") / 100 * ndtri(luck))


def with_scan_error(
    frame: pd.DataFrame, numbers: Densitometry, sites: Mapping[str, str], seed: int
) -> pd.DataFrame:
    """Return readings as single scans of one woman show them.

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
    for column, site in sites.items():
        scan = (100 + frame[column]) * scan_factors(numbers, site, years, seed)
        measured[column] = 100 * (scan / scan.iloc[0] - 1)
    return measured


def dxa_change(
    numbers: Densitometry, site: str, change: dict[str, float], age: float, years: float
) -> float:
    """Return what DXA reports of a site, percent change from day 0.

    Mineral per area, mixed from the compartments by the trabecular share of the site.
    Degenerative change, which DXA cannot tell from bone, adds to the spine of women past
    a certain age.

    Parameters
    ----------
    numbers : Densitometry
        Shares and drift.
    site : str
        ``"spine"``, ``"hip"`` or ``"neck"``.
    change : dict
        Percent change of each compartment.
    age, years : float
        Age at day 0, and years since.
    """
    share = getattr(numbers, f"{site}_trabecular")
    bone = share * change["trabecular_bmd"] + (1 - share) * change["cortical_bmd"]
    if site != "spine":
        return float(bone)
    older = age + years - max(age, numbers.drift_from)
    return float(bone + numbers.spine_drift * max(0.0, min(older, years)))
