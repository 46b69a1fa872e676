"""What made a number is told by version and commit, and telling it never fails."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_runs import CASES

import remodel
from remodel.cli.commands import guard
from remodel.runs.ensemble import load_ensemble, run_ensemble
from remodel.runs.record import record_text
from remodel.support import provenance
from remodel.support.provenance import (
    OtherVersionWarning,
    commit_of,
    made_by,
    other_versions,
    warn_of_others,
)

HERE = str(Path(remodel.__file__).parent.parent)
WHO = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")


def git(folder, *words):
    subprocess.run(["git", "-C", folder, *WHO, *words], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path):
    """Return a package in a clone with one commit; without git there is no commit to tell."""
    package = tmp_path / "clone" / "remodel"
    package.mkdir(parents=True)
    (package / "model.py").write_text("a = 1\n")
    if not shutil.which("git"):
        return package
    git(package.parent, "init", "-q")
    git(package.parent, "add", ".")
    git(package.parent, "commit", "-qm", "First")
    return package


def anew(package):
    """Return the commit as another process reads it."""
    return commit_of.__wrapped__(package)


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_clone_tells_its_commit_and_whether_it_was_changed(clone, monkeypatch):
    first = anew(clone)
    assert len(first) == 12
    assert int(first, 16)
    (clone.parent / "notes.txt").write_text("no part of the package")
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as in a hook of git
    assert anew(clone) == first
    monkeypatch.delenv("GIT_DIR")
    seen = {first}
    for name, text in (("model.py", "a = 2\n"), ("model.py", "a = 3\n"), ("new.py", "")):
        (clone / name).write_text(text)
        assert anew(clone).startswith(f"{first}+changes-")
        assert anew(clone) == anew(clone)
        seen.add(anew(clone))
    assert len(seen) == 4
    git(clone.parent, "add", ".")
    git(clone.parent, "commit", "-qm", "Second")
    assert anew(clone).isalnum()
    assert anew(clone) not in seen


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_clone_without_a_commit_has_none(tmp_path):
    (tmp_path / "remodel").mkdir()
    git(tmp_path, "init", "-q")
    assert anew(tmp_path / "remodel") == ""


def test_what_was_installed_into_a_clone_of_something_else_has_no_commit(clone):
    installed = clone.parent / "lib" / "remodel"
    installed.mkdir(parents=True)
    assert anew(installed) == ""


@pytest.mark.parametrize("how", ["no git", "broken", "slow", "no repository"])
def test_where_git_does_not_tell_only_the_version_is_known(clone, monkeypatch, tmp_path, how):
    if how == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    elif how == "no repository":
        shutil.rmtree(clone.parent / ".git", ignore_errors=True)
        (clone.parent / ".git").write_text("gitdir: /nowhere\n")
    else:
        failure = subprocess.TimeoutExpired("git", 1) if how == "slow" else PermissionError(13, "x")

        def fail(*_, **__):
            raise failure

        monkeypatch.setattr(subprocess, "run", fail)
    assert anew(clone) == ""
    monkeypatch.setattr(provenance, "PACKAGE", clone)
    assert list(made_by()) == ["remodel", "python", *provenance.LIBRARIES]


def test_nothing_is_asked_of_git_on_import():
    code = (
        "import subprocess\n"
        "def refuse(*_, **__): raise SystemExit('a process was started')\n"
        "subprocess.run = subprocess.Popen = refuse\n"
        "import remodel.runs.ensemble, remodel.report.trial_run, remodel.model.files, remodel.runs.parallel, remodel.__main__"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": HERE},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_git_is_asked_once_in_a_process(monkeypatch):
    made_by()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("asked again"))
    made_by()


def test_the_same_versions_are_no_others(recwarn):
    assert other_versions(made_by()) == ""
    warn_of_others("a", [made_by(), dict(reversed(made_by().items()))])
    assert not recwarn
    other = made_by() | {"numpy": "1.0"}
    assert other_versions(other) == f"numpy 1.0 in place of {made_by()['numpy']}"
    assert "numpy unknown in place of" in other_versions({})


def test_runs_of_another_version_are_read_with_one_warning(tmp_path):
    run_ensemble(CASES, tmp_path, replicates=2, seed=3)
    other = made_by() | {"remodel": "0.0.9"}
    for path in tmp_path.glob("0*.json"):
        path.write_text(record_text(json.loads(path.read_text()) | {"made_by": other}))
    for read in (load_ensemble, lambda folder: run_ensemble(CASES, folder, 2, 3)):
        with pytest.warns(
            OtherVersionWarning, match=r"other versions \(remodel 0\.0\.9 in"
        ) as notes:
            found = read(tmp_path)
        assert found.made_by == (other,)
        assert (len(notes), notes[0].filename) == (1, __file__)


def test_a_command_says_so_in_one_line_and_goes_on(tmp_path, capsys):
    record = {"made_by": {"remodel": "0.0.9\x1b[2J\n"}}

    def work():
        warn_of_others(tmp_path / "a", [record["made_by"]])
        return 0

    assert guard(work) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"remodel: note: {tmp_path / 'a'}: other versions (remodel 0.0.9\\x1b")
    assert line.endswith("; numbers may differ")
