"""Worker processes get what they need from any script, and tell the truth where they end early."""

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Lock

import pytest
from test_runs import CASES

import remodel
from remodel.runs import parallel
from remodel.runs.ensemble import run_ensemble
from remodel.runs.parallel import run_all

HERE = str(Path(remodel.__file__).parent.parent)
CASE = CASES[:1]
BEGIN = """\
from remodel import Parameters, cross, load_trial, run_ensemble
values = {"section.height": 0.6, "section.width": 1.0, "time.spin_up": 0.5}
cases = cross([load_trial("atac")], parameters=Parameters().with_values(values))
LEVEL = 0.5
class Share:
    def __init__(self, level): self.level = level
    def __call__(self, model): return {"x": float((model.tissue.matrix > self.level).mean())}
def share(model): return Share(LEVEL)(model)
"""
RUN = """\
frames = [run_ensemble(cases, replicates=2, workers=n, measure={}).frame for n in (1, 2)]
print(frames[0].equals(frames[1]), len(frames[0]) > 50, frames[0]["x"].notna().sum() > 4)
"""


def python(*arguments, text=None, folder=None):
    return subprocess.run(
        [sys.executable, *arguments], input=text, capture_output=True, text=True, cwd=folder,
        env=os.environ | {"PYTHONPATH": HERE}, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "way, measure",
    [
        ("file", "share"),
        ("pipe", "Share(0.5)"),
        ("-c", "lambda m: share(m)"),
        ("prompt", "Share(0.5)"),
        ("notebook", "share"),
    ],
)
def test_a_script_needs_no_guard_and_may_come_from_anywhere(tmp_path, way, measure):
    text = BEGIN + RUN.format(measure)
    if way == "file":
        (tmp_path / "script.py").write_text(text)
        done = python("script.py", folder=tmp_path)
    elif way == "pipe":
        done = python("-", text=text)
    elif way == "prompt":
        done = python(
            "-i",
            "-q",
            "-c",
            "",
            text=text.replace("LEVEL)(model)", "LEVEL)(model)\n")
            .replace("\nclass", "\n\nclass")
            .replace("\ndef share", "\n\ndef share"),
        )
    elif way == "notebook":  # whose functions are in no file
        done = python("-c", f"exec(compile({text!r}, '<cell 3>', 'exec'), globals())")
    else:
        done = python("-c", text)
    assert done.stdout == "True True True\n", done.stderr
    said = [line for line in done.stderr.splitlines() if line.strip(">. ")]
    assert [line for line in said if "this script came through a pipe" not in line] == []
    assert len(said) == (way == "pipe")


@pytest.mark.parametrize("measure", ["partial", "closure", "method"])
def test_functions_of_any_kind_go_to_processes(measure):
    class Here:
        level = 0.5

        def measure(self, model, factor=1):
            return {"x": factor * float((model.tissue.matrix > self.level).mean())}

    own = Here()
    kinds = {
        "partial": functools.partial(own.measure, factor=2),
        "closure": lambda model: own.measure(model, 2),
        "method": own.measure,
    }
    one, two = (run_ensemble(CASE, None, 2, 3, n, measure=kinds[measure]) for n in (1, 2))
    assert one.frame.equals(two.frame)
    assert one.failed.empty


def test_an_executor_of_ones_own_gets_them_too():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool, ThreadPoolExecutor(1) as threads:
        found = [
            run_ensemble(CASE, None, 1, 3, executor, measure=lambda model: {"x": model.day})
            for executor in (pool, threads)
        ]
    assert found[0].frame.equals(found[1].frame)
    assert found[0].failed.empty


def test_what_cannot_be_sent_is_one_line_before_anything_starts(tmp_path):
    lock = Lock()
    with pytest.raises(
        ValueError, match=r"cannot be sent to worker processes .*workers=1$"
    ) as error:
        run_ensemble(
            CASE, tmp_path / "a", 2, 3, 2, measure=lambda _: {"x": lock.locked()}, measure_name="a"
        )
    assert "\n" not in str(error.value)


def test_a_module_that_a_worker_cannot_import_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "only_here.py").write_text("def measure(model): return {'x': 1}\n")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        import only_here
    found = run_ensemble(CASE, None, 2, 3, 2, measure=only_here.measure)
    assert (
        found.failed["error"].str.contains("ModuleNotFoundError: No module named 'only_here'").all()
    )
    assert "2 of 2 runs failed" in capsys.readouterr().err


def end(code):
    """End the process in which this is run."""
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize(
    "code, said",
    [
        (-signal.SIGKILL, "out of memory"),
        (-signal.SIGSEGV, r"crashed \(SIGSEGV\)"),
        (3, "ended itself with exit code 3"),
    ],
)
def test_a_message_says_how_a_worker_ended(code, said):
    with pytest.raises(BrokenProcessPool, match=said) as error:
        run_all([code, code], end, 2, [].append)
    assert ("memory" in str(error.value)) == (code == -signal.SIGKILL)


def test_workers_that_cannot_start_are_not_said_to_want_memory(monkeypatch):
    monkeypatch.setattr(parallel, "follow_main", functools.partial(fail_to_start, 1))
    with pytest.raises(BrokenProcessPool, match=r"no worker process could start \(exit code 1"):
        run_all([1, 2], abs, 2, [].append)


def fail_to_start(code, _):
    os._exit(code)


def test_an_executor_of_ones_own_that_breaks_names_guard_and_notebook():
    context = multiprocessing.get_context("spawn")
    broken = pytest.raises(BrokenProcessPool, match=r"__main__.*notebook")
    with ProcessPoolExecutor(1, mp_context=context) as pool, broken:
        run_all([3], end, pool, [].append)


def test_what_was_not_done_is_not_lost(tmp_path):
    kill = functools.partial(die_at, 4 if sys.platform == "win32" else -signal.SIGKILL)
    with pytest.raises(BrokenProcessPool, match=r"; none of 2 runs was finished$"):
        run_ensemble(CASE, None, 2, 3, 2, measure=kill)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^none of 2 runs was finished$"):
        run_ensemble(CASE, None, 2, 3, done=stop)

    def later(run):
        if run.number == 1:
            raise KeyboardInterrupt

    with pytest.raises(
        KeyboardInterrupt, match=r"^1 of 2 runs were finished and are lost; a folder"
    ):
        run_ensemble(CASE, None, 2, 3, done=later)
    with pytest.raises(
        KeyboardInterrupt, match=r"^1 of 2 runs are kept in .*, and the same command"
    ):
        run_ensemble(CASE, tmp_path / "a", 2, 3, done=later)


def die_at(code, _):
    end(code)


def test_failed_runs_are_told_once_where_progress_is_off(capsys):
    def broken(_):
        raise RuntimeError("boom")

    def once(model):
        return {"x": 1 // (model.day - broken_day)}

    broken_day = 0.0
    for measure, error in ((broken, "RuntimeError: boom"), (once, "ZeroDivisionError")):
        found = run_ensemble(CASE, None, 2, 3, measure=measure)
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"remodel: {len(found.failed)} of 2 runs failed; the first: {error}")
