"""Osteoblasts need a floor: a pit right through a trabecula is never refilled."""

import numpy as np
import pytest
from helpers import build, hand_made, silent, wall

from remodel import BoneModel
from remodel.measurement.histomorphometry import connected
from remodel.model.bmu import REVERSAL
from remodel.model.cells import Osteoblast, may_resorb

INTO = 3  # direction (0, 1), from the marrow on the left into the wall
FIRST = 8  # column of the wall


def resorb_one_pit(width, depth, **changes):
    """Return a model with one osteoclast sent into a straight wall, to live for a depth in um."""
    model = silent(wall(width), osteoblast__life=2000.0, **changes)
    site = 4 * model.tissue.matrix.shape[1] + FIRST
    life = depth / model.parameters.osteoclast.erosion * model.signals.osteoclast_apoptosis
    model.start_osteoclast(site, INTO, life, 0.0)
    return model


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_pit_right_through_is_never_refilled(width):
    model = resorb_one_pit(width, depth=800.0)
    model.run(6)
    assert model.perforations == 1
    assert (model.tissue.matrix[4, FIRST : FIRST + width] == 0).all()
    assert (np.delete(model.tissue.matrix, 4, axis=0)[:, FIRST : FIRST + width] == 1).all()
    assert not model.tissue.cavity.any()
    assert not list(model.agents)
    assert not model.tissue.formed.any()


def test_a_pit_with_a_floor_is_refilled_to_the_brim():
    model = resorb_one_pit(width=6, depth=46.0)
    while not model.units_in(REVERSAL):
        model.step()
    assert model.tissue.matrix[4, FIRST] == 0.0
    model.run(6)
    assert model.perforations == 0
    np.testing.assert_allclose(model.tissue.matrix[:, FIRST : FIRST + 6], 1.0, atol=1e-12)
    assert not model.tissue.cavity.any()
    assert not list(model.agents)


def test_a_pit_that_ends_exactly_at_a_site_has_its_floor_beneath():
    model = resorb_one_pit(width=3, depth=800.0, osteoclast__erosion=20.0 / 7.0)
    next(iter(model.agents)).life = 7.0 * model.signals.osteoclast_apoptosis
    model.resorb()
    [unit] = model.units_in(REVERSAL)
    assert unit.resorbed == pytest.approx(1.0)
    assert unit.has_floor(model.tissue)


def test_refilling_begins_at_the_floor():
    model = resorb_one_pit(width=6, depth=65.0)
    while not model.agents_by_type.get(Osteoblast):
        model.step()
    blast = next(iter(model.agents_by_type[Osteoblast]))
    assert blast.site > 4 * model.tissue.matrix.shape[1] + FIRST
    filled = []
    while list(model.agents):
        filled.append(model.tissue.matrix[4, FIRST : FIRST + 6].copy())
        model.step()
    for row in filled:
        empty = np.flatnonzero(row < 1 - 1e-9)
        assert empty.size == 0 or row[empty[0]] <= row[empty[-1]] + 1e-12
    assert len(filled) > 5


def test_new_matrix_begins_at_its_primary_mineral():
    model = resorb_one_pit(width=6, depth=46.0, mineral__time_constant=50.0)
    model.tissue.unmineralized[:] = 0.0
    while not model.agents_by_type.get(Osteoblast):
        model.step()
    while list(model.agents):
        model.step()
    new = model.tissue.formed.sum() or model.tissue.unmineralized.sum() / 0.3
    assert new > 0
    top = model.tissue.unmineralized[4, FIRST]
    assert top == pytest.approx(1 - model.parameters.mineral.primary, rel=0.02)


def test_an_osteoblast_that_dies_early_leaves_a_pit():
    model = resorb_one_pit(width=8, depth=65.0)
    while not model.agents_by_type.get(Osteoblast):
        model.step()
    next(iter(model.agents_by_type[Osteoblast])).life = 14.0
    model.run(1)
    assert not list(model.agents)
    assert not model.tissue.cavity.any()
    gap = 8 - model.tissue.matrix[4, FIRST : FIRST + 8].sum()
    assert gap > 1.0
    assert set(model.tissue.surface_sites()) - set(wall(8).surface_sites())


def test_two_osteoclasts_do_not_enter_the_same_site():
    model = silent(wall(6))
    columns = model.tissue.matrix.shape[1]
    left, right = 4 * columns + FIRST, 4 * columns + FIRST + 5
    model.start_osteoclast(left, INTO, 500.0, 0.0)
    model.start_osteoclast(right, INTO ^ 1, 500.0, 0.0)
    for _ in range(30):
        model.step()
        sites = [site for unit in model.units for site in unit.held]
        assert len(sites) == len(set(sites))
    assert (model.tissue.matrix[4, FIRST : FIRST + 6] == 0).all()


def test_an_osteoclast_that_comes_out_dies_when_it_comes_out(monkeypatch):
    """Not at the end of that step: reversal begins when resorption ends."""
    ends = []
    reverse = BoneModel.begin_reversal

    def left(model, unit, days):
        ends.append(model.day + days)
        reverse(model, unit, days)

    monkeypatch.setattr(BoneModel, "begin_reversal", left)
    model = resorb_one_pit(width=1, depth=800.0)
    start = model.day
    model.run(0.2)
    assert ends == [pytest.approx(start + 20.0 / model.parameters.osteoclast.erosion)]


@pytest.mark.parametrize("width", [2, 4])
def test_an_osteoclast_with_restraint_leaves_a_wall_standing(width):
    model = resorb_one_pit(width, depth=800.0, osteoclast__restraint=1.0)
    model.run(6)
    assert model.perforations == 0
    assert (model.tissue.matrix[:, FIRST + width - 1] == 1).all()


@pytest.mark.parametrize("restraint, width", [(0.0, 1), (1.0, 2), (1.0, 1)])
def test_an_osteoclast_with_restraint_does_not_begin_on_a_bar_of_one_site(restraint, width):
    model = silent(wall(width), osteoclast__restraint=restraint)
    model.attach_osteoclast(4 * model.tissue.matrix.shape[1] + FIRST, 0.0)
    assert len(model.agents) == (restraint < 1 or width > 1)


def test_half_a_restraint_holds_back_half_of_the_osteoclasts():
    model = silent(wall(1, rows=400), osteoclast__restraint=0.5)
    columns = model.tissue.matrix.shape[1]
    free = [may_resorb(model, row * columns + FIRST) for row in range(400)]
    assert 160 < sum(free) < 240  # four standard deviations


@pytest.mark.parametrize(
    "rows, joins",
    [
        ([[0, 1, 0], [0, 1, 0], [0, 1, 0]], True),  # a bar
        ([[0, 0, 0], [0, 1, 0], [0, 1, 0]], False),  # its end
        ([[1, 1, 1], [1, 1, 1], [0, 1, 0]], True),  # where it meets a wall
        ([[1, 1, 0], [1, 1, 0], [1, 1, 0]], False),  # a flat surface
        ([[0, 1, 1], [0, 1, 1], [0, 0, 0]], False),  # a corner
        ([[0, 1, 0], [0, 1, 1], [0, 0, 0]], True),  # a bend
        ([[1, 0.4, 1], [1, 1, 1], [1, 1, 1]], False),  # into the depth: nothing comes apart
        ([[0, 0.4, 0], [0, 1, 0], [0, 1, 0]], False),  # what is left above is hardly bone
    ],
)
def test_what_joins_is_told_from_the_ring_around_it(rows, joins):
    tissue = hand_made(np.pad(np.array(rows, dtype=float), 2))
    assert tissue.joins(3 * 7 + 3) == joins
    tissue.busy[2:5, 2:5] = True  # all around it at work, which may be lost
    assert not tissue.joins(3 * 7 + 3)


def count_pieces(model):
    """Return how many pieces of bone there are; a single site is none."""
    tissue = model.tissue
    pieces = connected(tissue.matrix + tissue.cavity >= 0.5, tissue.neighbors)
    return int((np.bincount(pieces.reshape(-1))[1:] > 1).sum())


def test_with_restraint_no_trabecula_is_cut():
    numbers = {"section__height": 2.0, "section__width": 3.0}
    risen = []
    for restraint in (0.0, 1.0):
        model = build("anastrozole", rng=2, osteoclast__restraint=restraint, **numbers)
        before = count_pieces(model)
        model.run(3)
        risen.append(count_pieces(model) - before)
    assert risen[0] > 0
    assert risen[1] == 0
