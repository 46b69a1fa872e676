"""Numbers of the section of bone: how it is built, its mineral, the strain in it."""

from dataclasses import dataclass

from remodel.parameters.fitted_sets import FITTED
from remodel.parameters.quantities import Group, par


@dataclass(frozen=True, kw_only=True)
class Section(Group):
    """The section of bone as it is built, and its resolution."""

    site: float = par(25.0, "µm", "side of a site", low=5, high=40, source="design")
    height: float = par(
        4.0, "mm", "length along the periodic axis", low=0.4, high=40, source="design"
    )
    width: float = par(
        4.0, "mm", "from marrow to periosteum, cortex included", low=0.4, high=40, source="design"
    )
    depth: float = par(
        0.0,
        "mm",
        "along a third, periodic axis; 0 for a section",
        low=0.0,
        high=40,
        source="design",
    )
    cortex: float = par(1.0, "mm", "cortical thickness", low=0.0, high=40, source="H068")
    bone_volume: float = par(
        22.0,
        "%",
        "BV/TV of the trabecular part as built; the spin-up leaves 18 to 20 of it (H050)",
        low=0.0,
        high=100,
        source="design",
    )
    wavelength: float = par(
        1.6,
        "mm",
        "mean distance of one trabecula from the next but one",
        low=0.2,
        high=10,
        source="assumed",
    )
    wavelength_spread: float = par(
        0.25, "fraction", "its standard deviation", low=0.01, high=1, source="assumed"
    )
    stretch: float = par(
        1.5,
        "1",
        "trabeculae along the long axis, over across it",
        low=0.2,
        high=5,
        source="assumed",
    )
    canal_density: float = par(18.0, "1/mm2", "Haversian canals", low=0, high=60, source="H070")
    canal_width: float = par(
        45.0,
        "µm",
        "mean diameter of a canal as built; measured are 40 (H011) to 50 (H067)",
        low=20,
        high=120,
        source="assumed",
    )
    canal_spread: float = par(12.0, "µm", "its standard deviation", low=0, high=40, source="H011")
    first_age: float = par(
        4.0,
        "year",
        "mean age of matrix as built; spin-up replaces it",
        low=0.1,
        high=50,
        source="assumed",
    )


@dataclass(frozen=True, kw_only=True)
class Unit(Group):
    """The size and the form of a basic multicellular unit."""

    width: float = par(
        144.0,
        "µm",
        "of a cavity of the reference depth on a flat surface: one of the measured area",
        low=20,
        high=1000,
        source="H007",
    )
    reference_depth: float = par(
        47.0,
        "µm",
        "depth of a cavity that calls its osteoblasts in the mean reversal time",
        low=1,
        high=200,
        source="H037",
    )
    steepness: float = par(
        4.0,
        "1",
        "of its walls: 2 for a saucer, more for a flat floor",
        low=1,
        high=20,
        source="assumed",
    )


@dataclass(frozen=True, kw_only=True)
class Strain(Group):
    """Strain rises where bone that shares the load is lost."""

    reach: float = par(
        500.0,
        "µm",
        "half the side of the square that shares the load",
        low=40,
        high=5000,
        source="assumed",
    )
    rankl: float = par(
        FITTED["strain.rankl"],
        "1",
        "power of strain by which it lowers RANKL",
        low=0,
        high=4,
        source="calibrated",
    )
    load: float = par(
        1.0,
        "1",
        "habitual load, against what the section is adapted to",
        low=0,
        high=10,
        source="design",
    )


@dataclass(frozen=True, kw_only=True)
class Mineral(Group):
    """Matrix takes up mineral at once in part, then slowly."""

    primary: float = par(
        0.7, "fraction", "mineral taken up at once", low=0, high=1, source="assumed"
    )
    time_constant: float = par(
        2.65, "year", "of secondary mineralization", low=0.1, high=50, source="M013"
    )
