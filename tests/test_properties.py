"""A tired user: whatever is typed is done or refused in one line, and what is done makes sense.

Inputs are generated, the same in every run; the run says how many, and a test that tried
fewer than it asks for fails. Ten times as many, and others each time:
`pytest tests/test_properties.py --hypothesis-profile=tenfold`.
"""

import math
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from generated import (
    ANY,
    COURSES,
    DRUG,
    FULL,
    LIVES,
    NUMBERS,
    ROWS,
    is_number,
    numbers_of,
    refuses,
    tried,
)
from hypothesis import settings
from hypothesis import strategies as st

from remodel import BoneModel, Course, Parameters, Patient
from remodel.clinic.courses import MOST_DOSES, Treatment, parse_courses
from remodel.clinic.lifestyle import LIVED, Change, patient_on
from remodel.clinic.patients import draw_patient
from remodel.measurement.markers import MARKERS
from remodel.model.signals import Signals
from remodel.parameters.drugs import DRUGS, ITEMS, SHORTEST, drug
from remodel.parameters.population import Population
from remodel.parameters.quantities import Response
from remodel.parameters.time_steps import YEAR

WANTED = 10_000  # inputs, over all tests of this file, in the profile `full`
TINY = {
    "section.height": 0.4,
    "section.width": 0.6,
    "section.cortex": 0.2,
    "section.wavelength": 0.55,
    "time.spin_up": 0.0,
}
DAYS = (0.0, 3.0, 365.0)
UNTREATED = BoneModel(parameters=Parameters().with_values(TINY), spin_up=False, rng=1)


def makes_sense(exposure):
    """Return whether what reaches the cells is finite, and nothing is negative that cannot be."""
    values = asdict(exposure)
    assert all(math.isfinite(value) for value in values.values()), values
    negative = {name for name, value in values.items() if value < 0}
    assert negative <= {"rankl", "load"}, values


def expose(courses):
    """Return what reaches the cells of a reference patient on a few days."""
    treatment = Treatment(courses)
    for day in DAYS:
        makes_sense(treatment.expose(*Patient().estradiol_at(day), day, 7.0))


@tried("courses as text", 2000, text=COURSES)
def test_courses_are_read_or_refused(text):
    courses = refuses(parse_courses, text)
    for course in courses or ():
        assert -200 <= course.start <= min(200, course.stop)
        assert 0.0 <= course.fraction_given(0.0, 7.0) <= 1.0
    if courses and all(course.drug in DRUGS for course in courses):
        expose(courses)
    elif courses:
        assert refuses(Treatment, courses) is None


@tried(
    "courses", 1500, name=DRUG, changes=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("start", "stop", "dose", "interval", "below"), ANY)
    ),
)  # fmt: skip
def test_a_course_is_given_or_refused(name, changes):
    course = refuses(Course, drug=name, **changes)
    if course and course.drug in DRUGS:
        expose([course])


@tried("parameters", 2000, name=st.sampled_from(sorted(ROWS)), value=ANY)
def test_a_parameter_is_taken_or_refused_by_name_unit_and_range(name, value):
    row = ROWS[name]
    low = SHORTEST if name.endswith(".interval") and value else row.low
    if is_number(value) and low <= value <= row.high:
        assert Parameters().with_values({name: value}).values()[name] == value
        return
    with pytest.raises(ValueError, match=r"\A[^\n]{20,300}\Z") as found:
        Parameters().with_values({name: value})
    message = str(found.value)
    assert f"{name.rpartition('.')[2]} = " in message
    assert f"{row.unit}; expected " in message
    assert message.endswith(f" to {row.high:g} {row.unit}")


@tried("patients", 1000, numbers=st.dictionaries(
    st.sampled_from([item.name for item in fields(Patient)]), ANY, max_size=3
))  # fmt: skip
def test_a_patient_makes_sense_or_is_refused(numbers):
    someone = refuses(Patient, **numbers)
    for day in DAYS if someone else ():
        estradiol = someone.estradiol_at(day)
        assert all(math.isfinite(value) and value >= 0 for value in (*estradiol, estradiol.mean))
        assert estradiol.cycling <= 1


@tried("patients", 500, numbers=numbers_of(Population), seed=st.integers(0, 2**32))
def test_every_patient_of_a_population_is_one_that_there_can_be(numbers, seed):
    someone = draw_patient(Population(**numbers), seed)
    assert someone == Patient(**asdict(someone))


@tried("drugs", 500, numbers=numbers_of(lambda: drug("own", **{
    name: item.default for name, item in ITEMS.items()
})), lasting=st.booleans(), dose=st.floats(0, MOST_DOSES))  # fmt: skip
def test_a_drug_of_ones_own_reaches_the_cells_in_sensible_amounts(numbers, lasting, dose):
    own = drug("own", lasting=lasting, **numbers)
    treatment = Treatment([Course(drug="own", dose=dose)], {"own": own})
    signals = Signals(Parameters())
    for day in DAYS:
        exposure = treatment.expose(*Patient().estradiol_at(day), day, 7.0)
        makes_sense(exposure)
        signals.renew(exposure, 7.0)
        told = {name: value for name, value in vars(signals).items() if name != "parameters"}
        told["added_rankl"] = signals.unbound(1.0, 1.0)  # a drug may take RANKL away
        assert all(math.isfinite(value) and value >= 0 for value in told.values()), told
        assert signals.activity <= 1
        assert signals.pool <= 1 + 1e-12


@tried("responses", 1500, level=st.floats(0, 1e6), e0=st.floats(0, 100), emax=st.floats(0, 100),
       ec50=st.floats(1e-6, 1e6), hill=st.floats(0.1, 12))  # fmt: skip
def test_a_response_lies_between_e0_and_emax(level, e0, emax, ec50, hill):
    row = Response(signal="it", behavior="it", unit="1", dose="1", source="assumed",
                   e0=e0, emax=emax, ec50=ec50, hill=hill)  # fmt: skip
    assert min(e0, emax) - 1e-12 <= row.at(level) <= max(e0, emax) + 1e-12


@tried("changes of life", 800, lives=LIVES, day=st.floats(0, 1000))
def test_the_last_change_that_has_come_holds_in_whatever_order_they_are_given(lives, day):
    model = UNTREATED
    changes = [
        Change(
            year=life["year"],
            patient=replace(Patient(), **{k: life[k] for k in LIVED if k in life}),
        )
        for life in lives
    ]
    model.change(changes)
    come = [change for change in changes if change.year * YEAR <= day]
    latest = max((change.year for change in come), default=None)
    expected = [change.patient for change in come if change.year == latest] or [model.patient]
    assert patient_on(day, model.patient, model.changes) == expected[-1]


def model_of(numbers, someone, courses, lives, seed):
    """Return a tiny model with all that was generated."""
    patient = Patient(**someone)
    model = BoneModel(courses, patient, Parameters().with_values(TINY | numbers), rng=seed)
    model.change(
        Change(
            year=life["year"], patient=replace(patient, **{k: life[k] for k in LIVED if k in life})
        )
        for life in lives
    )
    return model


def stays_sound(model):
    """Compare a section with what can be: matrix within its bounds, cells where there is bone."""
    tissue = model.tissue
    assert ((tissue.matrix >= 0) & (tissue.matrix <= 1 + 1e-12)).all()
    assert ((tissue.unmineralized >= 0) & (tissue.unmineralized <= tissue.matrix + 1e-12)).all()
    assert (tissue.cavity >= -1e-12).all()
    assert not tissue.matrix[tissue.outside].any()
    for cell in model.agents:
        assert 0 <= cell.site < tissue.matrix.size
        assert cell.unit in model.units
        assert cell.unit.site == cell.site
        assert not tissue.outside_at[cell.site]
    never = {name for name in MARKERS if model.meter.rows and math.isnan(model.meter.rows[0][name])}
    now = {name: value for name, value in model.meter.now.items() if name not in never}
    assert all(math.isfinite(value) for value in now.values()), now
    amounts = (
        "_bone",
        "_resorbed",
        "_formed",
        "_surface",
        "_activations",
        "_reversing",
        "clasts",
        "blasts",
    )
    counts = {name: value for name, value in model.meter.now.items() if name.endswith(amounts)}
    assert all(value >= 0 for value in counts.values()), counts


GIVEN = st.lists(
    st.builds(Course, drug=st.sampled_from(sorted(DRUGS)), start=st.floats(-0.5, 0.2),
              stop=st.floats(0.25, 2), dose=st.sampled_from([0.0, 1.0, 3.9])), max_size=3,
)  # fmt: skip


@tried("models", 200, numbers=st.fixed_dictionaries({}, optional=NUMBERS), someone=numbers_of(Patient),
       courses=GIVEN, lives=LIVES, seed=st.integers(0, 2**32),
       step=st.sampled_from([0.7, 7.0, 14.0]))  # fmt: skip
def test_whatever_is_run_no_matrix_is_lost_and_every_reading_is_a_number(
    numbers, someone, courses, lives, seed, step
):
    someone = someone | {
        "age": max(someone.get("age", 64.0), 19.0)
    }  # a run-in begins in a grown patient
    model = model_of(numbers | {"time.step": step}, someone, courses, lives, seed)
    tissue = model.tissue
    for _ in range(14):
        tissue.formed[:], tissue.resorbed[:] = 0.0, 0.0
        before = tissue.matrix.copy()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(model, "measure", lambda: None)  # which begins the balance anew
            model.step()
        np.testing.assert_allclose(
            tissue.matrix - before, tissue.formed - tissue.resorbed, rtol=0, atol=1e-9
        )
        model.measure()
        stays_sound(model)


def test_enough_inputs_are_asked_for():
    asked = [each.asked[1] for each in globals().values() if hasattr(each, "asked")]
    assert sum(asked) * FULL >= WANTED * settings().max_examples
