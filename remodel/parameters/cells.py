"""Numbers of the cells, their precursors and the receptor through which they hear estrogen."""

from dataclasses import dataclass

from remodel.parameters.fitted_sets import FITTED
from remodel.parameters.quantities import Group, par


@dataclass(frozen=True, kw_only=True)
class Receptor(Group):
    """The estrogen receptor, for which estradiol and a SERM compete."""

    estradiol_kd: float = par(
        FITTED["receptor.estradiol_kd"],
        "pmol/L",
        "dissociation constant of estradiol (total level at half occupancy)",
        low=1,
        high=1000,
        source="calibrated",
    )
    lag: float = par(
        FITTED["receptor.lag"],
        "day",
        "time in which RANKL and OPG follow estrogen",
        low=1,
        high=1000,
        source="calibrated",
    )
    opg_binding: float = par(
        5.0,
        "1",
        "OPG without estrogen, over its dissociation constant for RANKL",
        low=0,
        high=1000,
        source="assumed",
    )


@dataclass(frozen=True, kw_only=True)
class Precursors(Group):
    """Osteoclast precursors: arriving, waiting, used up."""

    turnover: float = par(
        FITTED["precursors.turnover"],
        "1/day",
        "spontaneous loss, and arrival, of waiting precursors",
        low=0,
        high=1,
        source="calibrated",
    )
    fusion: float = par(
        FITTED["precursors.fusion"],
        "1/day",
        "fraction that fuses per day at full drive",
        low=0,
        high=10,
        source="calibrated",
    )
    reach: float = par(
        140.0,
        "µm",
        "half the side of the square that supplies a site",
        low=20,
        high=1000,
        source="assumed",
    )
    exponent: float = par(
        FITTED["precursors.exponent"],
        "1",
        "power of the marrow fraction in the supply",
        low=0,
        high=4,
        source="calibrated",
    )


@dataclass(frozen=True, kw_only=True)
class Osteoclast(Group):
    """How an osteoclast resorbs and how long it lives."""

    erosion: float = par(1.85, "µm/day", "depth resorbed per day", low=0, high=20, source="C011")
    life: float = par(
        FITTED["osteoclast.life"],
        "day",
        "mean lifespan while resorbing, no estrogen, excess RANKL",
        low=1,
        high=200,
        source="calibrated",
    )
    shape: float = par(
        6.0, "1", "Weibull shape of their lifespans", low=0.5, high=20, source="assumed"
    )
    restraint: float = par(
        0.0,
        "fraction",
        "of osteoclasts that leave the last layer of bone, where they would come out on the other side",
        low=0,
        high=1,
        source="design",
    )
    bisphosphonate_capacity: float = par(
        1.5,
        "dose",
        "bisphosphonate that a surface site can bind",
        low=0.01,
        high=100,
        source="assumed",
    )
    bisphosphonate_half_life: float = par(
        FITTED["osteoclast.bisphosphonate_half_life"],
        "year",
        "of bisphosphonate on exposed surface",
        low=0.1,
        high=100,
        source="calibrated",
    )


@dataclass(frozen=True, kw_only=True)
class Osteoblast(Group):
    """How osteoblasts are recruited to a cavity, refill it and die."""

    reversal: float = par(
        30.0, "day", "mean reversal time of a reference cavity", low=1, high=365, source="H063"
    )
    apposition: float = par(0.47, "µm/day", "depth refilled per day", low=0, high=5, source="H060")
    life: float = par(
        FITTED["osteoblast.life"],
        "day",
        "mean lifespan, no estrogen, habitual strain",
        low=1,
        high=2000,
        source="calibrated",
    )
    shape: float = par(
        3.0, "1", "Weibull shape of their lifespans", low=0.5, high=20, source="assumed"
    )
    opg: float = par(
        FITTED["osteoblast.opg"],
        "1",
        "OPG that osteoblasts add where all surface is under osteoid, over that of estrogen alone",
        low=0,
        high=100,
        source="calibrated",
    )
    opg_reach: float = par(
        140.0,
        "µm",
        "half the side of the square in which they add it",
        low=20,
        high=1000,
        source="assumed",
    )
