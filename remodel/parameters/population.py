"""Lifestyle: its effects, and its prevalence in a population."""

from dataclasses import dataclass

from remodel.parameters.quantities import Group, par


@dataclass(frozen=True, kw_only=True)
class Habits(Group):
    """What lifestyle does to the signals."""

    smoking: float = par(
        0.15, "day/pack", "log of estradiol lost per pack a day", low=0, high=2, source="assumed"
    )
    alcohol: float = par(
        0.03,
        "day/drink",
        "faster apoptosis of osteoblasts per drink a day",
        low=0,
        high=1,
        source="assumed",
    )
    deficiency: float = par(
        0.15,
        "1",
        "RANKL added where all calcium and vitamin D lack",
        low=0,
        high=5,
        source="assumed",
    )
    exercise: float = par(
        0.01, "week/hour", "strain added per hour of impact a week", low=0, high=1, source="assumed"
    )


@dataclass(frozen=True, kw_only=True)
class Population(Group):
    """Distributions from which virtual patients are drawn."""

    age: float = par(64.0, "year", "mean age", low=18, high=110, source="assumed")
    age_spread: float = par(8.0, "year", "its standard deviation", low=0, high=30, source="assumed")
    menopause: float = par(
        51.0, "year", "mean age at the final period", low=18, high=110, source="assumed"
    )
    menopause_spread: float = par(
        3.5, "year", "its standard deviation", low=0, high=20, source="assumed"
    )
    estradiol: float = par(
        20.0, "pmol/L", "median without ovaries", low=0, high=1000, source="assumed"
    )
    estradiol_spread: float = par(0.4, "1", "its spread (log)", low=0, high=2, source="C021")
    bone: float = par(
        1.0,
        "fraction",
        "median bone at the start, of the reference",
        low=0.3,
        high=2,
        source="assumed",
    )
    bone_spread: float = par(
        0.12, "1", "spread of bone at the start (log)", low=0, high=1, source="assumed"
    )
    smokers: float = par(0.15, "fraction", "of patients", low=0, high=1, source="assumed")
    drinkers: float = par(
        0.10, "fraction", "of patients, three drinks a day", low=0, high=1, source="assumed"
    )
    deficient: float = par(
        0.30, "fraction", "of patients, in calcium and vitamin D", low=0, high=1, source="assumed"
    )
    active: float = par(
        0.30, "fraction", "of patients, two hours a week", low=0, high=1, source="assumed"
    )
    rankl_spread: float = par(
        0.4, "1", "spread of RANKL expression (log)", low=0, high=2, source="assumed"
    )
    quitting: float = par(
        0.17, "1/year", "rate at which patients stop a daily drug", low=0, high=5, source="P001"
    )
