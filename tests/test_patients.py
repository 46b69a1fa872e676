"""Women: what their way of living does to the signals, and populations of them."""

import numpy as np
import pytest
from helpers import small

from remodel import BoneModel, Patient
from remodel.habits import Population
from remodel.patients import draw_population


def signals_of(**habits):
    """Return the signals of a woman at rest."""
    return BoneModel(patient=Patient(**habits), parameters=small(), spin_up=False).signals


def test_smoking_lowers_estradiol_and_so_raises_rankl():
    smoker, other = signals_of(smoking=1.0), signals_of()
    assert smoker.estradiol < 0.95 * other.estradiol
    assert smoker.rankl > 1.005 * other.rankl


def test_alcohol_wears_osteoblasts_and_nothing_else():
    drinker, other = signals_of(alcohol=3.0), signals_of()
    assert drinker.osteoblast_wear > 1.05 * other.osteoblast_wear
    assert drinker.free_rankl == other.free_rankl


def test_lack_of_calcium_raises_rankl():
    assert signals_of(deficiency=1.0).free_rankl > 1.05 * signals_of().free_rankl


def test_exercise_raises_strain():
    assert signals_of(exercise=5.0).load > 1.01 * signals_of().load


def test_less_bone_to_start_with_is_less_bone():
    thin, usual = (
        BoneModel(patient=Patient(bone=bone), parameters=small(), spin_up=False).tissue.matrix.sum()
        for bone in (0.8, 1.0)
    )
    assert thin < 0.9 * usual


def test_a_population_is_distributed_as_stated():
    """Means within 4 standard errors: a correct draw fails once in 16,000."""
    count, p = 4000, Population()
    women = list(draw_population(count, seed=3))
    error = 4 / np.sqrt(count)
    age = np.array([woman.age for woman in women])
    assert age.mean() == pytest.approx(p.age, abs=error * p.age_spread)
    assert age.std() == pytest.approx(p.age_spread, rel=2 * error)
    bone = np.log([woman.bone for woman in women])
    assert bone.mean() == pytest.approx(0.0, abs=error * p.bone_spread)
    smokers = np.mean([woman.smoking > 0 for woman in women])
    assert smokers == pytest.approx(p.smokers, abs=error * np.sqrt(p.smokers * (1 - p.smokers)))


def test_the_same_seed_gives_the_same_women_and_more_women_begin_with_them():
    few, many = list(draw_population(5, seed=1)), list(draw_population(9, seed=1))
    assert many[:5] == few
    assert list(draw_population(5, seed=2)) != few


def test_women_differ_in_what_they_lose():
    """On the same drug and under the same luck of the cells."""
    losses = []
    for woman in draw_population(4, seed=5):
        model = BoneModel("anastrozole 0-1", patient=woman, parameters=small(), rng=1)
        model.run(1)
        losses.append(model.meter.now["lumbar_spine"])
    assert np.std(losses) > 0.3
