"""Courses: drugs given from one day to another, and what reaches the cells of them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, fsum, inf, isnan

from remodel.clinic.exposure import Exposure
from remodel.clinic.pharmacokinetics import Body
from remodel.parameters.drugs import DRUGS, SHORTEST, Drug, find_drug
from remodel.parameters.mechanisms import Given
from remodel.parameters.quantities import check
from remodel.parameters.time_steps import YEAR
from remodel.support.messages import shown
from remodel.support.plain_values import keep_plain

MOST_DOSES = 20.0  # standard doses; what is more was meant in mg
FEW_DOSES = 4.0  # standard doses; what is more is asked about
OFTEN = 10.0  # times as often as usual: more is asked about
MG = {"mg": 1.0, "g": 1000.0, "ug": 1e-3, "mcg": 1e-3, "\u00b5g": 1e-3, "\u03bcg": 1e-3}
DAYS = {"day": 1.0, "week": 7.0, "month": YEAR / 12, "year": YEAR}
NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
DOSE = re.compile(
    rf"(?P<amount>{NUMBER})\s*(?P<unit>{'|'.join(MG)})"
    rf"(?:\s*(?:/|per|a|each)\s*(?:(?P<count>{NUMBER})\s*)?(?P<time>{'|'.join(DAYS)})s?)?"
)
YEARS = re.compile(
    rf"(?:(?P<dose>{NUMBER}\s*(?:{'|'.join(MG)})\S*)\s+)?"
    rf"(?:(?P<start>-?{NUMBER})(?:\s*(?:-|to)\s*(?P<stop>-?{NUMBER}|inf)?)?)?"
)


@dataclass(frozen=True, kw_only=True)
class Course:
    """One drug given from one day to another.

    Parameters
    ----------
    drug : str
        A name in `remodel.parameters.drugs.DRUGS`, or of a drug of one's own that the model's
        `parameters.drugs` hold.
    start, stop : float
        Years from the start of observation; `stop` may be infinite. An injection is
        given at `start` and then at each interval before `stop`; where both are equal,
        once. What starts before day 0 is a run-in.
    dose : float or str
        A multiple of the standard dose, or text in the drug's own unit such as ``"60 mg"``,
        ``"20 ug"`` or, for what is taken daily, ``"70 mg/week"``.
    interval : float, optional
        Days between injections, where it is not the standard one.
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
    dose: float | str = 1.0
    interval: float = 0.0
    below: float = float("inf")

    def __post_init__(self) -> None:
        """Refuse a course that cannot be given."""
        keep_plain(self)
        if isinstance(self.dose, str):
            parse_dose(self.dose, self.drug)
        else:
            refuse_multiple(self.drug, self.dose)
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

    def doses(self, drug: Drug) -> float:
        """Return the dose as a multiple of the standard one of the drug.

        Raises
        ------
        ValueError
            If it is text in a unit that the drug does not have, or more than can be meant.
        """
        if not isinstance(self.dose, str):
            return self.dose
        amount, days = parse_dose(self.dose, self.drug)
        if not drug.amount:
            raise ValueError(f"{self.drug}: dose = {self.dose!r}; it has no dose in mg")
        if days and drug.interval:
            raise ValueError(
                f"{self.drug}: dose = {self.dose!r}; expected the amount of one injection, such "
                f"as {drug.amount:g} mg (the interval is a key of its own)"
            )
        multiple = amount / drug.amount * (drug.per / days if days else 1.0)
        if multiple > MOST_DOSES or (multiple > FEW_DOSES and not days and not drug.interval):
            raise ValueError(
                f"{self.drug}: dose = {self.dose!r} is {multiple:g} times the standard "
                f"{standard_dose(drug)}; expected up to {MOST_DOSES:g} times, or a time to which it "
                "belongs, such as '70 mg/week'"
            )
        return multiple

    def notes(self, drug: Drug, years: float = inf) -> Iterator[str]:
        """Yield what its author should know, in a trial of some years."""
        if years < self.stop < inf and not drug.lasting:
            months = " (are these months?)" if self.stop >= 2 * years else ""
            yield f"{self.drug} until year {self.stop:g} is cut at year {years:g}{months}"
        if 0 < self.interval < drug.interval / OFTEN:
            yield (
                f"{self.drug}: an interval of {self.interval:g} days, where {drug.interval:g} are "
                "standard (are these months?)"
            )
        if isinstance(self.dose, str) or not drug.amount:
            return
        if self.dose >= FEW_DOSES or (self.dose == drug.amount != 1):
            yield (
                f"{self.drug}: dose = {self.dose:g} is {self.dose:g} times the standard "
                f'{standard_dose(drug)}; for {self.dose:g} mg write dose = "{self.dose:g} mg"'
            )

    def refuse_empty(self, drug: Drug) -> None:
        """Refuse a course that lasts no time, of anything but an injection."""
        if self.stop == self.start and not drug.interval:
            raise ValueError(
                f"{self.drug}: start = stop = {self.start:g} year; expected a course that lasts "
                "some time"
            )

    @property
    def waits(self) -> bool:
        """Whether it begins only when bone is found to be low."""
        return self.below != inf

    def after_scan(self, year: float, t_score: float) -> "Course":
        """Return the course as it goes on after a scan in a year, T-score in SD; it may begin."""
        due = self.waits and self.start <= year < self.stop and t_score < self.below
        return replace(self, start=year, below=inf) if due else self

    def taken_until(self, year: float, drug: Drug) -> "Course":
        """Return the course as a patient takes it who gives up daily drugs in a year."""
        if drug.interval or drug.lasting:
            return self
        return replace(self, stop=max(self.start, min(self.stop, year)))

    def fraction_given(self, day: float, days: float) -> float:
        """Return the fraction of a step, from a day on, during which the drug is given."""
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


def refuse_multiple(name: str, dose: float) -> None:
    """Refuse a multiple of the standard dose that nobody is given."""
    try:
        check(f"{name}: dose", dose, "standard doses", 0, MOST_DOSES)
    except ValueError as error:
        drug = DRUGS.get(name)
        hint = (
            f' (1 is {standard_dose(drug)}; or write "{dose} mg")' if drug and drug.amount else ""
        )
        raise ValueError(f"{error}{hint}") from None


def standard_dose(drug: Drug) -> str:
    """Return the standard dose of a drug in words, such as ``60 mg each 183 days``."""
    days = drug.interval or drug.per
    often = "a day" if days == 1 else "once" if drug.lasting else f"each {days:.0f} days"
    return f"{drug.amount:g} mg {often}"


def parse_dose(text: str, drug: str) -> tuple[float, float]:
    """Return an amount in mg, and the days to which it belongs, 0 where that is not said."""
    found = DOSE.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"{drug}: dose = {shown(text)}; expected a multiple of the standard dose, or text such "
            "as '60 mg', '20 ug' or '70 mg/week'"
        )
    days = (float(found["count"] or 1) * DAYS[found["time"]]) if found["time"] else 0.0
    return float(found["amount"]) * MG[found["unit"]], days


def refuse_unseen(course: Course, drug: Drug, years: float) -> None:
    """Refuse a course of which nothing would be seen in a trial of some years."""
    course.refuse_empty(drug)
    if course.start >= years:
        raise ValueError(
            f"{course.drug}: start = {course.start:g} year; expected a year before the end of "
            f"the trial, year {years:g} (are these months?)"
        )


def run_in_years(courses: Iterable[Course]) -> float:
    """Return the years before day 0 through which a patient lives with the courses."""
    return max([0.0, *(-course.start for course in courses if not course.waits)])


def parse_courses(text: str) -> tuple[Course, ...]:
    """Read courses from text such as ``"anastrozole 0-5, tamoxifen 2-4.5"`` (years).

    A course without years is given from day 0 on; one with a start alone never stops. A
    start before day 0 is a run-in, as in ``"tamoxifen -2.5-0"``; a dose may stand before
    the years, as in ``"denosumab 120 mg 0-2"``.
    """
    return tuple(parse_course(part) for part in text.split(",") if part.strip())


def parse_course(text: str) -> Course:
    """Read one course, such as ``"anastrozole 0-5"``; refuse what is not of this form."""
    drug, *rest = text.split(maxsplit=1)
    found = YEARS.fullmatch("".join(rest).strip())
    lone = found and (found["start"] or "").startswith("-") and not found["stop"]
    if not found or lone:  # "-5" may be a start or a stop
        message = f"course {shown(text.strip())}: expected a drug and years, such as "
        raise ValueError(f"{message}'anastrozole 0-5' or, with a run-in, 'tamoxifen -2-0'")
    return Course(
        drug=drug,
        start=float(found["start"] or 0),
        stop=float(found["stop"] or inf),
        dose=found["dose"] or 1.0,
    )


class Treatment:
    """The courses of one patient, and what is in the body of each drug."""

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
            What the patient makes, as in `clinic.patients.Estradiol`.
        day, days : float
            Start and length of the step, days.
        """
        exposure = Exposure(estradiol=0.0, ovarian=ovarian, cycling=cycling, peripheral=peripheral)
        for name, body in self.bodies.items():
            drug, given = self.drugs[name], [c for c in self.courses if c.drug == name]
            fraction = fsum(
                course.doses(drug) * course.fraction_given(day, days) for course in given
            )
            every = [course.interval or drug.interval for course in given]
            doses = fsum(
                course.doses(drug) * course.injections(day, days, interval)
                for course, interval in zip(given, every, strict=True)
            )
            level = body.take(drug, fraction, doses, days)
            here = Given(level, doses if drug.interval else fraction * days / YEAR)
            for mechanism in drug.mechanisms:
                mechanism.act(exposure, here)
        exposure.estradiol += exposure.peripheral
        return exposure
