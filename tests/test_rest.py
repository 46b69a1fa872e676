"""A spin-up that was done is not done again, and nobody can tell by the results."""

import gc
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import build, same, small, state_of, wall
from test_checkpoint import alike

from remodel import BoneModel, Parameters, Patient
from remodel.bone.synthetic import build_section
from remodel.model import spin_up_cache
from remodel.model.cells import Osteoclast


@pytest.fixture(autouse=True)
def none_kept():
    spin_up_cache.clear()
    yield
    spin_up_cache.clear()


@pytest.fixture
def spun(monkeypatch):
    """Count the spin-ups."""
    done = []
    spin_up = BoneModel.spin_up

    def counted(model):
        done.append(model.seed)
        spin_up(model)

    monkeypatch.setattr(BoneModel, "spin_up", counted)
    return done


def test_the_second_begins_as_the_first(spun):
    first, second = build(rng=5), build(rng=5)
    assert spun == [5]
    assert [cell.unique_id for cell in first.agents] == [cell.unique_id for cell in second.agents]
    assert first.agent_id_counter == second.agent_id_counter
    assert first.random.getstate() == second.random.getstate()
    for model in (first, second):
        model.give("anastrozole 0-1, zoledronate 0-1")
        model.run(1)
    alike(first, second)
    assert first.frame().equals(second.frame())
    assert [cell.unique_id for cell in first.agents] == [cell.unique_id for cell in second.agents]


def test_a_run_leaves_the_rest_as_it_was(spun):
    first = build(rng=5)
    before = state_of(first)
    first.run(1)
    first.tissue.matrix[:] = 0.0
    second = build(rng=5)
    second.run(1)
    third = build(rng=5)
    assert spun == [5]
    assert same(state_of(third), before)
    assert third.meter.now["lumbar_spine"] == 0.0


@pytest.mark.parametrize(
    "other",
    [
        {"rng": 6},
        {"patient": Patient(estradiol=21.0)},
        {"osteoclast__life": 26.0},
        {"time__spin_up": 1.0},
        {"section__bone_volume": 21.0},
    ],
)
def test_another_patient_section_number_or_chance_is_another_rest(spun, other):
    build(rng=5)
    model = build(**({"rng": 5} | other))
    assert len(spun) == 2
    spin_up_cache.clear()
    assert same(state_of(model), state_of(build(**({"rng": 5} | other))))


def test_a_section_of_ones_own_is_told_by_what_is_in_it(spun):
    sections = [build_section(small(), 5), build_section(small(), 5), build_section(small(), 5)]
    sections[2].matrix[0, 0] = 0.25
    models = [BoneModel(parameters=small(), tissue=each.copy(), rng=5) for each in sections]
    assert len(spun) == 2
    assert same(state_of(models[0]), state_of(models[1]))
    assert np.array_equal(sections[0].matrix, sections[1].matrix)


def test_a_section_of_ones_own_is_not_kept():
    section = wall(4)
    left = weakref.ref(section)
    model = BoneModel(parameters=small(), tissue=section, rng=5)
    again = BoneModel(parameters=small(), tissue=wall(4), rng=5)
    assert same(state_of(model), state_of(again))
    assert spin_up_cache.KEPT
    del section, model, again
    gc.collect()
    assert left() is None


def test_only_so_many_are_kept(spun):
    for seed in range(spin_up_cache.MOST_STATES + 3):
        build(rng=seed, time__spin_up=0.1)
    assert len(spin_up_cache.KEPT) == spin_up_cache.MOST_STATES
    build(rng=0, time__spin_up=0.1)  # long gone
    build(rng=spin_up_cache.MOST_STATES + 2, time__spin_up=0.1)  # still there
    assert spun == [*range(spin_up_cache.MOST_STATES + 3), 0]


def test_a_huge_section_is_not_kept(spun, monkeypatch):
    monkeypatch.setattr(spin_up_cache, "MOST_SITES", 100)
    build(rng=5)
    build(rng=5)
    assert len(spun) == 2
    assert not spin_up_cache.KEPT


def test_threads_that_want_the_same_wait_for_the_first(spun):
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: build(rng=5), range(4)))
        others = list(pool.map(lambda seed: build(rng=seed), (6, 7, 6, 7)))
    assert sorted(spun) == [5, 6, 7]
    for model in models[1:]:
        assert same(state_of(models[0]), state_of(model))
        assert not np.shares_memory(models[0].tissue.matrix, model.tissue.matrix)
    assert same(state_of(others[0]), state_of(others[2]))


def test_a_spin_up_that_fails_is_tried_again(monkeypatch):
    def fail(_):
        raise RuntimeError("stopped")

    monkeypatch.setattr(BoneModel, "resorb", fail)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="stopped"):
            build(rng=5)
    monkeypatch.undo()
    assert len(build(rng=5).agents) > 0


def test_rules_that_were_replaced_are_not_overlooked(monkeypatch):
    """As who teaches replaces one in a notebook, or a test plants a fault."""
    default = build(rng=5)
    monkeypatch.setattr(Osteoclast, "resorb", lambda _cell, _days, _free_rankl: None)
    assert not same(state_of(build(rng=5)), state_of(default))
    monkeypatch.undo()
    monkeypatch.setattr("remodel.model.environment.LEAST", 0.9)
    build(rng=5)
    assert len(spin_up_cache.KEPT) == 3
    monkeypatch.undo()
    assert same(state_of(build(rng=5)), state_of(default))
    assert len(spin_up_cache.KEPT) == 3


def test_a_class_of_ones_own_has_its_own_rest():
    def make(life):
        class Mine(BoneModel):
            def start_osteoclast(self, site, opening, mean, days):
                return super().start_osteoclast(site, opening, life * mean, days)

        return Mine(parameters=small(), rng=5)

    assert not same(state_of(make(1.0)), state_of(make(0.5)))
    assert not spin_up_cache.KEPT


def test_reset_takes_less_than_half_a_second():
    model = BoneModel(rng=1)
    begin = time.process_time()  # others may be at work
    again = BoneModel(rng=1)
    assert time.process_time() - begin < 0.5
    assert model.tissue.matrix.size == 160 * 160 == again.tissue.matrix.size
    assert Parameters().time.spin_up > 1
