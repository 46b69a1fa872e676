"""Plays a scene: steps its models, and does to the woman what the teacher does."""

from dataclasses import replace
from functools import lru_cache
from threading import Lock

from remodel.arms import Arm
from remodel.changes import Change, patient_on, year_of
from remodel.checkpoint import Checkpoint, forget, resume, take_checkpoint
from remodel.model import BoneModel
from remodel.parameters import YEAR
from remodel.patients import OLDEST, Patient
from remodel.quantities import check
from remodel.therapies import Course
from remodel.trials import LONGEST
from remodel.viewer.scene import UNTREATED, Scene
from remodel.viewer.unit import Follower

ESTRADIOL = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 400)  # pmol/L
MAKING = Lock()
EXERCISE = (0, 1, 2, 3, 5, 7, 10)  # hours a week


def rested(patient: Patient, section: str, seed: int, run_in: float = 0.0) -> Checkpoint:
    """Return a woman's section at rest, some years before day 0.

    Who asks for one in the making waits for it.
    """
    with MAKING:
        return bring_to_rest(patient, section, seed, run_in)


@lru_cache(maxsize=8)  # a section takes a second to come to rest; tabs and resets share it
def bring_to_rest(patient: Patient, section: str, seed: int, run_in: float) -> Checkpoint:
    """Run the spin-up of a section."""
    scene = Scene(arm=Arm(name="", patient=patient), section=section, seed=seed)
    model = BoneModel(patient=patient, parameters=scene.parameters, rng=seed, run_in=run_in)
    point = take_checkpoint(model)
    forget([model])
    return point


class Player:
    """One tab's run: a model of the woman, and one of who is shown beside her.

    Attributes
    ----------
    scene : Scene
        What it starts from.
    models : list of BoneModel
        One for each arm of the scene, at the same day, under the same luck.
    follower : Follower
        The remodeling unit that is watched up close.
    """

    def __init__(self, scene: Scene) -> None:
        """Set the scene, at day 0."""
        self.models: list[BoneModel] = []
        self.set(scene)

    def set(self, scene: Scene) -> None:
        """Start anew with a scene."""
        forget(self.models)
        self.scene = scene
        self.models = [self.start(arm) for arm in scene.arms]
        self.follower = Follower(self.model)

    def start(self, arm: Arm) -> BoneModel:
        """Return the model of an arm at day 0."""
        scene = self.scene
        point = rested(arm.patient, scene.section, scene.seed, scene.run_in)
        model = resume(point, arm.courses)
        model.change(arm.changes)
        model.read_at(scene.reading_years)
        return model

    @property
    def model(self) -> BoneModel:
        """Her model, on which the controls act."""
        return self.models[0]

    @property
    def year(self) -> float:
        """Years since the start."""
        return self.model.day / YEAR

    @property
    def finished(self) -> bool:
        """Whether the longest time that a trial may last is over, or she is too old for more."""
        most = min(LONGEST, OLDEST - self.model.patient.age)
        return self.model.day + self.model.days > most * YEAR

    def advance(self, days: float) -> None:
        """Step for some days, at least once, unless the run is finished."""
        for _ in range(max(1, round(days / self.model.days))):
            if self.finished:
                return
            for model in self.models:
                model.step()
            self.follower.look(self.model)

    def show_beside(self, name: str) -> None:
        """Bring somebody beside her, up to the same day."""
        forget(self.models[1:])
        self.scene = self.scene.with_beside(name)
        del self.models[1:]
        for arm in self.scene.arms[1:]:
            other = self.start(arm)
            if name == UNTREATED:
                other.change(self.model.changes)
            while other.tick < self.model.tick:
                other.step()
            self.models.append(other)

    def lay(self, overlay: str) -> None:
        """Lay something else over the section; the run goes on."""
        self.scene = replace(self.scene, overlay=overlay)

    def given(self) -> frozenset[str]:
        """Return the drugs that she is given now."""
        day = self.model.day + 0.5 * self.model.days
        courses = self.model.treatment.courses
        begun = [course for course in courses if not course.waits]
        return frozenset(c.drug for c in begun if c.start * YEAR <= day < c.stop * YEAR)

    def give(self, drug: str) -> None:
        """Give her a drug from now on, until it is stopped."""
        if drug not in self.given():
            course = Course(drug=drug, start=year_of(self.model.day))
            self.model.give((*self.model.treatment.courses, course))

    def stop(self, drug: str) -> None:
        """Give her no more of a drug; what is in her body leaves by itself."""
        now, treatment = year_of(self.model.day), self.model.treatment
        kept = [
            replace(course, stop=min(course.stop, now)) if course.drug == drug else course
            for course in treatment.courses
            if course.drug != drug or course.start < now
        ]
        if all(course.drug != drug for course in kept):
            treatment.bodies.pop(drug, None)  # never taken
        self.model.give(kept)

    def lived(self) -> Patient:
        """Return the woman as she lives now."""
        model = self.model
        return patient_on(model.day + 0.5 * model.days, model.patient, model.changes)

    def hold_estradiol(self, level: float) -> None:
        """Hold the estradiol that her body makes at a level, pmol/L; ovaries count no more."""
        check("estradiol", level, "pmol/L", ESTRADIOL[0], ESTRADIOL[-1])
        self.change(replace(self.lived(), estradiol=float(level), ovarian=0.0))

    def set_exercise(self, hours: float) -> None:
        """Let her exercise for some hours a week from now on."""
        check("exercise", hours, "hour/week", EXERCISE[0], EXERCISE[-1])
        self.change(replace(self.lived(), exercise=float(hours)))

    def change(self, patient: Patient) -> None:
        """Let her, and herself untreated beside her, live like another from now on."""
        now = year_of(self.model.day)
        both = self.scene.beside is not None and self.scene.beside.name == UNTREATED
        for model in self.models if both else self.models[:1]:
            before = [change for change in model.changes if change.year < now]
            model.change([*before, Change(year=now, patient=patient)])
