"""Trials as files: read strictly, so that a mistake is one line that says where it stands."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from math import fsum
from pathlib import Path

from remodel.clinic.courses import Course, refuse_unseen
from remodel.clinic.evidence import read_evidence
from remodel.clinic.lifestyle import LIVED, Change
from remodel.clinic.patients import Patient, refuse_age
from remodel.clinic.trials import LONGEST, QUANTITIES, USES, Arm, Published, Trial
from remodel.measurement.fracture import HAZARD
from remodel.parameters.drugs import DRUGS, Drug
from remodel.parameters.measurement import SKELETAL_SITES, Densitometry
from remodel.parameters.parameter_files import read_drugs, read_numbers
from remodel.parameters.parameters import Parameters
from remodel.parameters.population import Population
from remodel.support.messages import shown
from remodel.support.toml_table import REQUIRED, Table, check_content, parse_toml, read_toml_text

LOWEST_T, HIGHEST_T = -5.0, 4.0  # beyond, hardly a patient


def built_in_trials() -> list[str]:
    """Return the names under which `load_trial` finds the trials of the package."""
    found = (item.name for item in files("remodel.clinic").joinpath("published").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load_trial(name: str | Path) -> Trial:
    """Read a trial of the package, by name, or anyone's own, by path.

    Raises
    ------
    ValueError
        With one line that names file, line, key, what was found and what was expected.
    """
    key, path = str(name).lower(), Path(name)
    if key in built_in_trials():
        file = files("remodel.clinic").joinpath("published", f"{key}.toml")
        return read_trial(file.read_text(encoding="utf-8"), f"{key}.toml")
    if path.suffix != ".toml" and not path.is_file():
        there = ", ".join(built_in_trials())
        raise ValueError(f"no trial {shown(str(name))}; there are {there}; or name a .toml file")
    return read_trial(read_toml_text(path, "trial"), str(path))


def read_trial(text: str, file: str) -> Trial:
    """Read a trial from the text of its file; refuse what is no trial, in one line."""
    return build_trial(Table(parse_toml(text, file), file, text))


def build_trial(top: Table) -> Trial:
    """Build a trial from the top table of its file."""
    check_content(top)
    top.only(
        ("name", "title", "source", "on_treatment", "off_treatment", "visits", "sites",
         "patient", "population", "drug", "parameters", "arm", "evidence", "published", "fracture")
    )  # fmt: skip
    on = top.number("on_treatment", "year", 0, LONGEST)
    off = top.number("off_treatment", "year", 0, LONGEST, 0.0)
    if not 0 < on + off <= LONGEST:
        top.refuse("on_treatment", f"lasts {on + off:g} year; expected over 0, up to {LONGEST:g}")
    population = read_population(top)
    drugs = read_drugs(top)
    numbers = Parameters().with_drugs(drugs)
    changed = read_numbers(top.table("parameters"), numbers.known())
    scanner = numbers.with_values(changed).densitometry
    patient = read_patient(top.table("patient"), Patient(), scanner)
    known = DRUGS | {drug.name: drug for drug in drugs}
    arms = read_arms(top, patient, known, on + off, scanner)
    names = [arm.name for arm in arms]
    fracture = top.table("fracture")
    fracture.only(("reference", "years"))
    reference = fracture.choice("reference", names, REQUIRED if fracture.data else "")
    end = on + off
    until = fracture.number("years", "year", min(0.1, end), end, end) if reference else 0.0
    refuse_ages(top, arms, population, end)
    return Trial(
        name=top.words("name"),
        title=top.words("title", ""),
        source=top.words("source", ""),
        on_treatment=on,
        off_treatment=off,
        visits=top.numbers("visits", "year", 0, on + off),
        sites=top.choices("sites", QUANTITIES),
        patient=patient,
        arms=arms,
        published=(*read_evidence(top, names, on + off), *read_published(top, names, on + off)),
        reference=reference,
        fracture_years=until,
        drugs=drugs,
        parameters=changed,
        population=population,
    )


def refuse_ages(
    top: Table, arms: tuple[Arm, ...], population: Population | None, years: float
) -> None:
    """Refuse a trial at whose end its patients would be too old; say on which line."""
    ages = [population.age] if population else [arm.patient.age for arm in arms]
    try:
        for age in ages:
            refuse_age(age, years)
    except ValueError as error:
        top.refuse("on_treatment", f"lasts {years:g} years: {error}")


def read_published(top: Table, arms: list[str], years: float) -> Iterator[Published]:
    """Read the results that the file itself gives."""
    for table in top.tables("published"):
        table.only(Published.__dataclass_fields__)
        arm, site = table.choice("arm", arms), table.choice("site", (*QUANTITIES, HAZARD))
        year = table.number("year", "year", 0, years)
        others = [name for name in arms if name != arm]
        versus = others if site == HAZARD else ["", *others]
        yield Published(
            arm=arm,
            against=table.choice("against", versus, REQUIRED if site == HAZARD else ""),
            site=site,
            baseline=table.number("baseline", "year", 0, year, 0.0),
            year=year,
            value=table.number("value", "%", -100, 10_000),
            spread=table.words("spread", ""),
            use=table.choice("use", USES, "validate"),
            source=table.words("source", ""),
        )


def read_arms(
    top: Table, patient: Patient, drugs: Mapping[str, Drug], years: float, numbers: Densitometry
) -> tuple[Arm, ...]:
    """Read the arms, which last some years; an arm may have patients of its own."""
    arms: list[Arm] = []
    for table in top.tables("arm"):
        table.only(("name", "patient", "course", "change"))
        name = table.words("name")
        if name in [arm.name for arm in arms]:
            table.refuse("name", f"name = {shown(name)} is taken; expected a name of its own")
        taken = [key for key in ("patient", "change") if key in table.data]
        if taken and "population" in top.data:
            table.refuse(taken[0], f"a {taken[0]} in an arm and a population; expected one of them")
        own = read_patient(table.table("patient"), patient, numbers)
        courses = tuple(read_course(course, drugs, years) for course in table.tables("course"))
        changes = read_changes(table, own, years)
        arms.append(Arm(name=name, patient=own, courses=courses, changes=changes))
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


def read_patient(table: Table, template: Patient, numbers: Densitometry) -> Patient:
    """Read a patient; bone may be given by T-scores, by the reference of some numbers.

    Where T-scores of several skeletal sites are given, bone is the mean of what they say: the
    model has one section for all sites.
    """
    if "t_score" not in table.data:
        return table.build(Patient, template)
    if "bone" in table.data:
        table.refuse("bone", "bone and t_score are both given; expected one of them")
    scores = table.table("t_score")
    scores.only(SKELETAL_SITES)
    if not scores.data:
        table.refuse("t_score", f"t_score is empty; expected some of {', '.join(SKELETAL_SITES)}")
    found = [
        numbers.bone_at(SKELETAL_SITES[site], scores.number(site, "SD", LOWEST_T, HIGHEST_T))
        for site in scores.data
    ]
    data = {key: value for key, value in table.data.items() if key != "t_score"}
    bone = fsum(found) / len(found)
    return replace(table, data=data | {"bone": bone}).build(Patient, template)


def read_population(top: Table) -> Population | None:
    """Read the distributions from which patients are drawn, if there are such."""
    if "population" not in top.data:
        return None
    if "patient" in top.data:
        top.refuse("population", "there are a patient and a population; expected one of them")
    return top.table("population").build(Population, Population())


def read_changes(table: Table, patient: Patient, years: float) -> tuple[Change, ...]:
    """Read the changes of an arm; each adds to those before it."""
    changes: list[Change] = []
    for each in table.tables("change"):
        each.only(("year", *LIVED))
        first = changes[-1].year if changes else 0.0
        year = each.number("year", "year", first, years)
        values = {name: value for name, value in each.data.items() if name != "year"}
        if not values:
            each.refuse("year", f"nothing changes; expected one of {', '.join(LIVED)}")
        patient = replace(each, data=values).build(Patient, patient)
        changes.append(Change(year=year, patient=patient))
    return tuple(changes)
