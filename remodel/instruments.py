"""What instruments and assays see of bone, and what its loss means for fractures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from remodel.arrays import Floats
from remodel.fitted_sets import FITTED
from remodel.quantities import Group, par
from remodel.randomness import draws

# The least change of one person, in percent, that is more than the error of two measurements.
LEAST_SIGNIFICANT = {"lumbar_spine": 2.2, "total_hip": 1.9, "femoral_neck": 3.1}


@dataclass(frozen=True, kw_only=True)
class Densitometry(Group):
    """What a DXA site sees of the two compartments."""

    spine_trabecular: float = par(
        0.66, "fraction", "trabecular share, lumbar spine", low=0, high=1, source="assumed"
    )
    hip_trabecular: float = par(
        0.40, "fraction", "trabecular share, total hip", low=0, high=1, source="assumed"
    )
    neck_trabecular: float = par(
        0.25, "fraction", "trabecular share, femoral neck", low=0, high=1, source="assumed"
    )
    spine_drift: float = par(
        FITTED["densitometry.spine_drift"],
        "%/year",
        "rise of spine DXA by degenerative change, not bone",
        low=0,
        high=2,
        source="calibrated",
    )
    drift_from: float = par(
        55.0, "year", "age from which it rises", low=0, high=120, source="assumed"
    )
    spine_young: float = par(
        1.064, "g/cm2", "mean of young women, lumbar spine", low=0.1, high=3, source="D001"
    )
    spine_young_sd: float = par(
        0.106, "g/cm2", "its standard deviation", low=0.01, high=1, source="D001"
    )
    hip_young: float = par(
        0.971, "g/cm2", "mean of young women, total hip", low=0.1, high=3, source="D002"
    )
    hip_young_sd: float = par(
        0.114, "g/cm2", "its standard deviation", low=0.01, high=1, source="D002"
    )
    neck_young: float = par(
        0.858, "g/cm2", "mean of young women, femoral neck", low=0.1, high=3, source="D003"
    )
    neck_young_sd: float = par(
        0.120, "g/cm2", "its standard deviation", low=0.01, high=1, source="D003"
    )
    spine_error: float = par(
        1.65, "%", "precision error over years, lumbar spine", low=0, high=10, source="P002"
    )
    hip_error: float = par(
        1.56, "%", "precision error over years, total hip", low=0, high=10, source="P002"
    )
    neck_error: float = par(
        2.5, "%", "precision error over years, femoral neck", low=0, high=10, source="P002"
    )
    usual: float = par(
        -1.1, "SD", "T-score of a woman with the usual bone", low=-5, high=5, source="D004"
    )

    def t_score(self, site: str, bone: float, change: float = 0.0) -> float:
        """Return the T-score of a site.

        ``T = (BMD - young mean) / young SD``, where the usual bone has the T-score
        `usual` at every site, and BMD is in proportion to bone.

        Parameters
        ----------
        site : str
            ``"spine"``, ``"hip"`` or ``"neck"``.
        bone : float
            Bone that she started with, of the usual.
        change : float
            Percent change of DXA since.
        """
        spread = self.young_spread(site)
        now = (1 + self.usual * spread) * bone * (1 + change / 100)
        return (now - 1) / spread

    def bone_at(self, site: str, t_score: float) -> float:
        """Return the bone, of the usual, of a woman with a T-score at a site."""
        spread = self.young_spread(site)
        return (1 + t_score * spread) / (1 + self.usual * spread)

    def young_spread(self, site: str) -> float:
        """Return the standard deviation of young women over their mean, a fraction."""
        return float(getattr(self, f"{site}_young_sd") / getattr(self, f"{site}_young"))


@dataclass(frozen=True, kw_only=True)
class Markers(Group):
    """What serum markers see besides bone."""

    alp_background: float = par(
        0.3,
        "fraction",
        "bone ALP activity at rest that is not of osteoblasts (liver, assay)",
        low=0,
        high=0.9,
        source="assumed",
    )


@dataclass(frozen=True, kw_only=True)
class Fracture(Group):
    """The published gradient of fracture risk with the change of hip BMD."""

    gradient: float = par(
        0.09,
        "1/%",
        "fall of the log of fracture risk per percent of total hip BMD gained on treatment",
        low=0,
        high=1,
        source="F001",
    )


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
