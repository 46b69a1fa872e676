"""Plays a scene: steps its models, and does to the patient what the teacher does."""

from dataclasses import replace
from functools import lru_cache
from math import floor, inf
from threading import Lock

from remodel.clinic.courses import Course
from remodel.clinic.lifestyle import Change, patient_on, year_of
from remodel.clinic.patients import OLDEST, Patient
from remodel.clinic.trials import LONGEST, Arm
from remodel.model.bone_model import BoneModel
from remodel.model.checkpoint import Checkpoint, resume, take_checkpoint
from remodel.parameters.drugs import find_drug
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import check
from remodel.parameters.time_steps import YEAR
from remodel.viewer.bmu_tracker import Follower
from remodel.viewer.scene import UNTREATED, Scene

ESTRADIOL = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 400)  # pmol/L
MAKING = Lock()
EXERCISE = (0, 1, 2, 3, 5, 7, 10)  # hours a week
ROUNDING = 1e-9  # of a step


def spun_up(patient: Patient, parameters: Parameters, seed: int, run_in: float = 0.0) -> Checkpoint:
    """Return a patient's section after spin-up, some years before day 0.

    Who asks for one in the making waits for it.
    """
    with MAKING:
        return run_spin_up(patient, parameters, seed, run_in)


@lru_cache(maxsize=8)  # a spin-up takes a second; tabs and resets share it
def run_spin_up(patient: Patient, parameters: Parameters, seed: int, run_in: float) -> Checkpoint:
    """Run the spin-up of a section."""
    model = BoneModel(patient=patient, parameters=parameters, rng=seed, run_in=run_in)
    return take_checkpoint(model)


class Player:
    """One tab's run: a model of the patient, and one of the comparator.

    Attributes
    ----------
    scene : Scene
        What it starts from.
    models : list of BoneModel
        One for each arm of the scene, at the same day, with the same random numbers.
    follower : Follower
        The BMU that is watched up close.
    asked : float
        Day of the calendar to which it was told to play; the model stands at the step nearest
        to it. Months are counted from here, or twelve of them would end weeks before the year.
    """

    def __init__(self, scene: Scene) -> None:
        """Set the scene, at day 0."""
        self.models: list[BoneModel] = []
        self.set(scene)

    def set(self, scene: Scene) -> None:
        """Start anew with a scene."""
        self.scene = scene
        self.models = [self.start(arm) for arm in scene.arms]
        self.follower = Follower(self.model)
        self.asked = 0.0

    def start(self, arm: Arm) -> BoneModel:
        """Return the model of an arm at day 0."""
        scene = self.scene
        point = spun_up(arm.patient, scene.parameters, scene.seed, scene.run_in)
        model = resume(point, arm.courses)
        model.change(arm.changes)
        model.read_at(scene.reading_years)
        return model

    @property
    def model(self) -> BoneModel:
        """The model of the patient, on which the controls act."""
        return self.models[0]

    @property
    def year(self) -> float:
        """Years since the start."""
        return self.model.day / YEAR

    @property
    def finished(self) -> bool:
        """Whether the longest time that a trial may last is over, or the patient is too old for more."""
        most = min(LONGEST, OLDEST - self.model.patient.age)
        return self.model.day + self.model.days > most * YEAR

    def has_reached(self, year: float) -> bool:
        """Return whether it stands at the step nearest to a year, or after it."""
        return self.model.tick >= self.tick_of(year * YEAR)

    def tick_of(self, day: float) -> int:
        """Return the step whose end is nearest to a day, as in `BoneModel.run_until`."""
        return floor(day / self.model.days + 0.5 + ROUNDING)

    def advance(self, days: float, until: float = inf) -> None:
        """Play on by some days of the calendar, to the nearest step.

        Parameters
        ----------
        days : float
            At least one step is made, unless the run is finished or `until` is reached.
        until : float
            Year beyond which it does not go.
        """
        model = self.model
        kept = abs(self.asked - model.day) <= (0.5 + ROUNDING) * model.days
        begin = self.asked if kept else model.day
        self.asked = begin + days
        if self.tick_of(self.asked) <= model.tick:  # less than a step was asked for
            self.asked = model.day + model.days
        self.asked = min(self.asked, until * YEAR)
        while model.tick < self.tick_of(self.asked) and not self.finished:
            for each in self.models:
                each.step()
            self.follower.look(model)

    def show_comparator(self, name: str) -> None:
        """Bring in a comparator, up to the same day."""
        self.scene = self.scene.with_comparator(name)
        del self.models[1:]
        for arm in self.scene.arms[1:]:
            other = self.start(arm)
            if name == UNTREATED:
                other.change(self.model.changes)
            while other.tick < self.model.tick:
                other.step()
            self.models.append(other)

    def show_overlay(self, overlay: str) -> None:
        """Lay something else over the section; the run goes on."""
        self.scene = replace(self.scene, overlay=overlay)

    def given(self) -> frozenset[str]:
        """Return the drugs that are being given."""
        day = self.model.day + 0.5 * self.model.days
        courses = self.model.treatment.courses
        begun = [course for course in courses if not course.waits]
        return frozenset(c.drug for c in begun if c.start * YEAR <= day < c.stop * YEAR)

    def give(self, drug: str) -> None:
        """Give a drug from now on, until it is stopped.

        A course under way goes on without an end. One that was to come later, or that waits
        for low bone, comes now, with its own dose and interval. Nothing is given twice over.

        Raises
        ------
        ValueError
            If there is no such drug, or the patient no longer takes daily drugs.
        """
        now, model = year_of(self.model.day), self.model
        endless = Course(drug=drug, start=now)
        numbers = find_drug(drug, model.parameters.drugs)
        if endless.taken_until(model.patient.quits, numbers).stop <= now:
            quits = f"{model.patient.quits:.1f}"
            raise ValueError(f"{drug}: this patient stopped all daily drugs in year {quits}")
        kept: list[Course | None] = list(model.treatment.courses)
        mine = [
            index for index, course in enumerate(model.treatment.courses) if course.drug == drug
        ]
        running = [i for i in mine if runs(model.treatment.courses[i], now)]
        planned = [i for i in mine if is_to_come(model.treatment.courses[i], now)]
        for index in running:
            kept[index] = replace(model.treatment.courses[index], stop=inf)
        for index in planned:
            kept[index] = None
        if planned and not running:
            sooner = min((model.treatment.courses[i] for i in planned), key=coming)
            kept[planned[0]] = replace(sooner, start=now, stop=inf, below=inf)
        elif not running:
            kept.append(endless)
        self.prescribe(drug, kept)

    def stop(self, drug: str) -> None:
        """End all courses of a drug, now and later; what is in the body is eliminated."""
        now = year_of(self.model.day)
        kept: list[Course | None] = list(self.model.treatment.courses)
        for index, course in enumerate(self.model.treatment.courses):
            if course.drug == drug:
                begun = course.start < now and not course.waits
                kept[index] = replace(course, stop=min(course.stop, now)) if begun else None
        self.prescribe(drug, kept)

    def prescribe(self, drug: str, courses: list[Course | None]) -> None:
        """Set the courses, those of one drug changed in their places, or None where left out.

        The first place of a drug is in which order it acts beside others, and so decides on
        the last bit of a repeat: it stays. A drug that was never taken leaves no trace.
        """
        treatment = self.model.treatment
        places = [i for i, course in enumerate(treatment.courses) if course.drug == drug]
        left = [i for i in places if courses[i] is not None]
        if left and left[0] != places[0]:
            courses[places[0]], courses[left[0]] = courses[left[0]], None
        kept = [course for course in courses if course is not None]
        if all(course.drug != drug for course in kept):
            treatment.bodies.pop(drug, None)
        self.model.give(kept)

    def lived(self) -> Patient:
        """Return the patient as of now."""
        model = self.model
        return patient_on(model.day + 0.5 * model.days, model.patient, model.changes)

    def hold_estradiol(self, level: float) -> None:
        """Hold endogenous estradiol at a level, pmol/L; ovaries count no more."""
        check("estradiol", level, "pmol/L", ESTRADIOL[0], ESTRADIOL[-1])
        self.change(replace(self.lived(), estradiol=float(level), ovarian=0.0))

    def set_exercise(self, hours: float) -> None:
        """Let the patient exercise for some hours a week from now on."""
        check("exercise", hours, "hour/week", EXERCISE[0], EXERCISE[-1])
        self.change(replace(self.lived(), exercise=float(hours)))

    def change(self, patient: Patient) -> None:
        """Let the patient, and the same patient untreated as comparator, live like another from now on."""
        now = year_of(self.model.day)
        both = self.scene.comparator is not None and self.scene.comparator.name == UNTREATED
        for model in self.models if both else self.models[:1]:
            before = [change for change in model.changes if change.year < now]
            model.change([*before, Change(year=now, patient=patient)])


def runs(course: Course, year: float) -> bool:
    """Return whether a course is under way in a year, or begins or ends just then."""
    return not course.waits and course.start <= year <= course.stop


def is_to_come(course: Course, year: float) -> bool:
    """Return whether a course begins after a year, or waits for low bone."""
    return course.waits or course.start > year


def coming(course: Course) -> tuple[bool, float]:
    """Sort courses by when they come: those that wait for low bone last."""
    return course.waits, course.start
