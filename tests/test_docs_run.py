"""What the pages tell a reader to type works, line after line; what they point to is there.

Nothing is skipped (what is to be added to a file, `py` or `text`, is tried by
tests/test_new_cell.py). To keep it short, a run gets `--quick` on a tiny section and one replicate,
and a film one picture a year; the page is opened but served by tests/test_viewer_browser.py;
the two lines that install are run as they stand by .ci/run. Python runs unchanged.
"""

import re
import shlex
import socket
import tomllib
from contextlib import chdir, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import numpy as np
import pytest
from helpers import build
from PIL import Image

import remodel
from remodel.cli import commands as command
from remodel.clinic.trial_files import read_trial
from remodel.parameters.drugs import DRUGS
from remodel.viewer import serve

TOP = Path(__file__).parent.parent
PAGES = sorted(
    str(path.relative_to(TOP))
    for folder in (".", "docs", "experiments", "remodel/viewer/lessons")
    for path in (TOP / folder).glob("*.md")
    if folder != "remodel/viewer/lessons" or path.name == "README.md"  # lessons hold no commands
    if path.name != "CHANGELOG.md"  # what was is nothing to type
)
TINY = {"section.height": 0.6, "section.width": 1.2, "section.cortex": 0.5, "time.spin_up": 1.0}
SHORTER = {
    "run": "--replicates 1 --workers 1",
    "reproduce": "--workers 1",
    "movie": "--frames-per-year 1",
    "view": "--no-browser",
}
TYPED = re.compile(r"```sh\n(.*?)```|`((?:\.venv/bin/)?(?:remodel|python3?|pip) [^`]*)`", re.DOTALL)


def read(page):
    return (TOP / page).read_text(encoding="utf-8")


def fenced(page):
    """Return language and text of every block of a page."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", read(page), re.DOTALL | re.MULTILINE)


def blocks(language):
    return [(page, code) for page in PAGES for kind, code in fenced(page) if kind == language]


@cache
def run_block(page, code):
    """Run a block once, in a folder of its own; return what it prints and its names."""
    names = {"__name__": "__main__"}
    with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(StringIO()) as printed:
        exec(compile(code, page, "exec"), names)  # noqa: S102
    return printed.getvalue(), names


def typed(page):
    """Return the commands that a page tells to type, in their order, as words."""
    found = [block or line for block, line in TYPED.findall(read(page))]
    lines = [line for text in found for line in text.replace("\n", " && ").split("&&")]
    words = [shlex.split(line, comments=True) for line in lines]
    return [[line[0].removeprefix(".venv/bin/"), *line[1:]] for line in words if line]


def test_there_is_something_to_try():
    assert blocks("python")
    assert typed("README.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_kind_that_is_tried_here(page):
    assert {kind for kind, _ in fenced(page)} <= {"sh", "python", "toml", "py", "text"}
    assert read(page).count("```") == 2 * len(fenced(page))


@pytest.mark.parametrize("page, code", blocks("python"), ids=lambda text: text[:12])
def test_every_python_block_runs_and_prints(page, code):
    assert run_block(page, code)[0].strip()


@pytest.mark.parametrize("page, code", blocks("toml"), ids=lambda text: text[:12])
def test_every_trial_of_a_page_is_read(page, code):
    assert read_trial(code, page).arms


def test_readme_prints_what_it_says():
    printed = [run_block(*block)[0] for block in blocks("python") if block[0] == "README.md"]
    assert any("lumbar_spine" in text for text in printed)


def test_a_drug_is_added_as_the_page_says():
    ((page, code),) = [block for block in blocks("python") if block[0] == "docs/drugs.md"]
    text, names = run_block(page, code)
    assert "drugs.newserm.efficacy" in names["small"].values()
    assert "newserm" not in DRUGS
    without, on_drug = text.splitlines()
    activity, free = zip(
        *(map(float, re.findall(r"\d\.\d+", line)) for line in (without, on_drug)), strict=True
    )
    assert activity[1] > activity[0]
    assert free[1] < free[0]


def test_a_trial_brings_a_drug_as_the_page_says():
    ((page, text),) = [block for block in blocks("toml") if block[0] == "docs/drugs.md"]
    assert [drug.name for drug in read_trial(text, page).drugs] == ["newserm"]


def test_every_call_named_in_readme_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {name: getattr(remodel, name) for name in remodel.__all__}
    known = names | {"remodel": remodel, "model": build()}
    calls = re.findall(r"`((?:remodel\.)?(\w+)\([^`]*)`", read("README.md"))
    assert calls
    for text, name in calls:
        assert name in names, text
        eval(text, dict(known))


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Sit down in an empty folder with an image of bone, at a machine where all is quick."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "QUICK", TINY)
    monkeypatch.setattr(serve, "run_server", lambda *_: None)
    columns = np.zeros((75, 150), dtype=np.uint8)  # 0.6 x 1.2 mm at 8 µm: two walls, a cortex
    for start, end in ((10, 22), (50, 62), (85, 135)):
        columns[:, start:end] = 200
    Image.fromarray(columns).save("slice.png")
    return tmp_path


def shorten(words):
    """Return the arguments of a command of ours, with what makes it short."""
    name, *rest = words[1:]
    added = SHORTER[name].split() if name in SHORTER else []
    if name == "run" and "--quick" not in rest:
        added += ["--quick"] + (["--out", f"results/{rest[0]}"] if "--out" not in rest else [])
    if name == "view":
        with socket.create_server(("127.0.0.1", 0)) as free:
            added += ["--port", str(free.getsockname()[1])]
    return [name, *rest, *added]


def type_in(words, page):
    """Do what a line says, or look at what it names where another test does it."""
    if words[-2:-1] == [">"]:
        with Path(words[-1]).open("w", encoding="utf-8") as file, redirect_stdout(file):
            return type_in(words[:-2], page)
    program, *rest = words
    if program == "remodel" and rest[1:] == [] and rest != ["view"]:
        assert rest[0] in command.COMMANDS  # only named
    elif program == "remodel":
        assert command.main(shorten(words)) == 0, words
    elif program == "pip":
        extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
        assert rest[:2] == ["install", "-e"]
        assert rest[2] == "." or rest[2].removeprefix(".[").removesuffix("]") in extras
    elif rest and rest[0].endswith(".py"):
        assert (TOP / rest[0]).is_file(), f"{page}: {rest[0]}"
    else:
        assert words == ["python3", "-m", "venv", ".venv"] or program == "pytest", words
    return None


@pytest.mark.parametrize("page", [page for page in PAGES if typed(page)])
def test_what_a_page_tells_to_type_works_in_its_order(reader, page):
    for words in typed(page):
        type_in(words, page)
    named = re.findall(r"(?<![\w/])results/[\w./-]*\w", read(page))
    assert [name for name in named if not (reader / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_option_named_on_a_page_exists(page):
    named = set(re.findall(r"(?<=[` ])--[a-z][a-z-]+", read(page)))
    _, commands = command.make_parser()
    there = {name for parser in commands.values() for name in parser.options().split(", ")}
    assert named <= there


def slug(heading):
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def wrong_links(page, text):
    """Return the links of a page that lead nowhere; those to elsewhere are only looked at."""
    wrong = []
    links = re.findall(r"\]\(([^)]+)\)", text)
    for link in links + re.findall(r"(?<!\()\bhttps?:[^\s`)>]*", text):
        parts = urlsplit(link)
        if parts.scheme:
            good = re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(/[^\s<>]*)?", link)
        else:
            target = (TOP / page).parent / parts.path if parts.path else TOP / page
            heads = re.findall(r"^#+ (.+)$", text if not parts.path else "", re.MULTILINE)
            if parts.path and parts.fragment and target.is_file():
                heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            good = target.exists() and (not parts.fragment or parts.fragment in map(slug, heads))
        wrong += [] if good else [link]
    return wrong


@pytest.mark.parametrize(
    "page", [*PAGES, "CHANGELOG.md", "CITATION.cff", "remodel/clinic/evidence/biology.csv"]
)
def test_every_link_leads_somewhere(page):
    assert wrong_links(page, read(page)) == []


def test_a_link_that_leads_nowhere_would_be_found():
    page, good = "docs/odd.md", ["evidence.md", "../README.md#what-to-try", "#6-input-data"]
    bad = ["nothing.md", "../README.md#what-to-eat", "#8-more", "http://a.org", "https://a b.org"]
    text = "## 6. Input data\n" + "\n".join(f"[here]({link})" for link in good + bad)
    assert wrong_links(page, text) == bad
    assert wrong_links(page, "see http://example.org now") == ["http://example.org"]
    assert wrong_links(page, "see https://example.org/a_b now") == []
