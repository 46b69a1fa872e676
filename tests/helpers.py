"""Small sections, hand-made tissues and ways to watch a model, for all tests."""

import csv
from pathlib import Path

import numpy as np

import remodel
from remodel import BoneModel, Parameters
from remodel.bone.section import CORTICAL, OUTSIDE, TRABECULAR, Tissue

SMALL = {
    "section.height": 1.0,
    "section.width": 2.0,
    "section.wavelength": 0.8,  # or a section this small holds a trabecula or two
    "time.spin_up": 2.0,
}
REST_EQUALS_FULL = {  # the rows that answer to estrogen, flat
    "responses.rankl.emax": 1.0,
    "responses.opg.emax": 1.0,
    "responses.osteoclast_apoptosis.emax": 1.0,
    "responses.osteoblast_apoptosis.emax": 1.0,
}


def small(**changes):
    """Return parameters of a small section; `group__name=value` changes one."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return Parameters().with_values(SMALL | named)


def build(courses="", rng=1, patient=None, **changes):
    """Return a small model at day 0."""
    return BoneModel(courses, patient=patient, parameters=small(**changes), rng=rng)


def hand_made(matrix, region=TRABECULAR, site_um=20.0):
    """Return a tissue from rows of numbers, all of one compartment, nothing outside."""
    matrix = np.array(matrix, dtype=float)
    labels = np.full(matrix.shape, region, dtype=np.int8)
    return Tissue(matrix=matrix, region=labels, outside=labels == OUTSIDE, site_um=site_um)


def wall(width, rows=8, columns=20, first=8, site_um=20.0):
    """Return a straight trabecula along the periodic axis, with marrow on both sides."""
    matrix = np.zeros((rows, columns))
    matrix[:, first : first + width] = 1.0
    return hand_made(matrix, site_um=site_um)


def silent(tissue, **changes):
    """Return a model of a given tissue to which no osteoclast comes by itself."""
    changes = {"time__spin_up": 1.0, "responses__recruitment__emax": 1e-9} | changes
    return BoneModel(parameters=small(**changes), tissue=tissue, rng=1)


def before_each_measure(model, action):
    """Have an action called at the end of every step, before readings are reset."""
    measure = model.measure

    def watched():
        action()
        measure()

    model.measure = watched


def free_rankl(signals):
    """Return free RANKL where strain is the habitual one and no osteoblasts are near."""
    return float(signals.unbound(1.0, 1.0))


def state_of(model):
    """Return copies of all that cells change in the section."""
    tissue = model.tissue
    names = ("matrix", "unmineralized", "cavity", "resorbed", "formed")
    return {name: getattr(tissue, name).copy() for name in names}


def same(first, second):
    """Return whether two states are equal to the last bit."""
    return all(np.array_equal(first[name], second[name]) for name in first)


def swap_labels(region):
    """Return trabecular and cortical exchanged."""
    other = region.copy()
    other[region == TRABECULAR], other[region == CORTICAL] = CORTICAL, TRABECULAR
    return other


def evidence_ids():
    """Return the ids of the evidence table."""
    path = Path(remodel.__file__).with_name("clinic") / "evidence" / "biology.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        return {row["id"] for row in csv.DictReader(lines)}
