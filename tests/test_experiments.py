"""Every experiment explains itself, and runs."""

import ast
import importlib.util
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import silent, small, wall

from remodel import BoneModel, Parameters
from remodel.drugs import DRUGS
from remodel.parameters import YEAR
from remodel.report import Readings
from remodel.therapies import Treatment
from remodel.trials import built_in_trials, load_trial

FOLDER = Path(__file__).parent.parent / "experiments"
SHARED = {FOLDER / "common.py", FOLDER / "fitted.py"}  # no experiments of their own
SCRIPTS = sorted(set(FOLDER.glob("*.py")) - SHARED)
TIMED = {"speed"}  # measures time, which does not repeat
SECTIONS = ["QUESTION", "RUN", "LOOK FOR", "TRY", "TRUST"]


def test_there_are_experiments():
    assert len(SCRIPTS) >= 2


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_experiment_explains_itself(script):
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    assert text.splitlines()[0].endswith("?")
    assert re.findall(r"^([A-Z ]+)$", text, flags=re.MULTILINE) == SECTIONS
    bodies = re.split(r"^[A-Z ]+$", text, flags=re.MULTILINE)[1:]
    assert all(body.strip() for body in bodies)
    assert f"experiments/{script.name}" in bodies[1]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_experiment_is_listed_with_its_question(script):
    question = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))).splitlines()[0]
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"| `experiments/{script.name}` | {question} |" in listed


def run_quickly(script, out, *options):
    """Run a script in a process of its own; return its record."""
    done = subprocess.run(
        [sys.executable, script, "--quick", "--out", out, *options],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text(encoding="utf-8"))


def files_of(folder):
    """Return what a script wrote beside its finished runs, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_experiment_runs_and_its_record_repeats_on_other_workers(script, tmp_path):
    out = tmp_path / "1" / "a.json"
    out.parent.mkdir()
    record = run_quickly(script, out, "--workers", "1")
    assert record["runs"]
    assert record["made_by"]["remodel"]
    assert set(record.get("parameters", Parameters().values())) == set(Parameters().values())
    first = files_of(out.parent)
    assert {"a.json", "a.png"} <= set(first) <= {"a.json", "a.csv", "a.png"}
    if script.stem in TIMED:
        return
    again = tmp_path / "2" / "a.json"
    again.parent.mkdir()
    run_quickly(script, again, "--workers", "2")
    second = files_of(again.parent)
    assert list(filter(lambda name: second.pop(name, None) != first[name], first)) == []
    assert not second


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_fitted_says_so_and_nothing_else_does():
    said = [row.name for row in Parameters().rows() if row.source == "calibrated"]
    assert sorted(said) == sorted(load("calibrate").FREE)


def test_only_rows_that_may_be_fitted_are_read():
    module = load("calibrate")
    trials = [load_trial(name) for name in built_in_trials()]
    fitted = [row for trial in trials for row in trial.published if row.use == "calibrate"]
    assert len(module.published_rows()) == len(fitted)
    answers = {name: value for name, (value, _) in module.published_rows().items()}
    inside = {f"{index} {part}": low for (index, part), (low, _, _) in module.RANGES.items()}
    assert not module.residuals(answers | inside, module.published_rows()).any()
    missed = dict.fromkeys(answers, 1e3)
    assert (abs(module.residuals(missed | inside, module.published_rows())) > 1).sum() == len(
        missed
    )


def test_a_cut_leaves_a_piece_more_and_opens_a_loop():
    measure = load("perforation").measure
    model = silent(wall(4))
    area = model.tissue.matrix.size * 0.02**2
    model.tissue.matrix[:, 16:18] = 1.0
    assert measure(model)["pieces"] * area == pytest.approx(2)
    assert measure(model)["loops"] * area == pytest.approx(2)  # both around the periodic axis
    model.tissue.matrix[3] = 0.0
    assert measure(model)["pieces"] * area == pytest.approx(2)
    assert measure(model)["loops"] * area == pytest.approx(0)
    model.tissue.matrix[6] = 0.0
    assert measure(model)["pieces"] * area == pytest.approx(4)
    model.tissue.cavity[6, 8:12] = 1.0  # still open, and to be refilled
    assert measure(model)["pieces"] * area == pytest.approx(3)


def test_estradiol_is_what_was_asked_for():
    module = load("estrogen")
    numbers = small(section__height=0.6, section__width=1.2, section__cortex=0.5)
    trial = module.make_trial((0.0, 20.0, 400.0), 0.5, numbers)
    for arm, asked in zip(trial.arms, (0.0, 20.0, 400.0), strict=True):
        model = BoneModel(arm.courses, parameters=numbers)
        model.run(0.5)
        assert model.signals.estradiol == pytest.approx(asked, rel=0.01, abs=0.05)


def test_what_is_kept_of_a_gain_is_against_untreated_women():
    module = load("rebound")
    rows = [
        {"arm": arm, "replicate": number, "year": year, "total_hip": value + number}
        for arm, values in (("untreated", (0.0, -1.0, -2.0)), ("nothing", (0.0, 3.0, -1.0)))
        for number in (0, 1)
        for year, value in enumerate(values)
    ]
    kept = module.kept(Readings(pd.DataFrame(rows)), "nothing", "total_hip", 1.0, 2.0)
    assert kept == pytest.approx([25.0, 25.0])  # 4 points were gained, 1 is left


def test_the_infusion_waits_for_an_injection_that_is_not_given():
    courses = load("rebound").list_courses(3.0, (0, 6))
    later = Treatment(courses["zoledronate at 6 months"])
    given = [sum(c.injections(0.0, year * YEAR, DRUGS[c.drug].interval) for c in later.courses)
             for year in (2.99, 3.49, 3.51, 9.0)]  # fmt: skip
    assert given == [6, 6, 7, 7]


@pytest.mark.parametrize("below, delayed", [(4.0, 2), (-5.0, 0)])
def test_infusions_are_counted_as_they_are_given(below, delayed):
    module = load("sequence")
    numbers = small(section__height=0.6, section__width=1.2, section__cortex=0.5)
    doses = {}
    for arm in module.make_trial(2.0, 1.0, "zoledronate", below).arms:
        model = BoneModel(arm.courses, parameters=numbers)
        model.run(2.5)
        doses[arm.name] = module.measure(model)["doses"]
    assert doses == {"none": 0, "intermittent": 1, "delayed": delayed, "upfront": 2}


def test_fractures_are_those_of_true_bone_against_no_protection():
    module = load("sequence")
    hips = {"none": -2.0, "intermittent": 0.0, "delayed": -1.0, "upfront": 2.0}
    frame = pd.DataFrame(
        {"arm": arm, "replicate": number, "year": year, "lumbar_spine_true": 0.0,
         "total_hip_true": hip * year, "total_hip": 50.0, "doses": 2.0 * (arm != "none")}
        for arm, hip in hips.items() for number in (0, 1) for year in (0.0, 0.999)
    )  # fmt: skip
    table = module.summarize(frame, 1.0)
    ratios = table[table["outcome"] == "fracture hazard ratio"].set_index("arm")["mean"]
    gradient = Parameters().fracture.gradient
    assert ratios["upfront"] == pytest.approx((1 + math.exp(-4 * 0.999 * gradient)) / 2)
    assert ratios["none"] == 1
    prices = module.price(table)
    assert list(prices) == ["intermittent", "delayed", "upfront"]
    assert prices["delayed"] == pytest.approx(50 * (1 - ratios["delayed"]))


def test_screening_finds_the_effect_of_the_whole_range_and_nothing_where_is_none():
    module = load("sensitivity")
    factors = ("osteoblast.life", "precursors.usage", "receptor.lag")
    problem = module.make_problem(factors, Parameters())
    design = module.sample_morris.sample(problem, 4, num_levels=module.LEVELS, seed=1)
    usual = Parameters().values()
    parts = design / [usual[name] for name in factors]
    answer = 20 * parts[:, 0] - 5 * parts[:, 1]
    turns = np.where(np.arange(len(design)) % 2, 1.0, -1.0)[:, None] * [-1.0, 1.0]
    values = answer[:, None] + turns + [7.0, 9.0]  # what all points share is no luck
    table = module.screen(problem, design, {("spine", "loss"): values}, 1)
    assert table["mu"].to_numpy() == pytest.approx(np.array([20, -5, 0]) * 2 * module.SPREAD)
    assert table["mu_star"].to_numpy() == pytest.approx(abs(table["mu"].to_numpy()))
    assert list(table["rank"]) == [1, 2, 3]
    spread = math.sqrt(len(design) / (len(design) - 1))  # of the mean of two replicates
    assert table["noise"].to_numpy() == pytest.approx(2 * spread / math.sqrt(math.pi) * 1.5)


def test_variance_is_shared_out_among_numbers_and_luck():
    module = load("sensitivity")
    problem = module.make_problem(("osteoblast.life", "precursors.usage"), Parameters())
    design = module.sample_sobol.sample(problem, 256, calc_second_order=False, seed=1)
    parts = (design - np.mean(problem["bounds"], axis=1)) / np.ptp(problem["bounds"], axis=1)
    answer = 2 * parts[:, 0] + parts[:, 1]  # four fifths and one fifth of the variance, 5/12
    luck = np.random.default_rng(1).normal(0, math.sqrt(5 / 12), (len(design), 2))
    for size, share in ((0.0, 0.0), (1.0, 1 / 3)):  # of the mean of two: half of that of one
        values = answer[:, None] + size * luck
        table = module.apportion(problem, {("spine", "loss"): values}, 1)
        assert table["luck"].to_numpy() == pytest.approx(share, abs=0.03)
        alone = np.array([0.8, 0.2]) * (1 - share)
        assert table["S1"].to_numpy() == pytest.approx(alone, abs=0.1)
        assert table["ST"].to_numpy() == pytest.approx(alone + share, abs=0.1)


def test_ranges_are_cut_to_what_is_declared_and_leave_out_zeros_and_resolution():
    ranges = load("sensitivity").list_ranges(Parameters())
    assert ranges["osteoblast.life"] == pytest.approx([89.451, 109.329])
    assert ranges["drugs.anastrozole.suppression"] == pytest.approx([0.855, 0.999])
    assert ranges["densitometry.usual"] == pytest.approx([-1.21, -0.99])
    for name in ("time.step", "section.site", "responses.rankl.full"):
        assert name not in ranges


def test_only_numbers_that_move_an_outcome_are_screened(monkeypatch):
    module = load("sensitivity")
    asked = ("osteoblast.life", "drugs.denosumab.binding", "densitometry.spine_drift")
    ranges = {name: module.list_ranges(Parameters())[name] for name in asked}
    monkeypatch.setattr(module, "list_ranges", lambda _: ranges)
    options = module.make_parser("Which?", 2).parse_args([])
    options.replicates, options.workers = 1, 1
    numbers = Parameters().with_values(module.TINY)
    assert module.find_factors(options, numbers) == ["osteoblast.life"]


def test_runs_are_counted_that_hold_the_mean():
    module = load("convergence")
    assert [module.needed(spread) for spread in (0.01, 1.0, 2.0)] == [2, 18, 64]


def test_differences_are_paired_where_the_section_is_the_same():
    module = load("convergence")
    usual = {"time.step": 7.0, "section.site": 20.0, "section.height": 4.0}
    luck = np.array([-3.0, 0.0, 1.0, 2.0])
    shifts = [({}, 0.0), ({"time.step": 1.0}, 2.0), ({"section.height": 8.0}, 2.0)]
    table = pd.concat(
        [
            pd.DataFrame(usual | changed | {"replicate": range(4)})
            .assign(**{name: luck + shift + 0.1 * luck**2 * bool(changed)
                       for name in module.OUTCOMES})
            for changed, shift in shifts
        ]
    )  # fmt: skip
    found = module.compare(table, usual)
    found = found[found["outcome"] == "ctx"].set_index("number")
    assert found.loc["time.step", "difference"] == pytest.approx(2 + 0.1 * 14 / 4)
    assert found.loc["section.height", "difference"] == pytest.approx(2 + 0.1 * 14 / 4)
    assert found.loc["time.step", "error"] < 0.3 < found.loc["section.height", "error"]
    assert module.agree(found[found.index == "section.height"])
    assert not module.agree(found)


def test_loss_and_recovery_are_against_untreated_women():
    rows = [
        {"point": 7, "arm": arm, "replicate": 0, "year": float(year), "lumbar_spine": value,
         "total_hip": 2 * value}
        for arm, values in (("anastrozole", (0.0, -5.0, -4.0)), ("untreated", (0.0, -1.0, -2.0)))
        for year, value in enumerate(values)
    ]  # fmt: skip
    found = load("sensitivity").read_outcomes(pd.DataFrame(rows), 1.0, 1.0)
    assert found["lumbar_spine", "loss"] == pytest.approx(np.array([[4.0]]))
    assert found["total_hip", "recovery"] == pytest.approx(np.array([[4.0]]))


@pytest.mark.parametrize("arguments", [("--out", "a.csv"), ("--replicates", "0"), ("--steps", "7")])
def test_bad_input_of_an_experiment_is_one_line(tmp_path, arguments):
    done = subprocess.run(
        [sys.executable, FOLDER / "convergence.py", "--quick", *arguments],
        check=False, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_mineral_is_split_into_parts_that_add_up():
    module = load("recovery")
    model = silent(wall(4))
    model.tissue.matrix[3, 16] = 0.25
    model.tissue.cavity[3, 16] = 0.5  # a pit half way through its refilling
    model.tissue.immature[5, 16] = 0.3
    before = module.measure(model)
    for region in ("trabecular", "cortical"):
        parts = sum(before[f"{region} {part}"] for part in ("space", "young", "bone"))
        assert parts == pytest.approx(before[f"{region} mineral"])
    assert before["trabecular space"] + before["cortical space"] == pytest.approx(-0.5)
    model.tissue.matrix[3, 16] += 0.5  # refilled, with mineral at once
    model.tissue.cavity[3, 16] = 0.0
    after = module.measure(model)
    gained = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert sorted(name.split()[1] for name in gained) == ["mineral", "space"]
    assert list(gained.values()) == pytest.approx([0.5, 0.5])


def test_what_is_switched_off_stays_as_it_was_at_rest():
    module = load("ablation")
    usual = small()
    values = module.switched_off(usual)
    rates = {}
    for name in ("nothing", "precursor pool"):
        model = BoneModel(parameters=usual.with_values(values[name]), spin_up=False)
        rates[name] = model.signals.recruitment
        assert (model.signals.pool == 1.0) == (name == "precursor pool")
    assert rates["precursor pool"] == pytest.approx(rates["nothing"])
    rows = usual.with_values(values["strain"]).responses
    for now, before in (
        (rows.strain, usual.responses.strain),
        (rows.overload, usual.responses.overload),
    ):
        assert now.at(0.5) == now.at(2.0) == pytest.approx(before.at(1.0))
    model = BoneModel(parameters=usual.with_values(values["supply by marrow"]), spin_up=False)
    supplied = BoneModel(parameters=usual, spin_up=False)
    assert model.surroundings.supply == pytest.approx(1.0)
    assert model.signals.recruitment == pytest.approx(
        supplied.signals.recruitment * supplied.surroundings.supply.mean()
    )
