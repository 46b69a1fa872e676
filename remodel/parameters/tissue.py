"""Numbers of the section of bone: how it is built, its mineral, the strain in it."""

from dataclasses import dataclass

from remodel.parameters.quantities import Group, par


@dataclass(frozen=True, kw_only=True)
class Section(Group):
    """The section of bone as it is built, and its resolution."""

    site: float = par(
        20.0, "µm", "side of a site, width of a BMU", low=5, high=40, source="assumed"
    )
    height: float = par(
        4.0, "mm", "length along the periodic axis", low=0.4, high=40, source="design"
    )
    width: float = par(
        4.0, "mm", "from marrow to periosteum, cortex included", low=0.4, high=40, source="design"
    )
    cortex: float = par(1.0, "mm", "cortical thickness", low=0.0, high=40, source="H068")
    bone_volume: float = par(
        20.0, "%", "BV/TV of the trabecular part", low=0.0, high=100, source="H050"
    )
    cell_density: float = par(
        0.62, "1/mm2", "marrow spaces that trabeculae enclose", low=0.05, high=10, source="assumed"
    )
    strut_spread: float = par(
        0.25, "1", "spread of trabecular thickness (log)", low=0, high=1, source="assumed"
    )
    missing_struts: float = par(
        0.10, "fraction", "trabeculae already lost to age", low=0, high=0.9, source="assumed"
    )
    canal_density: float = par(18.0, "1/mm2", "Haversian canals", low=0, high=60, source="H070")
    canal_width: float = par(
        55.0, "µm", "mean diameter of a canal", low=20, high=120, source="H067"
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
