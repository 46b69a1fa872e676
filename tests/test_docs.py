"""Docs that fail when they are not true."""

import ast
import importlib
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import remodel
import remodel.clinic.trials
from remodel.model.bone_model import STEP
from remodel.parameters.drugs import DRUGS

TOP = Path(__file__).parent.parent
ROOMS = sorted(path.parent.name for path in (TOP / "remodel").glob("*/__init__.py"))
PAGES = [
    "README.md", "CHANGELOG.md", "docs/odd.md", "docs/parameters.md", "docs/drugs.md",
    "docs/api.md", "docs/evidence.md", "experiments/README.md", "remodel/viewer/lessons/README.md",
]  # fmt: skip


def read(name):
    return (TOP / name).read_text(encoding="utf-8")


def test_every_drug_in_the_table_of_drugs_is_one():
    table = read("docs/drugs.md").partition("<!-- table: drugs -->")[2].partition("<!-- end -->")[0]
    rows = re.findall(r"^\| `([^`]+)` +\|", table, flags=re.MULTILINE)
    assert rows
    assert set(rows) <= set(DRUGS)


def test_odd_gives_the_processes_in_the_order_of_the_code():
    numbered = re.findall(r"^\d+\. `(\w+)`", read("docs/odd.md"), flags=re.MULTILINE)
    assert numbered == list(STEP)


def test_every_course_and_parameter_named_in_readme_is_known():
    courses = re.findall(r'"((?:[a-z]+ \d-\d(?:, )?)+)"', read("README.md"))
    assert courses
    for text in courses:
        remodel.clinic.courses.parse_courses(text)
    named = re.findall(r'"(\w+(?:\.\w+)+)"', read("README.md"))
    assert named
    assert set(named) <= set(remodel.Parameters().values())


@pytest.mark.parametrize("page", PAGES)
def test_every_path_named_in_the_docs_exists(page):
    text = read(page)
    named = re.findall(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:md|toml|cff))`", text)
    named += re.findall(r"\]\(([\w./-]+)\)", text)
    named += [f"docs/{name}" for name in re.findall(r"docs/(\w+\.\w+)", text)]
    made = [name for name in named if name.startswith("results/")]  # by the run itself
    assert [name for name in named if name not in made and not (TOP / name).exists()] == []


def test_every_function_named_in_the_odd_exists():
    rooms = "|".join(ROOMS)
    place = rf"`(?:remodel\.)?((?:{rooms})\.\w+)\.(\w+(?:\.\w+)?)`"
    found = re.findall(place, read("docs/odd.md"))
    assert found
    for module, inner in found:
        owner = importlib.import_module(f"remodel.{module}")
        for part in inner.split("."):
            assert hasattr(owner, part), f"{module}.{inner}"
            owner = getattr(owner, part)


def test_every_function_named_in_the_odd_is_looked_for():
    groups = remodel.Parameters().groups()
    written = re.findall(r"`(\w+)(?:\.\w+)+`", read("docs/odd.md"))
    assert set(written) <= {*ROOMS, "remodel", *groups}


def test_every_test_named_in_the_odd_exists():
    named = re.findall(r"`(tests/\w+\.py)(?:::(\w+))?`", read("docs/odd.md"))
    assert named
    for file, function in named:
        assert (TOP / file).exists(), file
        tree = ast.parse(read(file))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert any(name.startswith("test_") for name in functions), file
        assert not function or function in functions, f"{file}::{function}"


def printer():
    spec = importlib.util.spec_from_file_location("docs_tables", TOP / "docs" / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", list(printer().PAGES))
def test_the_table_in_the_docs_is_the_one_in_the_code(page):
    text = read(page)
    assert printer().fill(page, text) == text, "run: python docs/tables.py"


def test_the_run_for_every_commit_takes_its_lines_from_readme():
    lines = [line for line in read("README.md").splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    script = read(".ci/run")
    for words, line in zip(["remodel run atac", "pytest -q -n 2"], lines, strict=True):
        assert line.endswith(words)
        assert f'readme_line "{words}"' in script


def test_versions_agree():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    cited = re.search(r"^version: (\S+)$", read("CITATION.cff"), flags=re.MULTILINE)[1]
    assert remodel.__version__ == project["version"] == cited
    assert f"## {cited}" in read("CHANGELOG.md")
