"""A whole model at one moment, from which it goes on as if nothing had happened."""

from collections.abc import Iterable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

from remodel.cells import Cavity, Osteoblast, Osteoclast
from remodel.measures import Meter
from remodel.model import BoneModel
from remodel.therapies import Course, Treatment


@dataclass(frozen=True)
class Checkpoint:
    """State of a model; `resume` makes any number of models that go on from it."""

    model: BoneModel
    state: dict[str, Any]
    osteoclasts: list[tuple[Any, ...]]
    osteoblasts: list[tuple[Any, ...]]


def take_checkpoint(model: BoneModel) -> Checkpoint:
    """Copy the state of a model, so that arms of a trial can share a spin-up."""
    return Checkpoint(
        model=model,
        state=copy_state(vars(model)),
        osteoclasts=[
            (cell.site, cell.direction, cell.life, cell.idle, cell.swallowed, deepcopy(cell.cavity))
            for cell in model.agents_by_type.get(Osteoclast, ())
        ],
        osteoblasts=[
            (cell.site, cell.room, cell.life, cell.idle, deepcopy(cell.cavity))
            for cell in model.agents_by_type.get(Osteoblast, ())
        ],
    )


def copy_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return copies of all that a run changes in a model, except its cells."""
    return {
        "tick": state["tick"],
        "until": state["until"],
        "perforations": state["perforations"],
        "tissue": state["tissue"].copy(),
        "signals": copy(state["signals"]),
        "surroundings": copy(state["surroundings"]),
        "meter": copy_meter(state["meter"]),
        "treatment": copy_treatment(state["treatment"]),
        "changes": state["changes"],
        "reversing": deepcopy(state["reversing"]),
        "started": list(state["started"]),
    }


def resume(point: Checkpoint, courses: Iterable[Course] | str) -> BoneModel:
    """Return a new model that goes on from a checkpoint under its own courses."""
    first = point.model
    model = BoneModel((), first.patient, first.parameters, first.tissue, first.seed, spin_up=False)
    for name, value in copy_state(point.state).items():
        setattr(model, name, value)
    model.meter.model = model
    model.give(courses)
    for site, direction, life, idle, swallowed, cavity in point.osteoclasts:
        clast = Osteoclast(model, site, direction, life, idle)
        clast.swallowed, clast.cavity = swallowed, deepcopy(cavity)
    for site, room, life, idle, cavity in point.osteoblasts:
        blast = Osteoblast(model, Cavity(site, 0), life, idle)
        blast.site, blast.room, blast.cavity = site, room, deepcopy(cavity)
    model.datacollector.collect(model)
    return model


def copy_meter(meter: Meter) -> Meter:
    """Return a meter of its own that begins its rows with the last reading."""
    other = copy(meter)
    other.history, other.rows = list(meter.history), meter.rows[-1:]
    return other


def copy_treatment(treatment: Treatment) -> Treatment:
    """Return a treatment of its own: the same courses, and as much in the body."""
    other = copy(treatment)
    other.bodies = deepcopy(treatment.bodies)
    return other
