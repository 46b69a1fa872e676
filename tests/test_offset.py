"""What a drug does comes and goes as fast as the drug does, and bisphosphonate stays."""

import numpy as np
import pytest
from helpers import before_each_measure, build, free_rankl

from remodel.clinic.courses import Course
from remodel.clinic.patients import Patient
from remodel.clinic.pharmacokinetics import Body
from remodel.model.cells import Osteoclast
from remodel.parameters.drugs import DRUGS
from remodel.parameters.time_steps import YEAR

BISPHOSPHONATES = [name for name, drug in DRUGS.items() if drug.bisphosphonate]
FLEETING = [name for name, drug in DRUGS.items() if not (drug.lasting or drug.bisphosphonate)]
SIGNALS = ("estradiol", "activity", "rankl", "added_rankl", "anabolic", "load")
STOP = 0.5  # years
DENOSUMAB_GONE = 9 * 30.4  # days after an injection


def days_to_leave(drug):
    """Return the days in which a drug is gone: of denosumab, nine months.

    Fifteen half-lives of the others: a strong inhibitor is felt at a thousandth of its level.
    """
    return DENOSUMAB_GONE if drug.concentration else 15 * drug.half_life


def watch(courses, patient, years):
    """Return days and signals of each step; RANKL follows estrogen within days."""
    model = build(courses, patient=patient, receptor__lag=1.0)
    found = []
    before_each_measure(
        model,
        lambda: found.append(
            [
                model.day - model.days,
                free_rankl(model.signals),
                *(getattr(model.signals, s) for s in SIGNALS),
            ]
        ),
    )
    model.run(years)
    return np.array(found)


@pytest.mark.parametrize("name", FLEETING)
def test_signals_come_with_a_drug_and_are_back_when_it_has_left(name):
    patient = Patient(age=40.0) if DRUGS[name].ovarian else Patient()
    years = STOP + days_to_leave(DRUGS[name]) / YEAR + 0.2
    treated = watch([Course(drug=name, stop=STOP)], patient, years)
    untreated = watch("", patient, years)
    day, gap = treated[:, 0], np.abs(treated - untreated)[:, 1:]
    before_stop = (day > (STOP - 0.1) * YEAR) & (day < STOP * YEAR - 7)
    gone = day > STOP * YEAR + days_to_leave(DRUGS[name])
    assert gap[before_stop].max(axis=1).min() > 0
    assert gone.any()
    assert (gap[gone] <= 0.02 * gap.max(axis=0)).all()


@pytest.mark.parametrize("name", FLEETING)
def test_a_slower_drug_comes_and_goes_more_slowly(name):
    """Half of the level a half-life after the end; of an antibody, more of a longer stay."""
    drug = DRUGS[name]
    if drug.concentration:
        slow = drug.with_values({"elimination": drug.elimination / 2})
        default, slower = (last_level(one, 100) for one in (drug, slow))
        assert slower > 1.2 * default
        return
    body = Body(level=1.0)
    body.take(drug, 0.0, 0.0, drug.half_life)
    assert body.level == pytest.approx(0.5)
    body.take(drug, 1.0, 0.0, drug.half_life)
    assert body.level == pytest.approx(0.75)


def last_level(drug, days):
    """Return the level some days after one injection."""
    body = Body()
    for day in range(days):
        body.take(drug, 0.0, 1.0 * (day == 0), 1.0)
    return body.level


def osteoclasts(courses, **changes):
    """Return days, numbers of osteoclasts and bound drug of each step, over two seeds."""
    found = []
    for rng in (1, 2):
        model = build(courses, rng=rng, **changes)

        def note(model=model):
            bound = float(model.tissue.bisphosphonate.sum())
            found.append((model.day, len(model.agents_by_type.get(Osteoclast, ())), bound))

        before_each_measure(model, note)
        model.run(4)
    return np.array(found)


@pytest.mark.parametrize("name", BISPHOSPHONATES)
def test_every_bisphosphonate_is_conserved(name):
    model = build(f"{name} 0-1")
    gaps = []

    def balance():
        tissue = model.tissue
        held = tissue.bisphosphonate.sum() + tissue.drug_taken_up + tissue.drug_lost
        gaps.append(held - tissue.drug_given)

    before_each_measure(model, balance)
    model.run(2)
    assert model.tissue.drug_given > 0
    assert model.tissue.drug_taken_up > 0
    assert np.abs(gaps).max() < 1e-9 * model.tissue.drug_given


@pytest.mark.parametrize("name", BISPHOSPHONATES)
def test_more_bisphosphonate_leaves_fewer_osteoclasts_long_after_it(name):
    counts = []
    for strength in (0.0, 0.4, 4.0):  # the same of all: they differ in potency
        course = Course(drug=name, stop=0.5, interval=DRUGS[name].interval)
        found = osteoclasts([course], **{f"drugs__{name}__bisphosphonate": strength})
        late = found[:, 0] > 2 * YEAR
        counts.append(found[late, 1].mean())
        assert (found[late, 2].max() > 0) == (strength > 0)
    assert counts[2] < 0.9 * counts[0]
    assert counts[2] < counts[1]
