"""Less estrogen costs bone by the known way, and back; each direction with a margin."""

import numpy as np
import pytest
from helpers import SMALL, build

from remodel import BoneModel, Parameters
from remodel.model.biopsy import histomorphometry
from remodel.model.checkpoint import resume, take_checkpoint
from remodel.model.observer import COLUMNS

SEEDS = (1, 2, 3, 4)


def last(model, *names):
    """Return numbers of the last reading."""
    return [model.meter.now[name] for name in names]


def mean_after(frame, name, first, stop):
    """Return the mean of a column between two years, the first left out."""
    return frame.loc[(frame["year"] > first) & (frame["year"] <= stop), name].mean()


@pytest.fixture(scope="module")
def arms():
    """Mean frames over a few seeds: untreated, and without estrogen for 3 of 6 years."""
    found = {"untreated": [], "deprived": []}
    bigger = Parameters().with_values(SMALL | {"section.height": 2.0, "section.width": 2.5})
    for seed in SEEDS:
        point = take_checkpoint(BoneModel(parameters=bigger, rng=seed))
        for name, courses in (("untreated", ""), ("deprived", "anastrozole 0-3")):
            model = resume(point, courses)
            model.run(6)
            found[name].append(model.frame())
    return {name: sum(frames) / len(SEEDS) for name, frames in found.items()}


def test_less_estrogen_more_rankl_over_opg_and_back(arms):
    ratio = {name: frame["rankl_opg"].to_numpy() for name, frame in arms.items()}
    assert np.ptp(ratio["untreated"]) < 0.3 * ratio["untreated"][0]  # what strain moves
    assert mean_after(arms["deprived"], "rankl_opg", 1, 3) > 1.2 * ratio["untreated"][0]
    assert ratio["deprived"][-1] == pytest.approx(ratio["untreated"][-1], rel=0.15)
    assert ratio["deprived"][-1] < ratio["untreated"][-1]  # strain has risen where bone was lost


def test_less_estrogen_more_osteoclasts_and_back(arms):
    treated = mean_after(arms["deprived"], "osteoclasts", 0.5, 3)
    untreated = mean_after(arms["untreated"], "osteoclasts", 0.5, 3)
    after = mean_after(arms["deprived"], "osteoclasts", 4, 6)
    assert treated > 1.15 * untreated
    assert after < 0.9 * treated


def test_less_estrogen_more_resorption_and_then_more_formation(arms):
    for marker in ("ctx", "p1np"):
        gap = arms["deprived"][marker] - arms["untreated"][marker]
        year = arms["deprived"]["year"]
        assert gap[(year > 0.5) & (year <= 3)].mean() > 10.0, marker
    early = arms["deprived"]["year"].between(0.05, 0.5)
    gap = arms["deprived"] - arms["untreated"]  # same seeds: what both arms share cancels
    assert (gap["ctx"] - gap["p1np"])[early].mean() > 8.0


def test_less_estrogen_less_bone_where_surface_is_rich(arms):
    gap = {
        name: (arms["deprived"][name] - arms["untreated"][name]).to_numpy()
        for name in ("trabecular_bmd", "cortical_bmd")
    }
    year = arms["deprived"]["year"].to_numpy()
    end = int(np.searchsorted(year, 3.0)) - 1
    assert gap["trabecular_bmd"][end] < -3.0
    assert gap["trabecular_bmd"][end] < gap["cortical_bmd"][end] - 1.0
    assert gap["trabecular_bmd"][-1] > gap["trabecular_bmd"][end] + 0.5  # and some comes back


def test_all_columns_are_numbers(arms):
    for frame in arms.values():
        assert list(frame.columns) == list(COLUMNS)
        assert np.isfinite(frame.to_numpy(dtype=float)).all()


@pytest.mark.parametrize(
    "name, factor, column, sign",
    [
        ("osteoclast.life", 1.5, "E.De", +1),
        ("osteoclast.erosion", 1.5, "E.De", +1),
        ("responses.recruitment.emax", 2.0, "trabecular_activations", +1),
        ("osteoblast.reversal", 3.0, "trabecular_reversing", +1),
        ("osteoblast.apposition", 2.0, "trabecular_osteoblasts", -1),
        ("osteoblast.life", 0.2, "trabecular_formed", -1),
        ("precursors.fusion", 4.0, "trabecular_activations", -1),
        ("mineral.primary", 0.5, "cortical_mineral", -1),
        ("section.bone_volume", 1.5, "trabecular_bone", +1),
        ("section.canal_density", 2.0, "cortical_surface", +1),
    ],
)
def test_a_number_moves_the_result_the_way_biology_says(name, factor, column, sign):
    value = factor * Parameters().values()[name]
    margin = 0.03 if column.endswith("mineral") else 0.08
    before, after = (mean_baseline(column, changes) for changes in ({}, {name: value}))
    assert sign * (after - before) > margin * before


def mean_baseline(column, changes):
    """Return a baseline, or an index of the trabecular part, as a mean over seeds."""
    found = []
    for seed in SEEDS:
        # Trabeculae as thick as they are, or every deep cavity would cut one.
        values = SMALL | {"section.wavelength": 1.6, "section.height": 3.0} | changes
        model = BoneModel(parameters=Parameters().with_values(values), rng=seed)
        numbers = model.meter.baseline | histomorphometry(model, "trabecular")
        found.append(numbers[column])
    return np.mean(found)


def test_high_strain_keeps_osteoblasts_alive():
    walls = []
    for load in (1.0, 2.0):
        model = build(
            strain__load=load, strain__rankl=0.0, osteoblast__life=60.0, section__height=3.0
        )
        walls.append(histomorphometry(model, "trabecular")["W.Th"])
    assert walls[1] > 1.1 * walls[0]


def test_high_strain_keeps_osteoclasts_away():
    births = [build(strain__load=load, section__height=3.0) for load in (1.0, 1.5)]
    lower = [model.meter.baseline["trabecular_activations"] for model in births]
    assert lower[1] < 0.8 * lower[0]


def test_the_size_of_sites_moves_no_surface():
    surfaces = [mean_baseline("trabecular_surface", {"section.site": um}) for um in (20.0, 40.0)]
    assert surfaces[1] == pytest.approx(surfaces[0], rel=0.08)
