"""A trial: arms, years of treatment and of follow-up, visits, published results."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import floor, inf
from typing import Any

import pandas as pd

from remodel.clinic.courses import Course, refuse_unseen, run_in_years
from remodel.clinic.lifestyle import Change
from remodel.clinic.patients import OLDEST, Patient, draw_patient, refuse_age, refuse_youth
from remodel.measurement.dxa import with_scan_error
from remodel.measurement.markers import MARKERS
from remodel.parameters.drugs import DRUGS, Drug, find_drug
from remodel.parameters.measurement import SKELETAL_SITES, Densitometry
from remodel.parameters.parameters import Parameters
from remodel.parameters.population import Population
from remodel.parameters.quantities import check
from remodel.parameters.time_steps import YEAR, visit_tick

QUANTITIES = (*SKELETAL_SITES, "trabecular_bmd", "cortical_bmd", *MARKERS)
USES = ("calibrate", "validate")
LONGEST = 100.0  # years that a trial may last
LONG = 25.0  # years, beyond which a trial is longer than any that was published


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A group of patients who are given the same courses and live through the same changes."""

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
    population: Population | None = None  # from which each replicate draws its patient

    def __post_init__(self) -> None:
        """Refuse numbers that are none, courses that cannot be given, patients who grow too old.

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

    def patient_of(self, arm: Arm, seed: int) -> Patient:
        """Return the patient of an arm in the replicate with a seed.

        Of a population nobody is drawn who would grow older than `OLDEST` in the trial.
        """
        if not self.population:
            return arm.patient
        drawn = draw_patient(self.population, seed)
        return replace(drawn, age=min(drawn.age, OLDEST - self.years))

    def observe(self, frame: pd.DataFrame, numbers: Densitometry, seed: int) -> pd.DataFrame:
        """Return readings as they are, or of patients of a population as single scans show them."""
        return with_scan_error(frame, numbers, SKELETAL_SITES, seed) if self.population else frame

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
        if self.population:  # from which every arm draws its patient
            data["arm"] = [{k: v for k, v in arm.items() if k != "patient"} for arm in data["arm"]]
        del data["patient" if self.population else "population"]
        return data
