"""A real scheduler with two real workers does the same work, and what is wrong is one line."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_command import TINY
from test_command import TRIAL as TEXT
from test_command import start as start_command
from test_runs import CASES, files

import remodel
from remodel.cli import commands as command
from remodel.report.trial_run import OUTPUTS, RUNS
from remodel.runs import parallel
from remodel.runs.ensemble import run_ensemble
from remodel.runs.parallel import check_workers, open_cluster
from remodel.support.provenance import OtherVersionWarning, made_by

pytestmark = pytest.mark.slow  # a scheduler and its workers are processes of their own
HERE = str(Path(remodel.__file__).parent.parent)


def start(*arguments):
    """Start a part of a cluster."""
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments], env=os.environ | {"PYTHONPATH": HERE},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def cluster(folder, count):
    """Start a scheduler and some workers; yield its address and the processes."""
    file = folder / "scheduler.json"
    parts = [
        start(
            "scheduler",
            "--host=127.0.0.1",
            "--port=0",
            "--no-dashboard",
            f"--scheduler-file={file}",
        )
    ]
    try:
        for _ in range(600):
            if file.exists() and file.read_text().rstrip().endswith("}"):
                break
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        local = f"--local-directory={folder}"
        parts += [
            start("worker", address, "--nthreads=1", "--no-dashboard", "--no-nanny", local)
            for _ in range(count)
        ]
        yield address, parts
    finally:
        for part in reversed(parts):
            part.kill()
            part.wait(30)


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """Return the address of a scheduler with two workers."""
    with cluster(tmp_path_factory.mktemp("cluster"), 2) as (address, _):
        with open_cluster(address) as executor:
            executor._client.wait_for_workers(2, timeout=60)
        yield address


def test_a_cluster_gives_the_files_that_one_worker_gives(two_workers, tmp_path):
    alone = run_ensemble(CASES, tmp_path / "a", replicates=2, seed=3)
    with open_cluster(two_workers) as executor:
        found = run_ensemble(CASES, tmp_path / "b", replicates=2, seed=3, workers=executor)
    assert found.frame.equals(alone.frame)
    assert files(tmp_path / "b") == files(tmp_path / "a")


def test_both_workers_work(two_workers):
    def where():  # inside, so that it goes to the workers by value
        time.sleep(0.2)
        return os.getpid()

    with open_cluster(two_workers) as executor:
        seen = {future.result() for future in [executor.submit(where) for _ in range(8)]}
    assert len(seen) == 2
    assert os.getpid() not in seen


def test_the_command_hands_its_work_to_a_cluster(two_workers, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "QUICK", TINY)
    (tmp_path / "tiny.toml").write_text(TEXT)
    line = ["run", "tiny.toml", "--quick", "--out"]
    assert command.main([*line, "a", "--scheduler", two_workers]) == 0
    assert command.main([*line, "b", "--workers", "1"]) == 0
    assert files(tmp_path / "a" / RUNS) == files(tmp_path / "b" / RUNS)
    for name in OUTPUTS:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert capsys.readouterr().err == ""


class OtherWorkers:
    """A cluster of which one worker is not as this process is."""

    def __init__(self, **there):
        self.there = there

    def wait_for_workers(self, count, timeout):
        pass

    def run(self, function):
        return {"tcp://one:1": function(), "tcp://two:2": function() | self.there}


@pytest.mark.parametrize("name", ["remodel", "commit", "numpy"])
def test_a_worker_that_may_give_other_numbers_is_warned_of_once(name):
    said = rf"^worker tcp://two:2: other versions \({name} 1\.0 in place of [^,]*\); "
    with pytest.warns(OtherVersionWarning, match=said) as notes:
        check_workers(OtherWorkers(**{name: "1.0"}), "tcp://one:1")
    assert len(notes) == 1
    check_workers(OtherWorkers(), "tcp://one:1")


def test_a_run_says_who_made_it():
    """The worker, whose versions may be others than those of the process that asks."""
    assert run_ensemble(CASES[:1], None, 1, 3).made_by == (made_by(),)


def refused(capsys, address):
    """Return the one line about a scheduler that cannot be used."""
    assert command.main(["run", "atac", "--quick", "--out", "a", "--scheduler", address]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "foo://x:1", ""])
def test_a_scheduler_that_is_not_there_is_one_line(capsys, tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parallel, "PATIENCE", 1.0)
    line = refused(capsys, address)
    assert line.startswith(f"remodel: scheduler = {address}: no scheduler answers there (")
    assert not list(tmp_path.iterdir())


def test_workers_and_scheduler_are_not_asked_for_together(capsys):
    with pytest.raises(SystemExit):
        command.main(["run", "atac", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"])
    assert "not allowed with argument --workers" in capsys.readouterr().err


def test_a_scheduler_without_workers_is_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with cluster(tmp_path, 0) as (address, _):
        monkeypatch.setattr(parallel, "PATIENCE", 2.0)
        assert "no worker has come to it yet" in refused(capsys, address)


def test_a_run_whose_scheduler_dies_goes_on_elsewhere(tmp_path):
    alone = run_ensemble(CASES, tmp_path / "a", replicates=8, seed=3)
    with cluster(tmp_path, 1) as (address, parts):
        lost = pytest.raises(
            ConnectionError, match=r"the scheduler is gone; \d+ of 16 runs are kept"
        )
        with open_cluster(address) as executor, lost:
            run_ensemble(
                CASES, tmp_path / "b", replicates=8, seed=3, workers=executor,
                done=lambda _: parts[0].kill(),
            )  # fmt: skip
    kept = files(tmp_path / "b")
    assert 2 <= len(kept) < 17
    assert kept.items() <= files(tmp_path / "a").items()
    again = run_ensemble(CASES, tmp_path / "b", replicates=8, seed=3, workers=2)
    assert again.frame.equals(alone.frame)
    assert files(tmp_path / "b") == files(tmp_path / "a")


def test_a_scheduler_that_dies_half_way_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TEXT)
    line = ("run", "tiny.toml", "--quick", "--replicates=99", "--out=a")
    with cluster(tmp_path, 1) as (address, parts):
        process = start_command(*line, f"--scheduler={address}")
        while not list(tmp_path.glob("a/runs/0*.json")) and process.poll() is None:
            time.sleep(0.02)
        parts[0].kill()
        out, err = process.communicate(timeout=60)
    count = len(list(tmp_path.glob("a/runs/0*.json")))
    assert 1 <= count < 99
    assert (out, process.returncode) == ("", 1)
    assert err == (
        f"remodel: the scheduler is gone; {count} of 99 runs are kept in {Path('a', RUNS)}, "
        "and the same command goes on from there\n"
    )


def test_a_cluster_needs_its_extra():
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from remodel.__main__ import main\n"
        "sys.exit(main(['validate', '--quick', '--scheduler', 'tcp://127.0.0.1:1']))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        done.stderr
        == 'remodel: a scheduler needs Dask; install it with: pip install "remodel[cluster]"\n'
    )
