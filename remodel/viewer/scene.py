"""What is set up before playing: a patient or the arms of a trial, a section, its seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from remodel.clinic.courses import parse_courses, run_in_years
from remodel.clinic.patients import Patient
from remodel.clinic.trial_files import built_in_trials, load_trial
from remodel.clinic.trials import LONGEST, Arm, Published, Trial
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import check
from remodel.support.random_numbers import HIGHEST_SEED
from remodel.viewer.overlays import CHOICES, MINERAL

SECTIONS: Mapping[str, Mapping[str, float]] = {
    "default": {},
    "small": {"section.height": 2.0, "section.width": 3.0},
    "long": {"section.height": 6.0},
    "thin cortex": {"section.cortex": 0.5},
    "sparse trabeculae": {"section.bone_volume": 12.0},
}
ALONE, UNTREATED = "nothing", "no drug"  # comparators that need no arm
FREE = "one patient"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a run starts from.

    Attributes
    ----------
    arm : Arm
        Who is played, with what is given and changed from the start.
    comparator : Arm or None
        The comparator, with the same random numbers.
    trial : Trial or None
        Where they come from; its published results are shown.
    section : str
        A name in `SECTIONS`.
    seed : int
        Of all random numbers.
    overlay : str
        A name in `viewer.overlays.CHOICES`.
    base : Parameters
        What trial, section and `values` change, in this order.
    values : mapping of str to float
        Of parameters by dotted name, as ``--set`` gives them.
    """

    arm: Arm = field(default_factory=lambda: Arm(name=FREE, patient=Patient()))
    comparator: Arm | None = None
    trial: Trial | None = None
    section: str = "default"
    seed: int = 1
    overlay: str = MINERAL
    base: Parameters = field(default_factory=Parameters)
    values: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Refuse what is not there."""
        choose("section", self.section, SECTIONS)
        choose("overlay", self.overlay, CHOICES)
        check("seed", self.seed, "(no unit)", 0, HIGHEST_SEED)
        if self.values:
            _ = self.parameters  # refuses a name that is unknown and a value out of range

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that run: that of the patient, and the comparator."""
        return (self.arm, self.comparator) if self.comparator else (self.arm,)

    @property
    def run_in(self) -> float:
        """Years before day 0 in which the first course begins, of any arm that can be shown."""
        arms = self.trial.arms if self.trial else self.arms
        return run_in_years(course for arm in arms for course in arm.courses)

    @property
    def reading_years(self) -> tuple[float, ...]:
        """Years of the readings beside those of the calendar: whole years, and published ones."""
        whole = {float(year) for year in range(1, int(LONGEST) + 1)}
        return tuple(sorted(whole | set(self.trial.reading_years if self.trial else ())))

    @property
    def parameters(self) -> Parameters:
        """Every number of the model, on this section."""
        values = {**SECTIONS[self.section], **self.values}
        if self.trial:
            return self.trial.model_parameters(self.base, values)
        return self.base.with_values(values)

    @property
    def asked(self) -> str:
        """What is other in the numbers of the model than by default, but for the section."""
        parameters = self.base if self.trial is None else self.trial.model_parameters(self.base)
        text = parameters.with_values(self.values).describe()
        return text if text != Parameters().describe() else ""

    def published(self, arm: str) -> list[Published]:
        """Return the published results of an arm itself."""
        rows = self.trial.published if self.trial else ()
        return [row for row in rows if row.arm == arm and not row.against]

    def with_comparator(self, name: str) -> "Scene":
        """Return the scene with an arm of the trial, nobody, or the same patient untreated as comparator."""
        choose("comparator", name, self.companions())
        others = {arm.name: arm for arm in self.trial.arms} if self.trial else {}
        same = Arm(name=UNTREATED, patient=self.arm.patient, changes=self.arm.changes)
        return replace(self, comparator={ALONE: None, UNTREATED: same, **others}[name])

    def companions(self) -> list[str]:
        """Return which comparators there are."""
        others = [arm.name for arm in self.trial.arms] if self.trial else []
        return [ALONE, UNTREATED, *(name for name in others if name != self.arm.name)]


def choose(what: str, name: str, there: Any) -> None:
    """Refuse a name that is not there, and say which are."""
    if name not in there:
        raise ValueError(f"{what} = {name!r}; expected one of {', '.join(there)}")


@lru_cache(maxsize=1)
def trial_keys() -> dict[str, str]:
    """Return by which key each built-in trial is loaded, by its name."""
    return {load_trial(key).name: key for key in built_in_trials()}


def trial_scene(name: str | Path, arm: str = "", section: str = "default", seed: int = 1) -> Scene:
    """Return the scene of one arm of a trial; by default that of its first arm."""
    trial = load_trial(name)
    arms = {each.name: each for each in trial.arms}
    wanted = arm or next(iter(arms))
    choose("arm", wanted, arms)
    return Scene(arm=arms[wanted], trial=trial, section=section, seed=seed)


def read_scene(table: Any) -> Scene:
    """Read a scene from the table of a lesson; mistakes name file and line.

    Parameters
    ----------
    table : Table
        Keys, all of which may be left out: `trial` and `arm`, or `courses` (text) and a
        table `patient`; `comparator`, `section`, `seed`, `overlay`.
    """
    try:
        if "trial" in table.data:
            scene = trial_scene(table.words("trial"), table.words("arm", ""))
        else:
            patient = table.table("patient").build(Patient, Patient())
            given = parse_courses(table.words("courses", ""))
            scene = Scene(arm=Arm(name=FREE, patient=patient, courses=given))
        scene = replace(
            scene,
            section=table.words("section", "default"),
            seed=int(table.number("seed", "(no unit)", 0, HIGHEST_SEED, 1)),
            overlay=table.words("overlay", MINERAL),
        )
        return scene.with_comparator(table.words("comparator", ALONE))
    except ValueError as error:
        if str(error).startswith(table.file):
            raise
        return table.refuse(next(iter(table.data), ""), str(error))  # type: ignore[no-any-return]
