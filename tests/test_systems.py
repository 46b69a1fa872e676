"""What would work here and fail on Windows or macOS, read from the code."""

import ast
from pathlib import Path

TOP = Path(__file__).parent.parent
SOURCES = [
    path
    for folder in ("remodel", "experiments", "docs", ".ci")
    for path in sorted((TOP / folder).rglob("*.py"))
]
TEXT = {"read_text", "write_text", "open"}
ONLY_POSIX = {"fcntl", "grp", "posix", "pwd", "resource", "termios"}


def names(path):
    return str(path.relative_to(TOP))


def faults(find):
    """Return what is found in the sources, by file, where anything is."""
    assert SOURCES
    found = {names(path): find(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES}
    return {name: lines for name, lines in found.items() if lines}


def opens_text(call):
    """Return whether a call opens a file as text."""
    method = getattr(call.func, "attr", "")
    of = getattr(call.func, "value", None)
    owner = getattr(of, "id", getattr(of, "attr", ""))
    modes = [node.value for node in call.args if isinstance(node, ast.Constant)]
    binary = any(isinstance(mode, str) and "b" in mode for mode in modes)
    built_in = getattr(call.func, "id", "") == "open"
    return (
        (built_in or method in TEXT)
        and owner not in {"Image", "webbrowser", "os", "pits"}
        and not binary
    )


def without_encoding(tree):
    """Return the lines on which text is read or written as the system likes."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call for call in calls if "encoding" in {word.arg for word in call.keywords}]
    return [call.lineno for call in calls if opens_text(call) and call not in named]


def only_posix(tree):
    """Return the modules that other systems lack and that are imported whatever the system."""
    nodes = tree.body
    found = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    found += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in found} & ONLY_POSIX


def started_on_import(tree):
    """Return the lines on which a script does something although it is only imported."""
    loose = [node for node in tree.body if isinstance(node, ast.Expr)]
    return [node.lineno for node in loose if isinstance(node.value, ast.Call)]


def test_text_is_read_and_written_in_one_encoding():
    assert faults(without_encoding) == {}


def test_text_without_encoding_would_be_found():
    bad = "open(p)\np.read_text()\np.write_text(t)\np.open('w')\n"
    assert without_encoding(ast.parse(bad)) == [1, 2, 3, 4]
    good = "open(p, 'rb')\np.open('x', encoding='utf-8')\nImage.open(p)\nread_text(body)\n"
    assert without_encoding(ast.parse(good)) == []


def test_nothing_is_imported_that_only_posix_has():
    assert faults(only_posix) == {}
    assert only_posix(ast.parse("import os, resource\nfrom fcntl import flock")) == {
        "resource", "fcntl",
    }  # fmt: skip


def test_a_worker_that_imports_a_script_anew_does_not_start_it():
    """Where workers are spawned each imports the script that started them."""
    found = faults(started_on_import)
    assert found.keys() == {
        "remodel/support/interrupts.py"
    }  # which has to be first, and heeds programs only
    assert started_on_import(ast.parse('"""Doc."""\nwork()\nif x:\n    work()')) == [2]


def test_no_two_files_are_one_where_case_does_not_count():
    folders = ("remodel", "experiments", "docs", "tests")
    files = [names(path).lower() for folder in folders for path in (TOP / folder).rglob("*")]
    assert len(files) == len(set(files))
    assert not [name for name in files if set(name) & set('<>:"|?*\\')]
