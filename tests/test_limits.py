"""Where theory says what must come out, it comes out."""

from math import exp, gamma, inf, log, sqrt

import numpy as np
import pytest
from helpers import SMALL, build, same, small, state_of

from remodel import BoneModel, Course, Parameters
from remodel.clinic.courses import Treatment
from remodel.clinic.pharmacokinetics import Body
from remodel.model.cells import draw_lifespan
from remodel.model.signals import estrogen_activity
from remodel.parameters.mechanisms import residual
from remodel.parameters.time_steps import YEAR
from remodel.support.random_numbers import arrivals, draws

COURSES = ("anastrozole 0-2", "tamoxifen 0-2", "anastrozole 0-2, tamoxifen 1-2")


def deaf_to_estrogen():
    """Return parameters in which every row that answers to estrogen is flat."""
    values = Parameters().values()
    rows = {
        name: group
        for name, group in Parameters().groups().items()
        if name.startswith("responses.") and group.signal == "estrogen activity"
    }
    assert len(rows) >= 4
    flat = {f"{name}.emax": values[f"{name}.e0"] for name in rows}
    return Parameters().with_values(SMALL | flat)


@pytest.mark.parametrize("courses", COURSES)
def test_without_a_response_to_estrogen_these_drugs_change_nothing(courses):
    parameters = deaf_to_estrogen()
    with_drug, without = (BoneModel(text, parameters=parameters, rng=1) for text in (courses, ""))
    for model in (with_drug, without):
        model.run(3)
    assert with_drug.treatment.courses
    assert same(state_of(with_drug), state_of(without))


def test_with_a_response_to_estrogen_these_drugs_change_much():
    for courses in COURSES:
        with_drug, without = build(courses), build()
        for model in (with_drug, without):
            model.run(3)
        assert not same(state_of(with_drug), state_of(without))


def test_without_recruitment_no_cell_ever_comes_and_matrix_never_changes():
    model = build("anastrozole 0-1", responses__recruitment__emax=0.0)
    before = model.tissue.matrix.copy()
    model.run(2)
    assert np.array_equal(model.tissue.matrix, before)
    assert not model.tissue.cavity.any()
    assert not list(model.agents)


def test_osteoclasts_that_resorb_nothing_leave_no_cavity():
    model = build(osteoclast__erosion=0.0)
    before = model.tissue.matrix.copy()
    model.run(1)
    assert np.array_equal(model.tissue.matrix, before)
    assert not model.tissue.cavity.any()


def test_no_precursors_turning_over_and_none_used_is_a_full_pool():
    model = build(precursors__turnover=0.0, precursors__fusion=0.0)
    assert model.signals.pool == 1.0


def test_the_shortest_spin_up_allowed_gives_a_baseline():
    low = next(row.low for row in Parameters().rows() if row.name == "time.spin_up")
    model = build("anastrozole 0-1", time__spin_up=low)
    model.run(1)
    assert np.isfinite(model.meter.now["lumbar_spine"])


def test_a_short_spin_up_gives_a_baseline():
    model = build(time__spin_up=0.2)
    model.run(0.5)
    assert np.isfinite(model.meter.now["ctx"])


@pytest.mark.parametrize("days", [1.0, 7.0, 14.0])
def test_mineral_approaches_matrix_exactly_as_fast_as_its_time_constant(days):
    model = build(responses__recruitment__emax=1e-9, time__step=days)
    years = model.parameters.mineral.time_constant
    unmineralized = model.tissue.unmineralized.copy()
    start = model.day
    model.run(years)
    faded = exp(-(model.day - start) / (years * YEAR))
    np.testing.assert_allclose(model.tissue.unmineralized, unmineralized * faded, rtol=1e-9)
    model.tissue.mineralize(30 * years * YEAR, years * YEAR)
    np.testing.assert_allclose(model.tissue.mineral, model.tissue.matrix, atol=1e-9)


@pytest.mark.parametrize("shape", [0.7, 1.0, 3.0, 4.0])
def test_lives_have_the_mean_they_say(shape):
    """A Weibull life of mean m has variance m^2 (G(1 + 2/k) / G(1 + 1/k)^2 - 1)."""
    n, mean = 100_000, 25.0
    uniform = draws(11, "osteoclast life", 3, np.arange(n, dtype=np.int32))
    lives = np.array([draw_lifespan(mean, shape, u) for u in uniform])
    spread = mean * sqrt(gamma(1 + 2 / shape) / gamma(1 + 1 / shape) ** 2 - 1)
    z = (lives.mean() - mean) / (spread / sqrt(n))
    assert abs(z) < 4


@pytest.mark.parametrize("shape", [1.0, 3.0, 6.0])
def test_lives_spread_as_their_shape_says(shape):
    """The fraction that outlives the mean m is exp(-G(1 + 1/k)^k), and twice the mean far fewer."""
    n, mean = 100_000, 25.0
    uniform = draws(12, "osteoclast life", 3, np.arange(n, dtype=np.int32))
    lives = np.array([draw_lifespan(mean, shape, u) for u in uniform])
    for times in (0.5, 1.0, 2.0):
        fraction = exp(-((times * gamma(1 + 1 / shape)) ** shape))
        error = sqrt(fraction * (1 - fraction) / n)
        assert np.mean(lives > times * mean) == pytest.approx(fraction, abs=4 * error + 1e-9)


@pytest.mark.parametrize("days", [1.0, 7.0])
@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0])
def test_first_events_come_as_a_poisson_process_says(rate, days):
    """Met within T: 1 - exp(-r T); of those the mean moment is 1/r - T / (exp(r T) - 1)."""
    n = 100_000
    met, moments = arrivals(draws(5, "x", 1, np.arange(n, dtype=np.int32)), rate, days)
    fraction = 1 - exp(-rate * days)
    assert abs(len(met) - n * fraction) < 4 * sqrt(n * fraction * (1 - fraction) + 1)
    expected = 1 / rate - days / (exp(rate * days) - 1)
    assert abs(moments.mean() - expected) < 4 * moments.std() / sqrt(len(met))
    assert 0 <= moments.min() <= moments.max() < days


def test_the_receptor_at_its_limits():
    activity = estrogen_activity
    assert activity(0.0, 0.0, 0.6, 33.0) == 0.0
    assert activity(33.0, 0.0, 0.6, 33.0) == pytest.approx(0.5)
    assert activity(1e9, 0.0, 0.6, 33.0) == pytest.approx(1.0, abs=1e-6)
    assert activity(20.0, 1e9, 0.6, 33.0) == pytest.approx(0.6, abs=1e-6)
    assert activity(10.0, 2.0, 1.0, 33.0) == pytest.approx(activity(76.0, 0.0, 1.0, 33.0))
    assert activity(1.0, 10.0, 0.6, 33.0) > activity(1.0, 0.0, 0.6, 33.0) + 0.3
    assert activity(300.0, 10.0, 0.6, 33.0) < activity(300.0, 0.0, 0.6, 33.0) - 0.1


def test_the_receptor_never_leaves_zero_to_one():
    for estradiol in (0.0, 1.0, 20.0, 1e4):
        for serm in (0.0, 1.0, 1e4):
            for efficacy in (0.0, 0.5, 1.0):
                assert 0.0 <= estrogen_activity(estradiol, serm, efficacy, 33.0) <= 1.0


def test_the_pool_at_rest_balances_arrival_loss_and_use():
    model = build(responses__recruitment__emax=5.0, time__spin_up=0.0)
    numbers, row = model.parameters.precursors, model.parameters.responses.recruitment
    free = model.environment.free_rankl(model.signals)
    drive = model.environment.mean(row.at(free)) / row.emax
    pool = numbers.turnover / (numbers.turnover + numbers.fusion * drive)
    assert model.signals.pool == pytest.approx(pool, rel=1e-9)


def test_the_pool_fills_as_fast_as_precursors_turn_over():
    """When nothing is used the gap to a full pool fades at the rate of turnover."""
    model = build()
    signals = model.signals
    gap, turnover = 1 - signals.pool, model.parameters.precursors.turnover
    for _ in range(10):
        signals.use_precursors(0.0, 7.0)
    assert 1 - signals.pool == pytest.approx(gap * exp(-70 * turnover), rel=1e-9)


@pytest.mark.parametrize("days", [1.0, 3.5, 7.0])
def test_the_mean_level_of_a_drug_is_the_analytic_one(days):
    """A daily drug: level 1 - exp(-k t), integral T - (1 - exp(-k T)) / k."""
    half_life, end = 10.0, 70.0
    body, total = Body(), 0.0
    for _ in range(round(end / days)):
        total += days * body.approach(1.0, days * log(2) / half_life)
    rate = log(2) / half_life
    assert total == pytest.approx(end - (1 - exp(-rate * end)) / rate, rel=1e-9)
    assert body.level == pytest.approx(1 - exp(-rate * end), rel=1e-9)
    washed = sum(days * body.approach(0.0, days * rate) for _ in range(round(end / days)))
    assert washed == pytest.approx((1 - exp(-rate * end)) ** 2 / rate, rel=1e-9)


@pytest.mark.parametrize("days", [1.0, 3.5, 7.0])
def test_a_drug_stopped_within_a_step_is_given_for_its_fraction_of_it(days):
    course = Course(drug="tamoxifen", start=0.1, stop=0.2)
    steps = np.arange(0, 100, days)
    given = sum(days * course.fraction_given(day, days) for day in steps)
    assert given == pytest.approx(0.1 * YEAR, rel=1e-9)


def test_the_aromatase_inhibitor_leaves_what_it_says():
    assert residual(0.95, 0.0) == 1.0
    assert residual(0.95, 1.0) == pytest.approx(0.05)
    assert residual(0.95, inf) == 0.0
    model = build("anastrozole 0-1")
    before = model.signals.estradiol
    model.run(0.5)
    assert model.signals.estradiol == pytest.approx(0.05 * before, rel=0.01)
    model.run(0.75)
    assert model.signals.estradiol == pytest.approx(before, rel=0.01)


def test_no_course_is_no_exposure():
    model = build()
    exposure = Treatment(()).expose(*model.patient.estradiol_at(0.0), 0.0, 7.0)
    assert exposure.estradiol == pytest.approx(20.0, rel=0.001)
    assert exposure.serm == exposure.antibody == exposure.bisphosphonate == 0.0


def test_a_section_without_bone_or_without_marrow_can_be_run():
    for volume in (0.0, 100.0):
        model = BoneModel(parameters=small(section__bone_volume=volume, section__cortex=0.0), rng=1)
        model.run(0.5)
        assert np.isfinite(model.tissue.matrix).all()


def test_a_surface_never_binds_more_drug_than_it_can():
    model = BoneModel([Course(drug="zoledronate", stop=0.5, dose=3.0)], parameters=small(), rng=1)
    model.run(0.5)
    place, capacity = model.environment, model.parameters.osteoclast.bisphosphonate_capacity
    bound = model.tissue.bisphosphonate.reshape(-1)[place.surface]
    assert bound.max() > 0.0
    assert (bound <= capacity * np.maximum(place.faces, 2.0) + 1e-12).all()  # two sides at most
