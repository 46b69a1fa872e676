"""The command line: what it writes, what it refuses, how it ends; never a traceback."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import remodel
from remodel.cli import commands as command
from remodel.clinic.trial_files import built_in_trials
from remodel.parameters.drugs import DRUGS
from remodel.report.trial_run import OUTPUTS, RUNS
from remodel.runs.ensemble import load_ensemble

TINY = {"section.height": 0.6, "section.width": 1.2, "section.cortex": 0.5, "time.spin_up": 1.0}
TRIAL = """\
name = "tiny"
on_treatment = 0.5
visits = [0.5]
sites = ["total_hip", "ctx"]
[[arm]]
name = "drug"
[[arm.course]]
drug = "anastrozole"
[[arm]]
name = "none"
"""


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    """Work in an empty folder that holds one trial file, on a tiny section."""
    monkeypatch.setattr(command, "QUICK", TINY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TRIAL)


def run(capsys, *arguments):
    """Return exit code, stdout and stderr."""
    try:
        code = command.main(arguments)
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def refused(capsys, *arguments):
    """Return the one line on stderr of a command that is refused."""
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("remodel")
    assert err.count("\n") == 1
    return err


def test_a_run_writes_every_file_and_prints_the_table(capsys, tmp_path):
    code, out, _ = run(capsys, "run", "tiny.toml", "--quick")
    folder = tmp_path / "results" / "tiny-quick"
    assert code == 0
    assert {path.name for path in folder.iterdir()} == {*OUTPUTS, RUNS}
    assert all((folder / name).stat().st_size for name in OUTPUTS)
    assert re.search(r"drug +total hip +0 to 0.5 +[-+]\d", out)
    assert "mean of 2 replicates" in out


def test_again_gives_the_same(capsys):
    run(capsys, "run", "tiny.toml", "--quick", "--replicates", "1", "--out", "a")
    code, out, _ = run(capsys, "reproduce", "a/record.json", "--workers", "1")
    assert (code, out) == (0, f"{Path('a', 'record.json')}: the same to the last bit\n")
    assert run(capsys, "reproduce", "a", "--workers", "1") == (code, out, "")


def test_a_film_of_a_run_that_is_not_there_says_how_to_make_one(capsys):
    line = refused(capsys, "movie", "results/atac")
    assert "results/atac: there is no run; make one with: remodel run" in line


def test_the_same_run_may_be_written_again_and_another_may_not(capsys):
    first = ("run", "tiny.toml", "--quick", "--replicates", "1", "--out", "a")
    assert run(capsys, *first)[0] == 0
    assert run(capsys, *first)[0] == 0
    assert "a already holds another run (other seed)" in refused(capsys, *first, "--seed", "2")
    assert "other trial" in refused(capsys, *first, "--years-off", "1")


@pytest.mark.slow
def test_workers_may_be_spawned_as_on_windows(capsys, tmp_path, monkeypatch):
    line = ("run", "tiny.toml", "--quick", "--replicates", "2")
    assert run(capsys, *line, "--workers", "1", "--out", "one")[0] == 0
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert run(capsys, *line, "--workers", "2", "--out", "two")[0] == 0
    for name in ("replicates.csv", "record.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("off", ["0", "0.25", "1"])
def test_years_off_set_the_end(capsys, off):
    code, out, _ = run(
        capsys, "run", "tiny.toml", "--quick", "--replicates", "1", "--years-off", off
    )
    assert code == 0
    assert f"0 to {0.5 + float(off):g}" in out


def test_an_unknown_trial_gets_the_list(capsys):
    line = refused(capsys, "run", "atak")
    assert "'atak'" in line
    assert all(name in line for name in built_in_trials())


def test_an_unknown_therapy_gets_the_list(capsys, tmp_path):
    (tmp_path / "tiny.toml").write_text(TRIAL.replace("anastrozole", "aspirin"))
    line = refused(capsys, "run", "tiny.toml")
    assert "tiny.toml, line 8: arm 1, course 1: no therapy 'aspirin'" in line
    assert all(name in line for name in DRUGS)


def test_an_unknown_option_gets_the_list(capsys):
    line = refused(capsys, "run", "atac", "--replicate", "3")
    assert "'--replicate'" in line
    options = "replicates, workers, scheduler, seed, set, parameters, quick, years-off, tissue, out"
    assert ", ".join(f"--{name}" for name in options.split(", ")) in line


@pytest.mark.parametrize("arguments", [(), ("fly",), ("run",), ("reproduce",), ("new",)])
def test_an_incomplete_command_is_one_line(capsys, arguments):
    assert "--help" in refused(capsys, *arguments)


@pytest.mark.parametrize(
    "option, value",
    [
        (option, value)
        for option in ("--replicates", "--workers", "--seed", "--years-off")
        for value in ("-1", "nan", "inf", "1e3x", "", "0.5", "0", "99999999999")
        if (option, value) not in {("--seed", "0"), ("--years-off", "0"), ("--years-off", "0.5")}
    ],
)
def test_an_option_out_of_range_says_the_range(capsys, option, value):
    line = refused(capsys, "run", "tiny.toml", f"{option}={value}")
    assert re.search(rf"{option[2:]} = {re.escape(value)} .*; expected .*\d to \d+", line)


@pytest.mark.parametrize("name", ["run", "validate"])
def test_a_folder_that_cannot_be_written_is_refused(capsys, tmp_path, name):
    (tmp_path / "file").write_text("")
    trial = ["tiny.toml"] if name == "run" else []
    line = refused(capsys, name, *trial, "--quick", "--out", "file/results")
    assert "file/results: cannot be written" in line
    line = refused(capsys, name, *trial, "--quick", "--out", "file")
    assert "file" in line


def test_a_folder_with_other_files_is_left_alone(capsys, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    for line in ("run tiny.toml --quick --out mine", "validate --quick --out mine"):
        assert "choose another --out" in refused(capsys, *line.split())
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ["", "{}", '{"format": "remodel run, 1"}'])
def test_a_foreign_record_is_refused(capsys, tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    assert "record.json" in refused(capsys, "reproduce", "record.json")
    assert "nothing.json" in refused(capsys, "reproduce", "nothing.json")


def test_a_new_file_runs_and_is_not_overwritten(capsys, tmp_path):
    code, out, _ = run(capsys, "new", "mine.toml")
    assert code == 0
    assert "remodel run mine.toml --quick" in out
    text = (tmp_path / "mine.toml").read_text()
    assert "there already" in refused(capsys, "new", "mine.toml")
    assert "ends in .toml" in refused(capsys, "new", "mine.txt")
    assert "cannot be written" in refused(capsys, "new", "nowhere/mine.toml")
    assert (tmp_path / "mine.toml").read_text() == text
    assert run(capsys, "run", "mine.toml", "--quick", "--replicates", "1")[0] == 0


def test_list_and_parameters_print_what_there_is(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert all(f"{name}  " in out for name in built_in_trials())
    code, out, _ = run(capsys, "parameters")
    assert code == 0
    assert "`osteoblast.life`" in out


def start(*arguments):
    """Start the command in a process group of its own, where Ctrl-C is not ignored.

    A shell that starts a job in the background lets it ignore interrupts.
    """
    here = str(Path(remodel.__file__).parent.parent)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # the child inherits it
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "remodel", *arguments], env=os.environ | {"PYTHONPATH": here},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)


def group_is_gone(group, seconds=10.0):
    """Return whether no process of a group is left within some seconds."""
    for _ in range(int(seconds / 0.1)):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("to_group", [True, False], ids=["terminal", "process"])
def test_an_interrupt_keeps_and_names_finished_replicates(tmp_path, workers, to_group):
    process = start("run", "tiny.toml", "--quick", "--replicates=9999", f"--workers={workers}")
    first = tmp_path / "results" / "tiny-quick" / RUNS / "0000-000.json"
    try:
        while not first.exists() and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, process.communicate()
        (os.killpg if to_group else os.kill)(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert group_is_gone(process.pid)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in out + err
    [line] = err.splitlines()
    named = line.removeprefix("remodel: interrupted; finished replicates: ").split(", ")
    assert [tmp_path / name for name in named] == sorted(first.parent.glob("0*"))
    kept = load_ensemble(first.parent).frame
    assert kept["replicate"].nunique() == len(named)
    assert (kept.groupby("replicate").size() > 5).all()


def test_a_closed_pipe_is_no_traceback():
    process = start("parameters")
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=30)
    assert "Traceback" not in err
    assert "Exception" not in err


@pytest.mark.parametrize("option", ["--seed", "--workers", "--replicates", "--years-off"])
def test_a_number_of_hundreds_of_digits_is_refused(capsys, option):
    line = refused(capsys, "run", "tiny.toml", option, "9" * 400)
    assert re.search(rf"{option[2:]} = 9{{80}} .*; expected .*\d to \d+", line)


@pytest.mark.parametrize("line", ["run {}", "run {}.toml", "run tiny.toml --out {}", "movie {}",
                                  "reproduce {}", "tissue {}", "view --trial {}", "new {}.toml"])  # fmt: skip
def test_a_name_longer_than_any_file_has_is_bad_input(capsys, line):
    assert "aaa" in refused(capsys, *line.format("a" * 300).split())


def test_a_name_of_two_lines_is_refused_in_one(capsys, tmp_path):
    assert "a b.toml" in refused(capsys, "run", "a\nb.toml")
    assert "seed = 1 2" in refused(capsys, "run", "tiny.toml", "--seed", "1\n2")
    for name in ("a\nb.toml", "\udcff.toml"):
        assert "expected a name" in refused(capsys, "new", name)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.toml"]


def test_a_record_nested_beyond_reading_is_no_record(capsys, tmp_path):
    (tmp_path / "record.json").write_text("[" * 100_000)
    assert "is no record" in refused(capsys, "reproduce", "record.json")


def test_a_host_without_a_name_is_not_every_network(capsys):
    assert "host = ''; expected" in refused(capsys, "view", "--host", "")
