"""Replicates: all arms of a trial on one section and with common random numbers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import Any

import pandas as pd

from remodel.bone.section import Tissue
from remodel.clinic.patients import Patient
from remodel.clinic.trials import Arm, Trial
from remodel.model.bone_model import BoneModel
from remodel.model.checkpoint import Checkpoint, resume, take_checkpoint
from remodel.model.snapshot import Snapshot, take_snapshot
from remodel.parameters.parameters import Parameters
from remodel.runs.measure_values import take_values
from remodel.support.provenance import made_by

FOLDERS = re.compile(r"(?<![\w.])(?:[A-Za-z]:|~)?[/\\](?:[^/\\'\":;,]+[/\\])+")  # a run names none
Measure = Callable[[BoneModel], Mapping[str, Any]]


@dataclass(frozen=True)
class ReplicateTask:
    """One replicate of a trial, and what is to be seen of it beside the readings."""

    trial: Trial
    parameters: Parameters
    replicate: int
    seed: int
    pictures: bool = False
    tissue: Tissue | None = None  # built from the seed where none is given
    case: int = 0
    measure: Measure | None = None


@dataclass(frozen=True)
class Replicate:
    """What came out of one replicate of a case: a tidy frame, or why there is none.

    Attributes
    ----------
    number, case : int
        Which replicate, of which case of the ensemble.
    frame : DataFrame
        A row for each arm and reading; empty if the run failed.
    snapshots : dict
        Pictures by arm and year, if they were asked for.
    error : str
        What ended a failed run.
    made_by : dict
        The versions that made it, which a cluster may have others of than this process.
    """

    number: int
    frame: pd.DataFrame
    snapshots: dict[tuple[str, float], Snapshot] = field(default_factory=dict)
    case: int = 0
    error: str = ""
    made_by: dict[str, str] = field(default_factory=made_by)


def attempt(task: ReplicateTask) -> Replicate:
    """Run one replicate; an error becomes its result, so that it stops no other."""
    try:
        return run_replicate(task)
    except Exception as error:  # noqa: BLE001  whatever it is, others go on
        return fail(task, error)


def fail(task: ReplicateTask, error: Exception) -> Replicate:
    """Return a failed run, with one line that says what happened, and where."""
    place = extract_tb(error.__traceback__)[-1]
    text = FOLDERS.sub("", " ".join(f"{type(error).__name__}: {error}".split()))
    text += f" ({Path(place.filename).name}, line {place.lineno})"
    return Replicate(task.replicate, pd.DataFrame(), case=task.case, error=text)


def run_replicate(task: ReplicateTask) -> Replicate:
    """Spin up once for each kind of patient, then run every arm from there.

    The spin-up ends where the longest run-in of the arms begins.
    """
    points: dict[Patient, Checkpoint] = {}
    frames: list[pd.DataFrame] = []
    snapshots: dict[tuple[str, float], Snapshot] = {}
    for arm in task.trial.arms:
        patient = task.trial.patient_of(arm, task.seed)
        if patient not in points:
            model = spin_up(task, patient)
            points[patient] = take_checkpoint(model)
        model = enter(points[patient], arm)
        readings, pictures = follow(model, task)
        readings.insert(0, "arm", arm.name)
        frames.append(readings)
        snapshots |= {(arm.name, year): picture for year, picture in pictures.items()}
    frame = pd.concat(frames, ignore_index=True)
    frame.insert(0, "seed", task.seed)
    frame.insert(0, "replicate", task.replicate)
    return Replicate(task.replicate, frame, snapshots, task.case)


def spin_up(task: ReplicateTask, patient: Patient) -> BoneModel:
    """Return a model at rest, on a section of its own, before any run-in of the trial."""
    parameters = task.parameters.with_drugs(task.trial.drugs)
    return BoneModel((), patient, parameters, task.tissue, task.seed, run_in=task.trial.run_in)


def enter(point: Checkpoint, arm: Arm) -> BoneModel:
    """Return a model of an arm of a trial at day 0, after its run-in."""
    model = resume(point, arm.courses)
    model.change(arm.changes)
    return model


def follow(model: BoneModel, task: ReplicateTask) -> tuple[pd.DataFrame, dict[float, Snapshot]]:
    """Run one arm to the end; return readings with what is measured, and pictures by year."""
    trial = task.trial
    pictured = (0.0, trial.on_treatment, trial.years) if task.pictures else ()
    visits = (0.0, *trial.visits) if task.measure else ()
    pictures, measured = {}, {}
    model.read_at(trial.reading_years)
    for year in sorted({*pictured, *visits}):
        model.run_to_visit(year)
        if year in pictured:
            pictures[year] = take_snapshot(model)
        if task.measure and year in visits:
            measured[len(model.meter.rows) - 1] = take_values(task.measure, model)
    model.run_until(trial.years)
    frame = trial.observe(model.frame(), task.parameters.densitometry, task.seed)
    return frame.join(pd.DataFrame.from_dict(measured, orient="index")), pictures
