"""Submodels that no other file tests, and what is read from the section."""

from math import exp

import numpy as np
import pytest
from helpers import build, silent, small, wall

from remodel import BoneModel
from remodel.bone.synthetic import build_section
from remodel.clinic import pharmacokinetics
from remodel.clinic.patients import Patient, draw_population
from remodel.clinic.pharmacokinetics import Body
from remodel.model.bmu import FORMATION
from remodel.model.cells import Osteoblast
from remodel.parameters.drugs import DRUGS
from remodel.parameters.population import Habits, Population
from remodel.parameters.time_steps import YEAR


def test_ovaries_decline_around_menopause():
    patient = Patient(age=50.0, menopause=51.0, transition=0.5)
    years = (-20.0, 1.0, 1.5, 20.0)
    made = [patient.estradiol_at(year * YEAR) for year in years]
    fractions = [1.0, 1 / 2, 1 / (1 + exp(1)), 0.0]
    assert [day.cycling for day in made] == pytest.approx(fractions, abs=1e-9)
    assert {day.ovarian for day in made} == {patient.ovarian}
    assert {day.peripheral for day in made} == {patient.estradiol}


@pytest.mark.parametrize(
    "habit, amount, signal, sign",
    [
        ("smoking", 1.0, "estradiol", -1),
        ("alcohol", 3.0, "osteoblast_apoptosis", +1),
        ("deficiency", 0.5, "added_rankl", +1),
        ("exercise", 2.0, "load", +1),
    ],
)
def test_a_habit_reaches_its_signal(habit, amount, signal, sign):
    found = []
    for much in (0.0, amount, 2 * amount):
        patient = Patient(**{habit: much})
        found.append(BoneModel(patient=patient, parameters=small(), spin_up=False, rng=1).signals)
    values = sign * np.array([getattr(signals, signal) for signals in found])
    assert (np.diff(values) > 0).all()


def test_smoking_lowers_estradiol_of_all_sources():
    default, smoker = Patient(age=35.0), Patient(age=35.0, smoking=2.0)
    kept = exp(-2.0 * Habits().smoking)
    expected, made = default.estradiol_at(0.0), smoker.estradiol_at(0.0)
    assert made.ovarian == pytest.approx(kept * expected.ovarian)
    assert made.peripheral == pytest.approx(kept * expected.peripheral)


def test_a_patient_with_less_bone_begins_with_less():
    bone = [
        build_section(small(), 1, fraction).matrix[:, :-5].sum() for fraction in (0.7, 1.0, 1.2)
    ]
    assert bone[0] / bone[1] == pytest.approx(0.7, abs=0.1)
    assert bone[2] / bone[1] == pytest.approx(1.2, abs=0.1)


def test_patients_are_drawn_from_the_distributions():
    numbers = Population()
    patients = list(draw_population(2000, seed=3))
    assert patients[:5] == list(draw_population(5, seed=3))
    assert patients[:5] != list(draw_population(5, seed=4))
    error = 4 / np.sqrt(len(patients))
    age, menopause = (np.array([getattr(w, n) for w in patients]) for n in ("age", "menopause"))
    assert age.mean() == pytest.approx(numbers.age, abs=error * numbers.age_spread)
    assert menopause.mean() == pytest.approx(
        numbers.menopause, abs=error * numbers.menopause_spread
    )
    logs = np.log([w.estradiol for w in patients])
    assert logs.mean() == pytest.approx(
        np.log(numbers.estradiol), abs=error * numbers.estradiol_spread
    )
    for habit, fraction in (
        ("smoking", numbers.smokers), ("alcohol", numbers.drinkers),
        ("deficiency", numbers.deficient), ("exercise", numbers.active),
    ):  # fmt: skip
        found = np.mean([getattr(w, habit) > 0 for w in patients])
        assert found == pytest.approx(fraction, abs=error * 0.5)


def test_a_second_dose_binds_to_what_room_the_first_left():
    tissue = wall(3)
    surface, capacity = tissue.surface_sites(), 1.5
    bound = [0.0]
    for _ in range(3):
        tissue.bind_drug(surface, np.ones(len(surface)), 0.6, capacity)
        bound.append(tissue.bisphosphonate.reshape(-1)[surface].mean())
    room = capacity - np.array(bound)
    np.testing.assert_allclose(room[1:] / room[:-1], exp(-0.6 / capacity))
    assert tissue.drug_given == pytest.approx(tissue.bisphosphonate.sum())
    at_once = wall(3)
    at_once.bind_drug(surface, np.ones(len(surface)), 1.8, capacity)
    np.testing.assert_allclose(at_once.bisphosphonate, tissue.bisphosphonate)


def test_lining_cells_build_only_when_called():
    before, after = {}, {}
    for courses in ("", "teriparatide 0-2"):
        model = silent(wall(3))
        model.give(courses)
        before[courses] = model.tissue.matrix.sum()
        model.run(years=2)
        after[courses] = model.tissue.matrix.sum()
    assert after[""] == before[""]
    assert after["teriparatide 0-2"] > 1.02 * before["teriparatide 0-2"]


def test_what_osteoblasts_can_do_is_in_proportion_to_what_called_them():
    lives = []
    for called in (0.5, 1.0, 2.0):
        model = silent(wall(3))
        unit = model.begin_unit(4 * 20 + 8, 4 * 20 + 7, FORMATION, 0.0)
        model.attach_osteoblast(unit, called, 0.0)
        lives += [cell.life for cell in model.agents]
    assert lives == pytest.approx([0.5 * lives[1], lives[1], 2.0 * lives[1]])


def test_bisphosphonate_shortens_lives_up_to_a_limit():
    model, lived = silent(wall(3)), []
    row = model.parameters.responses.toxicity
    for doses in (0.0, row.ec50, 100.0 * row.ec50, 1e4 * row.ec50):
        model.tissue.drug_given = 1.0
        cell = model.start_osteoclast(4 * 20 + 8, 4 * 20 + 7, life=1000.0, days=0.0)
        cell.taken_up = doses
        before = cell.life
        cell.resorb(1.0, free_rankl=1e9)
        lived.append(before - cell.life)
        cell.remove()
    apoptosis = model.signals.osteoclast_apoptosis
    assert lived[0] == pytest.approx(apoptosis)
    assert lived[1] == pytest.approx(apoptosis * 0.5 * (row.e0 + row.emax))
    assert lived[3] == pytest.approx(apoptosis * row.emax, rel=1e-3)
    assert lived[3] == pytest.approx(lived[2], rel=0.02)


def test_an_injection_does_not_depend_on_how_its_days_are_divided(monkeypatch):
    def course():
        body = Body()
        return [body.take(DRUGS["denosumab"], 0.0, float(week == 0), 7.0) for week in range(40)]

    default = course()
    monkeypatch.setattr(pharmacokinetics, "SUBSTEP", pharmacokinetics.SUBSTEP / 4)
    assert default[1:20] == pytest.approx(course()[1:20], rel=0.02)
    assert default[3] > 0.5 * DRUGS["denosumab"].concentration > 100 * default[-1]


def test_osteoblasts_that_nothing_wears_end_if_they_have_no_life():
    """Neither strain nor estrogen leaves them any: no time is divided by none."""
    flat = {
        "responses__osteoblast_apoptosis__e0": 0.0,
        "responses__osteoblast_apoptosis__emax": 0.0,
    }
    model = build(**flat, responses__osteoblast_survival__emax=0.0)
    model.run(0.2)
    assert not list(model.agents_by_type.get(Osteoblast, ()))
