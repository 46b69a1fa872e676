"""Every number is checked, has a source, and moves something."""

import csv
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from helpers import SMALL, evidence_ids

from remodel import BoneModel, Course, Parameters, Patient
from remodel.clinic.evidence import read_biology
from remodel.measurement.dxa import scan_factors
from remodel.measurement.fracture import hazard_ratio
from remodel.parameters.drugs import DEFAULTS, DRUGS
from remodel.parameters.measurement import SKELETAL_SITES
from remodel.parameters.population import Population
from remodel.parameters.quantities import BASES, MEASURED
from remodel.report.parameter_tables import every_number

WORDS = set(BASES)
VALUES = Parameters().values()
ROWS = {row.name: row for row in Parameters().rows()}
DRUGS_OF_ALL_KINDS = (
    "anastrozole 0-1, tamoxifen 0.5-1, denosumab 0.2-0.3, zoledronate 0-0.5, teriparatide 0.6-1"
)
BASE = SMALL | {"time.spin_up": 1.0}
SETTINGS = {  # numbers that matter only in some patients or above some dose
    "osteoclast.bisphosphonate_capacity": [Course(drug="zoledronate", stop=0.9, interval=90.0)],
    "densitometry.drift_from": "goserelin 0-0.9",  # any: in a patient below that age
}
SETTINGS |= {  # what a dose is matters only where it is given in its own unit
    f"drugs.{name}.{item}": f"{name} {one.amount:g} mg{'/week' * (item == 'per')} 0-0.9"
    for name, one in DRUGS.items()
    for item in ("amount", "per")
}
BUSY = Patient(smoking=1.0, alcohol=5.0, deficiency=1.0, exercise=5.0)  # every habit
YOUNG = Patient(age=45.0)  # with ovaries that a drug can switch off


def is_flat(name):
    """Return whether a number shapes a response that has the same value everywhere."""
    group, _, item = name.rpartition(".")
    if item not in ("half", "power") or not group.startswith("responses."):
        return False
    return VALUES[f"{group}.e0"] == VALUES[f"{group}.emax"]


def halved(row):
    """Return half of a value, or another one where half is outside the range."""
    for value in (0.5 * row.value, 2 * row.value, 0.5, 0.1):
        if row.low <= value <= row.high and value != row.value:
            return value
    raise AssertionError(row)


def drug_of(name):
    """Return the drug that a number belongs to, if any."""
    group, _, rest = name.partition(".")
    return rest.partition(".")[0] if group == "drugs" else None


def outcome(changes, drug=None):
    """Return all that a short run on drugs of all kinds, or on one drug, gives."""
    parameters = Parameters().with_values(BASE | changes)
    courses, patient = (DRUGS_OF_ALL_KINDS, BUSY)
    if drug:
        courses, patient = SETTINGS.get(drug, f"{drug} 0-0.9"), YOUNG
    model = BoneModel(courses, patient=patient, parameters=parameters, rng=2)
    model.run(1)
    tissue = model.tissue
    sums = {
        name: float(getattr(tissue, name).sum()) for name in ("matrix", "unmineralized", "cavity")
    }
    frame = model.datacollector.get_model_vars_dataframe()
    loss = np.full((1, 1), -3.0)
    for site in SKELETAL_SITES.values():
        scan = scan_factors(parameters.densitometry, site, np.array([1.0]), 2)
        sums[f"scan of {site}"] = float(scan[0])
    sums["hazard"] = float(
        hazard_ratio(np.zeros(1), loss, np.zeros((1, 1)), parameters.fracture)[0]
    )
    return model.meter.now | sums | {"all": float(np.abs(frame.to_numpy(dtype=float)).sum())}


@cache
def default(drug):
    """Return what comes out of the numbers as they are."""
    return outcome({}, drug)


@pytest.mark.parametrize("name", [name for name in VALUES if not is_flat(name)])
def test_every_parameter_moves_something(name):
    row, drug = ROWS[name], name if name in SETTINGS else drug_of(name)
    changes = {name: halved(row._replace(value=BASE.get(name, row.value)))}
    assert outcome(changes, drug) != default(drug)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_beyond_its_range_is_refused_with_name_value_unit_and_range(name):
    row = ROWS[name]
    item = name.rpartition(".")[2]
    for value in (row.low - 1.0, row.high * 2 + 1.0):
        message = f".{item} = {value} {row.unit}; expected "
        with pytest.raises(ValueError, match=re.escape(message)) as found:
            Parameters().with_values({name: value})
        assert f"{row.low:g} to {row.high:g}" in str(found.value)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_can_be_changed_by_its_name(name):
    row = ROWS[name]
    value = halved(row)
    changed = Parameters().with_values({name: value}).values()
    assert changed == VALUES | {name: value}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_unit_meaning_range_and_a_source_that_exists(name):
    row = ROWS[name]
    assert row.unit
    assert row.meaning
    assert row.low <= row.value <= row.high
    assert row.source in WORDS | evidence_ids()


@pytest.mark.parametrize(
    "group",
    [Patient(), Population(), *DRUGS.values()],
    ids=lambda group: getattr(group, "name", type(group).__name__),
)
def test_drugs_and_patients_name_their_sources(group):
    for row in group.rows("it"):
        assert row.source in WORDS | evidence_ids(), row
    assert getattr(group, "source", "") in WORDS | evidence_ids() | {""}


def test_a_measured_number_lies_in_the_range_of_its_source():
    """Where the source gives a plain range, in the same unit."""
    plain = r"([\d.]+)-([\d.]+)"
    ranges = {row["id"]: re.fullmatch(plain, row["range"]) for row in read_biology()}
    asked = [row for row in every_number() if row.basis == MEASURED and ranges[row.source]]
    assert len(asked) >= 6
    for row in asked:
        low, high = map(float, ranges[row.source].groups())
        assert low <= row.value <= high, row


def test_no_value_is_shared_between_two_sets_of_parameters():
    changed = Parameters().with_values({"osteoblast.life": 150.0})
    assert Parameters().values() == VALUES
    assert changed.osteoclast == Parameters().osteoclast


def test_values_survive_a_round_trip():
    changed = Parameters().with_values({"osteoblast.life": 150.0, "responses.rankl.ec50": 0.7})
    assert Parameters().with_values(changed.values()) == changed


def test_a_model_does_not_change_its_parameters():
    parameters = Parameters().with_values(SMALL)
    before = parameters.values()
    BoneModel("anastrozole 0-1", parameters=parameters, rng=1).run(1)
    assert parameters.values() == before


def test_a_number_of_a_drug_survives_being_set_to_what_other_drugs_have():
    """Or a record leaves it out, and is repeated with the default number."""
    lost = []
    for name in filter(drug_of, VALUES):
        blank = DEFAULTS[name.rpartition(".")[2]]
        changed = Parameters().with_values({name: blank})
        if Parameters().with_values(changed.values()) != changed:
            lost.append(name)
    assert not lost


def leading_numbers(count):
    """Return the numbers that move loss and recovery most, by the record of the screening."""
    path = Path(__file__).parent.parent / "experiments" / "results" / "sensitivity.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        names = dict.fromkeys(row["factor"] for row in csv.DictReader(lines))
    return set(list(names)[:count]) & {*VALUES}  # the record is of the first design


def test_what_was_read_a_second_time_is_what_is_used():
    """A number that was changed since asks for a reader."""
    path = Path(__file__).parent.parent / "docs" / "second_reading.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["name"] for row in rows if VALUES[row["name"]] != float(row["value"])] == []
    assert leading_numbers(30) <= {row["name"] for row in rows}
    assert {name for row in rows for name in row["rows"].split()} <= evidence_ids()
