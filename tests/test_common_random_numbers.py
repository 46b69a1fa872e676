"""Random numbers belong to (seed, process, step, site), whoever else lives."""

from collections import Counter

import numpy as np
import pytest
from helpers import build, same, small, state_of
from scipy.stats import kstest

import remodel.model.bone_model
from remodel import BoneModel
from remodel.model.cells import Osteoclast
from remodel.model.checkpoint import resume, take_checkpoint
from remodel.support.random_numbers import draw, draws

SITES = np.arange(0, 200_000, 7, dtype=np.int32)


def test_one_number_is_the_same_as_one_of_many():
    many = draws(3, "reversal", -5, SITES)
    assert many[[0, 17, -1]].tolist() == [
        draw(3, "reversal", -5, int(SITES[i])) for i in (0, 17, -1)
    ]


def test_numbers_are_uniform():
    found = draws(1, "reversal", 12, np.arange(100_000, dtype=np.int32))
    assert found.min() > 0.0
    assert found.max() <= 1.0
    assert abs(found.mean() - 0.5) / (12**-0.5 / np.sqrt(found.size)) < 4
    assert kstest(found, "uniform").pvalue > 1e-4


def test_numbers_of_one_site_over_the_steps_are_uniform():
    found = np.array([draw(1, "reversal", step, 4321) for step in range(-10_000, 10_000)])
    assert kstest(found, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 4 / np.sqrt(found.size)


@pytest.mark.parametrize(
    "other",
    [(2, "reversal", 0), (1, "osteoclast life", 0), (1, "reversal", 1), (1, "reversal", -1)],
)
def test_another_seed_process_or_step_shares_nothing(other):
    first, second = draws(1, "reversal", 0, SITES), draws(*other, SITES)
    assert not np.isin(first, second).any()
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(SITES.size)


def test_neighboring_sites_share_nothing():
    found = draws(1, "reversal", 0, np.arange(100_000, dtype=np.int32))
    for gap in (1, 2, 100, 200):
        assert abs(np.corrcoef(found[gap:], found[:-gap])[0, 1]) < 4 / np.sqrt(found.size)


def record_births(monkeypatch):
    """Return a list that fills with (model, tick, site, direction, life) of osteoclasts."""
    births, begin = [], Osteoclast.__init__

    def remember(self, model, unit, life, born):
        births.append((model, model.tick, unit.site, unit.opening, life))
        begin(self, model, unit, life, born)

    monkeypatch.setattr(Osteoclast, "__init__", remember)
    return births


def test_a_missing_osteoclast_changes_no_other_fate(monkeypatch):
    """One is taken from the middle: the others die when they would, new ones come alike."""
    parameters = small(section__height=6.0, responses__recruitment__emax=20.0)
    point = take_checkpoint(BoneModel(parameters=parameters, rng=5))
    whole, fewer = resume(point, ""), resume(point, "")
    cells = list(fewer.agents_by_type[Osteoclast])
    assert len(cells) > 10
    missing = cells[len(cells) // 2]
    missing.remove()
    births = record_births(monkeypatch)
    for _ in range(3):  # before the local environment, which the missing pit changes, are renewed
        whole.step()
        fewer.step()
        alive = [
            {(cell.unit.site, cell.life) for cell in model.agents_by_type[Osteoclast]}
            for model in (whole, fewer)
        ]
        only_whole = {site for site, _ in alive[0] - alive[1]}
        assert only_whole <= {missing.unit.site}
        assert not alive[1] - alive[0]
    assert len([birth for birth in births if birth[0] is whole]) > 3


def test_a_site_missing_from_the_surface_changes_no_recruitment_elsewhere(monkeypatch):
    """The list of surface sites gets shorter in the middle: random numbers go by site, not by place."""
    parameters = small(section__height=6.0, responses__recruitment__emax=20.0)
    point = take_checkpoint(BoneModel(parameters=parameters, rng=5))
    whole, fewer = resume(point, ""), resume(point, "")
    around, middle = fewer.environment, len(fewer.environment.surface) // 2
    missing = int(around.surface[middle])
    for name in ("surface", "supply", "area", "faces", "rankl", "opg"):
        setattr(around, name, np.delete(getattr(around, name), middle))
    fewer.drive = fewer.recruitment_drive()
    births = record_births(monkeypatch)
    for model in (whole, fewer):
        for _ in range(3):
            model.recruit_osteoclasts()
            model.tick += 1
    came = [{birth[1:] for birth in births if birth[0] is model} for model in (whole, fewer)]
    assert len(came[0]) > 3
    assert {birth for birth in came[0] if birth[1] != missing} == came[1]


def test_two_arms_give_the_same_site_the_same_random_numbers_for_years(monkeypatch):
    births = record_births(monkeypatch)
    arms = [build(courses, rng=3) for courses in ("", "anastrozole 0-3")]
    for model in arms:
        model.run(3)
    lives = [{b[1:3]: b[4] for b in births if b[0] is model} for model in arms]
    shared = lives[0].keys() & lives[1].keys()
    assert len(shared) > 0.3 * len(lives[0])
    assert all(lives[0][place] == lives[1][place] for place in shared)


def test_same_seed_same_run_other_seed_another():
    first, again, other = (build("tamoxifen 0-1", rng=rng) for rng in (7, 7, 8))
    for model in (first, again, other):
        model.run(1)
    assert same(state_of(first), state_of(again))
    assert first.meter.now == again.meter.now
    assert not same(state_of(first), state_of(other))


def test_arms_are_identical_until_a_course_begins():
    treated, untreated = build("anastrozole 1-3"), build()
    for model in (treated, untreated):
        model.run(1)
    assert same(state_of(treated), state_of(untreated))
    for model in (treated, untreated):
        model.run(1)
    assert not same(state_of(treated), state_of(untreated))


def test_nothing_draws_from_a_shared_stream():
    model = build()
    before = model.random.getstate(), model.rng.bit_generator.state, np.random.get_state()[1].copy()  # noqa: NPY002
    model.run(1)
    assert model.random.getstate() == before[0]
    assert model.rng.bit_generator.state == before[1]
    assert np.array_equal(np.random.get_state()[1], before[2])  # noqa: NPY002


def test_no_number_is_drawn_twice(monkeypatch):
    """Each process, step and site has a random number of its own, or two fates would be one."""
    drawn, draw_one = [], remodel.model.bone_model.draw

    def remember(*key):
        drawn.append(key)
        return draw_one(*key)

    monkeypatch.setattr(remodel.model.bone_model, "draw", remember)
    build(responses__recruitment__emax=40.0, section__height=4.0)
    processes = Counter(process for _, process, _, _ in drawn)
    assert len(processes) == 4
    assert min(processes.values()) > 200
    assert [key for key, count in Counter(drawn).items() if count > 1] == []
