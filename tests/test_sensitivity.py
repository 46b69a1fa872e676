"""What the experiments of sensitivity and convergence make of known answers."""

import math

import numpy as np
import pandas as pd
import pytest
from test_experiments import load

from remodel import Parameters


def test_screening_finds_the_effect_of_the_whole_range_and_nothing_where_is_none():
    module = load("sensitivity")
    factors = ("osteoblast.life", "precursors.fusion", "receptor.lag")
    problem = module.make_problem(factors, Parameters())
    design = module.sample_morris.sample(problem, 4, num_levels=module.LEVELS, seed=1)
    default = Parameters().values()
    parts = design / [default[name] for name in factors]
    answer = 20 * parts[:, 0] - 5 * parts[:, 1]
    turns = np.where(np.arange(len(design)) % 2, 1.0, -1.0)[:, None] * [-1.0, 1.0]
    values = answer[:, None] + turns + [7.0, 9.0]  # what all points share is no chance
    table = module.screen(problem, design, {("spine", "loss"): values}, 1)
    assert table["mu"].to_numpy() == pytest.approx(np.array([20, -5, 0]) * 2 * module.SPREAD)
    assert table["mu_star"].to_numpy() == pytest.approx(abs(table["mu"].to_numpy()))
    assert list(table["rank"]) == [1, 2, 3]
    spread = math.sqrt(len(design) / (len(design) - 1))  # of the mean of two replicates
    assert table["noise"].to_numpy() == pytest.approx(2 * spread / math.sqrt(math.pi) * 1.5)


def test_variance_is_shared_out_among_numbers_and_chance():
    module = load("sensitivity")
    problem = module.make_problem(("osteoblast.life", "precursors.fusion"), Parameters())
    design = module.sample_sobol.sample(problem, 256, calc_second_order=False, seed=1)
    parts = (design - np.mean(problem["bounds"], axis=1)) / np.ptp(problem["bounds"], axis=1)
    answer = 2 * parts[:, 0] + parts[:, 1]  # four fifths and one fifth of the variance, 5/12
    chance = np.random.default_rng(1).normal(0, math.sqrt(5 / 12), (len(design), 2))
    for size, fraction in ((0.0, 0.0), (1.0, 1 / 3)):  # of the mean of two: half of that of one
        values = answer[:, None] + size * chance
        table = module.apportion(problem, {("spine", "loss"): values}, 1)
        assert table["chance"].to_numpy() == pytest.approx(fraction, abs=0.03)
        alone = np.array([0.8, 0.2]) * (1 - fraction)
        assert table["S1"].to_numpy() == pytest.approx(alone, abs=0.1)
        assert table["ST"].to_numpy() == pytest.approx(alone + fraction, abs=0.1)


def test_ranges_are_cut_to_what_is_declared_and_leave_out_zeros_and_resolution():
    ranges = load("sensitivity").list_ranges(Parameters())
    life = Parameters().osteoblast.life
    assert ranges["osteoblast.life"] == pytest.approx([0.9 * life, 1.1 * life])
    assert ranges["drugs.anastrozole.suppression"] == pytest.approx([0.855, 0.999])
    assert ranges["densitometry.reference_t_score"] == pytest.approx([-1.21, -0.99])
    for name in ("time.step", "section.site", "responses.rankl.emax"):
        assert name not in ranges


def test_only_numbers_that_move_an_outcome_are_screened(monkeypatch):
    module = load("sensitivity")
    asked = ("osteoblast.life", "drugs.denosumab.binding", "densitometry.spine_drift")
    ranges = {name: module.list_ranges(Parameters())[name] for name in asked}
    monkeypatch.setattr(module, "list_ranges", lambda _: ranges)
    options = module.make_parser(module.__doc__, 2).parse_args([])
    options.replicates, options.workers = 1, 1
    numbers = Parameters().with_values(module.TINY)
    assert module.find_factors(options, numbers) == ["osteoblast.life"]


def test_runs_are_counted_that_hold_the_mean():
    module = load("convergence")
    assert [module.needed(spread) for spread in (0.01, 1.0, 2.0)] == [2, 18, 64]


def test_differences_are_paired_where_the_section_is_the_same():
    module = load("convergence")
    default = {"time.step": 7.0, "section.site": 20.0, "section.height": 4.0}
    chance = np.array([-3.0, 0.0, 1.0, 2.0])
    shifts = [({}, 0.0), ({"time.step": 1.0}, 2.0), ({"section.height": 8.0}, 2.0)]
    table = pd.concat(
        [
            pd.DataFrame(default | changed | {"replicate": range(4)})
            .assign(**{name: chance + shift + 0.1 * chance**2 * bool(changed)
                       for name in module.OUTCOMES})
            for changed, shift in shifts
        ]
    )  # fmt: skip
    found = module.compare(table, default)
    found = found[found["outcome"] == "ctx"].set_index("number")
    assert found.loc["time.step", "difference"] == pytest.approx(2 + 0.1 * 14 / 4)
    assert found.loc["section.height", "difference"] == pytest.approx(2 + 0.1 * 14 / 4)
    assert found.loc["time.step", "error"] < 0.3 < found.loc["section.height", "error"]
    assert module.agree(found[found.index == "section.height"])
    assert not module.agree(found)


def test_shapes_that_are_to_agree_have_as_much_bone_and_surface():
    module = load("convergence")
    found = module.shapes(Parameters(), quick=False)
    assert set(found) == set(module.SHAPES)
    forms = module.describe_shapes(found).set_index("shape")
    for name, other in module.SAME.items():
        near = 0.1 if name == "cube" else 0.03  # few waves fit into a cube
        for what in ("BV/TV, %", "BS/BV, 1/mm"):
            assert forms.loc[name, what] == pytest.approx(forms.loc[other, what], rel=near)
    assert found["cube"][0].matrix.ndim == 3
    assert (found["turned"][0].matrix == found["trabeculae"][0].matrix.T).all()


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_plates_meet_themselves_across_the_border(angle):
    module = load("convergence")
    numbers = {"section.height": 2.0, "section.width": 2.0, "section.cortex": 0.0}
    matrix = module.plates(Parameters().with_values(numbers), angle).matrix
    rolled = np.roll(matrix, len(matrix) // 2, axis=0)
    steps, seam = abs(np.diff(rolled, axis=0)).sum(axis=1), len(matrix) // 2 - 1
    assert steps[seam] <= 1.05 * np.delete(steps, seam).max() + 1e-9
    assert matrix.mean() == pytest.approx(Parameters().section.bone_volume / 100, rel=0.02)


def test_loss_and_recovery_are_against_untreated_patients():
    rows = [
        {"point": 7, "arm": arm, "replicate": 0, "year": float(year), "lumbar_spine": value,
         "total_hip": 2 * value}
        for arm, values in (("anastrozole", (0.0, -5.0, -4.0)), ("untreated", (0.0, -1.0, -2.0)))
        for year, value in enumerate(values)
    ]  # fmt: skip
    found = load("sensitivity").read_outcomes(pd.DataFrame(rows), 1.0, 1.0)
    assert found["lumbar_spine", "loss"] == pytest.approx(np.array([[4.0]]))
    assert found["total_hip", "recovery"] == pytest.approx(np.array([[4.0]]))
