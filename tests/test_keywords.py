"""Plain numbers and words in place of a patient and courses: sliders and lists of choices."""

from math import inf, nan

import numpy as np
import pytest
from helpers import small

from remodel import BoneModel, Course, Patient
from remodel.parameters.drugs import DRUGS


def make(**given):
    return BoneModel(parameters=small(), rng=2, **given)


def test_numbers_make_the_patient_that_spells_them_out():
    numbers = {"estradiol": 50, "age": 70, "exercise": 3}
    first, second = make(**numbers), make(patient=Patient(**numbers))
    for model in (first, second):
        model.run(0.5)
    assert first.patient == second.patient
    assert first.frame().equals(second.frame())


def test_a_drug_is_given_from_day_0_on():
    first, second = make(drug="anastrozole"), make(courses="anastrozole")
    for model in (first, second):
        model.run(1)
    assert first.frame().equals(second.frame())
    assert first.signals.estradiol < 0.1 * make().signals.estradiol


@pytest.mark.parametrize("drug", [None, "none"])
def test_no_drug_leaves_the_courses(drug):
    assert make(drug=drug).treatment.courses == ()
    course = Course(drug="letrozole", stop=2.0)
    assert make(courses=[course], drug=drug).treatment.courses == (course,)


@pytest.mark.parametrize(
    "given",
    [
        *({"estradiol": value} for value in (0, 10_000)),
        *({"age": value} for value in (18, 110)),
        *({"exercise": value} for value in (-20, 20)),
        {"estradiol": 0, "age": 18, "exercise": -20, "drug": "denosumab"},
        {"estradiol": 10_000, "age": 110, "exercise": 20, "drug": "romosozumab"},
    ],
)
def test_both_ends_of_a_slider_work(given):
    model = make(**given)
    for _ in range(20):
        model.step()
    last = model.datacollector.get_model_vars_dataframe().iloc[-1]
    assert np.isfinite(last.to_numpy(dtype=float)).all()


@pytest.mark.parametrize("drug", DRUGS)
def test_every_drug_of_the_list_works(drug):
    model = make(drug=drug)
    model.step()
    assert [course.drug for course in model.treatment.courses] == [drug]


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, int, float])
def test_numbers_of_any_kind_are_plain_ones_in_the_patient(kind):
    patient = make(estradiol=kind(40), spin_up=False).patient
    assert patient.estradiol == 40.0
    assert type(patient.estradiol) is float


@pytest.mark.parametrize(
    "given, said",
    [
        ({"estradiol": -1}, r"estradiol = -1.* pmol/L; expected 0 to 10000"),
        ({"estradiol": nan}, r"estradiol = nan pmol/L"),
        ({"estradiol": inf}, r"estradiol = inf pmol/L"),
        ({"age": "old"}, r"age = 'old' year; expected 18 to 110"),
        ({"age": 17}, r"age = 17.* year"),
        ({"exercise": [1, 2]}, r"exercise = \[1, 2\] hour/week"),
        ({"drug": "aspirin"}, r"no therapy 'aspirin'; there are anastrozole"),
        ({"drug": ""}, r"no therapy ''"),
        ({"drug": 3}, r"drug = 3; expected a name, or 'none'"),
        (
            {"drug": "tamoxifen", "courses": "anastrozole 0-5"},
            r"drug = 'tamoxifen', and courses of anastrozole: give one of them",
        ),
        (
            {"age": 60, "patient": Patient(age=70)},
            r"age = 60.0 year, but the patient that is given has 70 year: give one of them",
        ),
        ({"exercise": 2, "patient": Patient()}, r"exercise = 2.0 hour/week, but the patient"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given, said, monkeypatch):
    monkeypatch.setattr(BoneModel, "advance", lambda _: pytest.fail("it ran"))
    with pytest.raises(ValueError, match=said) as refusal:
        make(**given)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_number_that_agrees_with_the_patient_is_no_contradiction():
    patient = Patient(age=70, smoking=1.0)
    assert make(patient=patient, age=70, spin_up=False).patient is patient
