"""`remodel view`: what it says where it cannot start, and that the model does not need it."""

import socket
import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest

import remodel
from remodel.cli.commands import main
from remodel.viewer import serve


def refused(capsys, *arguments):
    """Return the one line that a refused command prints."""
    try:
        code = main(["view", "--no-browser", *arguments])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_a_port_in_use_is_said_and_another_offered(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(capsys, "--port", str(port))
    assert f"port {port} on 127.0.0.1 cannot be used" in line
    offered = int(line.rpartition("--port ")[2])
    assert serve.is_free("127.0.0.1", offered)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--lesson", "99"], "no lesson '99'; there are "),
        (["--trial", "atak"], "no trial 'atak'; there are "),
        (["--trial", "none.toml"], "none.toml: cannot be read"),
        (["--section", "huge"], "section = 'huge'; expected one of default"),
        (["--port", "70000"], "port = 70000"),
        (["--host", "no.such.host.invalid"], "cannot be used"),
    ],
)
def test_what_is_not_there_is_one_line(capsys, arguments, said):
    assert said in refused(capsys, *arguments)


def test_without_the_extra_it_says_how_to_install_it(capsys, monkeypatch):
    monkeypatch.setattr(serve, "NEEDS", ("solara", "no_such_module"))
    assert 'pip install "remodel[viewer]"' in refused(capsys)


def test_without_a_browser_it_says_what_to_do(capsys, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    serve.open_browser("http://localhost:1")
    assert "open the address yourself" in capsys.readouterr().out


def test_the_model_and_the_command_need_no_viewer():
    code = (
        "import sys; import remodel, remodel.cli.commands, remodel.runs.record; "
        "print([n for n in sys.modules if n.startswith(('remodel.viewer', 'solara', 'tomli_w'))])"
    )
    here = str(Path(remodel.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here
    )
    assert done.stdout.strip() == "[]"


def test_what_draws_and_steps_needs_no_server():
    parts = (
        "lesson_files",
        "player",
        "downloads",
        "curves",
        "narration",
        "bmu_tracker",
        "legend",
        "scene",
    )
    imports = ", ".join(f"remodel.viewer.{part}" for part in parts)
    code = f"import sys; import {imports}; print([n for n in sys.modules if n == 'solara'])"
    here = str(Path(remodel.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here
    )
    assert done.stdout.strip() == "[]"
