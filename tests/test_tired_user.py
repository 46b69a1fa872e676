"""A tired user's files and command lines: read, or refused in one line with exit status 2.

Inputs are generated as in `test_properties.py`. Nothing here starts a run: parsing comes first.
"""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from functools import cache

import numpy as np
import pytest
from generated import SIGNS, VALUES, is_one_line, refuses, tried
from helpers import small
from hypothesis import strategies as st
from PIL import Image

from remodel import BoneModel
from remodel.bone.files import save_section
from remodel.bone.images import Scan, read_section
from remodel.bone.section import REGIONS
from remodel.cli import commands as command
from remodel.clinic.trial_files import build_trial, load_trial
from remodel.runs.record import FORMAT, record_text
from remodel.support.toml_table import Table

TRIAL = """\
name = "mine"
title = "a trial"
on_treatment = 2
off_treatment = 0.5
visits = [0.5, 1, 2.5]
sites = ["ctx", "total_hip"]
[patient]
age = 61
t_score.total_hip = -1.5
[[drug]]
name = "own"
serm = 3
efficacy = 0.5
[[arm]]
name = "drug"
[[arm.course]]
drug = "own"
start = 0
stop = 2
dose = 1.5
interval = 0
below = -2
[[arm.change]]
year = 0.5
smoking = 1
[[arm]]
name = "none"
patient = {age = 70, bone = 0.9}
[[evidence]]
trial = "ATAC"
[evidence.arms]
tamoxifen = "drug"
[[published]]
arm = "drug"
against = "none"
site = "ctx"
baseline = 0
year = 1
value = -30
[fracture]
reference = "none"
years = 2
""".splitlines()
LINE = st.integers(0, len(TRIAL) - 1)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("value"), LINE, VALUES),
        st.tuples(st.just("drop"), LINE, st.just("")),
        st.tuples(st.just("insert"), LINE, st.sampled_from(TRIAL) | st.text(SIGNS, max_size=4)),
    ),
    min_size=1, max_size=3,
)  # fmt: skip
ENCODINGS = st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "latin-1", "utf-16", "cp1252"])


def edited(edits):
    """Return the text of the trial with some lines changed."""
    lines = list(TRIAL)
    for kind, number, text in edits:
        number = min(number, len(lines) - 1)
        if kind == "value":
            lines[number] = f"{lines[number].partition('=')[0]}= {text}"
        else:
            lines[number : number + 1] = [lines[number], text] if kind == "insert" else []
    return "\n".join(lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder two levels deep, in which and above which files may be written."""
    inner = tmp_path_factory.mktemp("tired") / "user"
    inner.mkdir()
    return inner


def as_data(path):
    """Return a trial after it went through its data."""
    trial = load_trial(path)
    assert build_trial(Table(json.loads(json.dumps(trial.as_data())), "record")) == trial
    return trial


def check_file(path, content):
    """Read a trial from bytes; what is wrong is named with the file, and a line that it has."""
    path.write_bytes(content)
    try:
        trial = as_data(path)
    except ValueError as error:
        message = str(error)
        assert is_one_line(message), message
        assert message.startswith(f"{path}"), message
        named = message.removeprefix(f"{path}, line ").partition(":")[0]
        assert not named.isdigit() or 1 <= int(named) <= content.count(b"\n") + 1
        return None
    assert 0 < trial.years <= 100
    assert all(arm.name.strip() for arm in trial.arms)
    return trial


@tried("trial files", 1000, edits=EDITS, encoding=ENCODINGS, end=st.sampled_from(["\n", "\r\n"]))
def test_a_trial_file_is_read_or_refused(folder, edits, encoding, end):
    text = edited(edits).replace("\n", end)
    check_file(folder / "trial.toml", text.encode(encoding, errors="replace"))


@tried("bytes", 1000, content=st.binary(max_size=60) | st.text(SIGNS, max_size=30).map(str.encode))
def test_bytes_are_no_trial(folder, content):
    assert check_file(folder / "bytes.toml", content) is None


@tried("years off", 300, on=st.floats(0, 100), off=st.floats(0, 50), after=st.floats(-1, 60))
def test_another_follow_up_is_one_that_a_record_can_hold(folder, on, off, after):
    text = edited([("value", 2, on), ("value", 3, off), ("value", 4, f"[{on / 2}, {on + off}]")])
    trial = check_file(folder / "years.toml", text.encode())
    other = refuses(trial.with_years_off, after) if trial else None
    if other:
        assert build_trial(Table(json.loads(json.dumps(other.as_data())), "record")) == other


KINDS = st.sampled_from(["uint8", "uint16", "int32", "float32"])
ENDS = {  # what an image of each kind can hold
    "uint8": (0, 255),
    "uint16": (0, 65535),
    "int32": (-(2**31), 2**31 - 1),
    "float32": (-3.4e38, 3.4e38),
}


def picture(kind, shape, seed, fraction):
    """Return gray levels of a kind, near its ends, with so large a fraction of bone."""
    rng = np.random.default_rng(seed)
    low, high = ENDS[kind] if seed % 3 else (ENDS[kind][0] / 3, ENDS[kind][0] / 3 + 2)
    return np.where(rng.random(shape) < fraction, high, low).astype(kind)


def check_section(tissue):
    """Compare a section with what can be."""
    assert set(np.unique(tissue.matrix)) <= {0.0, 1.0}
    assert tissue.matrix.any()
    assert not tissue.matrix[tissue.outside].any()
    assert np.isin(tissue.region, [0, *REGIONS.values()]).all()
    assert ((tissue.unmineralized >= 0) & (tissue.unmineralized <= tissue.matrix)).all()


@tried("images", 300, kind=KINDS, rows=st.integers(1, 40), columns=st.integers(1, 40),
       seed=st.integers(0, 9999), fraction=st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]),
       dark=st.booleans(), turns=st.integers(0, 3), mirror=st.booleans(),
       threshold=st.none() | st.floats(allow_nan=True))  # fmt: skip
def test_an_image_makes_a_section_or_is_refused(
    folder, kind, rows, columns, seed, fraction, dark, turns, mirror, threshold
):
    path = folder / "slice.tiff"
    Image.fromarray(picture(kind, (rows, columns), seed, fraction)).save(path)
    scan = Scan(site_um=40.0, dark=dark, turns=turns, mirror=mirror, threshold=threshold)
    found = refuses(read_section, path, scan)
    if found:
        check_section(found.tissue)


@tried("damaged images", 300, kind=KINDS, form=st.sampled_from(["png", "tiff", "bmp", "jpeg"]), seed=st.integers(0, 99),
       hits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
       length=st.just(1.0) | st.floats(0, 1))  # fmt: skip
def test_a_damaged_image_makes_a_section_or_is_refused(folder, kind, form, seed, hits, length):
    if form in ("bmp", "jpeg") or (form == "png" and kind in ("int32", "float32")):
        kind = "uint8"
    buffer = io.BytesIO()
    Image.fromarray(picture(kind, (20, 20), seed, 0.5)).save(buffer, form)
    content = bytearray(buffer.getvalue())
    for place, byte in hits:
        content[int(place * (len(content) - 1))] = byte
    (folder / "damaged").write_bytes(content[: int(length * len(content))])
    found = refuses(read_section, folder / "damaged", Scan(site_um=40.0))
    if found:
        check_section(found.tissue)


PATHS = st.sampled_from([
    "", ".", "..", "/", "~", "-", "x.toml", "x.gif", "../x.toml", "a/b/c", "/dev/null", "/dev/null/x",
    "a" * 300, "a" * 300 + ".toml", "a\nb", "a\nb.toml", "\udcff", "\udcff.toml", "日本.toml", "*",
    "atac", "ATAC", "aribon", "mine.toml", "slice.png", "runs.record.json", "section.npz", "--", "--x",
])  # fmt: skip
TYPED = st.sampled_from([
    "0", "1", "2", "-1", "-0", "5.5", "nan", "inf", "1e308", "1e-320", "9" * 400, "9" * 5000, "٣", "½",
    "all", "", " ", "1 2", "1\n2", "0x5", "1_0", "True", "90", "45", "65536", "localhost", "..",
])  # fmt: skip
OPTIONS = sorted({
    name for parser in command.make_parser()[1].values()
    for name in parser._option_string_actions if name.startswith("--") and name != "--help"
} | {"--helm", "-x", "-"})  # fmt: skip
OPTION = st.tuples(st.sampled_from(OPTIONS), st.sampled_from(["=", " ", ""]), TYPED | PATHS)
ARGUMENTS = st.lists(
    st.one_of(OPTION.map(lambda o: [o[0], o[2]] if o[1] == " " else ["".join(o)]), PATHS.map(lambda p: [p])),
    max_size=4,
).map(lambda parts: [word for part in parts for word in part])  # fmt: skip
COMMANDS = st.sampled_from(
    [name for name in command.COMMANDS if name not in ("list", "parameters")] + [""]
)


@pytest.fixture(scope="module")
def desk(folder):
    """Work in a folder with a file of each kind, and have all that would take long refused."""

    def refuse(*_, **__):
        raise ValueError("all that was typed makes sense")

    (folder / "mine.toml").write_text("\n".join(TRIAL), encoding="utf-8")
    (folder / "runs.record.json").write_text(record_text({"format": FORMAT}))
    save_section(small_section(), folder / "section.npz")
    Image.fromarray(picture("uint8", (20, 20), 1, 0.5)).save(folder / "slice.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for place in ("cli.commands.run_job", "cli.commands.validate", "cli.commands.reproduce_run",
                      "cli.options.open_cluster", "report.movies.make_movie", "viewer.serve.run_server"):  # fmt: skip
            patch.setattr(f"remodel.{place}", refuse)
        patch.setattr("webbrowser.open", lambda _: True)
        patch.setattr(command, "make_parser", cache(command.make_parser))
        yield folder


def small_section():
    numbers = small(section__height=0.4, section__width=0.6, section__cortex=0.2)
    return BoneModel(parameters=numbers, spin_up=False, rng=1).tissue


def typed(line):
    """Return exit status, stdout and stderr of a command line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = command.main(line)
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), err.getvalue()


@tried("command lines", 1000, name=COMMANDS, arguments=ARGUMENTS)
@pytest.mark.usefixtures("desk")
def test_a_command_line_is_done_or_refused_in_one_line(name, arguments):
    code, out, err = typed([name, *arguments])
    assert code in (0, 2), (code, err)
    if code == 2:
        assert err.startswith("remodel")
        assert is_one_line(err, 30_000), err  # it may repeat what was typed
    else:
        assert out
        assert name in ("new", "tissue", "view")
