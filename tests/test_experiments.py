"""Every experiment explains itself, and runs."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from remodel import Parameters
from remodel.trials import built_in_trials, load_trial

FOLDER = Path(__file__).parent.parent / "experiments"
SCRIPTS = sorted(FOLDER.glob("*.py"))
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


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_experiment_runs(script, tmp_path):
    out = tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, script, "--quick", "--out", out],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(out.read_text(encoding="utf-8"))
    assert record["runs"]
    assert record["made_by"]["remodel"]
    assert set(record.get("parameters", Parameters().values())) == set(Parameters().values())


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", load("calibrate").FREE)
def test_what_is_fitted_says_so(name):
    (row,) = [row for row in Parameters().rows() if row.name == name]
    assert row.source == "calibrated"


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
