"""Bad input is refused with its name, value, unit and what was expected."""

from math import inf, nan

import pytest
from helpers import build, small

from remodel import BoneModel, Course, Parameters, Patient
from remodel.clinic.courses import parse_courses
from remodel.parameters.drugs import DRUGS, drug


def test_an_unknown_therapy_gets_the_list():
    for courses in ("aspirin 0-1", [Course(drug="aspirin")]):
        with pytest.raises(ValueError, match="aspirin") as found:
            BoneModel(courses, parameters=small(), rng=1)
        assert all(drug in str(found.value) for drug in DRUGS)
        model = build()
        with pytest.raises(ValueError, match="aspirin"):
            model.give(courses)


def test_an_unknown_therapy_is_refused_before_the_spin_up(monkeypatch):
    monkeypatch.setattr(BoneModel, "advance", lambda _: pytest.fail("it ran"))
    with pytest.raises(ValueError, match="aspirin"):
        BoneModel("aspirin 0-1", parameters=small(), rng=1)


def test_a_stop_before_the_start_is_refused():
    with pytest.raises(ValueError, match=r"anastrozole.*stop = 1.*year.*start.*5"):
        Course(drug="anastrozole", start=5.0, stop=1.0)


@pytest.mark.parametrize("stop", [nan, -1.0])
def test_a_stop_that_is_no_date_is_refused(stop):
    with pytest.raises(ValueError, match="stop"):
        Course(drug="anastrozole", stop=stop)


@pytest.mark.parametrize("dose", [-1.0, nan, inf, 1e6, "much", None])
def test_a_dose_out_of_range_is_refused(dose):
    with pytest.raises(
        ValueError, match=r"tamoxifen: dose = .*; expected (0 to 20 standard doses|a multiple)"
    ):
        Course(drug="tamoxifen", dose=dose)


@pytest.mark.parametrize("start", [nan, -inf, inf, 1e6, "soon"])
def test_a_start_out_of_range_is_refused(start):
    with pytest.raises(ValueError, match=r"tamoxifen: start = .* year"):
        Course(drug="tamoxifen", start=start)


def test_a_stop_that_is_no_number_is_refused():
    for stop in ("late", "\n", 10**400):
        with pytest.raises(ValueError, match=r"tamoxifen: stop = [^\n]* year; expected start"):
            Course(drug="tamoxifen", stop=stop)


@pytest.mark.parametrize("interval", [-1.0, nan, inf, 1e-300, 0.05, "often", 10**400])
def test_an_interval_in_which_injections_never_end_is_refused(interval):
    with pytest.raises(
        ValueError, match=r"denosumab: interval = .* day; expected 0.1 to 20000 day"
    ):
        Course(drug="denosumab", interval=interval)


def test_a_drug_of_ones_own_cannot_be_injected_without_end():
    with pytest.raises(ValueError, match=r"own: interval = 1e-300 day; expected 0.1 to 2000 day"):
        drug("own", interval=1e-300)


@pytest.mark.parametrize("years", ["x-5", "0-5-7", "0..5", "1 2", "-5", "-"])
def test_years_that_cannot_be_read_are_refused_with_an_example(years):
    with pytest.raises(ValueError, match=r"course 'anastrozole .*expected .*anastrozole 0-5"):
        parse_courses(f"anastrozole {years}")


@pytest.mark.parametrize("text", ["aspirin 0-5", "0-5", "anastrozole 5-1", "anastrozole, x"])
def test_courses_that_cannot_be_given_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the messages are tested above
        BoneModel(text, parameters=small(), rng=1)


def test_text_is_read_as_courses():
    assert parse_courses("") == ()
    assert parse_courses(" anastrozole 0-5 , tamoxifen 2-4.5") == (
        Course(drug="anastrozole", start=0, stop=5),
        Course(drug="tamoxifen", start=2, stop=4.5),
    )
    assert parse_courses("tamoxifen") == (Course(drug="tamoxifen"),)
    assert parse_courses("tamoxifen\t2-") == parse_courses("tamoxifen 2")
    assert parse_courses("tamoxifen 2") == (Course(drug="tamoxifen", start=2),)


@pytest.mark.parametrize("name, unit", [("age", "year"), ("estradiol", "pmol/L")])
@pytest.mark.parametrize("value", [-1.0, nan, inf, 1e9, "old", None, 10**400])
def test_a_patient_out_of_range_is_refused(name, unit, value):
    with pytest.raises(ValueError, match=rf"Patient\.{name} = .* {unit}; expected"):
        Patient(**{name: value})


def test_an_unknown_number_of_a_patient_is_refused():
    with pytest.raises(TypeError):
        Patient(weight=60.0)


@pytest.mark.parametrize("value", [-1.0, nan, inf, 1e9, "long", None])
def test_a_parameter_out_of_range_is_refused(value):
    message = r"osteoblast\.life = .* day; expected 1 to 2000 day"
    with pytest.raises(ValueError, match=message):
        Parameters().with_values({"osteoblast.life": value})


@pytest.mark.parametrize(
    "name", ["osteoblast.lives", "osteoblasts.life", "life", "", "responses.rankl"]
)
def test_an_unknown_parameter_is_refused_by_name(name):
    with pytest.raises(ValueError, match=name.rpartition(".")[2] or "no"):
        Parameters().with_values({name: 1.0})


def test_an_unknown_group_or_number_gets_the_list():
    with pytest.raises(ValueError, match=r"bone\.life.*osteoclast, osteoblast"):
        Parameters().with_values({"bone.life": 1.0})
    with pytest.raises(ValueError, match=r"lives.*reversal.*apposition"):
        Parameters().with_values({"osteoblast.lives": 1.0})


def test_a_course_for_a_model_that_does_not_exist_is_refused_before_any_work():
    with pytest.raises(ValueError, match="aspirin"):
        BoneModel("aspirin 0-5", parameters=Parameters().with_values({"time.spin_up": 0.5}), rng=1)
