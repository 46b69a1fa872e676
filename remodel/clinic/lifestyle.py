"""Changes in a patient's life during observation, by the year from which they hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, nextafter
from typing import Any

from remodel.clinic.patients import Patient
from remodel.parameters.quantities import check
from remodel.parameters.time_steps import YEAR
from remodel.support.plain_values import keep_plain

LIVED = ("estradiol", "ovarian", "smoking", "alcohol", "deficiency", "exercise")


@dataclass(frozen=True, kw_only=True)
class Change:
    """From a year on, a patient has other endogenous estradiol or other habits.

    Parameters
    ----------
    year : float
        Years from the start of observation; holds from the step nearest to it.
    patient : Patient
        The patient as from then on. What is not in `LIVED` (age, bone at the
        start) is that of the patient at the start.
    """

    year: float
    patient: Patient

    def __post_init__(self) -> None:
        """Refuse a year that cannot be."""
        keep_plain(self)
        check("change: year", self.year, "year", 0, 200)

    def as_data(self) -> dict[str, Any]:
        """Return the change in the form of its table in a file."""
        return {"year": self.year} | {name: getattr(self.patient, name) for name in LIVED}


def patient_on(day: float, patient: Patient, changes: Iterable[Change]) -> Patient:
    """Return a patient as of a day, by the last change that has come to hold."""
    held = [change.patient for change in changes if change.year * YEAR <= day]
    return held[-1] if held else patient


def year_of(day: float) -> float:
    """Return the year of a day, such that the way back does not end before the day.

    A course that begins or ends in this year then does so in the same step whether it is
    set on that day or was known from the start.
    """
    year = day / YEAR
    while year * YEAR < day:
        year = nextafter(year, inf)
    return year
