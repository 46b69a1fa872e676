"""Numbers of what instruments and assays see of bone, and of what its loss means for fractures."""

from dataclasses import dataclass

from remodel.parameters.fitted_sets import FITTED
from remodel.parameters.quantities import Group, par

SKELETAL_SITES = {"lumbar_spine": "spine", "total_hip": "hip", "femoral_neck": "neck"}
# The least change of one person, in percent, that is more than the error of two measurements.
LEAST_SIGNIFICANT = {"lumbar_spine": 2.2, "total_hip": 1.9, "femoral_neck": 3.1}


@dataclass(frozen=True, kw_only=True)
class Densitometry(Group):
    """What DXA sees at a skeletal site of the two compartments."""

    spine_trabecular: float = par(
        0.66, "fraction", "trabecular fraction, lumbar spine", low=0, high=1, source="assumed"
    )
    hip_trabecular: float = par(
        0.40, "fraction", "trabecular fraction, total hip", low=0, high=1, source="assumed"
    )
    neck_trabecular: float = par(
        0.25, "fraction", "trabecular fraction, femoral neck", low=0, high=1, source="assumed"
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
    reference_t_score: float = par(
        -1.1, "SD", "T-score of a patient with the reference bone", low=-5, high=5, source="D004"
    )

    def t_score(self, skeletal_site: str, bone: float, change: float = 0.0) -> float:
        """Return the T-score of a site.

        ``T = (BMD - young mean) / young SD``, where the reference bone has the T-score
        `reference_t_score` at every site, and BMD is in proportion to bone.

        Parameters
        ----------
        skeletal_site : str
            ``"spine"``, ``"hip"`` or ``"neck"``.
        bone : float
            Bone at the start, of the reference.
        change : float
            Percent change of DXA since.
        """
        spread = self.young_spread(skeletal_site)
        now = (1 + self.reference_t_score * spread) * bone * (1 + change / 100)
        return (now - 1) / spread

    def bone_at(self, skeletal_site: str, t_score: float) -> float:
        """Return the bone, of the reference, of a patient with a T-score at a site."""
        spread = self.young_spread(skeletal_site)
        return (1 + t_score * spread) / (1 + self.reference_t_score * spread)

    def young_spread(self, skeletal_site: str) -> float:
        """Return the standard deviation of young women over their mean, a fraction."""
        return float(
            getattr(self, f"{skeletal_site}_young_sd") / getattr(self, f"{skeletal_site}_young")
        )


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
