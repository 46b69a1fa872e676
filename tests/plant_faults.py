"""Plants the faults of `faults.toml` in a copy of the package and asks which test catches each.

    python tests/plant_faults.py                      # all, each up to its first failing test
    python tests/plant_faults.py --only smoking-helps
    python tests/plant_faults.py --out tests/faults.csv   # and renew the record

A fault is first put to the test that caught it last time, by the record `faults.csv`; if that
passes, or with `--anew`, to all others that are quick, quick files first.

Tests that pass on faulty code say nothing about right code. Before any fault, the tests that are
to catch one must pass on a copy in which every module got a comment (with `--anew`, all tests):
a test that only sees that a file changed would catch each fault and know none. Left out are the
tests that drive a browser, start a cluster, play every lesson, call whole commands or run every
experiment: they cost more than all others together.

`pytest -m nightly` does it too, and so does `.ci/run`.
"""

import argparse
import compileall
import csv
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import NamedTuple

import matplotlib.figure  # noqa: F401  here, so that the process of each fault has it
import mesa  # noqa: F401
import pytest
import scipy.stats  # noqa: F401

TOP = Path(__file__).parent.parent
LIST = Path(__file__).with_name("faults.toml")
RECORD = Path(__file__).with_name("faults.csv")
COPIED = (".ci", "remodel", "tests", "experiments", "docs")  # folders; and the files beside them
FIRST = (  # quick files that know the model; then the others, by name
    "responses", "unit", "surface", "perforation", "changes", "submodels", "checkpoint", "geometry", "report",
    "histomorphometry", "images", "validation", "saving", "limits", "laws", "trials", "drugs",
    "offset", "mesa", "patients", "directions", "steps",
)  # fmt: skip
LAST = ("record", "parameters", "ensemble", "movies")
LEFT_OUT = (
    "viewer_browser", "viewer_lessons", "experiments", "cluster", "command", "runs",  # too slow
    "faults",  # it asks whether the faults fit the source, which none does once it is planted
    "planted",  # it does all this
)  # fmt: skip
TIMEOUT = 900.0  # s for a batch of tests, which take a minute or two on a machine that is not busy
FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - |$)", re.MULTILINE)
STARTED = re.compile(r"^(tests/\S+::\S+)", re.MULTILINE)
HEAD = ("fault", "file", "wrong", "caught by")


class Fault(NamedTuple):
    """Text of a file of the package, what is put in its place, and what is wrong then."""

    name: str
    file: str
    old: str
    new: str
    wrong: str


def read_faults():
    """Return the faults of the list."""
    table = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return [Fault(name=name, **about) for name, about in table.items()]


def planted(fault, text):
    """Return the text of a file with a fault in it.

    Raises
    ------
    ValueError
        If the text that the fault replaces does not stand there exactly once.
    """
    count = text.count(fault.old)
    if count != 1:
        raise ValueError(
            f"{LIST.name}: {fault.name}: {fault.old.strip()!r} stands {count} times in "
            f"{fault.file}; expected once"
        )
    return text.replace(fault.old, fault.new)


def copy_project(place):
    """Copy all that the tests need, and compile it once for all faults.

    Compiled files are compared by their source, not by its time and length: a fault as long
    as what it replaces, planted in the same second, would not be seen.
    """
    sys.pycache_prefix, sys.dont_write_bytecode = str(place / "compiled"), False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ |= {"PYTHONPYCACHEPREFIX": sys.pycache_prefix, "PYTHONPATH": str(place)}
    for item in TOP.iterdir():
        if item.is_file():
            shutil.copy(item, place)
    for name in COPIED:
        shutil.copytree(TOP / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(
        place / "remodel", quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH
    )


def order_tests(place):
    """Return the files of tests in two batches, the second for what the first does not catch."""
    names = sorted(path.stem.removeprefix("test_") for path in place.glob("tests/test_*.py"))
    middle = [name for name in names if name not in (*FIRST, *LAST, *LEFT_OUT)]
    return [[f"tests/test_{name}.py" for name in part] for part in (FIRST, (*middle, *LAST))]


def run_tests(place, timeout, every, known=()):
    """Return the tests that fail in a copy, or the one in which time ran out."""
    found = run_batch(place, known, timeout, ["-x", "-m", ""]) if known else []
    for files in order_tests(place):
        if every or not found:
            found += run_batch(place, files, timeout, [] if every else ["-x"])
    return found


def run_batch(place, files, timeout, options):
    """Run some files of tests in a process that has all libraries already, but not the package."""
    output = place / "output.txt"
    child = get_context("fork").Process(target=be_tested, args=(place, output, [*files, *options]))
    child.start()
    try:
        child.join(timeout)
    finally:
        hangs = child.is_alive()
        if hangs:
            os.killpg(child.pid, signal.SIGKILL)  # workers that the tests started too
            child.join()
    text = output.read_text(encoding="utf-8", errors="replace")
    failed = FAILED.findall(text)
    if hangs:
        return [*failed, f"timeout of {timeout:g} s in {['no test', *STARTED.findall(text)][-1]}"]
    if bool(child.exitcode) != bool(failed):
        raise RuntimeError(f"pytest ended with {child.exitcode}, but no test:\n{text[-3000:]}")
    return failed


def be_tested(place, output, options):
    """Become a process of its own that imports the package of a copy, and run the tests there."""
    os.setsid()
    os.chdir(place)
    sys.path.insert(0, str(place))
    with output.open("w") as lines:
        for stream in (1, 2):
            os.dup2(lines.fileno(), stream)
    tested = find_spec("remodel").origin
    if Path(tested) != place / "remodel" / "__init__.py":
        raise RuntimeError(f"tested would be {tested}; expected the copy in {place}")
    code = pytest.main(
        ["-v", "-rfE", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=1", *options]
    )
    sys.stdout.flush()
    os._exit(code)


def check_copy(place, timeout, known):
    """Refuse a copy on which a test fails without a fault: those known to catch one, or all."""
    for path in (place / "remodel").rglob("*.py"):
        path.write_text(path.read_text(encoding="utf-8") + "\n# no fault\n", encoding="utf-8")
    begun = time.monotonic()
    if known:
        failed = run_batch(place, known, timeout, ["-x", "-m", ""])
    else:
        failed = run_tests(place, timeout, every=False)
    if failed:
        raise RuntimeError(f"{failed[0]} fails without a fault")
    print(f"no fault: all of these tests pass ({time.monotonic() - begun:.0f} s)", flush=True)


def known_catchers():
    """Return the test that caught each fault last time, by the name of the fault."""
    with RECORD.open(newline="", encoding="utf-8") as lines:
        caught = {row["fault"]: row["caught by"] for row in csv.DictReader(lines)}
    return {name: test.partition("[")[0] for name, test in caught.items() if "::" in test}


def try_fault(place, fault, timeout, every, known):
    """Return the row of a fault: what it is, and what caught it."""
    path = place / "remodel" / fault.file
    right, begun = path.read_text(encoding="utf-8"), time.monotonic()
    path.write_text(planted(fault, right), encoding="utf-8")
    try:
        caught = run_tests(place, timeout, every, [known] if known else [])
    finally:
        path.write_text(right, encoding="utf-8")
    by, seconds = "; ".join(caught), time.monotonic() - begun
    print(f"{fault.name:26} {by or 'NOT CAUGHT: ' + fault.wrong}  ({seconds:.0f} s)", flush=True)
    return fault.name, fault.file, fault.wrong, by


def parse_options():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", metavar="NAME", nargs="+", help="some faults of the list")
    parser.add_argument("--all", action="store_true", help="every test that fails, not the first")
    parser.add_argument("--anew", action="store_true", help="as if there were no record")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="also write the table there")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help=f"s ({TIMEOUT:g})")
    return parser.parse_args()


def main():
    """Plant the faults; return 1 if one is not caught."""
    options = parse_options()
    faults = {fault.name: fault for fault in read_faults()}
    unknown = [name for name in options.only or () if name not in faults]
    if unknown:
        raise SystemExit(f"no fault {', '.join(unknown)}; there are {', '.join(faults)}")
    faults = [faults[name] for name in options.only or faults]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        copy_project(place)
        for fault in faults:  # all of them, before an hour is spent on the first
            planted(fault, (place / "remodel" / fault.file).read_text(encoding="utf-8"))
        known = {} if options.all or options.anew else known_catchers()
        asked = [known.get(fault.name) for fault in faults]
        check_copy(place, options.timeout, [] if None in asked else sorted(set(asked)))
        rows = [
            try_fault(place, fault, options.timeout, options.all, known.get(fault.name, ""))
            for fault in faults
        ]
    if options.out:
        with options.out.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])
    missed = [row[0] for row in rows if not row[3]]
    used = sum(os.times()[:4]) / 60  # of this process and those that ran the tests
    print(
        f"{len(rows) - len(missed)} of {len(rows)} faults caught, {used:.0f} min of one processor"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
