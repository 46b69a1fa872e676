"""Docs that fail when they are not true."""

import ast
import importlib
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import remodel
import remodel.trials
from remodel.drugs import DRUGS
from remodel.model import STEP

TOP = Path(__file__).parent.parent
PAGES = [
    "README.md", "CHANGELOG.md", "docs/odd.md", "docs/parameters.md", "docs/drugs.md",
    "docs/api.md", "docs/evidence.md", "experiments/README.md", "remodel/viewer/lessons/README.md",
]  # fmt: skip
TEXTS = {".py", ".md", ".toml", ".cff", ".csv", ".json"}
ELEMENTS = [
    "1. Purpose and patterns",
    "2. Entities, state variables, and scales",
    "3. Process overview and scheduling",
    "4. Design concepts",
    "5. Initialization",
    "6. Input data",
    "7. Submodels",
]
CONCEPTS = [
    "Basic principles", "Emergence", "Adaptation", "Objectives", "Learning", "Prediction", "Sensing",
    "Interaction", "Stochasticity", "Collectives", "Observation",
]  # fmt: skip
# "s" for "z" and so on; put together here, so that this file is not its own first finding
BRITISH = re.compile(
    r"\b(?:o" + r"estr|remodel" + r"l|behavi" + r"our|neighb" + r"our|col" + r"our|cent" + r"re\b"
    r"|\w+(?:minerali|initiali|normali|summari|organi|recogni|minimi|maximi|optimi|characteri)"
    + r"s"
    r"|minerali"
    + r"s|initiali"
    + r"s|normali"
    + r"s(?!m)|summari"
    + r"s|recogni"
    + r"s|optimi"
    + r"s(?!m)"
    r"|modell"
    + r"(?:ed|ing|er)|label"
    + r"l(?:ed|ing)|tum"
    + r"our|millimet"
    + r"re|licen"
    + r"ce\b)",
    flags=re.IGNORECASE,
)


def read(name):
    return (TOP / name).read_text(encoding="utf-8")


def parts(text, mark):
    """Split a page at its headings of one level: {heading: text}."""
    pieces = re.split(rf"^{mark} (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def odd():
    return parts(read("docs/odd.md"), "##")


def tracked():
    """Return the text files of the project, without what tools leave behind."""
    left = {"results", "build", "dist", "evidence", "__pycache__"}
    for path in sorted(TOP.rglob("*")):
        inner = path.relative_to(TOP).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in inner)
        ours = path.is_file() and not hidden and not left & set(inner)
        if ours and (path.suffix in TEXTS or path.parent.name == ".ci"):
            yield path


def test_every_drug_has_a_row_and_says_what_it_changes():
    table = read("docs/drugs.md").partition("<!-- table: drugs -->")[2].partition("<!-- end -->")[0]
    rows = re.findall(r"^\| `([^`]+)` +\|(.*)\|$", table, flags=re.MULTILINE)
    assert [name for name, _ in rows] == list(DRUGS)
    for name, text in rows:
        given, _, change, source = (cell.strip() for cell in text.split("|"))
        assert given, name
        assert re.search(r": -?\d", change) or DRUGS[name].lasting, name
        assert source, name


def test_readme_leads_to_every_page():
    pages = [f"docs/{path.name}" for path in (TOP / "docs").glob("*.md")]
    assert len(pages) >= 3
    assert [page for page in pages if page not in read("README.md")] == []


def test_readme_has_code_and_answers_every_question():
    assert "```python" in read("README.md")
    sections = parts(read("README.md"), "##")
    assert list(sections) == [
        "What it is", "How it works", "How to use it", "What to notice", "What to try",
        "How far to trust it",
    ]  # fmt: skip
    assert all(len(text.split()) > 20 for text in sections.values())


def test_every_course_and_parameter_named_in_readme_is_known():
    courses = re.findall(r'"((?:[a-z]+ \d-\d(?:, )?)+)"', read("README.md"))
    assert len(courses) >= 3
    for text in courses:
        remodel.therapies.parse_courses(text)
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


def test_odd_has_the_seven_elements():
    assert list(odd()) == ELEMENTS
    assert all(len(text.split()) > 20 for text in odd().values())


def test_odd_fills_every_design_concept():
    concepts = parts(odd()["4. Design concepts"], "###")
    assert list(concepts) == CONCEPTS
    assert all(len(text.split()) > 5 for text in concepts.values())


def test_odd_gives_the_order_of_the_processes():
    schedule = odd()["3. Process overview and scheduling"]
    assert re.findall(r"^\d+\. `(\w+)`", schedule, flags=re.MULTILINE) == list(STEP)


def test_every_submodel_of_the_odd_names_function_and_test():
    submodels = parts(odd()["7. Submodels"], "###")
    assert len(submodels) > 10
    for name, text in submodels.items():
        assert re.search(r"Functions?\s+`\w+\.\w+", text), name
        assert re.search(r"[Cc]hecked\s+by\s+`tests/", text), name


def test_every_function_named_in_the_odd_exists():
    modules = {path.stem for path in (TOP / "remodel").glob("*.py")}
    numbers = remodel.Parameters().values()
    named = re.findall(r"`(?:remodel\.)?(\w+)\.(\w+(?:\.\w+)?)`", read("docs/odd.md"))
    functions = [(module, inner) for module, inner in named if f"{module}.{inner}" not in numbers]
    found = [(module, inner) for module, inner in functions if module in modules]
    assert len(found) > 30
    for module, inner in found:
        owner = importlib.import_module(f"remodel.{module}")
        for part in inner.split("."):
            assert hasattr(owner, part), f"{module}.{inner}"
            owner = getattr(owner, part)


def test_every_function_named_in_the_odd_is_looked_for():
    modules = {path.stem for path in (TOP / "remodel").glob("*.py")}
    groups = remodel.Parameters().groups()
    written = re.findall(r"`(\w+)\.\w+(?:\.\w+)?`", read("docs/odd.md"))
    assert set(written) <= modules | {"remodel"} | set(groups)


def test_every_test_named_in_the_odd_exists():
    named = re.findall(r"`(tests/\w+\.py)(?:::(\w+))?`", read("docs/odd.md"))
    assert len(named) > 10
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


def test_the_public_api_fits_on_a_page():
    assert len(read("docs/api.md").splitlines()) <= 66


def test_the_run_for_every_commit_takes_its_lines_from_readme():
    lines = [line for line in read("README.md").splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    script = read(".ci/run")
    for words, line in zip(["remodel run atac", "pytest -q"], lines, strict=True):
        assert line.endswith(words)
        assert f'readme_line "{words}"' in script


def test_versions_agree():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    cited = re.search(r"^version: (\S+)$", read("CITATION.cff"), flags=re.MULTILINE)[1]
    assert remodel.__version__ == project["version"] == cited
    assert f"## {cited}" in read("CHANGELOG.md")


def test_spelling_is_american():
    files = list(tracked())
    assert len(files) > 20
    found = [
        f"{path.relative_to(TOP)}: {match[0]}"
        for path in files
        for match in BRITISH.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "word",
    [
        "o" + "estrogen",
        "Remodel" + "ling",
        "behavi" + "our",
        "minerali" + "sation",
        "deminerali" + "sed",
    ],
)
def test_british_spelling_would_be_found(word):
    assert BRITISH.search(f"a {word} b")


@pytest.mark.parametrize(
    "word", ["remodel", "mineralization", "organism", "optimism", "normal", "license"]
)
def test_american_spelling_is_let_pass(word):
    assert not BRITISH.search(f"a {word} b")
