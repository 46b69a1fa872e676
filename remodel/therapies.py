"""Courses: drugs given from one day to another, and what reaches the cells of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil, fsum, inf, isnan

from remodel.drugs import DRUGS, SHORTEST, Drug, find_drug
from remodel.kinetics import Body
from remodel.parameters import YEAR
from remodel.quantities import check, keep_plain, shown


@dataclass(frozen=True, kw_only=True)
class Course:
    """One drug given from one day to another.

    Parameters
    ----------
    drug : str
        A name in `remodel.drugs.DRUGS`, or of a drug of one's own that the model's
        `parameters.drugs` hold.
    start, stop : float
        Years from the start of observation; `stop` may be infinite. An injection is
        given at `start` and then at each interval before `stop`; where both are equal,
        once.
    dose : float
        Dose as a multiple of the usual one.
    interval : float, optional
        Days between injections, where it is not the usual one.
    below : float, optional
        T-score: the course waits for the first yearly scan, at `start` or later, that
        shows a lower one at spine, hip or femoral neck.

    Raises
    ------
    ValueError
        If a number is out of range or the course ends before it starts.
    """

    drug: str
    start: float = 0.0
    stop: float = float("inf")
    dose: float = 1.0
    interval: float = 0.0
    below: float = float("inf")

    def __post_init__(self) -> None:
        """Refuse a course that cannot be given."""
        keep_plain(self)
        check(f"{self.drug}: dose", self.dose, "usual doses", 0, 100)
        check(f"{self.drug}: start", self.start, "year", -200, 200)
        if self.interval != 0:
            check(f"{self.drug}: interval", self.interval, "day", SHORTEST, 20_000)
        if self.waits:
            check(f"{self.drug}: below", self.below, "SD", -10, 10)
        try:
            ordered = not isnan(self.stop) and self.stop >= self.start
        except (TypeError, OverflowError):
            ordered = False
        if not ordered:
            expected = f"expected start ({self.start} year) or later"
            raise ValueError(f"{self.drug}: stop = {shown(self.stop)} year; {expected}")

    @property
    def waits(self) -> bool:
        """Whether it begins only when bone is found to be low."""
        return self.below != inf

    def after_scan(self, year: float, t_score: float) -> "Course":
        """Return the course as it goes on after a scan in a year, T-score in SD; it may begin."""
        due = self.waits and self.start <= year < self.stop and t_score < self.below
        return replace(self, start=year, below=inf) if due else self

    def taken_until(self, year: float, drug: Drug) -> "Course":
        """Return the course as a woman takes it who gives up daily drugs in a year."""
        if drug.interval or drug.lasting:
            return self
        return replace(self, stop=max(self.start, min(self.stop, year)))

    def share_given(self, day: float, days: float) -> float:
        """Return the share of a step, from a day on, during which the drug is given."""
        if self.waits:
            return 0.0
        first = max(day, self.start * YEAR)
        last = min(day + days, self.stop * YEAR)
        return max(0.0, last - first) / days

    def injections(self, day: float, days: float, interval: float) -> int:
        """Return how many injections, at an interval in days, fall into a step from a day on."""
        if self.waits or not interval:
            return 0
        first = self.start * YEAR
        due = [ceil((moment - first) / interval - 1e-9) for moment in (day, day + days)]
        span = (self.stop - self.start) * YEAR / interval
        most = max(1, ceil(span - 1e-9)) if span < inf else max(1, *due)
        begun, after = (min(max(0, number), most) for number in due)
        return after - begun


def parse_courses(text: str) -> tuple[Course, ...]:
    """Read courses from text such as ``"anastrozole 0-5, tamoxifen 2-4.5"`` (years).

    A course without years is given from day 0 on; one with a start alone never stops.
    """
    return tuple(parse_course(part) for part in text.split(",") if part.strip())


def parse_course(text: str) -> Course:
    """Read one course, such as ``"anastrozole 0-5"``; refuse what is not of this form."""
    drug, *rest = text.split(maxsplit=1)
    start, to, stop = "".join(rest).partition("-")
    try:
        years = float(start or to or 0), float(stop or "inf")  # of "-5" no start can be read
    except ValueError:
        message = f"course {shown(text.strip())}: expected a drug and years, such as "
        raise ValueError(f"{message}'anastrozole 0-5'") from None
    return Course(drug=drug, start=years[0], stop=years[1])


@dataclass
class Exposure:
    """What reaches the cells in one step.

    Attributes
    ----------
    estradiol : float
        Without what the ovaries add, pmol/L.
    ovarian, cycling : float
        What the ovaries add in a cycle in which they work, pmol/L, and the share of those.
    serm, serm_efficacy : float
        Level of SERMs over their dissociation constant, and their mean efficacy.
    antibody : float
        Antibody against RANKL over its dissociation constant.
    bisphosphonate : float
        Doses that bind to each exposed surface site in this step.
    anabolic, rankl, load : float
        Call for bone beyond a cavity; RANKL expression and strain that are added.
    wear, expression : float
        Factors on the wear of osteoblasts and on the RANKL expression that follows estrogen.
    """

    estradiol: float
    ovarian: float = 0.0
    cycling: float = 1.0
    serm: float = 0.0
    serm_efficacy: float = 0.0
    antibody: float = 0.0
    bisphosphonate: float = 0.0
    anabolic: float = 0.0
    rankl: float = 0.0
    load: float = 0.0
    wear: float = 1.0
    expression: float = 1.0


class Treatment:
    """The courses of one woman, and what is in her body of each drug."""

    def __init__(self, courses: Iterable[Course], drugs: Mapping[str, Drug] = DRUGS) -> None:
        """Begin with nothing given yet."""
        self.drugs = drugs
        self.bodies: dict[str, Body] = {}
        self.prescribe(courses)

    def prescribe(self, courses: Iterable[Course]) -> None:
        """Give these courses from now on; drugs that were given before leave by themselves.

        A drug that is not known is refused with a list of those that are.
        """
        self.courses = tuple(courses)
        for course in self.courses:
            find_drug(course.drug, self.drugs)
            self.bodies.setdefault(course.drug, Body())

    def scan(self, year: float, t_score: float) -> None:
        """Begin the courses that waited, to this year, for so low a T-score (SD)."""
        self.courses = tuple(course.after_scan(year, t_score) for course in self.courses)

    def expose(
        self, ovarian: float, peripheral: float, cycling: float, day: float, days: float
    ) -> Exposure:
        """Return the exposure over a step of some days, and advance the drugs.

        Parameters
        ----------
        ovarian, peripheral, cycling : float
            What the woman makes, as in `patients.Estradiol`.
        day, days : float
            Start and length of the step, days.
        """
        exposure = Exposure(estradiol=0.0, cycling=cycling)
        for name, body in self.bodies.items():
            drug, given = self.drugs[name], [c for c in self.courses if c.drug == name]
            share = fsum(course.dose * course.share_given(day, days) for course in given)
            every = [course.interval or drug.interval for course in given]
            doses = fsum(
                course.dose * course.injections(day, days, interval)
                for course, interval in zip(given, every, strict=True)
            )
            level = body.take(drug, share, doses, days)
            ovarian *= 1 - min(1.0, drug.ovarian * level)
            peripheral *= residual(drug.suppression, level)
            add_effects(exposure, drug, level)
            exposure.bisphosphonate += drug.bisphosphonate * (
                doses if drug.interval else share * days / YEAR
            )
        exposure.estradiol += peripheral
        exposure.ovarian = ovarian
        return exposure


def add_effects(exposure: Exposure, drug: Drug, level: float) -> None:
    """Add what one drug does at a level, 1 at its usual dose (of an antibody, ng/mL)."""
    exposure.estradiol += drug.estradiol * level
    exposure.anabolic += drug.anabolic * level
    exposure.rankl += drug.rankl * level
    exposure.load += drug.load * level
    if drug.concentration:
        exposure.antibody += level / drug.binding
    if bound := drug.serm * level:  # of a trace nothing may be left
        before = exposure.serm * exposure.serm_efficacy
        exposure.serm += bound
        exposure.serm_efficacy = (before + bound * drug.efficacy) / exposure.serm


def residual(suppression: float, level: float) -> float:
    """Return the share of estradiol left by an aromatase inhibitor at some level.

    Competitive inhibition that leaves ``1 - suppression`` at level 1.
    """
    return (1 - suppression) / (1 - suppression + suppression * level)
