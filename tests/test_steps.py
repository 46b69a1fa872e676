"""The order of a step is part of the model; its length is not."""

import numpy as np
import pytest
from helpers import SMALL, build, silent
from scipy import stats
from test_unit import near, run_to_the_end, start, thick_wall, undying

from remodel import BoneModel, Parameters
from remodel.model.bmu import FORMATION, RESORPTION, REVERSAL, Moment, after
from remodel.model.bone_model import STEP
from remodel.model.cells import Osteoblast, Osteoclast
from remodel.parameters.time_steps import YEAR

SEEDS = range(1, 13)
LENGTHS = (7.0, 3.5, 1.0)
WATCHED = ("bone", "resorbed", "formed", "osteoclasts", "reversing", "osteoblasts")


def test_the_order_of_a_step_is_the_one_described():
    first = [name for name in STEP if name != "activate_lining_cells"]
    assert first == [
        "treat",
        "renew_environment",
        "recruit_osteoclasts",
        "resorb",
        "recruit_osteoblasts",
        "form",
        "mineralize",
    ]
    for name in STEP:
        assert getattr(BoneModel, name).__doc__


def test_a_step_calls_each_process_once_in_order():
    model, called = build(), []
    day = model.day
    for name in (*STEP, "measure"):
        setattr(model, name, lambda name=name: called.append((name, model.day)))
    model.step()
    assert [name for name, _ in called] == [*STEP, "measure"]
    assert {when for _, when in called[:-1]} == {day}  # the clock advances after them
    assert called[-1][1] == model.day == day + model.days


@pytest.mark.parametrize("days", [0.7, 1.0, 3.5, 7.0, 14.0])
def test_a_year_is_a_year_whatever_the_step(days):
    model = build(time__step=days)
    assert model.day == 0.0
    model.run(1)
    assert abs(model.day - YEAR) <= 0.5 * days + 1e-9
    model.run(1)
    assert abs(model.day - 2 * YEAR) <= days + 1e-9


@pytest.mark.parametrize("days", [1.0, 3.5, 7.0])
def test_a_lone_bmu_resorbs_and_refills_the_same_whatever_the_step(days):
    """One osteoclast on a block of bone: how deep it comes does not depend on the step."""
    model = undying(thick_wall(20.0), time__step=days)
    before = model.tissue.matrix.copy()
    unit = start(model, *near(model.tissue, 400, 400), 37.0)
    run_to_the_end(model, unit)
    assert unit.depth == pytest.approx(37.0, rel=1e-9)
    assert unit.days[REVERSAL] - unit.birthday == pytest.approx(
        37.0 / model.parameters.osteoclast.erosion
    )
    assert not list(model.agents)
    np.testing.assert_allclose(model.tissue.matrix, before, atol=1e-9)


def test_cells_work_only_for_the_part_of_a_step_since_they_came():
    model = silent(thick_wall(20.0))
    erosion, apposition = (
        model.parameters.osteoclast.erosion,
        model.parameters.osteoblast.apposition,
    )
    clast = model.start_osteoclast(*near(model.tissue, 400, 400), 500.0, 4.0)
    unit = clast.unit
    clast.resorb(7.0, 1e9)
    assert unit.floor == pytest.approx(3.0 * erosion)
    assert clast.life == pytest.approx(500.0 - 3.0 * model.signals.osteoclast_apoptosis)
    model.tick += 1
    clast.resorb(7.0, 1e9)
    assert unit.floor == pytest.approx(10.0 * erosion)
    clast.life = 1e-9
    model.resorb()
    model.pass_on(unit, FORMATION, 5.0)
    blast = Osteoblast(model, unit, 500.0, Moment(model.tick, 5.0))
    blast.form(7.0)
    assert unit.floor == pytest.approx(10.0 * erosion - 2.0 * apposition)
    assert blast.life == pytest.approx(500.0 - 2.0 * model.signals.osteoblast_apoptosis)
    model.tick += 1
    blast.form(7.0)
    assert unit.floor == pytest.approx(10.0 * erosion - 9.0 * apposition)


def test_osteoblasts_that_come_amid_a_step_work_for_the_rest_of_it():
    model = undying(thick_wall(20.0))
    unit = start(model, *near(model.tissue, 400, 400), 30.0)
    while unit.phase == RESORPTION:
        model.step()
    unit.osteoblasts_due = Moment(model.tick, 2.0)
    model.recruit_osteoblasts()
    model.form()
    assert unit.floor == pytest.approx(30.0 - 5.0 * model.parameters.osteoblast.apposition)


@pytest.mark.parametrize("length", [0.7, 1.0, 3.5, 7.0])
def test_a_wait_ends_in_the_step_in_which_its_last_day_falls(length):
    for wait in (-2.0, 0.3, 6.9, 20.5, 300.1):
        found = after(100, wait, length)
        assert (found.step - 100) * length + found.days == pytest.approx(wait)
        assert found.step == 100 or 0.0 < found.days <= length


@pytest.fixture(scope="module")
def runs():
    """For each length of a step: arrays (seed, quantity), means over a year on treatment."""
    bigger = Parameters().with_values(
        SMALL | {"section.wavelength": 1.1, "section.height": 3.0, "time.spin_up": 1.5}
    )
    found = {}
    for days in LENGTHS:
        parameters = bigger.with_values({"time.step": days})
        found[days] = np.array([observe(parameters, seed) for seed in SEEDS])
    return found


def observe(parameters, seed):
    """Return what is watched, of both compartments, over the years 0.5 to 2."""
    model = BoneModel("anastrozole 0-2", parameters=parameters, rng=seed)
    model.run(2)
    frame = model.datacollector.get_model_vars_dataframe()
    late = frame[frame["year"] > 0.5]
    names = [f"{region}_{what}" for region in ("trabecular", "cortical") for what in WATCHED]
    return [late[name].mean() for name in names]


@pytest.mark.parametrize("days", LENGTHS[:2])
def test_the_result_does_not_depend_on_the_step(runs, days):
    """Differences to the shortest step, seed by seed: no quantity strays beyond 4 sigma."""
    gap = runs[days] - runs[LENGTHS[-1]]
    p = stats.ttest_1samp(gap, 0.0).pvalue  # few seeds: a t of 4 is no z of 4
    z = stats.norm.isf(p / 2)
    assert (z < 4.0).all(), z.round(1)
    # and the test could see a difference that matters: resorption within a third
    removed = runs[days].mean(axis=0)[1]
    assert gap.std(axis=0, ddof=1)[1] / np.sqrt(len(gap)) < 0.09 * removed


def test_one_step_of_both_kinds_of_cell_is_seen():
    model = build()
    assert model.agents_by_type[Osteoclast]
    assert model.agents_by_type[Osteoblast]
