"""An ensemble on disk: killed and resumed, failed in part, damaged, of another experiment."""

import errno
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd
import pytest
from helpers import small
from test_command import group_is_gone, start

from remodel import Parameters, Patient
from remodel.bone.synthetic import build_section
from remodel.clinic.trial_files import read_trial
from remodel.model.observer import COLUMNS
from remodel.report.trial_run import OUTPUTS, RUNS, run_job
from remodel.runs import replicate, storage
from remodel.runs.ensemble import (
    FailedRunsError,
    all_finished,
    load_ensemble,
    run_ensemble,
    run_trial,
)
from remodel.runs.scenario import cross
from remodel.runs.storage import MANIFEST

TINY = {"section__height": 0.6, "section__width": 1.2, "section__cortex": 0.5, "time__spin_up": 1}
TRIAL = read_trial(
    """\
name = "tiny"
on_treatment = 0.5
visits = [0.25, 0.5]
sites = ["total_hip"]
[[arm]]
name = "drug"
[[arm.course]]
drug = "anastrozole"
[[arm]]
name = "none"
""",
    "tiny.toml",
)
VALUES = [{"osteoblast.life": 150.0}, {"osteoblast.life": 250.0}]
CASES = cross([TRIAL], values=VALUES, parameters=small(**TINY))


def files(folder):
    """Return the content of every file of an ensemble."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Return the folder and the results of an ensemble that nothing disturbed."""
    folder = tmp_path_factory.mktemp("ensemble") / "a"
    return folder, run_ensemble(CASES, folder, replicates=2, seed=3)


def count_runs(monkeypatch):
    """Return a list that grows by each run that is really made."""
    made, run = [], replicate.run_replicate
    monkeypatch.setattr(
        replicate,
        "run_replicate",
        lambda task: made.append((task.case, task.replicate)) or run(task),
    )
    return made


def test_the_frame_is_tidy(done):
    frame = done[1].frame
    labels = ["trial", "osteoblast.life", "replicate", "seed", "arm"]
    assert list(frame.columns) == [*labels, *COLUMNS]
    runs_of = frame.groupby(["osteoblast.life", "replicate", "arm"]).size()
    assert len(runs_of) == 8
    assert runs_of.nunique() == 1
    assert not frame.isna().any().any()
    assert done[1].failed.empty


def test_a_case_is_the_trial_run_alone(done):
    alone = run_trial(TRIAL, small(**TINY).with_values(VALUES[1]), replicates=2, seed=3)
    here = done[1].frame.query("`osteoblast.life` == 250").reset_index(drop=True)
    assert here.drop(columns=["trial", "osteoblast.life"]).equals(alone)


def test_what_was_written_is_what_was_returned(done):
    folder, found = done
    assert sorted(files(folder)) == [
        *(f"000{c}-00{r}.json" for c in (0, 1) for r in (0, 1)),
        MANIFEST,
    ]
    assert load_ensemble(folder).frame.equals(found.frame)
    assert run_ensemble(CASES, replicates=2, seed=3).frame.equals(found.frame)


@pytest.mark.parametrize("workers", [2, "threads"])
def test_files_do_not_depend_on_the_workers(done, tmp_path, workers):
    with ThreadPoolExecutor(2) as threads:
        executor = threads if workers == "threads" else workers
        found = run_ensemble(CASES, tmp_path / "b", replicates=2, seed=3, workers=executor)
    assert found.frame.equals(done[1].frame)
    assert files(tmp_path / "b") == files(done[0])


def test_what_is_finished_is_not_run_again(done, tmp_path, monkeypatch):
    whole = files(done[0])
    for name in (MANIFEST, "0000-001.json", "0001-000.json"):
        (tmp_path / name).write_bytes(whole[name])
    (tmp_path / ".0000-000.json.123").write_text("left by a kill")
    made = count_runs(monkeypatch)
    found = run_ensemble(CASES, tmp_path, replicates=2, seed=3)
    assert made == [(0, 0), (1, 1)]
    assert found.frame.equals(done[1].frame)
    assert files(tmp_path).items() >= whole.items()
    run_ensemble(CASES, tmp_path, replicates=2, seed=3)
    assert len(made) == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_a_killed_run_goes_on_with_the_same_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (
        'name = "tiny"\non_treatment = 0.5\nvisits = [0.5]\nsites = ["ctx"]\n[[arm]]\nname = "a"\n'
    )
    (tmp_path / "tiny.toml").write_text(text)
    command = ("run", "tiny.toml", "--quick", "--replicates=6")
    kept = tmp_path / "results" / "tiny-quick" / RUNS
    process = start(*command, "--workers=2")
    try:
        while not list(kept.glob("0*.json")) and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL
        assert group_is_gone(process.pid)
    finally:
        process.kill()
    before = {path: path.stat().st_mtime_ns for path in kept.glob("0*.json")}
    assert 1 <= len(before) < 6
    for arguments in (command, (*command, "--out=undisturbed")):
        process = start(*arguments, "--workers=2")
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    assert before.items() <= {path: path.stat().st_mtime_ns for path in before}.items()
    assert files(kept) == files(tmp_path / "undisturbed" / RUNS)
    for name in OUTPUTS:
        disturbed = (kept.parent / name).read_bytes()
        assert disturbed == (tmp_path / "undisturbed" / name).read_bytes(), name


def refuse_one(monkeypatch):
    """Let one run of the four end in an error."""
    run = replicate.run_replicate

    def sometimes(task):
        if (task.case, task.replicate) == (1, 0):
            raise ArithmeticError("nothing\nto divide by")
        return run(task)

    monkeypatch.setattr(replicate, "run_replicate", sometimes)


@pytest.mark.parametrize("workers", [1, "threads"])
def test_a_failed_run_is_named_and_kept_and_stops_no_other(
    done, tmp_path, monkeypatch, capsys, workers
):
    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as threads:
        refuse_one(patch)
        executor = threads if workers == "threads" else workers
        found = run_ensemble(
            CASES, tmp_path / "b", replicates=2, seed=3, workers=executor, progress=True
        )
    assert len(found.frame.groupby(["osteoblast.life", "replicate"])) == 3
    [row] = found.failed.to_dict("records")
    assert (row["osteoblast.life"], row["replicate"], row["seed"]) == (250.0, 0, 3)
    assert row["error"].startswith("ArithmeticError: nothing to divide by (test_runs.py, line")
    [line] = capsys.readouterr().err.splitlines()
    assert "osteoblast.life 250.0, replicate 0, seed 3, failed ArithmeticError" in line
    pd.testing.assert_frame_equal(load_ensemble(tmp_path / "b").failed, found.failed)
    with pytest.raises(FailedRunsError, match="failed runs: 1; replicate 0: ArithmeticError"):
        all_finished(found)
    again = run_ensemble(CASES, tmp_path / "b", replicates=2, seed=3)
    assert again.frame.equals(done[1].frame)
    assert files(tmp_path / "b") == files(done[0])


def test_a_trial_with_a_failed_run_has_no_summary(tmp_path, monkeypatch):
    monkeypatch.setattr(replicate, "run_replicate", lambda task: task.seed // 0)
    with pytest.raises(FailedRunsError, match="failed runs: 2"):
        run_job(TRIAL, small(**TINY), 2, 3, 1, tmp_path / "a", progress=False)
    assert not (tmp_path / "a" / "summary.csv").exists()


def others():
    """Return what makes another experiment, each with what is to be named."""
    older = replace(TRIAL, patient=Patient(age=80))
    other_life = cross([TRIAL], values=[VALUES[0]], parameters=small(**TINY))
    return [
        ("seed", CASES, {"seed": 4}),
        ("replicates", CASES, {"replicates": 3}),
        ("cases", other_life, {}),
        ("cases", CASES[::-1], {}),
        ("cases", [replace(case, trial=older) for case in CASES], {}),
        ("cases", [replace(case, parameters=Parameters()) for case in CASES], {}),
        ("cases", [replace(case, tissue=build_section(small(**TINY), 1)) for case in CASES], {}),
        ("measure", CASES, {"measure": area}),
    ]


def area(model):
    """Return the bone in sites, and nothing that is not there."""
    return {"area": float(model.tissue.matrix.sum()), "nothing": float("nan")}


@pytest.mark.parametrize("name, cases, changes", others())
def test_the_folder_of_another_experiment_is_refused(done, name, cases, changes):
    folder, _ = done
    before = files(folder)
    with pytest.raises(ValueError, match=rf"already holds another run \(other {name}\)") as error:
        run_ensemble(cases, folder, **({"replicates": 2, "seed": 3} | changes))
    assert "\n" not in str(error.value)
    assert files(folder) == before


def test_a_run_of_another_experiment_is_refused(done, tmp_path):
    whole = files(done[0])
    run_ensemble(CASES, tmp_path / "b", replicates=2, seed=4)
    (tmp_path / "b" / "0001-001.json").write_bytes(whole["0001-001.json"])
    with pytest.raises(ValueError, match=r"0001-001\.json: is a run of another experiment"):
        run_ensemble(CASES, tmp_path / "b", replicates=2, seed=4)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text[:100], id="cut short"),
        pytest.param(lambda _: "", id="empty"),
    ],
)
def test_a_run_that_is_cut_short_is_refused_by_name(done, tmp_path, damage):
    for name, content in files(done[0]).items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / "0000-001.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=r"0000-001\.json: is no record.*; remove it, and"):
        run_ensemble(CASES, tmp_path, replicates=2, seed=3)


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="holds files but no run"):
        run_ensemble(CASES, tmp_path)
    assert list(files(tmp_path)) == ["thesis.tex"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_keeps_what_is_finished(done, tmp_path, monkeypatch, workers):
    folder = tmp_path / "b"
    write = storage.write_atomically

    def fill(path, content):
        if len(list(folder.glob("0*.json"))) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_atomically", fill)
        with pytest.raises(OSError, match=r"No space left.* finished runs are kept") as error:
            run_ensemble(CASES, folder, replicates=2, seed=3, workers=workers)
    assert "\n" not in str(error.value)
    assert len(list(folder.glob("0*.json"))) == 2
    assert files(folder).items() <= files(done[0]).items()
    assert run_ensemble(CASES, folder, replicates=2, seed=3).frame.equals(done[1].frame)
