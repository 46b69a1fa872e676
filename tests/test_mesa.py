"""BoneModel fits Mesa's habits, without a deprecation warning (warnings are errors here)."""

import inspect

import mesa
import numpy as np
import pandas as pd
import pytest
from helpers import build, small

from remodel import BoneModel
from remodel.bone.synthetic import build_section
from remodel.model.cells import Osteoblast, Osteoclast
from remodel.model.checkpoint import resume, take_checkpoint
from remodel.model.observer import COLUMNS
from remodel.parameters.time_steps import YEAR
from remodel.support.random_numbers import HIGHEST_SEED

RNG = "rng" in inspect.signature(mesa.batch_run).parameters  # Mesa 3.5


def test_a_model_needs_no_arguments():
    model = BoneModel()
    assert isinstance(model, mesa.Model)
    assert model.day == 0.0
    for name, parameter in inspect.signature(BoneModel).parameters.items():
        assert parameter.default is not inspect.Parameter.empty, name


def test_three_lines_give_a_data_frame():
    model = build("anastrozole 0-5")
    model.run(years=2)
    frame = model.datacollector.get_model_vars_dataframe()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == [*COLUMNS, "seed"]
    assert frame["year"].nunique() == 1 + int(model.day // 28)
    assert frame["year"].iloc[0] == 0.0
    assert (np.diff(frame["year"]) >= 0).all()
    assert frame["year"].iloc[-1] == pytest.approx(2.0, abs=28 / YEAR)
    assert np.isfinite(frame.to_numpy(dtype=float)).all()


def test_day_0_is_the_baseline():
    now = build().meter.now
    for name in ("trabecular_bmd", "cortical_bmd", "lumbar_spine", "total_hip", "femoral_neck"):
        assert now[name] == 0.0


def test_cells_are_mesa_agents_sorted_by_type():
    model = build(responses__recruitment__emax=20.0)
    kinds = set(model.agents_by_type)
    assert kinds == {Osteoclast, Osteoblast}
    assert len(model.agents) == sum(len(cells) for cells in model.agents_by_type.values())
    assert len({cell.unique_id for cell in model.agents}) == len(model.agents)
    first = next(iter(model.agents_by_type[Osteoclast]))
    first.remove()
    assert first not in model.agents


def test_a_model_runs_until_told_to_stop():
    model = build()
    assert model.running
    day = model.day
    model.step()
    assert model.day == day + 7.0
    assert model.running


def clock(model):
    """Return what Mesa counts: steps, and time where there is one."""
    return model.steps, getattr(model, "time", model.steps)


def test_mesa_counts_from_day_0():
    """Or `max_steps` of `batch_run` would be used up by the spin-up."""
    model = build()
    assert clock(model) == (0, 0.0)
    for count in (1, 2, 3):
        model.step()
        assert clock(model) == (count, float(count))
    frame = model.datacollector.get_model_vars_dataframe()
    assert list(frame.index) == [0, 1, 2, 3]


def test_a_model_that_goes_on_from_a_checkpoint_has_lived_as_many_steps():
    model = build()
    model.run(0.5)
    resumed = resume(take_checkpoint(model), "")
    assert clock(resumed) == clock(model)
    resumed.step()
    model.step()
    assert clock(resumed) == clock(model)
    assert resumed.day == model.day


def test_events_of_mesa_fall_due_after_day_0():
    model = build()
    if not hasattr(model, "schedule_event"):
        return  # Mesa 3.3 has none
    met = []

    def meet():
        met.append(model.day)

    model.schedule_event(meet, at=3.0)
    model.run(0.5)
    assert met == [3 * model.days]


def test_a_step_of_ones_own_is_not_called_before_day_0():
    """It may need what the constructor sets only after the model's own."""

    class Counting(BoneModel):
        def __init__(self, **given):
            super().__init__(**given)
            self.count = 0

        def step(self):
            super().step()
            self.count += 1

    model = Counting(parameters=small(), rng=1)
    model.step()
    assert (model.count, model.steps) == (1, 1)


class Watched(BoneModel):
    """Also collects what single cells do."""

    def __init__(self, **given):
        super().__init__(**given)
        self.datacollector = mesa.DataCollector(
            model_reporters={"cells": lambda model: len(model.agents), "day": "day"},
            agent_reporters={"site": "site", "place": lambda cell: cell.pos},
            agenttype_reporters={Osteoclast: {"taken_up": "taken_up"}},
        )
        self.datacollector.collect(self)


def test_a_collector_of_ones_own_sees_the_cells():
    model = Watched(parameters=small(), rng=1)
    for _ in range(2):
        model.step()
    collected = model.datacollector
    counts = collected.get_model_vars_dataframe()["cells"]
    cells = collected.get_agent_vars_dataframe()
    assert list(cells.groupby("Step").size()) == list(counts)
    assert set(cells.index.get_level_values("Step")) == {0, 1, 2}
    columns = model.tissue.matrix.shape[1]
    assert all(row * columns + column == site for site, (column, row) in cells.to_numpy())
    clasts = collected.get_agenttype_vars_dataframe(Osteoclast)
    assert 0 < len(clasts) < len(cells)


def batch(**kwargs):
    """Run a batch over two seeds with either version of Mesa."""
    if RNG:
        return mesa.batch_run(BoneModel, rng=[1, 2], display_progress=False, **kwargs)
    found = []
    for rng in (1, 2):
        varied = kwargs | {"parameters": kwargs["parameters"] | {"rng": rng}}
        found += mesa.batch_run(BoneModel, iterations=1, display_progress=False, **varied)
    return found


def test_batch_run_works():
    rows = batch(
        parameters={"courses": ["", "anastrozole 0-1"], "parameters": small()}, max_steps=26
    )
    assert len(rows) == 4
    assert {row["courses"] for row in rows} == {"", "anastrozole 0-1"}
    for row in rows:
        assert row["year"] == pytest.approx(0.5, abs=0.1)
        assert np.isfinite(row["lumbar_spine"])
    treated = {row["estradiol"] for row in rows if row["courses"]}
    assert max(treated) < 0.2 * min(row["estradiol"] for row in rows if not row["courses"])


def test_batch_run_gives_the_course_over_time():
    rows = batch(parameters={"parameters": small()}, max_steps=26, data_collection_period=1)
    years = [row["year"] for row in rows]
    assert len(set(years)) >= 6
    assert min(years) == 0.0


def repeat(count, **kwargs):
    """Run a batch of iterations without a seed with either version of Mesa."""
    fresh = {"rng": [None] * count} if RNG else {"iterations": count}
    return mesa.batch_run(BoneModel, display_progress=False, **fresh, **kwargs)


def test_iterations_of_a_batch_differ_and_each_can_be_repeated():
    rows = repeat(3, parameters={"parameters": small()}, max_steps=20)
    seeds = [row["seed"] for row in rows]
    assert len(set(seeds)) == len({row["trabecular_bone"] for row in rows}) == 3
    again = batch_of(seeds[1], parameters={"parameters": small()}, max_steps=20)
    assert again["trabecular_bone"] == rows[1]["trabecular_bone"]


def batch_of(seed, parameters, **kwargs):
    """Return the one row of a batch whose seed is among its parameters."""
    (row,) = mesa.batch_run(
        BoneModel, parameters | {"rng": [seed]}, display_progress=False, **kwargs
    )
    assert row["seed"] == seed
    return row


def test_a_fresh_seed_is_kept():
    first, second = BoneModel(parameters=small()), BoneModel(parameters=small(), rng=None)
    assert first.seed != second.seed
    assert all(isinstance(model.seed, int) for model in (first, second))
    assert 0 <= first.seed <= HIGHEST_SEED
    first.run(0.2)
    again = BoneModel(parameters=small(), rng=first.seed)
    again.run(0.2)
    assert again.frame().equals(first.frame())


def test_a_section_of_ones_own_brings_its_seed():
    """Models on one section then differ only by what is done to them."""
    section = build_section(small(), 1)
    given = {"parameters": small(), "spin_up": False}
    seeds = [BoneModel(tissue=each, **given).seed for each in (section, section, section.copy())]
    assert len(set(seeds)) == 1
    section.matrix[0, 0] = 0.5
    assert BoneModel(tissue=section, **given).seed != seeds[0]
    assert BoneModel(tissue=section, rng=3, **given).seed == 3
    assert 0 <= seeds[0] <= HIGHEST_SEED


@pytest.mark.parametrize(
    "given", [{"rng": np.int64(3)}, {"rng": np.uint8(3)}, {"rng": "3"}, {"seed": 3}, {"seed": "3"}]
)
def test_a_seed_is_a_whole_number_of_any_kind(given):
    """Text is what an `InputText` of Mesa's page hands over."""
    model = BoneModel(parameters=small(), spin_up=False, **given)
    assert type(model.seed) is int
    expected = BoneModel(parameters=small(), rng=3, spin_up=False)
    assert np.array_equal(model.tissue.matrix, expected.tissue.matrix)


@pytest.mark.parametrize(
    "wrong", [1.0, 1.5, np.nan, -1, True, "", "one", [1, 2], 2**70, np.random.default_rng(1)]
)
@pytest.mark.parametrize("name", ["rng", "seed"])
def test_what_is_no_seed_is_refused_in_one_line(name, wrong):
    with pytest.raises(ValueError, match=f"^{name} = .*; expected a whole number") as refusal:
        BoneModel(parameters=small(), **{name: wrong})
    assert len(str(refusal.value).splitlines()) == 1


def test_one_seed_is_enough():
    with pytest.raises(ValueError, match="rng = 1 and seed = 2: give one of them"):
        BoneModel(parameters=small(), rng=1, seed=2)


def test_a_run_without_spin_up_is_one_of_mesa():
    """It begins on bare bone on day 0, and has its rows like any other."""
    model = BoneModel(parameters=small(), rng=1, spin_up=False)
    assert clock(model) == (0, 0.0)
    assert len(model.agents) == 0
    for _ in range(3):
        model.step()
    model.run(1)
    frame = model.datacollector.get_model_vars_dataframe()
    assert list(frame.index) == list(range(model.steps + 1))
    assert frame["year"].iloc[0] == 0.0
    assert frame["lumbar_spine"].iloc[0] == 0.0
    assert model.frame()["year"].iloc[0] == 0.0
    rows = batch(parameters={"parameters": small(), "spin_up": False}, max_steps=20)
    assert all(np.isfinite(row["lumbar_spine"]) for row in rows)
