"""Changes in a patient's life act from their day on, and are data like courses."""

import numpy as np
import pytest
from helpers import SMALL, build, small

from remodel import Parameters, Patient
from remodel.clinic.lifestyle import Change, patient_on, year_of
from remodel.clinic.trial_files import build_trial, read_trial
from remodel.model.bone_model import BoneModel
from remodel.model.checkpoint import resume, take_checkpoint
from remodel.parameters.time_steps import YEAR
from remodel.runs.ensemble import run_trial
from remodel.support.toml_table import Table

TRIAL = """
name = "held"
on_treatment = 1
visits = [1]
sites = ["total_hip"]
[[arm]]
name = "falls"
[[arm.change]]
year = 0.25
estradiol = 2
[[arm.change]]
year = 0.5
exercise = 4
[[arm]]
name = "stays"
"""


def test_each_change_adds_to_those_before_it():
    falls, stays = read_trial(TRIAL, "held.toml").arms
    assert [change.year for change in falls.changes] == [0.25, 0.5]
    assert falls.changes[1].patient.estradiol == 2
    assert falls.changes[1].patient.exercise == 4
    assert stays.changes == ()


def test_a_trial_with_changes_reads_back_from_its_own_data():
    trial = read_trial(TRIAL, "held.toml")
    assert build_trial(Table(trial.as_data(), "data")) == trial
    assert "change" not in trial.as_data()["arm"][1]


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("year = 0.5", "year = 0.1", "year = 0.1 year; expected 0.25 to 1 year"),
        ("exercise = 4", "exercise = 400", "exercise = 400"),
        ("exercise = 4", "age = 40", "unknown key 'age'"),
        ("exercise = 4", "", "nothing changes"),
    ],
)
def test_a_change_that_cannot_be_is_one_line(old, new, said):
    with pytest.raises(ValueError, match=r"held.toml, line \d+: arm 1, change 2") as error:
        read_trial(TRIAL.replace(old, new), "held.toml")
    assert said in str(error.value)


def test_a_patient_lives_by_the_last_change_that_holds():
    first, low, lower = (Patient(estradiol=value) for value in (20, 5, 1))
    changes = (Change(year=1, patient=low), Change(year=2, patient=lower))
    found = [patient_on(year * YEAR, first, changes) for year in (0.5, 1.5, 2.5)]
    assert found == [first, low, lower]


def test_a_change_in_mid_run_is_the_same_as_one_known_from_the_start():
    trial = read_trial(TRIAL, "held.toml")
    known = run_trial(trial, Parameters().with_values(SMALL), replicates=1)
    model = build()
    for change in trial.arms[0].changes:
        model.run_until(change.year)
        model.change((*model.changes, change))
    model.run_until(1)
    arm = known[known["arm"] == "falls"]
    columns = list(model.frame())
    assert np.array_equal(model.frame().to_numpy(), arm[columns].to_numpy())
    assert model.signals.estradiol == pytest.approx(2, abs=1e-3)
    assert not np.array_equal(arm["ctx"], known[known["arm"] == "stays"]["ctx"])


def test_a_checkpoint_carries_changes():
    model = build()
    model.change([Change(year=0, patient=Patient(estradiol=3))])
    assert resume(take_checkpoint(model), "").changes == model.changes


@pytest.mark.parametrize("drug", ["anastrozole", "denosumab", "risedronate"])
def test_a_course_set_in_mid_run_is_the_same_as_one_known_from_the_start(drug):
    live = build()
    for tick, courses in ((5, "{0} {1!r}"), (33, "{0} {1!r}-{2!r}")):
        while live.tick < tick:
            live.step()
        live.give(courses.format(drug, year_of(5 * live.days), year_of(33 * live.days)))
    live.run_until(1)
    span = (year_of(5 * live.days), year_of(33 * live.days))
    known = BoneModel(f"{drug} {span[0]!r}-{span[1]!r}", parameters=small(), rng=1)
    known.run_until(1)
    assert np.array_equal(live.frame().to_numpy(), known.frame().to_numpy())


def test_no_year_ends_before_its_day():
    days = 7.0 * np.arange(20_000)
    years = np.array([year_of(day) for day in days])
    assert (years * YEAR >= days).all()
    assert np.allclose(years * YEAR, days, rtol=1e-15)


def test_changes_hold_from_their_years_in_whatever_order_they_are_given():
    model = build()
    model.change([Change(year=2, patient=Patient(estradiol=9)), Change(year=1, patient=Patient())])
    assert [change.year for change in model.changes] == [1, 2]
