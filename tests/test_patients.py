"""Patients: what their way of living does to the signals, and populations of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import build, free_rankl, same, small, state_of

from remodel import BoneModel, Patient
from remodel.clinic.patients import draw_patient, draw_population
from remodel.clinic.trial_files import load_trial
from remodel.measurement.dxa import scan_factors, with_scan_error
from remodel.parameters.measurement import SKELETAL_SITES, Densitometry
from remodel.parameters.population import Population
from remodel.runs.ensemble import run_trial
from remodel.support.messages import LikelyMistakeWarning


def signals_of(**habits):
    """Return the signals of a patient at rest."""
    return BoneModel(patient=Patient(**habits), parameters=small(), spin_up=False, rng=1).signals


def test_smoking_lowers_estradiol_and_so_raises_rankl():
    smoker, other = signals_of(smoking=1.0), signals_of()
    assert smoker.estradiol < 0.95 * other.estradiol
    assert smoker.rankl > 1.005 * other.rankl


def test_alcohol_wears_osteoblasts_and_nothing_else():
    drinker, other = signals_of(alcohol=3.0), signals_of()
    assert drinker.osteoblast_apoptosis > 1.05 * other.osteoblast_apoptosis
    assert free_rankl(drinker) == free_rankl(other)


def test_lack_of_calcium_raises_rankl():
    assert free_rankl(signals_of(deficiency=1.0)) > 1.05 * free_rankl(signals_of())


def test_exercise_raises_strain():
    assert signals_of(exercise=5.0).load > 1.01 * signals_of().load


def test_less_bone_to_start_with_is_less_bone():
    thin, default = (
        BoneModel(
            patient=Patient(bone=bone), parameters=small(), spin_up=False, rng=1
        ).tissue.matrix.sum()
        for bone in (0.8, 1.0)
    )
    assert thin < 0.9 * default


def test_a_population_is_distributed_as_stated():
    """Means within 4 standard errors: a correct draw fails once in 16,000."""
    count, p = 4000, Population()
    patients = list(draw_population(count, seed=3))
    error = 4 / np.sqrt(count)
    age = np.array([patient.age for patient in patients])
    assert age.mean() == pytest.approx(p.age, abs=error * p.age_spread)
    assert age.std() == pytest.approx(p.age_spread, rel=2 * error)
    bone = np.log([patient.bone for patient in patients])
    assert bone.mean() == pytest.approx(0.0, abs=error * p.bone_spread)
    smokers = np.mean([patient.smoking > 0 for patient in patients])
    assert smokers == pytest.approx(p.smokers, abs=error * np.sqrt(p.smokers * (1 - p.smokers)))


def test_rankl_quitting_and_estradiol_are_distributed_as_stated():
    count, p = 4000, Population()
    patients, error = list(draw_population(count, seed=4)), 4 / np.sqrt(count)
    for name, middle, spread in (("rankl", 1.0, p.rankl_spread),
                                 ("estradiol", p.estradiol, p.estradiol_spread)):  # fmt: skip
        logs = np.log([getattr(patient, name) for patient in patients])
        assert logs.mean() == pytest.approx(np.log(middle), abs=error * spread), name
        assert logs.std() == pytest.approx(spread, rel=2 * error), name
    for year in (1.0, 5.0):
        quit_by = np.exp(-p.quitting * year)
        kept = np.mean([patient.quits > year for patient in patients])
        assert kept == pytest.approx(quit_by, abs=error * np.sqrt(quit_by * (1 - quit_by)))
    loyal = next(draw_population(1, 1, Population(quitting=0.0)))
    assert loyal.quits == Patient().quits


def test_the_same_seed_gives_the_same_patients_and_more_patients_begin_with_them():
    few, many = list(draw_population(5, seed=1)), list(draw_population(9, seed=1))
    assert many[:5] == few
    assert list(draw_population(5, seed=2)) != few


def test_patients_far_from_the_mean_are_kept_to_what_there_can_be():
    people = Population(estradiol=1000.0, estradiol_spread=2.0)
    patients = list(draw_population(300, 1, people))
    assert max(patient.estradiol for patient in patients) == 10_000


def test_patients_differ_in_what_they_lose():
    """On the same drug and with the same random numbers of the cells."""
    losses = []
    for patient in draw_population(4, seed=5):
        model = BoneModel("anastrozole 0-1", patient=patient, parameters=small(), rng=1)
        model.run(1)
        losses.append(model.meter.now["lumbar_spine"])
    assert np.std(losses) > 0.3


@pytest.mark.parametrize("site", SKELETAL_SITES.values())
def test_a_t_score_is_standard_deviations_from_the_mean_of_young_women(site):
    numbers = Densitometry()
    young, spread = (getattr(numbers, f"{site}_young{end}") for end in ("", "_sd"))
    default = young + numbers.reference_t_score * spread  # g/cm2, by definition
    for bone, change in ((1.0, 0.0), (0.8, 0.0), (0.9, -5.0)):
        bmd = default * bone * (1 + change / 100)
        assert numbers.t_score(site, bone, change) == pytest.approx((bmd - young) / spread)
    for score in (-3.0, 0.0, 1.5):
        assert numbers.t_score(site, numbers.bone_at(site, score)) == pytest.approx(score)
    assert numbers.bone_at(site, numbers.reference_t_score) == pytest.approx(1.0)


def test_dxa_of_the_model_gives_t_scores_that_follow_the_change():
    model = build("anastrozole 0-1", patient=Patient(bone=0.85))
    numbers, first = model.parameters.densitometry, model.meter.now
    model.run(1)
    for site, short in SKELETAL_SITES.items():
        assert first[f"{site}_t_score"] == pytest.approx(numbers.t_score(short, 0.85))
        now = model.meter.now
        expected = numbers.t_score(short, 0.85, now[site])
        assert now[f"{site}_t_score"] == pytest.approx(expected)
        assert now[site] != 0.0


def test_a_patient_who_quits_is_one_whose_courses_end():
    """Daily drugs only: an injection, or an operation, is not given up."""
    text = "anastrozole 0-2, denosumab 0-2"
    quits = build(text, patient=Patient(quits=0.3))
    told = build("anastrozole 0-0.3, denosumab 0-2")
    loyal = build(text)
    for model in (quits, told, loyal):
        model.run(1)
    assert same(state_of(quits), state_of(told))
    assert not same(state_of(quits), state_of(loyal))


def test_rankl_of_a_patient_multiplies_what_estrogen_leaves():
    default, high = signals_of(), signals_of(rankl=1.5)
    assert high.rankl == pytest.approx(1.5 * default.rankl)
    assert high.opg == default.opg


SPINE = {"lumbar_spine": "spine"}


def test_scans_err_as_stated_and_the_first_one_too():
    """Standard deviation of a change within 4 standard errors."""
    error, count = 1.5, 3000
    frame = pd.DataFrame({"year": [0.0, 1.0], "lumbar_spine": [0.0, -4.0], "ctx": [0.0, 9.0]})
    numbers = Densitometry(spine_error=error)
    found = [with_scan_error(frame, numbers, SPINE, seed) for seed in range(count)]
    last = np.array([one["lumbar_spine"].iloc[1] for one in found])
    stated = 0.96 * error * np.sqrt(2)
    assert last.std() == pytest.approx(stated, rel=4 / np.sqrt(2 * count) + 0.01)
    assert last.mean() == pytest.approx(-4.0, abs=4 * stated / np.sqrt(count) + 0.05)
    assert all(one["lumbar_spine"].iloc[0] == 0.0 for one in found)
    assert found[0]["ctx"].equals(frame["ctx"])
    exact = with_scan_error(frame, Densitometry(spine_error=0.0), SPINE, 1)
    pd.testing.assert_frame_equal(exact, frame)


def test_scans_of_two_sites_and_of_two_years_err_apart():
    """Correlations within 4 standard errors of none."""
    numbers, count = Densitometry(), 2000
    spine, hip = (
        np.array([scan_factors(numbers, site, np.array([0.0, 1.0]), n) for n in range(count)])
        for site in ("spine", "hip")
    )
    for one, other in ((spine[:, 0], hip[:, 0]), (spine[:, 0], spine[:, 1])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(count)


def test_each_replicate_of_a_population_is_a_patient_of_its_own():
    people = Population(age=60.0)
    exact = {f"densitometry__{site}_error": 0.0 for site in SKELETAL_SITES.values()}
    trial = replace(load_trial("aribon"), population=people, on_treatment=1.0)
    with pytest.warns(LikelyMistakeWarning, match="anastrozole until year 2 is cut at year 1"):
        frame = run_trial(trial, small(**exact), replicates=3, seed=7)
    for number in range(3):
        patient = draw_patient(people, 7 + number)
        model = BoneModel(patient=patient, parameters=small(), rng=7 + number)
        model.give("anastrozole 0-2")
        model.read_at(trial.reading_years)
        model.run(1)
        mine = frame[frame["replicate"] == number]
        for column in ("lumbar_spine", "cortical_bmd", "ctx"):
            assert mine[column].tolist() == pytest.approx(model.frame()[column].tolist()), column
        assert mine["estradiol"].iloc[0] == pytest.approx(patient.estradiol_at(0)[1], rel=0.05)


def test_scans_add_their_error_to_the_spread_of_patients():
    trial = load_trial("aribon")
    still = {"age_spread": 0.0, "menopause_spread": 0.0, "estradiol_spread": 0.0, "bone_spread": 0.0,
             "rankl_spread": 0.0, "quitting": 0.0}  # fmt: skip
    spread = {}
    for error in (0.0, 6.0):
        people, numbers = Population(**still), small(densitometry__spine_error=error)
        with pytest.warns(LikelyMistakeWarning, match="is cut at year 0.5"):
            frame = run_trial(replace(trial, population=people, on_treatment=0.5), numbers, 4, 3)
        spread[error] = (
            frame[frame["year"] > 0.4].groupby("replicate")["lumbar_spine"].first().std()
        )
    assert spread[6.0] > spread[0.0]
