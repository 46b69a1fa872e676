"""Every experiment runs, and measures what it says."""

import importlib.util
import json
import math
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import silent, small, wall

from remodel import BoneModel, Parameters
from remodel.clinic.courses import Treatment
from remodel.clinic.trial_files import built_in_trials, load_trial
from remodel.model.environment import rankl_under
from remodel.parameters.drugs import DRUGS
from remodel.parameters.time_steps import YEAR
from remodel.runs.results import Readings

FOLDER = Path(__file__).parent.parent / "experiments"
SHARED = {FOLDER / f"{name}.py" for name in ("common", "emulator", "fitted")}  # no experiments
SCRIPTS = sorted(set(FOLDER.glob("*.py")) - SHARED)
TIMED = {FOLDER / "speed.py"}  # measures time, which does not repeat


@pytest.fixture(scope="session")
def run_once(tmp_path_factory):
    """Return what runs an experiment in this process, once for all tests that ask for it.

    This process has its libraries already; one worker does the runs. What comes back is the
    folder of its record.
    """
    made = {}

    def run(script):
        if script not in made:
            made[script] = tmp_path_factory.mktemp(script.stem)
            words = [str(script), "--quick", "--out", str(made[script] / "a.json")]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", [*words, "--workers", "1"])
                with pytest.raises(SystemExit) as ended:
                    runpy.run_path(str(script), run_name="__main__")
            assert ended.value.code == 0
        return made[script]

    return run


def run_apart(script, out):
    """Run a script as a user does, with two workers."""
    words = [sys.executable, script, "--quick", "--out", out, "--workers", "2"]
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=240
    )
    assert done.returncode == 0, done.stderr


def files_of(folder):
    """Return what a script wrote beside its finished runs, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def check_record(folder):
    """Compare what a script wrote with the form that every record has."""
    files = files_of(folder)
    assert {"a.json", "a.png"} <= set(files) <= {"a.json", "a.csv", "a.png"}
    record = json.loads(files["a.json"])
    assert record["runs"]
    assert record["made_by"]["remodel"]
    assert set(record.get("parameters", Parameters().values())) == set(Parameters().values())


@pytest.mark.parametrize("script", sorted(set(SCRIPTS) - TIMED), ids=lambda path: path.stem)
def test_an_experiment_runs_and_leaves_a_record(script, run_once):
    check_record(run_once(script))


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_experiment_run_as_a_user_does_gives_the_same_files(script, run_once, tmp_path):
    run_apart(script, tmp_path / "a.json")
    check_record(tmp_path)
    if script not in TIMED:
        first, second = files_of(run_once(script)), files_of(tmp_path)
        assert [name for name in first if second.pop(name, None) != first[name]] == []
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
    module = load("fitted")
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
        model = BoneModel(arm.courses, parameters=numbers, rng=1)
        model.run(0.5)
        assert model.signals.estradiol == pytest.approx(asked, rel=0.01, abs=0.05)


def test_what_is_kept_of_a_gain_is_against_untreated_patients():
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
        model = BoneModel(arm.courses, parameters=numbers, rng=1)
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


@pytest.mark.parametrize("arguments", [("--out", "a.csv"), ("--replicates", "0"), ("--steps", "7")])
def test_bad_input_of_an_experiment_is_one_line(tmp_path, monkeypatch, capsys, arguments):
    script = str(FOLDER / "convergence.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [script, "--quick", *arguments])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(script, run_name="__main__")
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_mineral_is_split_into_parts_that_add_up():
    module = load("recovery")
    model = silent(wall(4))
    model.tissue.matrix[3, 16] = 0.25
    model.tissue.cavity[3, 16] = 0.5  # a pit half way through its refilling
    model.tissue.unmineralized[5, 16] = 0.3
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


def test_recovery_is_told_with_and_without_the_field_and_against_two_baselines():
    module = load("recovery")
    default = Parameters()
    fields = {case.labels["field"]: case.parameters.strain.rankl
              for case in module.make_cases(module.make_trial((1.0,), 1.0), default)}  # fmt: skip
    assert fields == {module.WITH: default.strain.rankl, module.WITHOUT: 0.0}
    rows = [
        {"field": field, "arm": arm, "replicate": 0, "year": float(year),
         "trabecular_bmd": change, "cortical_bmd": 0.5 * change}
        for field, back in ((module.WITH, 1.0), (module.WITHOUT, 0.0))
        for arm, changes in (("1", (0.0, -5.0, -5.0 + back)), ("untreated", (0.0, -1.0, -2.0)))
        for year, change in enumerate(changes)
    ]  # fmt: skip
    found = module.since_the_end(pd.DataFrame(rows), (1.0,), 1.0)
    means = found.set_index(["field", "compartment", "arm"])["mean"]
    assert means[module.WITH, "trabecular", "drug"] == pytest.approx(1.0)
    assert means[module.WITHOUT, "trabecular", "drug"] == pytest.approx(0.0)
    assert means[module.WITH, "cortical", "untreated"] == pytest.approx(-0.5)


def test_what_is_switched_off_stays_as_it_was_at_rest():
    module = load("ablation")
    default = small()
    values = module.switched_off(default)
    rates = {}
    for name in ("nothing", "precursor pool"):
        model = BoneModel(parameters=default.with_values(values[name]), spin_up=False, rng=1)
        rates[name] = model.environment.mean(model.drive) * model.signals.pool
        assert (model.signals.pool == 1.0) == (name == "precursor pool")
    assert rates["precursor pool"] == pytest.approx(rates["nothing"])
    blind = default.with_values(values["strain"])
    now, before = (each.responses.osteoblast_survival for each in (blind, default))
    assert now.at(0.5) == now.at(2.0) == pytest.approx(before.at(1.0))
    assert rankl_under(default, 2.0) < rankl_under(blind, 2.0) == 1.0
    model = BoneModel(
        parameters=default.with_values(values["supply by marrow"]), spin_up=False, rng=1
    )
    assert model.environment.supply == pytest.approx(1.0)
    supplied = BoneModel(parameters=default, spin_up=False, rng=1)
    place = supplied.environment
    assert model.environment.mean(model.drive) == pytest.approx(
        place.mean(supplied.drive * place.supply)
    )


def test_an_emulator_knows_a_quadratic_and_says_how_much_is_chance():
    module = load("emulator")
    rng = np.random.default_rng(1)
    places, unseen = rng.random((200, 4)), rng.random((50, 4))

    def answer(at):
        return np.stack([3 * at[:, 0] - 2 * at[:, 1] ** 2, 5 * at[:, 2]], axis=1)

    chance = rng.normal(0.0, [0.01, 1.0], (200, 2))
    emulator = module.Emulator(places, answer(places) + chance)
    found = emulator.predict(unseen)
    assert found[:, 0] == pytest.approx(answer(unseen)[:, 0], abs=0.05)
    assert found[:, 1] == pytest.approx(answer(unseen)[:, 1], abs=1.0)
    assert 0.98 < emulator.explained[0] <= 1.0
    assert emulator.explained[1] == pytest.approx(25 / 12 / (25 / 12 + 1), abs=0.15)


class StraightWorld:
    """Answers that miss a row each by how far a number is from a place, 0 to 1 in its range."""

    def __init__(self, module, place):
        self.free, self.place, self.asked = module.FREE, place, 0
        self.rows = module.targets()

    def map(self, _, tasks):
        return [self.answers(parameters.values()) for parameters, _ in tasks]

    def answers(self, values):
        self.asked += 1
        found = {row.name: (row.low + row.high) / 2 for row in self.rows}
        for at, row, (name, (low, high)) in zip(
            self.place, self.rows, self.free.items(), strict=False
        ):
            ratio = (
                math.log(values[name] / low) / math.log(high / low) if low else values[name] / high
            )
            end = row.high if ratio > at else row.low
            found[row.name] = end + 9.0 * row.scale / math.sqrt(row.weight) * (ratio - at)
        return found


def test_calibration_finds_the_place_of_least_cost_and_how_well_it_is_known(tmp_path):
    module = load("calibrate")
    place = np.linspace(0.3, 0.7, len(module.FREE))
    world, file = StraightWorld(module, place), tmp_path / "a.jsonl"
    search = module.Search(world, Parameters(), file)
    best, answers, emulator = search.go(64, 2)
    assert best == pytest.approx(place, abs=0.05)
    assert search.cost(search.in_order(answers)) < 10
    doubt = search.doubt(best, emulator)
    for row, (name, found) in zip(search.rows, doubt.items(), strict=False):
        assert found["informed_by"] == row.name
        low, high = module.FREE[name]
        if low:  # a slope of 9 on the row that it is about
            width = math.log(found["high"] / found["low"]) / math.log(high / low)
            assert width == pytest.approx(2 * 1.96 / 9, rel=0.2)
    asked = world.asked
    again = module.Search(world, Parameters(), file)
    assert again.go(64, 2)[0] == pytest.approx(best)
    assert world.asked == asked == len(again.runs)  # all were kept


class World:
    """A world that answers with how far its numbers are from a place, and with chance."""

    def __init__(self, module, place):
        self.module, self.place, self.asked = module, place, 0
        self.rng = np.random.default_rng(3)

    def map(self, _, tasks):
        for given, _ in tasks:
            self.asked += 1
            values = given.values()
            here = [values[name] for name in self.module.FREE]
            away = [np.log(at / there) for at, there in zip(here, self.place.values(), strict=True)]
            chance = self.rng.normal(0.0, 0.1, len(away))
            names = [row.name for row in self.module.targets()]
            low = {row.name: row.low for row in self.module.targets()}
            yield {
                name: low[name] + 5 * (away[k % len(away)] + chance[k % len(away)])
                for k, name in enumerate(names)
            }


def test_the_emulator_finds_the_place_of_least_cost_from_scattered_runs():
    module = load("calibrate")
    middle = module.values_at(np.full(len(module.FREE), 0.5))
    place = {name: value * 1.1 for name, value in middle.items()}
    world = World(module, place)
    search = module.Search(world, Parameters(), None)
    at, _, emulator = search.go(sets=128, seeds=1)
    assert world.asked == len(search.runs) > 128
    assert np.median(emulator.explained) > 0.7
    found = module.values_at(at)
    off = {name: abs(np.log(found[name] / place[name])) for name in place}
    assert np.median(list(off.values())) < 0.06  # of logarithms; the place is 0.095 from the middle
    doubt = search.doubt(at, emulator)
    assert all(one["low"] <= found[name] <= one["high"] for name, one in doubt.items())
