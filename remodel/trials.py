"""Published trials as files: patient, arms, visits, and the results to show beside them."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.resources import files
from math import floor
from pathlib import Path
from typing import Any

import pandas as pd

from remodel.arms import Arm, read_arms, read_patient, read_population
from remodel.drugs import DRUGS, Drug, find_drug
from remodel.habits import Population
from remodel.instruments import Densitometry, with_scan_error
from remodel.measures import SITES
from remodel.parameter_files import read_drugs, read_numbers
from remodel.parameters import YEAR, Parameters, visit_tick
from remodel.patients import OLDEST, Patient, draw_woman, refuse_age, refuse_youth
from remodel.quantities import check, shown
from remodel.reader import REQUIRED, Table, check_content, parse_toml, read_toml_text
from remodel.therapies import refuse_unseen, run_in_years

MARKERS = ("ctx", "p1np", "bone_alp")
QUANTITIES = (*SITES, "trabecular_bmd", "cortical_bmd", *MARKERS)
HAZARD = "fracture_hazard_ratio"
USES = ("calibrate", "validate")
LONGEST = 100.0  # years that a trial may last
LONG = 25.0  # years, beyond which a trial is longer than any that was published
EVIDENCE = {"CTX": "ctx", "P1NP": "p1np", "bone ALP": "bone_alp", "fracture hazard ratio": HAZARD}


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published result.

    Attributes
    ----------
    arm, against : str
        Arm of the trial; with `against`, the value is the difference from that arm
        (for BMD and markers) or the ratio to it (for the fracture hazard).
    site : str
        One of `QUANTITIES`, or `HAZARD`.
    baseline, year : float
        Years from the start; the value is the percent change from one to the other.
    value : float
        Percent, percentage points or ratio.
    spread, use, source : str
        As printed in the evidence table.
    """

    arm: str
    site: str
    year: float
    value: float
    against: str = ""
    baseline: float = 0.0
    spread: str = ""
    use: str = "validate"
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial: arms, years of treatment and of follow-up, visits and published results."""

    name: str
    title: str
    source: str
    on_treatment: float
    off_treatment: float
    visits: tuple[float, ...]
    sites: tuple[str, ...]
    patient: Patient
    arms: tuple[Arm, ...]
    published: tuple[Published, ...] = ()
    reference: str = ""  # arm to which fracture hazards are compared
    fracture_years: float = 0.0
    drugs: tuple[Drug, ...] = ()  # of its own, beside those of the package
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)  # by dotted name
    population: Population | None = None  # from which each replicate draws its woman

    def __post_init__(self) -> None:
        """Refuse numbers that are none, courses that cannot be given, women who grow too old.

        Raises
        ------
        ValueError
            In one line that names the arm.
        """
        object.__setattr__(self, "parameters", dict(self.parameters))
        if self.parameters:
            self.model_parameters()
        drugs = DRUGS | {drug.name: drug for drug in self.drugs}
        for arm in self.arms:
            try:
                for course in arm.courses:
                    refuse_unseen(course, find_drug(course.drug, drugs), self.years)
                if not self.population:
                    refuse_age(arm.patient.age, self.years)
                    refuse_youth(arm.patient.age, self.run_in)
            except ValueError as error:
                raise ValueError(f"{arm.name}: {error}") from None

    @property
    def years(self) -> float:
        """Years from the start to the end of follow-up."""
        return self.on_treatment + self.off_treatment

    @property
    def run_in(self) -> float:
        """Years before day 0 in which the first course of any arm begins."""
        return run_in_years(course for arm in self.arms for course in arm.courses)

    @property
    def reading_years(self) -> tuple[float, ...]:
        """Years of all readings that are asked for: visits, and those of published results."""
        asked = {
            *self.visits,
            *(year for row in self.published for year in (row.baseline, row.year)),
        }
        if self.reference:
            asked.add(self.fracture_years)
        return tuple(sorted(year for year in asked if year <= self.years))

    def model_parameters(
        self, base: Parameters | None = None, values: Mapping[str, float] | None = None
    ) -> Parameters:
        """Return every number of the model as this trial has them.

        Parameters
        ----------
        base : Parameters, optional
            What its own `parameters` change, and what knows its drugs from then on; by default
            the default ones.
        values : mapping of str to float, optional
            Values by dotted name that hold whatever the trial says, as ``--set`` gives them.

        Raises
        ------
        ValueError
            If a name is unknown or a value outside its range.
        """
        known = (base or Parameters()).with_drugs(self.drugs)
        return known.with_values({**self.parameters, **(values or {})})

    def unheeded(self, parameters: Parameters) -> list[str]:
        """Return which numbers of its own are others in parameters that are used in their place."""
        held = parameters.values()
        return [
            f"{self.name}: {name} is {value:g} in the trial and {held[name]:g} in the parameters that "
            "are given and hold; trial.model_parameters(parameters) has both"
            for name, value in self.parameters.items()
            if name in held and held[name] != value
        ]

    def refuse_early(self, step: float) -> None:
        """Refuse a reading that is asked for before the end of the first step, in days."""
        for year in self.reading_years:
            if year > 0 and visit_tick(year, step) < 1:
                raise ValueError(
                    f"{self.name}: a reading at year {year:g} (day {year * YEAR:.3g}) is before the "
                    f"end of the first step of {step:g} days; expected a later one, or shorter "
                    "steps (--set time.step=1)"
                )

    def notes(self) -> list[str]:
        """Return what its author should know: what is cut, and what looks like a mistake."""
        drugs = DRUGS | {drug.name: drug for drug in self.drugs}
        found = [
            f"{arm.name}: {note}"
            for arm in self.arms
            for course in arm.courses
            for note in course.notes(find_drug(course.drug, drugs), self.years)
        ]
        if self.years > LONG:
            found.insert(0, f"lasts {self.years:g} years (are these months?)")
        return [f"{self.name}: {note}" for note in dict.fromkeys(found)]

    def woman(self, arm: Arm, seed: int) -> Patient:
        """Return the woman of an arm in the replicate with a seed.

        Of a population nobody is drawn who would grow older than `OLDEST` in the trial.
        """
        if not self.population:
            return arm.patient
        drawn = draw_woman(self.population, seed)
        return replace(drawn, age=min(drawn.age, OLDEST - self.years))

    def observe(self, frame: pd.DataFrame, numbers: Densitometry, seed: int) -> pd.DataFrame:
        """Return readings as they are, or of women of a population as single scans show them."""
        return with_scan_error(frame, numbers, SITES, seed) if self.population else frame

    def with_years_off(self, years: float) -> "Trial":
        """Return the trial with another length of follow-up, visited each year."""
        check("years off treatment", years, "year", 0, 50)
        end = self.on_treatment + years
        if not 0 < end <= LONGEST:
            raise ValueError(f"{self.name}: lasts {end:g} year; expected over 0, up to {LONGEST:g}")
        kept = [visit for visit in self.visits if visit <= end]
        first = floor(kept[-1]) + 1 if kept else 1
        later = [*map(float, range(first, floor(end) + 1)), end]
        arms = (
            replace(arm, changes=tuple(change for change in arm.changes if change.year <= end))
            for arm in self.arms
        )
        return replace(
            self,
            arms=tuple(arms),
            off_treatment=years,
            visits=tuple(sorted({*kept, *later})),
            published=tuple(row for row in self.published if row.year <= end),
            fracture_years=min(self.fracture_years, end),
        )

    def as_data(self) -> dict[str, Any]:
        """Return all that the trial holds, in the form of its file, evidence included."""
        data = asdict(self)
        for name in ("arms", "drugs"):
            del data[name]
        data |= {"visits": list(self.visits), "sites": list(self.sites)}
        data["published"] = list(data["published"])
        data["arm"] = [arm.as_data() for arm in self.arms]
        data["drug"] = [drug.as_data() for drug in self.drugs]
        if not self.parameters:
            del data["parameters"]
        fracture = {"reference": data.pop("reference"), "years": data.pop("fracture_years")}
        if fracture["reference"]:
            data["fracture"] = fracture
        if self.population:  # who brings women of her own to every arm
            data["arm"] = [{k: v for k, v in arm.items() if k != "patient"} for arm in data["arm"]]
        del data["patient" if self.population else "population"]
        return data


def built_in_trials() -> list[str]:
    """Return the names under which `load_trial` finds the trials of the package."""
    found = (item.name for item in files("remodel").joinpath("published").iterdir())
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
        file = files("remodel").joinpath("published", f"{key}.toml")
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
    """Refuse a trial at whose end its women would be too old; say on which line."""
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


def read_evidence(top: Table, arms: list[str], years: float) -> Iterator[Published]:
    """Read the results up to a year that the evidence table of the package holds."""
    rows = evidence_rows()
    for table in top.tables("evidence"):
        table.only(("trial", "arms"))
        trial = table.choice("trial", dict.fromkeys(row["trial"] for row in rows))
        here = [row for row in rows if row["trial"] == trial]
        names = table.table("arms")
        names.only(dict.fromkeys(row["arm"] for row in here))
        pairs = {name: read_pair(names, name, arms) for name in names.data}
        for row in here:
            if row["arm"] in pairs and float(row["years"]) <= years:
                arm, against = pairs[row["arm"]]
                if EVIDENCE.get(row["endpoint"]) == HAZARD and not against:
                    names.refuse(row["arm"], f"{row['arm']} is a ratio; expected [arm, reference]")
                yield from as_published(row, arm, against)


def read_pair(names: Table, name: str, arms: list[str]) -> tuple[str, str]:
    """Return our arm for an arm of the evidence, and the arm it is compared with."""
    found = names.data[name]
    pair = found if isinstance(found, list) else [found]
    if len(pair) not in (1, 2) or any(arm not in arms for arm in pair):
        expected = f"an arm, or [arm, arm compared with], of {', '.join(arms)}"
        names.refuse(name, f"{name} = {shown(found)}; expected {expected}")
    return (pair[0], pair[1]) if len(pair) == 2 else (pair[0], "")


def evidence_rows() -> list[dict[str, str]]:
    """Return the rows of the evidence table that the package ships."""
    text = files("remodel").joinpath("evidence", "trials.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def as_published(row: dict[str, str], arm: str, against: str) -> Iterator[Published]:
    """Yield a row of the evidence as a published result, if the model has such a quantity."""
    endpoint, place = row["endpoint"], row["site"].replace(" ", "_")
    site = place if endpoint.startswith("BMD") and place in SITES else EVIDENCE.get(endpoint, "")
    if site:
        yield Published(
            arm=arm,
            against=against,
            site=site,
            baseline=baseline_year(row["baseline"]),
            year=float(row["years"]),
            value=float(row["value"]),
            spread=row["spread"],
            use=row["use"],
            source=row["source"],
        )


def baseline_year(text: str) -> float:
    """Return the year that a baseline such as ``"year 5"`` names; others are the start."""
    return float(text.removeprefix("year ")) if text.startswith("year ") else 0.0
