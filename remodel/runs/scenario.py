"""Cases: the cells of the table of an ensemble, each a trial with the numbers of the model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from remodel.bone.files import section_sum
from remodel.bone.section import Tissue
from remodel.clinic.patients import Patient
from remodel.clinic.trials import Trial
from remodel.model.observer import COLUMNS
from remodel.parameters.parameters import Parameters
from remodel.runs.record import checksum
from remodel.support.messages import shown
from remodel.support.plain_values import blank, plain

TAKEN = {"replicate", "seed", "arm", *COLUMNS}
OF_TRIAL = Parameters()  # stands for those that the trial itself asks for


@dataclass(frozen=True)
class Case:
    """One cell of the table of an ensemble: a trial, with the numbers of the model.

    Attributes
    ----------
    trial : Trial
        What to run; its patients are part of it.
    parameters : Parameters
        Every number of the model, used as they are; by default those of the trial.
    labels : dict
        What tells this case from the others: columns of the frame, numbers or text.
    tissue : Tissue, optional
        A section that all replicates begin with; each builds one of its own otherwise.
    """

    trial: Trial
    parameters: Parameters = OF_TRIAL
    labels: Mapping[str, float | str] = field(default_factory=dict)
    tissue: Tissue | None = None

    def __post_init__(self) -> None:
        """Refuse labels that cannot be kept, or that are columns of every frame."""
        if self.parameters is OF_TRIAL:
            object.__setattr__(self, "parameters", self.trial.model_parameters())
        known = self.parameters.with_drugs(self.trial.drugs)  # so that a record has their numbers
        object.__setattr__(self, "parameters", known)
        labels = {str(plain(name)): plain(value) for name, value in self.labels.items()}
        for name, value in labels.items():
            if name in TAKEN:
                raise ValueError(f"label {name!r} is a column of every frame; expected another")
            if not isinstance(value, float | int | str | None):
                text = f"label {name!r} = {shown(value)}; expected a number or text"
                raise ValueError(text)  # noqa: TRY004  as of all input
        object.__setattr__(self, "labels", labels)

    def describe(self) -> dict[str, Any]:
        """Return the labels, and a checksum of all else that makes this case."""
        content = {
            "trial": self.trial.as_data(),
            "parameters": self.parameters.values(),
            "section": section_sum(self.tissue) if self.tissue else None,
        }
        labels = {name: blank(value) for name, value in self.labels.items()}
        return {"labels": labels, "sum": checksum(content)}


def cross(
    trials: Iterable[Trial],
    patients: Iterable[Patient | None] = (None,),
    values: Iterable[Mapping[str, float]] = ({},),
    parameters: Parameters | None = None,
) -> list[Case]:
    """Return every trial with every patient and every set of parameter values.

    Parameters
    ----------
    trials : iterable of Trial
        Labeled ``trial``.
    patients : iterable of Patient
        Patients who are in every arm in place of those of the trial, labeled ``patient`` by
        their number from 0; None leaves the trial as it is.
    values : iterable of dict
        Values by name, such as ``{"osteoblast.life": 150}``; labeled by those names.
    parameters : Parameters, optional
        All other numbers; what a trial's own file changes of them is changed.
    """
    base, values, numbered = parameters or Parameters(), list(values), list(enumerate(patients))
    names = dict.fromkeys(name for changes in values for name in changes)
    cases = []
    for trial in trials:
        known = trial.model_parameters(base).known()
        rest = {name: known[name].value for name in names if name in known}
        cases += [
            Case(
                trial if patient is None else with_patient(trial, patient),
                trial.model_parameters(base, changes),
                {"trial": trial.name}
                | ({} if patient is None else {"patient": number})
                | {name: changes.get(name, rest.get(name, 0.0)) for name in names},
            )
            for number, patient in numbered
            for changes in values
        ]
    return cases


def with_patient(trial: Trial, patient: Patient) -> Trial:
    """Return a trial in which all arms are of the same patient, in every replicate."""
    arms = tuple(replace(arm, patient=patient) for arm in trial.arms)
    return replace(trial, patient=patient, arms=arms, population=None)
