"""A whole model at one moment, from which it goes on as if nothing had happened."""

from collections.abc import Iterable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

import mesa

from remodel.clinic.courses import Course, Treatment
from remodel.clinic.patients import Patient
from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES
from remodel.model.observer import Meter
from remodel.parameters.parameters import Parameters

OF_MESA = ("model", "unique_id", "pos")  # what Mesa itself gives to each agent
Cells = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Checkpoint:
    """State of a model; `resume` makes any number of models that go on from it."""

    patient: Patient
    parameters: Parameters
    seed: int
    state: dict[str, Any]
    cells: Cells  # by kind, each in the order in which they act


def take_checkpoint(model: BoneModel) -> Checkpoint:
    """Copy the state of a model, so that arms of a trial can share a spin-up."""
    held = {one.name: [held_by(cell) for cell in model.cells_of(one.kind)] for one in CELL_TYPES}
    units, cells = deepcopy((model.units_by_phase, held))
    return Checkpoint(
        patient=model.patient,
        parameters=model.parameters,
        seed=model.seed,
        state=copy_state(vars(model)) | {"units_by_phase": units},
        cells=cells,
    )


def held_by(cell: mesa.Agent) -> dict[str, Any]:
    """Return all that a cell holds, so that nothing new in a cell is forgotten."""
    return {name: value for name, value in vars(cell).items() if name not in OF_MESA}


def copy_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return copies of all that a run changes in a model, except its units and their cells."""
    return {
        "tick": state["tick"],
        "steps": state["steps"],
        "until": state["until"],
        "run_in": state["run_in"],
        "visits": set(state["visits"]),
        "perforations": state["perforations"],
        "tissue": state["tissue"].copy(),
        "signals": copy(state["signals"]),
        "environment": copy(state["environment"]),
        "meter": copy_meter(state["meter"]),
        "treatment": copy_treatment(state["treatment"]),
        "changes": state["changes"],
        "activations": list(state["activations"]),
        "eroded": list(state["eroded"]),
        "drive": state["drive"],
    }


def resume(point: Checkpoint, courses: Iterable[Course] | str) -> BoneModel:
    """Return a new model that goes on from a checkpoint under its own courses.

    Where the checkpoint lies before day 0, the model lives on until day 0.

    Raises
    ------
    ValueError
        If a course begins before day 0 and before the checkpoint.
    """
    state = copy_state(point.state)
    units, cells = deepcopy((point.state["units_by_phase"], point.cells))
    tissue = state["tissue"]
    model = BoneModel((), point.patient, point.parameters, tissue, point.seed, spin_up=False)
    for name, value in (state | {"units_by_phase": units}).items():
        setattr(model, name, value)
    model.set_clock(state["steps"])
    model.meter.model = model
    model.datacollector = model.new_collector()
    for one in CELL_TYPES:
        for held in cells[one.name]:
            cell = mesa.Agent.__new__(one.kind)
            mesa.Agent.__init__(cell, model)
            vars(cell).update(held)
    if model.meter.rows:
        model.datacollector.collect(model)
    model.begin(courses)
    return model


def copy_meter(meter: Meter) -> Meter:
    """Return a meter of its own with the readings so far."""
    other = copy(meter)
    other.history, other.rows = list(meter.history), list(meter.rows)
    return other


def copy_treatment(treatment: Treatment) -> Treatment:
    """Return a treatment of its own: the same courses, and as much in the body."""
    other = copy(treatment)
    other.bodies = deepcopy(treatment.bodies)
    return other
