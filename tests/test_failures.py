"""A machine that fails: nothing finished is lost, nothing half-written is taken for whole."""

import ast
import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from shutil import rmtree

import pytest
from helpers import small
from test_command import group_is_gone, start
from test_command import run as run_command
from test_runs import CASES, TINY, TRIAL, files, refuse_one

import remodel
from remodel.cli import commands as command
from remodel.report import trial_run
from remodel.report.trial_run import OUTPUTS, RUNS, run_job
from remodel.runs import parallel
from remodel.runs.ensemble import run_ensemble
from remodel.runs.parallel import run_all
from remodel.support import console
from remodel.support.files import LOCK, folder_lock, remove_atomically, sweep, write_atomically

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and locks are those of POSIX")


def job(folder, **changes):
    """Run a tiny trial into a folder."""
    return run_job(TRIAL, small(**TINY), 2, 5, 1, folder, progress=False, **changes)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Return the folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("failures") / "whole"
    job(folder)
    return folder


def same(folder, other):
    """Compare all outputs and runs of two folders."""
    names = {path.name for path in folder.iterdir()}
    assert names == {path.name for path in other.iterdir()} == {*OUTPUTS, RUNS}
    assert files(folder / RUNS) == files(other / RUNS)
    for name in OUTPUTS:
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name


def test_content_is_on_the_disk_before_its_name(tmp_path, monkeypatch):
    """Or a power cut leaves an empty file where a whole one was."""
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def noted(*arguments, real=real, name=name):
            order.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, noted)
    write_atomically(tmp_path / "a", "x")
    assert order == ["fsync", "replace"]


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("most", [2_000, 60_000])
def test_a_disk_that_fills_is_one_line_and_the_command_goes_on(done, tmp_path, most, capsys):
    """A limit on the size of files stands for the disk; it hits a run, then each picture."""
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, old[1]))
    try:
        code = command.guard(lambda: job(tmp_path / "a") is None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert code == command.FAILED
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"remodel: {tmp_path}")
    assert os.strerror(errno.EFBIG) in line
    assert not [path for path in (tmp_path / "a").rglob(".*") if path.is_file()]
    job(tmp_path / "a")
    same(done, tmp_path / "a")


@POSIX
def test_a_run_keeps_every_other_run_out_of_its_folder(done):
    with folder_lock(done), pytest.raises(ValueError, match="another run is at work in it"):
        job(done)
    with folder_lock(done / RUNS), pytest.raises(ValueError, match=rf"{RUNS}: another run"):
        job(done)
    job(done)
    assert not list(done.rglob(LOCK))


@POSIX
def test_a_lock_ends_with_the_process_that_held_it(tmp_path):
    code = (
        "import time; from pathlib import Path; from remodel.support.files import folder_lock\n"
        f"with folder_lock(Path({str(tmp_path)!r})): print('in', flush=True); time.sleep(99)"
    )
    here = str(Path(remodel.__file__).parent.parent)
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": here}
    )
    try:
        assert holder.stdout.readline() == b"in\n"
        with pytest.raises(ValueError, match="another run"), folder_lock(tmp_path):
            pass
    finally:
        holder.kill()
        holder.communicate(timeout=30)
    assert (tmp_path / LOCK).exists()
    with folder_lock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@POSIX
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_used_without(tmp_path, monkeypatch, number):
    begin = time.perf_counter()

    def none(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", none)
    with folder_lock(tmp_path):
        assert time.perf_counter() - begin < 5
    assert not list(tmp_path.iterdir())


def test_a_folder_whose_lock_belongs_to_another_user_is_busy(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    with pytest.raises(ValueError, match="another run is at work"), folder_lock(tmp_path):
        pass


def test_what_a_finished_run_left_stays_while_it_is_run_again(done, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    before = (done / "record.json").read_bytes()
    assert b'"results": null' not in before
    monkeypatch.setattr(trial_run, "make_runs", stop)
    with pytest.raises(KeyboardInterrupt, match=r"finished replicates: .*0000-000\.json"):
        job(done)
    assert (done / "record.json").read_bytes() == before


def test_a_folder_is_removed_atomically(tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    write_atomically(tmp_path / "runs" / "a", "x")

    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", stop)
    with pytest.raises(KeyboardInterrupt):
        remove_atomically(tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_only_what_a_kill_left_is_swept(tmp_path):
    for name in (".0123456789abcdef.a.json", ".mine", ".git.a.json", "a.json"):
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git.a.json", ".mine", "a.json"]


def test_a_folder_that_is_removed_meanwhile_is_said_to_be_lost(tmp_path):
    with pytest.raises(OSError, match=r"removed, and what was finished in it is lost"):
        run_ensemble(CASES, tmp_path / "b", 2, 3, done=lambda _: rmtree(tmp_path / "b"))


def die(_):
    """End this process as a machine does whose memory is full."""
    os.kill(os.getpid(), signal.SIGKILL)


@POSIX
def test_a_worker_that_is_killed_is_one_line_that_says_what_to_do(tmp_path):
    said = r"ended from outside.*fewer --workers.*; none of 2 runs was finished$"
    with pytest.raises(BrokenProcessPool, match=said):
        run_ensemble(CASES[:1], tmp_path / "b", 2, 3, workers=2, measure=die)


class Deserted(Executor):
    """A cluster whose scheduler lives and whose workers are gone."""

    def __init__(self):
        self._client, self.asked = self, 0

    def submit(self, *_, **__):
        """Take a task that nobody will do."""
        return Future()

    def wait_for_workers(self, *_, **__):
        """Find none, but for the first time."""
        self.asked += 1
        if self.asked > 1:
            raise TimeoutError


def test_a_cluster_without_workers_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(parallel, "LOOK", 0.05)
    cluster = Deserted()
    with pytest.raises(ConnectionError, match="no worker for 30 seconds; start workers"):
        run_all([1, 2], abs, cluster, [].append)
    assert cluster.asked == 2


@pytest.mark.slow
@POSIX
def test_a_polite_request_to_end_is_taken_for_an_interrupt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(
        'name = "t"\non_treatment = 0.5\nvisits = [0.5]\nsites = ["ctx"]\n[[arm]]\nname = "a"\n'
    )
    process = start("run", "tiny.toml", "--quick", "--replicates=999", "--workers=1", "--out=a")
    try:
        while not list(tmp_path.glob("a/runs/0*.json")) and process.poll() is None:
            time.sleep(0.05)
        process.terminate()
        out, err = process.communicate(timeout=30)
        assert group_is_gone(process.pid)
    finally:
        process.kill()
    assert (out, process.returncode) == ("", command.INTERRUPTED)
    assert "remodel: interrupted; finished replicates: a/runs/0000-000.json" in err


def test_nobody_has_to_listen(monkeypatch):
    class Closed:
        def write(self, _):
            raise OSError(errno.EPIPE, "Broken pipe")

        flush, isatty = (lambda _: None), (lambda _: False)

    for stream in (None, Closed()):
        monkeypatch.setattr(sys, "stderr", stream)
        assert command.main(["run", "nothing"]) == command.BAD_INPUT
        monkeypatch.setattr(sys, "stderr", stream)
        with monkeypatch.context() as patch:
            refuse_one(patch)
            found = run_ensemble(CASES, None, 2, 3, progress=True)
        assert (len(found.failed), sys.stderr) == (1, None)
    monkeypatch.setattr(sys, "stdout", None)
    assert command.main(["list"]) == 0


def test_what_is_said_is_plain_text(capsys):
    console.say("a\x1b]0;b\x07\nc \u202e \u00b5m")
    assert capsys.readouterr().err == "a\\x1b]0;b\\x07\\nc \\u202e \u00b5m\n"


def test_memory_that_runs_out_is_one_line(capsys):
    def fill():
        raise MemoryError

    assert command.guard(fill) == command.FAILED
    assert "memory ran out; fewer --workers" in capsys.readouterr().err


def test_an_image_that_was_killed_half_way_goes_on(tmp_path, capsys, monkeypatch):
    from test_images import histology, write

    from remodel.bone.synthetic import build_section

    monkeypatch.chdir(tmp_path)
    write(tmp_path, histology(build_section(small(), 1)))
    line = ("tissue", "slice.png", "--pixel-size", "5", "--out")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".0123456789abcdef.section.npz").write_text("half")
    for name in "ab":
        assert run_command(capsys, *line, name)[0] == 0
    (tmp_path / "a" / "histomorphometry.csv").unlink()
    assert run_command(capsys, *line, "a")[0] == 0
    assert (tmp_path / "a" / "histomorphometry.csv").exists()


def test_no_result_knows_the_time():
    """Neither a clock nor the date of a file; the viewer has a clock for its pace."""
    clocks = {"time", "datetime", "st_mtime", "st_ctime", "getmtime", "localtime", "now"}
    package = Path(remodel.__file__).parent
    paths = [path for path in package.rglob("*.py") if path.parent.name != "viewer"]
    assert len(paths) > 40
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {
            name.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")]
            )
        }
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not modules & {"time", "datetime"}, path.name
        assert not used & (clocks - {"time", "now"}), path.name
