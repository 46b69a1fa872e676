"""Drugs and courses: what each does to the signals, never to the outcome."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log

from remodel.parameters import YEAR
from remodel.quantities import Group, check, par


@dataclass(frozen=True, kw_only=True)
class Drug(Group):
    """One drug at its usual dose: how long it lasts and which signals it changes.

    A drug that does not touch a signal leaves that number at zero.
    """

    name: str
    half_life: float = par(1.0, "day", "half-life in the body", low=0.01, high=4000, source="assumed")
    suppression: float = par(
        0.0, "fraction", "share of aromatase blocked", low=0, high=0.999, source="assumed"
    )
    serm: float = par(
        0.0, "1", "receptor ligand, over its dissociation constant", low=0, high=1e4, source="assumed"
    )
    efficacy: float = par(
        0.0, "fraction", "signal of the receptor it occupies, against estradiol", low=0, high=1, source="assumed"
    )


DRUGS = {
    drug.name: drug
    for drug in (
        Drug(name="anastrozole", half_life=2.0, suppression=0.95),
        Drug(name="tamoxifen", half_life=10.0, serm=10.0, efficacy=0.6),
    )
}


@dataclass(frozen=True, kw_only=True)
class Course:
    """One drug given from one day to another.

    Parameters
    ----------
    drug : str
        A name in `DRUGS`.
    start, stop : float
        Years from the start of observation; `stop` may be infinite.
    dose : float
        Dose as a multiple of the usual one.

    Raises
    ------
    ValueError
        If the drug is unknown, the dose is out of range or the course ends before it starts.
    """

    drug: str
    start: float = 0.0
    stop: float = float("inf")
    dose: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a course that cannot be given."""
        if self.drug not in DRUGS:
            raise ValueError(f"no therapy {self.drug!r}; there are {', '.join(DRUGS)}")
        check(f"{self.drug}: dose", self.dose, "usual doses", 0, 100)
        check(f"{self.drug}: start", self.start, "year", -200, 200)
        if not self.stop >= self.start:
            raise ValueError(
                f"{self.drug}: stop = {self.stop} year; expected start ({self.start} year) or later"
            )

    def share_given(self, day: float, days: float) -> float:
        """Return the share of a step, from a day on, during which the drug is given."""
        first = max(day, self.start * YEAR)
        last = min(day + days, self.stop * YEAR)
        return max(0.0, last - first) / days


@dataclass
class Exposure:
    """What reaches the cells in one step.

    Attributes
    ----------
    estradiol : float
        pmol/L.
    serm, serm_efficacy : float
        Level of SERMs over their dissociation constant, and their mean efficacy.
    antibody : float
        Antibody against RANKL over its dissociation constant.
    """

    estradiol: float
    serm: float = 0.0
    serm_efficacy: float = 0.0
    antibody: float = 0.0


def parse_courses(text: str) -> tuple[Course, ...]:
    """Read courses from text such as ``"anastrozole 0-5, tamoxifen 2-4.5"`` (years).

    A course without years is given from day 0 on; one with a start alone never stops.
    """
    return tuple(parse_course(part) for part in text.split(",") if part.strip())


def parse_course(text: str) -> Course:
    """Read one course, such as ``"anastrozole 0-5"``."""
    drug, _, years = text.strip().partition(" ")
    start, _, stop = years.strip().partition("-")
    try:
        return Course(drug=drug, start=float(start or 0), stop=float(stop or "inf"))
    except ValueError as error:
        if "could not convert" not in str(error):
            raise
        message = f"course {text.strip()!r}: expected a drug and years, such as 'anastrozole 0-5'"
        raise ValueError(message) from None


class Treatment:
    """The courses of one woman, and what is in her body of each drug."""

    def __init__(self, courses: Iterable[Course]) -> None:
        """Begin with nothing given yet."""
        self.courses = tuple(courses)
        self.levels = [0.0] * len(self.courses)

    def expose(self, estradiol: float, day: float, days: float) -> Exposure:
        """Return the exposure over a step of some days, and advance the drugs.

        Parameters
        ----------
        estradiol : float
            What the woman makes without drugs, pmol/L.
        day, days : float
            Start and length of the step, days.
        """
        exposure = Exposure(estradiol=estradiol)
        signal = 0.0
        for index, course in enumerate(self.courses):
            drug = DRUGS[course.drug]
            level = self.advance(index, drug, course.dose * course.share_given(day, days), days)
            exposure.estradiol *= residual(drug.suppression, level)
            exposure.serm += drug.serm * level
            signal += drug.serm * level * drug.efficacy
        exposure.serm_efficacy = signal / exposure.serm if exposure.serm else 0.0
        return exposure

    def advance(self, index: int, drug: Drug, dose: float, days: float) -> float:
        """Advance one drug through a step and return its mean level in it.

        First-order kinetics, exact over the step; 1 is the level that the usual dose keeps up.
        """
        before, decay = self.levels[index], days * log(2) / drug.half_life
        kept = exp(-decay)
        self.levels[index] = dose + (before - dose) * kept
        return dose + (before - dose) * (1 - kept) / decay


def residual(suppression: float, level: float) -> float:
    """Return the share of estradiol left by an aromatase inhibitor at some level.

    Competitive inhibition that leaves ``1 - suppression`` at level 1.
    """
    return (1 - suppression) / (1 - suppression + suppression * level)
