"""Plain numbers and words in place of a patient and courses, as the sliders of Mesa's page give."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from remodel.clinic.courses import Course, parse_courses
from remodel.clinic.patients import Patient
from remodel.support.messages import shown

NO_DRUG = "none"  # as a list of choices names it


def choose_patient(patient: Patient | None, **numbers: float | None) -> Patient:
    """Return the patient that numbers describe, or the one who is given.

    Parameters
    ----------
    patient : Patient or None
        Whom the numbers must not contradict.
    **numbers : float or None
        By their names in `Patient`, in its units; None leaves the default one.

    Raises
    ------
    ValueError
        If a number is out of range or differs from that of the patient.
    """
    given = {name: plain(value) for name, value in numbers.items() if value is not None}
    if patient is None:
        return Patient(**given)
    for row in patient.rows("patient"):
        name = row.name.rpartition(".")[2]
        if name in given and given[name] != row.value:
            raise ValueError(
                f"{name} = {shown(given[name])} {row.unit}, but the patient that is given has "
                f"{shown(row.value)} {row.unit}: give one of them"
            )
    return patient


def plain(value: float) -> float:
    """Return a number of NumPy as one of Python."""
    return float(value) if isinstance(value, (int, np.number)) else value


def choose_courses(courses: Iterable[Course] | str, drug: Any) -> tuple[Course, ...]:
    """Return the courses that are given, or the one that the name of a drug stands for.

    Raises
    ------
    ValueError
        If both are given, or `drug` is no name.
    """
    given = parse_courses(courses) if isinstance(courses, str) else tuple(courses)
    if drug is None or drug == NO_DRUG:
        return given
    if given:
        raise ValueError(
            f"drug = {shown(drug)}, and courses of {', '.join(course.drug for course in given)}: "
            "give one of them"
        )
    if not isinstance(drug, str):
        expected = f"expected a name, or {NO_DRUG!r}"
        raise ValueError(f"drug = {shown(drug)}; {expected}")  # noqa: TRY004  as all refusals are
    return (Course(drug=drug),)
