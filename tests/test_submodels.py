"""Submodels that the trial of the main job does not use, and what is read from the section."""

from math import exp, log

import numpy as np
import pytest
from helpers import build, silent, wall

from remodel import kinetics
from remodel.cells import Cavity
from remodel.drugs import DRUGS
from remodel.fracture import Fracture, hazard_ratio
from remodel.kinetics import Body
from remodel.measures import dxa_change
from remodel.parameters import YEAR, Densitometry
from remodel.patients import Patient


def test_ovaries_decline_around_menopause():
    woman = Patient(age=50.0, menopause=51.0, transition=0.5)
    years = (-20.0, 1.0, 1.5, 20.0)
    ovarian = [woman.estradiol_at(year * YEAR)[0] for year in years]
    shares = [1.0, 1 / 2, 1 / (1 + exp(1)), 0.0]
    assert ovarian == pytest.approx([share * woman.ovarian for share in shares], abs=1e-9)
    assert {woman.estradiol_at(year * YEAR)[1] for year in years} == {woman.estradiol}


def test_bisphosphonate_is_bound_swallowed_or_lost():
    model = build("zoledronate 0-3")
    model.run(years=4)
    tissue = model.tissue
    parts = [tissue.bisphosphonate.sum(), tissue.drug_swallowed, tissue.drug_lost]
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(tissue.drug_given, rel=1e-12)


def test_bisphosphonate_shortens_the_lives_of_osteoclasts():
    arms = [build(courses) for courses in ("", "zoledronate 0-3")]
    for model in arms:
        model.run(years=3)
    without, on_drug = (model.datacollector.get_model_vars_dataframe() for model in arms)
    assert on_drug["osteoclasts"].mean() < 0.9 * without["osteoclasts"].mean()


def test_lining_cells_build_only_when_called():
    before, after = {}, {}
    for courses in ("", "teriparatide 0-2"):
        model = silent(wall(3))
        model.give(courses)
        before[courses] = model.tissue.matrix.sum()
        model.run(years=2)
        after[courses] = model.tissue.matrix.sum()
    assert after[""] == before[""]
    assert after["teriparatide 0-2"] > 1.02 * before["teriparatide 0-2"]


@pytest.mark.parametrize("depth", [0.4, 1.2, 9.0])
def test_an_apron_is_built_outward_on_one_open_site_at_most(depth):
    tissue = wall(3)
    top = 4 * 20 + 8  # the left border of the wall: the way into bone is right
    cavity = Cavity(top, 3)
    tissue.matrix_at[top] = 0.3  # dug out before, and not refilled
    cavity.extend(tissue, depth)
    held = dict(zip(cavity.sites, cavity.amounts, strict=True))
    assert held[top] == pytest.approx(min(depth, 0.7))
    assert held.get(top - 1, 0.0) == pytest.approx(min(1.0, max(0.0, depth - 0.7)))
    assert set(held) <= {top - 1, top}
    assert all(tissue.busy_at[site] for site in cavity.sites)


def test_an_injection_does_not_depend_on_how_its_days_are_divided(monkeypatch):
    def course():
        body = Body()
        return [body.take(DRUGS["denosumab"], 0.0, float(week == 0), 7.0) for week in range(40)]

    usual = course()
    monkeypatch.setattr(kinetics, "SUBSTEP", kinetics.SUBSTEP / 4)
    assert usual[1:20] == pytest.approx(course()[1:20], rel=0.02)
    assert usual[3] > 0.5 * DRUGS["denosumab"].concentration > 100 * usual[-1]


def test_dxa_mixes_the_compartments_and_adds_the_drift_of_the_spine():
    numbers = Densitometry(spine_trabecular=0.6, hip_trabecular=0.4, spine_drift=0.5)
    change = {"trabecular_bmd": -10.0, "cortical_bmd": -5.0}
    assert dxa_change(numbers, "spine", change, 2.0) == pytest.approx(-6.0 - 2.0 + 1.0)
    assert dxa_change(numbers, "hip", change, 2.0) == pytest.approx(-4.0 - 3.0)


def test_a_standard_deviation_of_bmd_lost_multiplies_the_hazard_by_the_gradient():
    numbers = Fracture()
    lost, kept = np.full((3, 2), -numbers.deviation), np.zeros((3, 2))
    assert hazard_ratio(lost, kept) == pytest.approx(numbers.gradient)
    assert log(hazard_ratio(kept, lost)[0]) == pytest.approx(-log(numbers.gradient))
