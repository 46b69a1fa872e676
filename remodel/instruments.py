"""What instruments and assays see of bone, and what its loss means for fractures."""

from dataclasses import dataclass

from remodel.quantities import Group, par

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
        0.34,
        "%/year",
        "rise of spine DXA by degenerative change, not bone",
        low=0,
        high=2,
        source="calibrated",
    )
    drift_from: float = par(
        55.0, "year", "age from which it rises", low=0, high=120, source="assumed"
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
