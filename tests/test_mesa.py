"""BoneModel fits Mesa's habits, without a deprecation warning (warnings are errors here)."""

import inspect

import mesa
import numpy as np
import pandas as pd
import pytest
from helpers import build, small

from remodel import BoneModel
from remodel.cells import Osteoblast, Osteoclast
from remodel.measures import COLUMNS
from remodel.parameters import YEAR

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
    assert list(frame.columns) == list(COLUMNS)
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
    model = build(responses__recruitment__full=20.0)
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


def test_steps_are_counted_from_day_0():
    """Or `max_steps` of `batch_run` would be used up by the spin-up."""
    model = build()
    assert model.steps == 0
    model.step()
    assert model.steps == 1


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


def test_the_seed_is_an_integer_of_any_kind():
    first, second = (BoneModel(parameters=small(), rng=rng) for rng in (3, np.int64(3)))
    assert np.array_equal(first.tissue.matrix, second.tissue.matrix)
