"""A patient: age, menopause, endogenous estradiol, lifestyle."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from typing import NamedTuple

import numpy as np

from remodel.clinic.exposure import Exposure
from remodel.parameters.population import Habits, Population
from remodel.parameters.quantities import Group, par
from remodel.parameters.time_steps import YEAR

YOUNGEST, OLDEST = 18.0, 110.0  # years


def refuse_age(age: float, years: float) -> None:
    """Refuse a run at whose end a patient would be older than patients become.

    Parameters
    ----------
    age, years : float
        Age on day 0 and the length of the run, in years.

    Raises
    ------
    ValueError
        Which names the likely mistake: months for years.
    """
    if age + years > OLDEST:
        raise ValueError(
            f"a patient of {age:g} years would be {age + years:g} after {years:g} years; "
            f"expected up to {OLDEST:g} (are these months?)"
        )


def refuse_youth(age: float, years: float) -> None:
    """Refuse a run-in of some years that would begin before a patient is grown up."""
    if years > 0 and age - years < YOUNGEST:
        raise ValueError(
            f"a run-in of {years:g} years begins at age {age - years:g} of a patient of {age:g}; "
            f"expected {YOUNGEST:g} or more (are these months?)"
        )


class Estradiol(NamedTuple):
    """Estradiol that a patient makes, pmol/L."""

    ovarian: float  # added in a cycle in which the ovaries work
    peripheral: float  # made elsewhere, always
    cycling: float = 1.0  # fraction of cycles in which the ovaries work

    @property
    def mean(self) -> float:
        """Mean over the cycles, pmol/L."""
        return self.peripheral + self.cycling * self.ovarian


@dataclass(frozen=True, kw_only=True)
class Patient(Group):
    """A patient at the start of observation; by default long past menopause."""

    age: float = par(64.0, "year", "age at day 0", low=YOUNGEST, high=OLDEST, source="assumed")
    menopause: float = par(
        51.0, "year", "age at the final period", low=YOUNGEST, high=OLDEST, source="assumed"
    )
    estradiol: float = par(
        20.0, "pmol/L", "estradiol made outside the ovaries", low=0, high=10_000, source="assumed"
    )
    ovarian: float = par(
        380.0,
        "pmol/L",
        "mean that ovaries add before menopause",
        low=0,
        high=10_000,
        source="assumed",
    )
    transition: float = par(
        0.5, "year", "time scale of the ovaries' decline", low=0.01, high=10, source="assumed"
    )
    bone: float = par(
        1.0,
        "fraction",
        "bone at the start, of the reference",
        low=0.3,
        high=2,
        source="assumed",
    )
    smoking: float = par(0.0, "pack/day", "cigarettes", low=0, high=5, source="assumed")
    alcohol: float = par(0.0, "drink/day", "alcohol", low=0, high=20, source="assumed")
    deficiency: float = par(
        0.0, "fraction", "of calcium and vitamin D that is lacking", low=0, high=1, source="assumed"
    )
    exercise: float = par(
        0.0,
        "hour/week",
        "impact exercise, beyond the reference",
        low=-20,
        high=20,
        source="assumed",
    )

    rankl: float = par(
        1.0, "1", "RANKL expressed, relative to the reference", low=0.01, high=20, source="assumed"
    )
    quits: float = par(
        200.0, "year", "from day 0 until daily drugs are stopped", low=0, high=200, source="assumed"
    )

    def estradiol_at(self, day: float, habits: Habits | None = None) -> Estradiol:
        """Return the endogenous estradiol on a day.

        In the transition the ovaries work in ever fewer cycles: what declines is the
        fraction of cycles, not what they add in one.
        """
        since = (self.age + day / YEAR - self.menopause) / self.transition
        cycling = 1 / (1 + exp(min(since, 500.0)))
        kept = exp(-self.smoking * (habits or Habits()).smoking)
        return Estradiol(self.ovarian * kept, self.estradiol * kept, cycling)

    def add_habits(self, exposure: Exposure, habits: Habits) -> None:
        """Add the lifestyle, and the RANKL expression of the patient, to what reaches the cells."""
        exposure.expression = self.rankl
        exposure.rankl += habits.deficiency * self.deficiency
        exposure.load += habits.exercise * self.exercise
        exposure.apoptosis += habits.alcohol * self.alcohol


def draw_population(count: int, seed: int, numbers: Population | None = None) -> Iterator[Patient]:
    """Yield virtual patients drawn from stated distributions.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        The same seed gives the same patients; the first of many are those of few.
    numbers : Population, optional
        Means and spreads.

    Yields
    ------
    Patient
        As `draw_patient` draws one.
    """
    for index in range(count):
        yield draw_patient(numbers or Population(), seed, index)


def draw_patient(p: Population, seed: int, index: int = 0) -> Patient:
    """Return one virtual patient of a population.

    Age and age at menopause are normal, estradiol, bone and RANKL lognormal, habits by
    their fraction of patients, the time to quitting exponential; each is kept to its range.
    """
    rng = np.random.default_rng([seed, 21, index])
    age, menopause, estradiol, bone = rng.normal(size=4).tolist()
    smokes, drinks, lacks, moves = rng.random(4).tolist()
    rankl, patience = rng.normal(), rng.exponential()
    return Patient(
        age=min(max(p.age + p.age_spread * age, YOUNGEST), OLDEST),
        menopause=min(max(p.menopause + p.menopause_spread * menopause, YOUNGEST), OLDEST),
        estradiol=min(p.estradiol * exp(p.estradiol_spread * estradiol), 10_000.0),
        bone=min(max(p.bone * exp(p.bone_spread * bone), 0.3), 2.0),
        smoking=1.0 if smokes < p.smokers else 0.0,
        alcohol=3.0 if drinks < p.drinkers else 0.0,
        deficiency=0.5 if lacks < p.deficient else 0.0,
        exercise=2.0 if moves < p.active else 0.0,
        rankl=min(max(exp(p.rankl_spread * float(rankl)), 0.01), 20.0),
        quits=min(float(patience) / p.quitting, 200.0) if p.quitting else 200.0,
    )
