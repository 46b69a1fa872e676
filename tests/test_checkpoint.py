"""What goes on from a checkpoint is the undisturbed run, to the last bit."""

import pytest
from helpers import build, same, state_of

from remodel.model.bmu import BMU
from remodel.model.cells import Osteoblast, Osteoclast
from remodel.model.checkpoint import resume, take_checkpoint

EVERYTHING = "anastrozole 0-1, tamoxifen 0.3-2, denosumab 0-2, zoledronate 0-2, teriparatide 1-2"


def cells_of(model):
    """Return where cells are and how long they have left, in their order."""
    return [
        (
            type(cell).__name__,
            cell.site,
            cell.life,
            cell.born,
            model.units.index(cell.unit),
        )
        for kind in (Osteoclast, Osteoblast)
        for cell in model.agents_by_type.get(kind, ())
    ]


def units_of(model):
    """Return all that the units of a model hold, in their order."""
    return [[getattr(unit, name) for name in BMU.__slots__] for unit in model.units]


def alike(first, second):
    """Assert that two models are equal in all that matters."""
    assert first.day == second.day
    assert same(state_of(first), state_of(second))
    assert cells_of(first) == cells_of(second)
    assert units_of(first) == units_of(second)
    assert first.meter.now == second.meter.now
    assert first.perforations == second.perforations


@pytest.mark.parametrize("courses", ["", "anastrozole 0-1", EVERYTHING])
def test_a_run_from_a_checkpoint_at_day_0_is_the_undisturbed_run(courses):
    undisturbed = build(courses, rng=9)
    resumed = resume(take_checkpoint(build(rng=9)), courses)
    alike(undisturbed, resumed)
    for model in (undisturbed, resumed):
        model.run(2)
    alike(undisturbed, resumed)
    frames = [model.datacollector.get_model_vars_dataframe() for model in (undisturbed, resumed)]
    assert frames[0].equals(frames[1])


@pytest.mark.parametrize("years", [0.5, 1.0, 1.37])
def test_a_run_from_a_checkpoint_without_drugs_is_the_undisturbed_run(years):
    undisturbed = build(rng=9)
    undisturbed.run(years)
    resumed = resume(take_checkpoint(undisturbed), "")
    for model in (undisturbed, resumed):
        model.run(1)
    alike(undisturbed, resumed)


@pytest.mark.parametrize("drug", EVERYTHING.split(", "))
def test_a_run_from_a_checkpoint_amid_a_course_is_the_undisturbed_run(drug):
    undisturbed = build(drug, rng=9)
    undisturbed.run(1.2)
    resumed = resume(take_checkpoint(undisturbed), drug)
    for model in (undisturbed, resumed):
        model.run(1)
    alike(undisturbed, resumed)


def test_a_drug_that_was_stopped_leaves_the_body_after_a_checkpoint_too():
    """An arm without the drug starts with what is still in the body of it."""
    model = build("denosumab 0-1")
    model.run(0.9)
    stopped = resume(take_checkpoint(model), "denosumab 0-0.8")
    model.run(0.1)
    stopped.run(0.1)
    assert stopped.signals.antibody == pytest.approx(model.signals.antibody, rel=0.05)


def test_arms_do_not_disturb_each_other():
    point = take_checkpoint(build(rng=9))
    alone = resume(point, "")
    alone.run(1)
    first, second = resume(point, "anastrozole 0-1"), resume(point, "")
    for _ in range(53):
        first.step()
        second.step()
    alone_again = resume(point, "")
    alone_again.run(1)
    alike(alone, alone_again)
    assert not same(state_of(first), state_of(second))
    while second.day > alone.day:
        alone.step()
    while second.day < alone.day:
        second.step()
    alike(alone, second)


def test_the_first_model_goes_on_undisturbed_by_its_checkpoint():
    model, other = build(rng=9), build(rng=9)
    point = take_checkpoint(model)
    resume(point, "anastrozole 0-2").run(1)
    for each in (model, other):
        each.run(1)
    alike(model, other)
    frames = [each.datacollector.get_model_vars_dataframe() for each in (model, other)]
    assert frames[0].equals(frames[1])
    resumed = resume(point, "")
    assert resumed.day == 0.0


def test_a_resumed_model_begins_with_the_reading_of_its_checkpoint():
    model = build()
    resumed = resume(take_checkpoint(model), "")
    frames = [each.datacollector.get_model_vars_dataframe() for each in (model, resumed)]
    assert frames[0].equals(frames[1])
    assert len(frames[0]) == 1
