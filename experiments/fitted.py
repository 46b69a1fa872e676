"""What a calibration looks at: the published rows that may be fitted, and histology at rest."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from remodel import BoneModel, Parameters, Patient
from remodel.clinic.trial_files import built_in_trials, load_trial
from remodel.clinic.trials import Arm, Trial
from remodel.measurement.markers import MARKERS
from remodel.model.biopsy import histomorphometry
from remodel.model.checkpoint import resume, take_checkpoint
from remodel.runs.results import Readings, questions

SCALE = {"bmd": 0.7, "marker": 10.0}  # points of difference that cost 1
YOUNG = "trabecular, before menopause"
RANGES = {  # histomorphometry at rest: index, compartment, low, high, what a miss of 1 costs
    ("turnover", "trabecular"): (18, 28, 2.0),  # U001, %/year
    ("turnover", "cortical"): (2, 5, 0.5),  # U001
    ("Ac.f", "trabecular"): (0.26, 0.38, 0.02),  # H074, 1/year
    ("OS/BS", "trabecular"): (7, 18, 1.0),  # H057, %
    ("ES/BS", "trabecular"): (4, 9, 0.5),  # H055, %
    ("W.Th", "trabecular"): (40, 59, 1.0),  # um
    ("E.De", "trabecular"): (42, 59, 1.0),  # um
    ("H.Dm", "cortical"): (35, 58, 2.0),  # um
    ("On.Dm", "cortical"): (100, 138, 4.0),  # um
    ("BV/TV", "trabecular"): (17.5, 21, 0.5),  # %
    ("Ac.f", YOUNG): (0.13, 0.13, 0.02),  # H001, 1/year
    ("turnover", YOUNG): (7, 11, 1.0),  # %/year
}
PATIENT = Patient(age=64)  # long past menopause age does nothing: one spin-up serves all alike


def calibration_arms() -> Iterator[tuple[Trial, Arm, float]]:
    """Yield each arm that a fitted row asks for, and the years that it must run."""
    for trial in map(load_trial, built_in_trials()):
        rows = [row for row in trial.published if row.use == "calibrate"]
        for arm in trial.arms:
            years = [row.year for row in rows if arm.name in (row.arm, row.against)]
            if years:
                yield trial, arm, max(years)


def simulate(task: tuple[Parameters, int]) -> dict[str, float]:
    """Run every arm under one seed; return the answer to each fitted row, and the ranges."""
    parameters, seed = task
    model = BoneModel(patient=PATIENT, parameters=parameters, rng=seed)
    points = {PATIENT: take_checkpoint(model)}
    frames: dict[str, list] = {}
    for trial, arm, years in calibration_arms():
        patient = replace(arm.patient, age=PATIENT.age, menopause=PATIENT.menopause)
        if patient not in points:
            other = BoneModel(patient=patient, parameters=parameters, rng=seed)
            points[patient] = take_checkpoint(other)
        run = resume(points[patient], arm.courses)
        run.read_at(trial.reading_years)
        run.run(years + 0.2)
        frame = run.frame().assign(arm=arm.name, replicate=0)
        frames.setdefault(trial.name, []).append(frame)
    answers = dict(answer_rows(frames))
    young = BoneModel(patient=Patient(age=40), parameters=parameters, rng=seed)
    for index, place in RANGES:
        section = young if place == YOUNG else model
        answers[f"{index} {place}"] = histomorphometry(section, place.partition(",")[0])[index]
    return answers


def answer_rows(frames: dict[str, list]) -> Iterator[tuple[str, float]]:
    """Yield a name and the simulated value for each fitted row."""
    for trial in map(load_trial, built_in_trials()):
        if trial.name in frames:
            readings = Readings(pd.concat(frames[trial.name]))
            for key, row in questions(trial):
                if row and row.use == "calibrate":
                    yield row_name(trial, key), float(readings.answer(key)[0])


def row_name(trial: Trial, key: tuple) -> str:
    """Return a readable name of a row."""
    arm, against, endpoint, _, year = key
    return (
        f"{trial.name} / {arm}{' minus ' + against if against else ''} / {endpoint} / year {year:g}"
    )


def published_rows() -> dict[str, tuple[float, float]]:
    """Return the published value and the scale of each fitted row."""
    rows = {}
    for trial in map(load_trial, built_in_trials()):
        for key, row in questions(trial):
            if row and row.use == "calibrate":
                scale = SCALE["marker" if key[2] in MARKERS else "bmd"]
                rows[row_name(trial, key)] = (row.value, scale)
    return rows


def residuals(answers: dict[str, float], published: dict[str, tuple[float, float]]) -> np.ndarray:
    """Return what each row misses the publication by, and histology its range, in scales."""
    missed = [(answers[name] - value) / scale for name, (value, scale) in published.items()]
    for (index, place), (low, high, scale) in RANGES.items():
        value = answers[f"{index} {place}"]
        missed.append((value - min(max(value, low), high)) / scale)
    return np.array(missed)
