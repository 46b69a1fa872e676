"""Every experiment explains itself, and runs."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
