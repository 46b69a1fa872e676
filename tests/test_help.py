"""What a help names is there, and the example at its end is a command that works."""

import argparse
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import remodel
from remodel.cli.commands import COMMANDS, make_parser, parse
from remodel.clinic.trial_files import built_in_trials
from remodel.viewer.lesson_files import built_in_lessons
from remodel.viewer.scene import SECTIONS

TOP = Path(__file__).parent.parent
SCRIPTS = sorted(
    path.stem
    for path in (TOP / "experiments").glob("*.py")
    if '"__main__"' in path.read_text(encoding="utf-8")
)


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """Show help on a terminal of 80 columns, wherever the tests run."""
    monkeypatch.setenv("COLUMNS", "80")


class FoundError(BaseException):
    """Carries a parser out of the script that was about to use it."""


def experiment_parser(name, monkeypatch):
    """Return the parser with which an experiment reads its command line."""

    def stop(parser, *_):
        raise FoundError(parser)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    with pytest.raises(FoundError) as found:
        runpy.run_path(str(TOP / "experiments" / f"{name}.py"), run_name="__main__")
    return found.value.args[0]


def find_example(text):
    """Return the example of a help."""
    return re.search(r"^example.*:\n  (.+)\n\Z", text, re.MULTILINE)[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_help_is_a_command(name):
    text = make_parser()[1][name].format_help()
    line = find_example(text)
    program, *arguments = shlex.split(line)
    assert program == "remodel"
    assert parse(arguments).command == name


def test_the_help_of_all_leads_to_that_of_each(capsys):
    text = make_parser()[0].format_help()
    assert all(re.search(rf"^    {name}\b", text, re.MULTILINE) for name in COMMANDS)
    with pytest.raises(SystemExit, match="0"):
        parse(shlex.split(find_example(text))[1:])
    assert "usage: remodel run" in capsys.readouterr().out


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_example_of_an_experiment_is_a_command(name, monkeypatch):
    with monkeypatch.context() as patch:
        parser = experiment_parser(name, patch)
    text = parser.format_help()
    line = find_example(text)
    program, script, *arguments = shlex.split(line)
    assert (program, script) == ("python", f"experiments/{name}.py")
    assert parser.parse_args(arguments).out == Path(f"experiments/results/{name}.json")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_option_that_an_experiment_names_exists(name, monkeypatch):
    text = (TOP / "experiments" / f"{name}.py").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text.split('"""')[1]))
    assert "--quick" in named
    assert named <= set(experiment_parser(name, monkeypatch).options().split(", "))


@pytest.mark.parametrize("name, library", [("sensitivity", "SALib")])
def test_a_missing_library_is_one_line_that_says_what_to_type(name, library, monkeypatch):
    for module in [module for module in sys.modules if module.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setattr(sys, "argv", [f"{name}.py"])
    with pytest.raises(SystemExit) as end:
        experiment_parser(name, monkeypatch)
    words = f'{name}.py: needs {library}; install it with: pip install "remodel[analysis]"'
    assert end.value.code in (words, words.replace(library, f"{library}.analyze"))


def test_every_option_says_what_it_is():
    for name, parser in make_parser()[1].items():
        for action in parser._actions:
            assert action.help, f"{name}: {action.dest}"
            assert action.metavar or action.nargs == 0, f"{name}: {action.dest}"


def test_help_names_what_there_is():
    _, parsers = make_parser()
    words = " ".join(parsers["run"].format_help().split())
    assert all(name in words for name in built_in_trials())
    words = " ".join(parsers["view"].format_help().split())
    assert all(name in words for name in SECTIONS)
    assert f"1 to {len(built_in_lessons())}" in words


def test_a_narrow_terminal_breaks_no_example(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    for name, parser in make_parser()[1].items():
        assert find_example(parser.format_help()).startswith(f"remodel {name}")


@pytest.mark.parametrize("arguments", [["-m", "remodel"], ["experiments/calibrate.py"]])
def test_help_is_printed_and_nothing_done(tmp_path, arguments):
    here = str(TOP / arguments[-1]) if arguments[-1].endswith(".py") else arguments[-1]
    done = subprocess.run(
        [sys.executable, *arguments[:-1], here, "--help"], cwd=tmp_path, capture_output=True,
        text=True, timeout=60, check=True,
        env=os.environ | {"PYTHONPATH": str(Path(remodel.__file__).parent.parent)},
    )  # fmt: skip
    assert done.stdout.startswith("usage: ")
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())
