"""Whole models in files: a run that goes on from one is the uninterrupted run, bit for bit."""

from dataclasses import asdict, fields, replace
from math import inf
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remodel.bone.pits import ROWS, UNITS, Pits
from remodel.bone.section import DOSES, FIELDS, MOST_SITES, Tissue
from remodel.clinic.courses import Course, Treatment
from remodel.clinic.lifestyle import Change
from remodel.clinic.patients import Patient
from remodel.clinic.pharmacokinetics import Body
from remodel.model.bmu import AT_WORK, BMU, Moment
from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES
from remodel.model.checkpoint import Checkpoint, resume, take_checkpoint
from remodel.model.environment import LocalEnvironment
from remodel.model.observer import Meter
from remodel.model.signals import Signals
from remodel.parameters.drugs import drug
from remodel.parameters.parameters import Parameters
from remodel.support.archive import read_archive, write_archive
from remodel.support.plain_values import blank, unblank
from remodel.support.provenance import made_by, warn_of_others

MODEL = "remodel model, 3"
LARGEST = 128 * MOST_SITES  # bytes once unpacked
SITE_ARRAYS = ("matrix", "region", "outside", *FIELDS, "busy")
COUNTS = ("tick", "steps", "until", "run_in", "perforations", "activations", "eroded")
READINGS = ("since", "history", "baseline", "now", "rows")
AROUND, OF_PITS = "around_", "pits_"  # before the names of the local environment, and of pits
Arrays = dict[str, NDArray[Any]]


def save_model(model: BoneModel, path: Path | str) -> None:
    """Save a model as it is between two steps, cells, drugs and readings with it.

    Parameters
    ----------
    model : BoneModel
        At any step from day 0 on.
    path : Path or str
        An ``.npz`` file.
    """
    point = take_checkpoint(model)
    state, tissue = point.state, point.state["tissue"]
    arrays = {name: getattr(tissue, name) for name in SITE_ARRAYS}
    around = vars(state["environment"]).items()
    arrays |= {AROUND + name: value for name, value in around if isinstance(value, np.ndarray)}
    arrays |= {OF_PITS + name: value for name, value in tissue.pits.arrays().items()}
    arrays["drive"] = state["drive"]
    write_archive(Path(path), MODEL, arrays, describe_point(point))


def describe_point(point: Checkpoint) -> dict[str, Any]:
    """Return all of a checkpoint that is no array, as JSON can hold it."""
    state, treatment = point.state, point.state["treatment"]
    units = [unit for phase in AT_WORK for unit in state["units_by_phase"][phase]]
    courses = [asdict(course) for course in treatment.courses]
    return {
        "made_by": made_by(),
        "seed": point.seed,
        "patient": asdict(point.patient),
        "parameter_set": point.parameters.parameter_set,
        "parameters": point.parameters.values(),
        "drugs": [own.as_data() for own in point.parameters.own_drugs()],
        "changes": [change.as_data() for change in state["changes"]],
        "visits": sorted(state["visits"]),
        "site_um": state["tissue"].site_um,
        "doses": {name: getattr(state["tissue"], name) for name in DOSES},
        "courses": [{k: v for k, v in course.items() if v != inf} for course in courses],
        "bodies": {name: asdict(body) for name, body in treatment.bodies.items()},
        "signals": {name: getattr(state["signals"], name) for name in signal_names()},
        "readings": {name: blank_all(getattr(state["meter"], name)) for name in READINGS},
        "units": [unit_data(unit) for unit in units],
        "cells": {
            name: [cell_data(cell, units) for cell in held] for name, held in point.cells.items()
        },
        **{name: state[name] for name in COUNTS},
    }


def blank_all(reading: Any) -> Any:
    """Return a number, a reading or a list of readings as JSON can hold them."""
    if isinstance(reading, list):
        return [blank_all(one) for one in reading]
    if isinstance(reading, dict):
        return {name: blank(value) for name, value in reading.items()}
    return blank(reading)


def unblank_all(reading: Any) -> Any:
    """Return that of which `blank_all` made what JSON holds."""
    if isinstance(reading, list):
        return [unblank_all(one) for one in reading]
    if isinstance(reading, dict):
        return {name: unblank(value) for name, value in reading.items()}
    return unblank(reading)


def signal_names() -> list[str]:
    """Return the signals of a step, by name."""
    return [item.name for item in fields(Signals) if item.name != "parameters"]


def unit_data(unit: BMU) -> dict[str, Any]:
    """Return what a unit holds."""
    return {name: getattr(unit, name) for name in BMU.__slots__}


def cell_data(cell: dict[str, Any], units: list[BMU]) -> dict[str, Any]:
    """Return what a cell holds, in place of its unit the number of that."""
    return cell | ({"unit": units.index(cell["unit"])} if "unit" in cell else {})


def load_model(path: Path | str) -> BoneModel:
    """Load a model that `save_model` saved, in the middle of whatever it was doing.

    Raises
    ------
    ValueError
        With one line, if the file is incomplete.

    Warns
    -----
    OtherVersionWarning
        If another version saved it: it may not go on to the last bit as there.
    """
    arrays, record = read_archive(Path(path), MODEL, LARGEST)
    warn_of_others(path, [record.get("made_by")])
    try:
        point = read_point(arrays, record)
        return resume(point, point.state["treatment"].courses)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ValueError(f"{path}: holds no complete model ({error!r})") from None


def read_point(arrays: Arrays, record: dict[str, Any]) -> Checkpoint:
    """Return the checkpoint that arrays and a record hold."""
    own = [drug(**data) for data in record["drugs"]]
    parameters = Parameters.from_values(record["parameters"], record["parameter_set"], own)
    patient = Patient(**record["patient"])
    tissue = read_tissue(arrays, record)
    units = [read_unit(data) for data in record["units"]]
    state = {name: record[name] for name in COUNTS} | {
        "tissue": tissue,
        "signals": Signals(parameters, **record["signals"]),
        "environment": read_environment(arrays, parameters, tissue),
        "meter": read_meter(record["readings"]),
        "treatment": read_treatment(record, parameters),
        "changes": tuple(read_change(data, patient) for data in record["changes"]),
        "visits": set(record["visits"]),
        "eroded": [(site, area) for site, area in record["eroded"]],
        "drive": arrays["drive"],
        "units_by_phase": {
            phase: {unit: None for unit in units if unit.phase == phase} for phase in AT_WORK
        },
    }
    cells = {
        one.name: [read_cell(data, units) for data in record["cells"][one.name]]
        for one in CELL_TYPES
    }
    return Checkpoint(patient, parameters, index(record["seed"]), state, cells)


def read_tissue(arrays: Arrays, record: dict[str, Any]) -> Tissue:
    """Return the section with all that is under way in it."""
    tissue = Tissue(arrays["matrix"], arrays["region"], arrays["outside"], record["site_um"])
    for name in (*FIELDS, "busy"):
        getattr(tissue, name)[:] = arrays[name]
    for name in DOSES:
        setattr(tissue, name, record["doses"][name])
    tissue.pits = read_pits(arrays, tissue.matrix.size)
    return tissue


def read_pits(arrays: Arrays, sites: int) -> Pits:
    """Return the table of pits of a section of so many sites; refuse one that does not fit it."""
    found = [name for name in arrays if name.startswith(OF_PITS)]
    table = {name.removeprefix(OF_PITS): arrays[name] for name in found}
    for names in (ROWS, UNITS):
        if len({len(table[name]) for name in names}) != 1:
            raise ValueError(f"columns of pits of several lengths: {', '.join(names)}")
    for name, most in (("site", sites), ("beneath", sites), ("unit", len(table["floor"]))):
        if table[name].size and not table[name].max() < most:
            raise ValueError(f"pits: {name} {table[name].max()}; expected less than {most}")
    return Pits.of(table)


def read_environment(arrays: Arrays, parameters: Parameters, tissue: Tissue) -> LocalEnvironment:
    """Return the local environment of the sites when it was last measured."""
    around = LocalEnvironment(parameters, tissue)
    for name in [name for name in arrays if name.startswith(AROUND)]:
        if not isinstance(getattr(around, name.removeprefix(AROUND), None), np.ndarray):
            raise KeyError(name)
        setattr(around, name.removeprefix(AROUND), arrays[name])
    return around


def read_meter(readings: dict[str, Any]) -> Meter:
    """Return a meter with its readings; `resume` gives it its model."""
    meter = Meter.__new__(Meter)
    vars(meter).update({name: unblank_all(readings[name]) for name in READINGS})
    return meter


def read_treatment(record: dict[str, Any], parameters: Parameters) -> Treatment:
    """Return the courses, and what is in the body of each drug, in the order of the drugs."""
    courses = tuple(Course(**course) for course in record["courses"])
    treatment = Treatment((), parameters.drugs)
    treatment.bodies = {name: Body(**body) for name, body in record["bodies"].items()}
    treatment.prescribe(courses)
    return treatment


def read_change(data: dict[str, Any], patient: Patient) -> Change:
    """Return a change in the life of a patient."""
    lived = {name: value for name, value in data.items() if name != "year"}
    return Change(year=data["year"], patient=replace(patient, **lived))


def read_unit(data: dict[str, Any]) -> BMU:
    """Return a unit from what it held."""
    unit = BMU(0, 0, 0, "", 0.0)
    for name in BMU.__slots__:
        setattr(unit, name, data[name])
    due = unit.osteoblasts_due
    unit.osteoblasts_due = Moment(*due) if due else None
    return unit


def read_cell(data: dict[str, Any], units: list[BMU]) -> dict[str, Any]:
    """Return what a cell held, with its unit if it has one."""
    if "unit" not in data:
        return data
    return data | {"unit": units[data["unit"]], "born": Moment(*data["born"])}
