"""Osteoblasts need a floor: what is cut right through is never refilled, and restraint prevents it."""

import numpy as np
import pytest
from helpers import build, silent
from test_unit import bar, near, run_to_the_end, start, thick_wall, undying

from remodel import BoneModel
from remodel.model.bmu import FILLED, REVERSAL
from remodel.model.cells import Osteoblast


def test_refilling_begins_at_the_floor():
    model = undying(thick_wall(20.0))
    unit = start(model, *near(model.tissue, 400, 400), 65.0)
    row = unit.site // model.tissue.matrix.shape[1]
    while not model.cells_of(Osteoblast):
        model.step()
    seen = 0
    while unit in model.units:
        column = model.tissue.matrix[row, 20:]
        empty = np.flatnonzero(column < 1 - 1e-9)
        assert empty.size == 0 or column[empty[0]] <= column[empty[-1]] + 1e-12
        seen += 1
        model.step()
    assert seen > 5
    assert unit.phase == FILLED


def test_new_matrix_begins_at_its_primary_mineral():
    model = silent(thick_wall(20.0), osteoblast__life=2000.0, mineral__time_constant=50.0)
    model.tissue.unmineralized[:] = 0.0
    unit = start(model, *near(model.tissue, 400, 400), 46.0)
    run_to_the_end(model, unit)
    top = model.tissue.unmineralized.reshape(-1)[unit.site]
    assert top == pytest.approx(1 - model.parameters.mineral.primary, rel=0.03)


def test_an_osteoclast_that_comes_out_dies_when_it_comes_out(monkeypatch):
    """Not at the end of that step: reversal begins when nothing is left to resorb."""
    ends = []
    reverse = BoneModel.begin_reversal

    def left(model, unit, days):
        ends.append((unit.bottom, model.day + days))
        reverse(model, unit, days)

    monkeypatch.setattr(BoneModel, "begin_reversal", left)
    tissue = bar(20.0, 40.0)
    tissue.matrix[:19], tissue.matrix[21:] = 0.0, 0.0  # an island, less wide than a unit
    model = silent(tissue)
    start(model, *near(model.tissue, 400, 380), 800.0)
    begun = model.day
    model.run(0.4)
    [(bottom, day)] = ends
    assert day - begun == pytest.approx(bottom / model.parameters.osteoclast.erosion)


@pytest.mark.parametrize("depth", [20.0, 47.0, 80.0])
def test_the_deeper_a_cavity_the_sooner_osteoblasts_come(depth):
    model = silent(thick_wall(20.0))
    site, opening = near(model.tissue, 400, 400)
    numbers, reference = model.parameters.osteoblast, model.parameters.unit.reference_depth
    waits = []
    for tick in range(3000):
        model.tick = tick
        unit = start(model, site, opening, depth)
        [cell] = model.cells_of(type(next(iter(model.agents))))
        cell.remove()
        unit.floor = unit.depth = depth
        model.move_floors([unit])
        model.begin_reversal(unit, 3.0)
        due = unit.osteoblasts_due
        waits.append((due.step - tick) * model.days + due.days - 3.0)
        pits = model.tissue.pits  # as if nothing had been: the same wall for the next
        rows = pits.rows_of(unit.number)
        model.tissue.matrix.reshape(-1)[pits.site[rows]] = pits.held[rows]
        model.close(unit, FILLED, 0.0)
    mean = numbers.reversal * reference / depth
    assert min(waits) >= -1e-9
    assert np.mean(waits) == pytest.approx(mean, rel=0.08)  # standard error 1.8 %
    assert np.std(waits) == pytest.approx(mean, rel=0.1)  # exponential
    assert not model.units_in(REVERSAL)


def test_with_restraint_no_trabecula_is_cut():
    numbers = {"section__height": 2.0, "section__width": 3.0, "section__bone_volume": 15.0}
    perforated = []
    for restraint in (0.0, 1.0):
        model = build("anastrozole", rng=2, osteoclast__restraint=restraint, **numbers)
        since = model.perforations
        model.run(4)
        perforated.append(model.perforations - since)
    assert perforated[0] > 3
    assert perforated[1] == 0
