"""Many runs: equal on any number of workers, and arms paired by common random numbers."""

import gc
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers import small

import remodel
from remodel import BoneModel
from remodel.clinic.trial_files import load_trial
from remodel.model.observer import COLUMNS
from remodel.parameters.time_steps import YEAR
from remodel.runs.ensemble import list_tasks, run_ensemble, run_trial
from remodel.runs.parallel import run_all
from remodel.runs.scenario import Case

TRIAL = """\
name = "tiny"
on_treatment = 0.5
visits = [0.5]
sites = ["ctx"]
"""
ARMS = """\
[[arm]]
name = "drug"
[[arm.course]]
drug = "anastrozole"
start = 0.25
[[arm]]
name = "none"
[[arm]]
name = "also none"
[[arm]]
name = "younger"
[arm.patient]
age = 55
"""
TINY = small(section__height=0.6, section__width=1.2, section__cortex=0.5)


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    file = tmp_path_factory.mktemp("trial") / "tiny.toml"
    file.write_text(TRIAL + ARMS)
    return load_trial(file)


@pytest.fixture(scope="module")
def frame(trial):
    return run_trial(trial, TINY, replicates=3, seed=4)


def test_two_workers_give_what_one_gives(trial, frame):
    assert run_trial(trial, TINY, replicates=3, seed=4, workers=2).equals(frame)


def test_an_executor_of_the_user_gives_what_one_worker_gives(trial, frame):
    with ThreadPoolExecutor(2) as executor:
        assert run_trial(trial, TINY, replicates=3, seed=4, workers=executor).equals(frame)


def test_replicates_differ_in_their_random_numbers_and_do_not_depend_on_their_number(trial, frame):
    assert frame.groupby("replicate")["seed"].first().tolist() == [4, 5, 6]
    alone = run_trial(trial, TINY, replicates=1, seed=5)
    second = frame[frame["replicate"] == 1].reset_index(drop=True)
    assert alone.drop(columns="replicate").equals(second.drop(columns="replicate"))
    assert len(frame.groupby("replicate")["ctx"].sum().unique()) == 3


def test_cases_are_paired(trial):
    """Replicate r of every case has the seed of the first and r."""
    tasks = list_tasks([Case(trial, TINY)] * 3, 2, 4, None, False)
    assert [(task.case, task.seed) for task in tasks] == [(n, s) for s in (4, 5) for n in range(3)]


def arm(frame, name):
    return frame[frame["arm"] == name].drop(columns="arm").reset_index(drop=True)


def test_arms_are_paired(frame):
    assert arm(frame, "none").equals(arm(frame, "also none"))
    treated, without = arm(frame, "drug"), arm(frame, "none")
    before = without["year"] <= 0.25
    assert treated[before].equals(without[before])
    assert not treated.equals(without)


def test_an_arm_is_the_model_that_a_user_would_run(frame):
    model = BoneModel("anastrozole 0.25", parameters=TINY, rng=4)
    model.read_at([0.5])
    model.run(0.5)
    alone = model.frame()
    first = arm(frame, "drug")
    first = first[first["replicate"] == 0].drop(columns=["replicate", "seed"])
    assert first.equals(alone)


def test_the_frame_is_tidy(frame):
    assert list(frame.columns) == ["replicate", "seed", "arm", *COLUMNS]
    assert not frame.isna().any().any()
    assert (frame[frame["year"] == 0]["ctx"].abs() < 1e9).all()


def test_pictures_are_taken_of_the_first_replicate_alone(trial):
    taken = {}

    def keep(replicate):
        taken[replicate.number] = set(replicate.snapshots)

    run_ensemble([Case(trial, TINY)], replicates=2, pictures=True, done=keep)
    assert taken[0] == {(one.name, year) for one in trial.arms for year in (0.0, 0.5)}
    assert taken[1] == set()


@pytest.mark.parametrize("years", [0.0, 0.5, 1.0, 1.37])
def test_a_run_ends_within_half_a_step_of_the_year(years):
    model = BoneModel(parameters=TINY, rng=1)
    model.run_until(years)
    assert abs(model.day - years * YEAR) <= 0.5 * model.days + 1e-9


def fail(task):
    if task == 1:
        raise ValueError("task 1")
    return task


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_task_reaches_the_caller(workers):
    with pytest.raises(ValueError, match="task 1"):
        run_all([0, 1, 2, 3], fail, workers, [].append)


def test_an_error_of_an_executor_may_stand_for_its_task():
    found = []
    with ThreadPoolExecutor(2) as threads:
        run_all([0, 1, 2], fail, threads, found.append, lambda task, error: f"{task}: {error}")
    assert sorted(found, key=str) == [0, "1: task 1", 2]


def test_a_run_lets_go_of_its_models(trial):
    """Mesa 3.3 would keep each for ever."""

    def models():
        gc.collect()
        return sum(isinstance(thing, BoneModel) for thing in gc.get_objects())

    before = models()
    run_trial(trial, TINY, replicates=2)
    assert models() == before


@pytest.mark.parametrize("workers", [0, -1, float("nan"), 5000])
def test_a_number_of_workers_out_of_range_is_refused(workers):
    with pytest.raises(ValueError, match=r"workers = .* processes; expected 1 to 1024"):
        run_all([1], fail, workers, [].append)


@pytest.mark.parametrize("replicates", [0, -1, 10**6])
def test_a_number_of_replicates_out_of_range_is_refused(trial, replicates):
    with pytest.raises(ValueError, match=r"replicates = .* expected 1 to 100000"):
        run_trial(trial, TINY, replicates=replicates)


def test_a_seed_out_of_range_is_refused(trial):
    with pytest.raises(ValueError, match="seed = -1"):
        run_trial(trial, TINY, replicates=1, seed=-1)


def test_results_come_in_any_order_and_each_once():
    found = []
    run_all(list(range(20)), np.square, 2, found.append)
    assert sorted(found) == [n**2 for n in range(20)]


def test_workers_run_the_code_of_the_main_process(tmp_path):
    other = tmp_path / "here" / "remodel"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise SystemExit('another remodel')")
    script = tmp_path / "script.py"
    script.write_text(
        "from remodel.runs.parallel import run_all\n"
        "def place(_):\n    import remodel\n    return remodel.__file__\n"
        "if __name__ == '__main__':\n    run_all([0, 1, 2], place, 2, print)\n"
    )
    done = subprocess.run(
        [sys.executable, script], cwd=other.parent, check=True, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(remodel.__file__).parent.parent)},
    )  # fmt: skip
    assert done.stdout.split() == 3 * [remodel.__file__]
