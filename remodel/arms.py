"""Arms of a trial: who is given what, as its file says; drugs and women of its own."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, replace
from math import fsum, inf
from typing import Any

from remodel.changes import Change, read_changes
from remodel.drugs import DEFAULTS, DRUGS, Drug, drug
from remodel.habits import Population
from remodel.instruments import Densitometry
from remodel.measures import SITES
from remodel.patients import Patient
from remodel.quantities import shown
from remodel.reader import Table
from remodel.therapies import Course, refuse_unseen

LOWEST_T, HIGHEST_T = -5.0, 4.0  # beyond, hardly a woman


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A group of women who are given the same courses and live through the same changes."""

    name: str
    patient: Patient
    courses: tuple[Course, ...] = ()
    changes: tuple[Change, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return the arm in the form of its file."""
        courses = [asdict(course) for course in self.courses]
        kept = [{key: value for key, value in one.items() if value != inf} for one in courses]
        data = {"name": self.name, "patient": asdict(self.patient), "course": kept}
        if self.changes:
            data["change"] = [change.as_data() for change in self.changes]
        return data


def read_arms(
    top: Table, patient: Patient, drugs: Mapping[str, Drug], years: float
) -> tuple[Arm, ...]:
    """Read the arms, which last some years; an arm may have women of its own."""
    arms: list[Arm] = []
    for table in top.tables("arm"):
        table.only(("name", "patient", "course", "change"))
        name = table.words("name")
        if name in [arm.name for arm in arms]:
            table.refuse("name", f"name = {shown(name)} is taken; expected a name of its own")
        taken = [key for key in ("patient", "change") if key in table.data]
        if taken and "population" in top.data:
            table.refuse(taken[0], f"a {taken[0]} in an arm and a population; expected one of them")
        woman = read_patient(table.table("patient"), patient)
        courses = tuple(read_course(course, drugs, years) for course in table.tables("course"))
        changes = read_changes(table, woman, years)
        arms.append(Arm(name=name, patient=woman, courses=courses, changes=changes))
    if not arms:
        top.refuse("arm", "there is no arm; expected at least one, headed [[arm]]")
    return tuple(arms)


def read_course(table: Table, drugs: Mapping[str, Drug], years: float) -> Course:
    """Read one course of a drug that there is, in a trial of some years."""
    name = table.data.get("drug")
    if isinstance(name, str) and name not in drugs:
        table.refuse("drug", f"no therapy {shown(name)}; there are {', '.join(drugs)}")
    dose = table.data.get("dose")
    if isinstance(dose, str):  # in the unit of the drug
        rest = {key: value for key, value in table.data.items() if key != "dose"}
        course = replace(table, data=rest).build(Course)
    else:
        course = table.build(Course)
    try:
        if isinstance(dose, str):
            course = replace(course, dose=dose)
        course.doses(drugs[course.drug])
    except ValueError as error:
        table.refuse("dose", str(error))
    try:
        refuse_unseen(course, drugs[course.drug], years)
    except ValueError as error:
        table.refuse("start" if "start" in table.data else "stop", str(error))
    return course


def read_patient(table: Table, usual: Patient) -> Patient:
    """Read a woman; her bone may be given by her T-scores.

    Where T-scores of several sites are given, her bone is the mean of what they say: the
    model has one section for all sites.
    """
    if "t_score" not in table.data:
        return table.build(Patient, usual)
    if "bone" in table.data:
        table.refuse("bone", "bone and t_score are both given; expected one of them")
    scores, numbers = table.table("t_score"), Densitometry()
    scores.only(SITES)
    if not scores.data:
        table.refuse("t_score", f"t_score is empty; expected some of {', '.join(SITES)}")
    found = [
        numbers.bone_at(SITES[site], scores.number(site, "SD", LOWEST_T, HIGHEST_T))
        for site in scores.data
    ]
    data = {key: value for key, value in table.data.items() if key != "t_score"}
    bone = fsum(found) / len(found)
    return replace(table, data=data | {"bone": bone}).build(Patient, usual)


def read_population(top: Table) -> Population | None:
    """Read the distributions from which women are drawn, if there are such."""
    if "population" not in top.data:
        return None
    if "patient" in top.data:
        top.refuse("population", "there are a patient and a population; expected one of them")
    return top.table("population").build(Population, Population())


def read_drugs(top: Table) -> tuple[Drug, ...]:
    """Read the drugs that a file brings itself."""
    drugs: list[Drug] = []
    for table in top.tables("drug"):
        own = read_drug(table)
        if own.name in [*DRUGS, *(other.name for other in drugs)]:
            table.refuse("name", f"name = {shown(own.name)} is taken; expected a name of its own")
        drugs.append(own)
    return tuple(drugs)


def read_drug(table: Table) -> Drug:
    """Read one drug: its name, and the numbers that differ from those of doing nothing."""
    table.only(("name", *DEFAULTS))
    name = table.words("name")
    if not re.fullmatch(r"\w[\w-]*", name):
        table.refuse("name", f"name = {shown(name)}; expected one word of letters, digits, - and _")
    given = {key: default for key, default in DEFAULTS.items() if key in table.data}
    return table.call(drug, {"name": MISSING} | given)
