"""The drugs: each by its mechanism, its kinetics and its limits."""

from math import exp, inf, log

import numpy as np
import pytest
from helpers import before_each_measure, build, free_rankl, same, silent, state_of, wall

from remodel.clinic.courses import Course, Treatment
from remodel.clinic.patients import Patient
from remodel.clinic.pharmacokinetics import Body
from remodel.model.cells import Osteoclast
from remodel.model.signals import Signals, estrogen_activity
from remodel.parameters.drugs import DRUGS
from remodel.parameters.drugs import drug as make_drug
from remodel.parameters.mechanisms import residual
from remodel.parameters.parameters import Parameters
from remodel.parameters.time_steps import YEAR

WEEK = 7.0
PERIPHERAL, OVARIAN = 20.0, 380.0
BEFORE = Patient(age=35.0)
# signal, and its direction in a patient past menopause
DIRECTIONS = {
    "anastrozole": ("estradiol", -1),
    "letrozole": ("estradiol", -1),
    "exemestane": ("estradiol", -1),
    "tamoxifen": ("activity", +1),
    "raloxifene": ("activity", +1),
    "estradiol": ("estradiol", +1),
    "goserelin": ("estradiol", -1),
    "oophorectomy": ("estradiol", -1),
    "denosumab": ("free_rankl", -1),
    "zoledronate": ("bisphosphonate", +1),
    "risedronate": ("bisphosphonate", +1),
    "alendronate": ("bisphosphonate", +1),
    "ibandronate": ("bisphosphonate", +1),
    "teriparatide": ("anabolic", +1),
    "romosozumab": ("anabolic", +1),
    "exercise": ("load", +1),
    "calcium": ("free_rankl", -1),
}
DAILY = sorted(
    name
    for name, drug in DRUGS.items()
    if not (drug.interval or drug.lasting or drug.bisphosphonate)
)


def levels(drug, dose=1.0, years=1.0, stop=float("inf"), ovarian=0.0, days=WEEK):
    """Return the exposure in each step of a course."""
    treatment = Treatment([Course(drug=drug, dose=dose, stop=stop)])
    count = round(years * YEAR / days)
    return [treatment.expose(ovarian, PERIPHERAL, 1.0, n * days, days) for n in range(count)]


def signal(drug, dose, name):
    """Return a signal after a year of a drug; ovaries work where the drug stops them."""
    exposures = levels(drug, dose, ovarian=OVARIAN if DRUGS[drug].ovarian else 0.0)
    if name == "bisphosphonate":
        return sum(exposure.bisphosphonate for exposure in exposures)
    signals = Signals(Parameters())
    signals.settle(exposures[0])
    for exposure in exposures:
        signals.renew(exposure, WEEK)
    return free_rankl(signals) if name == "free_rankl" else getattr(signals, name)


def test_every_drug_is_looked_at():
    assert set(DIRECTIONS) == set(DRUGS)


@pytest.mark.parametrize("drug", DRUGS)
def test_a_drug_at_dose_zero_does_nothing_to_the_last_bit(drug):
    untreated, treated = build(""), build([Course(drug=drug, dose=0.0)])
    for model in (untreated, treated):
        model.run(1)
    assert same(state_of(untreated), state_of(treated))
    assert untreated.frame().equals(treated.frame())
    assert vars(untreated.signals) == vars(treated.signals)


@pytest.mark.parametrize("drug", DRUGS)
def test_a_drug_moves_its_signal_and_more_of_it_moves_it_further(drug):
    name, sign = DIRECTIONS[drug]
    doses = (0.0, 0.25, 1.0) if DRUGS[drug].ovarian else (0.0, 0.25, 1.0, 4.0)
    found = sign * np.array([signal(drug, dose, name) for dose in doses])
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("drug", ["goserelin", "oophorectomy"])
def test_ovaries_cannot_be_switched_off_more_than_wholly(drug):
    assert signal(drug, 4.0, "estradiol") >= PERIPHERAL * (1 - 1e-12)


@pytest.mark.parametrize("drug", ["anastrozole", "letrozole", "exemestane"])
def test_an_aromatase_inhibitor_leaves_what_it_says_and_spares_the_ovaries(drug):
    last = levels(drug, ovarian=OVARIAN)[-1]
    left = PERIPHERAL * (1 - DRUGS[drug].suppression)
    assert last.ovarian == OVARIAN
    assert last.estradiol == pytest.approx(left, rel=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.1, 1.0, 10.0])
def test_what_an_inhibitor_leaves_is_competitive(level):
    odds = (1 - residual(0.95, level)) / residual(0.95, level)
    assert odds == pytest.approx(19.0 * level)


@pytest.mark.parametrize("drug", DAILY)
@pytest.mark.parametrize("days", [1.0, 3.5, 7.0])
def test_a_daily_drug_comes_and_goes_by_its_half_life(drug, days):
    body, rate = Body(), log(2) / DRUGS[drug].half_life
    for n in range(1, 30):
        before = body.level
        mean = body.take(DRUGS[drug], 1.0, 0.0, days)
        assert body.level == pytest.approx(1 - exp(-rate * n * days))
        assert before <= mean <= body.level
    for _ in range(29):
        start = body.level
        mean = body.take(DRUGS[drug], 0.0, 0.0, days)
        assert mean == pytest.approx(start * (1 - exp(-rate * days)) / (rate * days))
    assert body.level == pytest.approx(
        (1 - exp(-29 * rate * days)) * exp(-29 * rate * days), abs=1e-12
    )


def concentrations(days=400, doses=1.0):
    """Return the concentration after one injection of denosumab, each day."""
    body = Body()
    return np.array([body.take(DRUGS["denosumab"], 0, doses * (n == 0), 1.0) for n in range(days)])


def test_denosumab_is_gone_nine_months_after_an_injection():
    level = concentrations()
    peak = level.argmax()
    assert 5 <= peak <= 30
    assert level[round(0.75 * YEAR)] < 0.01 * level.max()
    assert level[round(0.25 * YEAR)] > 0.05 * level.max()


def test_denosumab_is_eliminated_faster_at_a_low_level():
    level = concentrations()
    rate = -np.diff(np.log(level[40:]))
    assert (np.diff(rate) > 0).all()
    low = DRUGS["denosumab"].elimination + DRUGS["denosumab"].vmax / DRUGS["denosumab"].km
    assert rate[-1] == pytest.approx(low, rel=0.02)
    assert concentrations(doses=2.0).max() > 2.0 * level.max()


def test_tamoxifen_has_two_faces():
    drug, affinity = DRUGS["tamoxifen"], Parameters().receptor.estradiol_kd

    def activity(estradiol, level):
        return estrogen_activity(estradiol, drug.serm * level, drug.efficacy, affinity)

    assert activity(PERIPHERAL, 1.0) > activity(PERIPHERAL, 0.0)
    assert activity(PERIPHERAL + OVARIAN, 1.0) < activity(PERIPHERAL + OVARIAN, 0.0)


def test_tamoxifen_has_two_faces_in_the_model():
    change = {}
    for name, patient in (("before", BEFORE), ("after", Patient())):
        arms = [build(courses, patient=patient) for courses in ("", "tamoxifen 0-1")]
        for model in arms:
            model.run(1)
        change[name] = free_rankl(arms[1].signals) - free_rankl(arms[0].signals)
    assert change["before"] > 0 > change["after"]


def test_two_serms_share_the_receptor_whoever_is_named_first():
    """Efficacies are weighted by what each ligand binds, and lie between those of the two."""
    names = ["tamoxifen", "raloxifene"]
    found = []
    for order in (names, names[::-1]):
        treatment = Treatment([Course(drug=name) for name in order])
        found.append(
            [treatment.expose(0.0, PERIPHERAL, 1.0, n * WEEK, WEEK) for n in range(208)][-1]
        )
    first, second = found
    assert first.serm == pytest.approx(sum(DRUGS[name].serm for name in names), rel=1e-6)
    assert first.serm_efficacy == pytest.approx(second.serm_efficacy, rel=1e-12)
    bound = sum(DRUGS[name].serm * DRUGS[name].efficacy for name in names)
    assert first.serm * first.serm_efficacy == pytest.approx(bound, rel=1e-6)


def test_a_trace_of_a_serm_too_small_for_a_number_is_none():
    trace = make_drug("trace", serm=1e-200, half_life=1.0)
    treatment = Treatment([Course(drug="trace", dose=1e-200)], {"trace": trace})
    assert treatment.expose(20.0, 0.0, 1.0, 0.0, WEEK).serm_efficacy == 0.0


def test_goserelin_is_reversible_and_oophorectomy_is_not():
    for drug, back in (("goserelin", True), ("oophorectomy", False)):
        exposures = levels(drug, years=4.0, stop=1.0, ovarian=OVARIAN)
        assert exposures[50].ovarian < 0.1 * OVARIAN
        assert exposures[-1].ovarian == pytest.approx(OVARIAN * back, rel=1e-3)
        assert exposures[50].estradiol == exposures[-1].estradiol == PERIPHERAL


def rebound(usage):
    """Return recruitment at its height after denosumab, over that before it."""
    parameters = Parameters().with_values({"precursors.fusion": usage})
    signals, rest = Signals(parameters), Treatment(()).expose(0.0, PERIPHERAL, 1.0, -WEEK, WEEK)
    row = parameters.responses.recruitment
    signals.settle(rest)
    signals.use_precursors(row.at(free_rankl(signals)), inf)
    before, found = row.at(free_rankl(signals)) * signals.pool, []
    for exposure in levels("denosumab", years=6.0, stop=3.0):
        signals.renew(exposure, WEEK)
        signals.use_precursors(row.at(free_rankl(signals)), WEEK)
        found.append(row.at(free_rankl(signals)) * signals.pool)
    return max(found[round(3 * YEAR / WEEK) :]) / before


def test_rebound_comes_from_the_precursors_that_waited():
    assert rebound(0.0) == pytest.approx(1.0, abs=1e-6)
    assert rebound(Parameters().precursors.fusion) > 1.2
    assert rebound(0.2) > rebound(0.02)


@pytest.mark.parametrize("drug", ["zoledronate 0-1", "risedronate 0-1"])
def test_bisphosphonate_is_conserved_in_every_step(drug):
    model = build(drug)
    steps = []

    def balance():
        tissue = model.tissue
        held = [tissue.bisphosphonate.sum(), tissue.drug_taken_up, tissue.drug_lost]
        assert min(held) >= 0
        assert sum(held) == pytest.approx(tissue.drug_given, rel=1e-12, abs=1e-12)
        steps.append(tissue.drug_taken_up)

    before_each_measure(model, balance)
    model.run(3)
    assert len(steps) > 150
    assert steps[-1] > 0
    assert steps == sorted(steps)


def test_zoledronate_shortens_lives_and_outlasts_its_course():
    counts = {}
    for courses in ("", "zoledronate 0-0"):
        found = []
        for rng in (1, 2):
            model = build(courses, rng=rng, section__height=4.0)
            before_each_measure(
                model,
                lambda m=model, f=found: f.append(
                    (m.day, len(m.agents_by_type.get(Osteoclast, ())))
                ),
            )
            model.run(3)
        counts[courses] = np.array(found)
    for low, high in ((0.0, 1.0), (2.0, 3.0)):
        here = {
            name: found[(found[:, 0] >= low * YEAR) & (found[:, 0] < high * YEAR), 1].mean()
            for name, found in counts.items()
        }
        assert here["zoledronate 0-0"] < 0.9 * here[""], f"years {low} to {high}"


@pytest.mark.parametrize("site_um", [10.0, 20.0, 40.0])
def test_an_osteoclast_takes_up_the_dose_on_its_surface_whatever_the_sites(site_um):
    size = {"rows": 1600, "columns": 1600, "first": 400}
    thick = wall(
        round(800 / site_um),
        site_um=site_um,
        **{name: round(length / site_um) for name, length in size.items()},
    )
    model = silent(thick)
    place, tissue = model.environment, model.tissue
    tissue.bind_drug(place.surface, place.faces, 1.0, 1000.0)  # nearly one dose on each face
    site = int(place.surface[len(place.surface) // 2])
    cell = model.start_osteoclast(site, tissue.open_beside(site)[0], 1e6, 0.0)
    while cell.unit.floor < 50.0:
        model.resorb()
    assert cell.taken_up == pytest.approx(1.0, abs=0.3)  # a pit is as wide as its reference


@pytest.mark.parametrize("drug", ["teriparatide", "romosozumab"])
def test_an_anabolic_drug_raises_bone(drug):
    arms = [build(courses) for courses in ("", f"{drug} 0-1")]
    for model in arms:
        model.run(1)
    assert arms[1].tissue.matrix.sum() > arms[0].tissue.matrix.sum()


def test_estradiol_falls_around_menopause():
    patient = Patient(age=48.0, menopause=51.0)
    days = np.arange(0, 6 * YEAR, 30)
    total = np.array([patient.estradiol_at(day).mean for day in days])
    assert (np.diff(total) < 0).all()
    assert total[0] == pytest.approx(patient.ovarian + patient.estradiol, rel=0.01)
    assert total[-1] == pytest.approx(patient.estradiol, rel=0.06)
    assert np.interp(3 * YEAR, days, total) == pytest.approx(
        0.5 * patient.ovarian + patient.estradiol, rel=0.01
    )


def test_menopause_costs_bone():
    loses = Patient(age=50.0, menopause=51.0)
    keeps = Patient(age=50.0, menopause=90.0)
    models = [build(patient=patient, rng=3) for patient in (loses, keeps)]
    for model in models:
        model.run(5)
    lost, kept = (model.tissue.matrix.sum() for model in models)
    assert lost < kept
