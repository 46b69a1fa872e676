"""Models are copied, pickled and let go like other models of Mesa."""

import gc
import pickle
import weakref
from copy import deepcopy

import mesa
import pytest
from helpers import build, same, small, state_of
from test_checkpoint import EVERYTHING, alike

from remodel import BoneModel, Change, Patient
from remodel.model.bmu import AT_WORK
from remodel.model.cells import Osteoblast, Osteoclast


def pickled(model):
    return pickle.loads(pickle.dumps(model))


WAYS = pytest.mark.parametrize("copied", [deepcopy, pickled])


def frames(*models):
    return [model.datacollector.get_model_vars_dataframe() for model in models]


@WAYS
@pytest.mark.parametrize("steps", [0, 1, 37])
@pytest.mark.parametrize("courses", ["", EVERYTHING])
def test_a_copy_goes_on_like_the_original(copied, steps, courses):
    model = build(courses, rng=9, section__height=3.0)
    for _ in range(steps):
        model.step()
    while not all(model.units_in(phase) for phase in AT_WORK):
        assert steps < 200
        model.step()
        steps += 1
    assert {Osteoclast, Osteoblast} == set(model.agents_by_type)
    other = copied(model)
    for _ in range(30):
        model.step()
        other.step()
    alike(model, other)
    first, second = frames(model, other)
    assert first.equals(second)
    assert len(first) == steps + 31
    numbers = [[cell.unique_id for cell in each.agents] for each in (model, other)]
    assert numbers[0] == numbers[1]
    assert len(set(numbers[0])) == len(numbers[0])


@WAYS
def test_copies_are_independent(copied):
    model, undisturbed = build(rng=9), build(rng=9)
    other = copied(model)
    other.give("anastrozole 0-5")
    other.change([Change(year=0.1, patient=Patient(estradiol=0.0))])
    other.run(1)
    assert all(cell.model is other for cell in other.agents)
    assert other.meter.model is other
    assert other.grid.model is other
    for each in (model, undisturbed):
        each.run(1)
    alike(model, undisturbed)
    assert not same(state_of(model), state_of(other))


@WAYS
def test_a_copy_of_a_model_without_spin_up(copied):
    model = BoneModel(parameters=small(), rng=2, spin_up=False)
    other = copied(model)
    model.run(0.5)
    other.run(0.5)
    assert same(state_of(model), state_of(other))


def run_some(**given):
    model = BoneModel("anastrozole 0-1", parameters=small(), rng=3, **given)
    model.run(0.2)
    return model


@pytest.mark.parametrize("way", [lambda model: model, deepcopy, pickled])
@pytest.mark.parametrize("spin_up", [True, False])
def test_models_in_a_loop_are_freed(way, spin_up):
    left = []
    for _ in range(3):
        model = way(run_some(spin_up=spin_up))
        left.append(weakref.ref(model))
        left.append(weakref.ref(model.tissue))
    del model
    gc.collect()
    assert [each() for each in left] == [None] * 6


def test_a_model_with_an_agent_of_another_kind_is_freed_and_numbers_it():
    class Visitor(mesa.Agent):
        pass

    model = run_some()
    visitor = Visitor(model)
    assert [agent.unique_id for agent in model.agents].count(visitor.unique_id) == 1
    assert visitor not in model.grid.agents  # it has no place
    left = weakref.ref(model)
    del model, visitor
    gc.collect()
    assert left() is None
