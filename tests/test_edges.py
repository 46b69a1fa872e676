"""The edges of a run: an interrupt as soon as it starts, letters that cannot be printed or drawn."""

import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import small
from matplotlib.figure import Figure
from test_runs import CASES, TINY, TRIAL

import remodel
from remodel import (
    BoneModel,
    Case,
    Change,
    Course,
    Parameters,
    Patient,
    cross,
    load_ensemble,
    load_model,
    run_ensemble,
    save_model,
)
from remodel.cli import commands as command
from remodel.report import fonts
from remodel.report.movies import Film, place_of
from remodel.report.trial_run import run_job
from remodel.runs.record import read_record
from remodel.runs.replicate import ReplicateTask
from remodel.support.files import file_names

TOP = Path(remodel.__file__).parent.parent
LETTERS = """
name = "{name}"
on_treatment = 0.1
visits = [0.1]
sites = ["total_hip"]
[[arm]]
name = "{arm}"
"""


def start(*line, **more):
    """Start Python such that Ctrl-C reaches it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, *line], env=os.environ | {"PYTHONPATH": str(TOP)} | more,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("to_group", [True, False])
@pytest.mark.parametrize("line", [
    ("-m", "remodel", "run", "atac", "--quick", "--workers", "2"),
    ("-m", "remodel", "parameters"),
    (str(TOP / "experiments" / "rebound.py"), "--quick"),
])  # fmt: skip
def test_an_interrupt_while_it_loads_is_one_line(tmp_path, monkeypatch, line, to_group):
    monkeypatch.chdir(tmp_path)
    for delay in (0.0, 0.2, 0.6, 1.3):
        process = start("-X", "importtime", *line)
        for text in process.stderr:  # however long Python itself takes to start
            if text.rstrip().endswith(b" remodel.support.interrupts"):
                break
        time.sleep(delay)
        with suppress(ProcessLookupError):
            (os.killpg if to_group else os.kill)(process.pid, signal.SIGINT)
        lines = process.communicate(timeout=120)[1].decode().splitlines()
        said = [text for text in lines if not text.startswith("import time:")]
        assert process.returncode in (0, command.INTERRUPTED), (delay, said)
        assert [text for text in said if not text.startswith("remodel: interrupted")] == [], delay
        assert len(said) == (process.returncode != 0), delay


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize(
    "first, said",
    [("", b"remodel: interrupted\n"), ("from multiprocessing.spawn import prepare", b"")],
)
def test_a_worker_that_still_loads_leaves_the_word_to_who_started_it(first, said):
    text = f"{first}\nimport os, signal, remodel.support.interrupts\nos.kill(os.getpid(), signal.SIGTERM)"
    process = start("-c", text)
    assert process.communicate(timeout=60)[1] == said
    assert process.returncode == command.INTERRUPTED


def test_an_interrupt_that_a_library_hides_is_still_one(capsys):
    def work():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        except KeyboardInterrupt:
            raise ImportError("numpy.core.multiarray failed to import") from None

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert command.guard(work) == command.INTERRUPTED
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "remodel: interrupted\n"


def test_the_package_loads_nothing_before_it_is_asked_and_has_all_its_names():
    code = (
        "import sys, remodel\n"
        "assert not {'numpy', 'pandas', 'mesa', 'matplotlib'} & set(sys.modules)\n"
        "assert set(remodel.__all__) <= set(dir(remodel))\n"
        "from remodel import *\n"
        "assert BoneModel is remodel.BoneModel and remodel.clinic.courses.Course is Course\n"
        "for name in ('nothing', '_nothing'):\n"
        "    try: getattr(remodel, name)\n"
        "    except AttributeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(TOP)})  # fmt: skip
    assert done.stdout.splitlines() == [
        "module 'remodel' has no attribute 'nothing'",
        "module 'remodel' has no attribute '_nothing'",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("code", ["cp1252", "ascii", "cp932"])
def test_a_letter_that_cannot_be_printed_is_replaced(tmp_path, monkeypatch, code):
    monkeypatch.chdir(tmp_path)
    text = LETTERS.format(name="t", arm="\u2265\u00df\u4e2d\U0001f9b4 y")
    Path("\u03bc\u4e2d.toml").write_text(text, encoding="utf-8")
    line = ("run", "\u03bc\u4e2d.toml", "--quick", "--replicates", "1", "--out", "\u03bc\u0e01")
    for arguments in (line, ("list",), ("run", "\u0e01")):
        process = start("-m", "remodel", *arguments, PYTHONIOENCODING=code, PYTHONUTF8="0")
        out, err = (stream.decode(code) for stream in process.communicate(timeout=60))
        assert "codec" not in err
        if arguments == line:
            assert (process.returncode, "total hip" in out, "?" in out) == (0, True, True)
        elif arguments == ("list",):
            assert (process.returncode, err, out.count("\n") > 10) == (0, "", True)
        else:
            assert (process.returncode, "no trial" in err) == (command.BAD_INPUT, True)


@pytest.fixture
def no_letters(monkeypatch):
    """Forget which letters were told of, and which fonts were found."""
    monkeypatch.setattr(fonts, "TOLD", set())
    for found in (fonts.fallbacks, fonts.known_letters):
        found.cache_clear()
    yield
    for found in (fonts.fallbacks, fonts.known_letters):
        found.cache_clear()


STRANGE = "\ue000\ue001"  # letters that no font is to have


@pytest.mark.usefixtures("no_letters")
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_letters_that_no_font_has_are_one_line_and_a_picture(tmp_path, capsys, suffix):
    for _ in range(2):
        figure = Figure(layout="constrained")
        axis = figure.subplots()
        axis.set_title(f"a {STRANGE[0]}")
        axis.plot([1, 2], label=STRANGE)
        figure.legend()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fonts.save_figure(figure, tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").stat().st_size > 1000
    assert capsys.readouterr().err == (
        "remodel: the font has no letters for \\ue000\\ue001; they are drawn as boxes\n"
    )


@pytest.mark.usefixtures("no_letters")
def test_letters_come_from_another_font_that_has_them(tmp_path, capsys, monkeypatch):
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from matplotlib import font_manager

    pen = TTGlyphPen(None)
    for step, place in enumerate([(100, 0), (100, 700), (500, 700), (500, 0)]):
        (pen.lineTo if step else pen.moveTo)(place)
    pen.closePath()
    glyph = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "own"])
    font.setupCharacterMap({ord(STRANGE[0]): "own"})
    font.setupGlyf({".notdef": glyph, "own": glyph})
    font.setupHorizontalMetrics({".notdef": (600, 100), "own": (600, 100)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Own Letters", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "own.ttf")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*font_manager.fontManager.ttflist])
    font_manager.fontManager.addfont(tmp_path / "own.ttf")
    figure = Figure()
    text = figure.text(0.5, 0.5, STRANGE[0])
    fonts.save_figure(figure, tmp_path / "a.png")
    assert text.get_fontfamily()[-1] == "Own Letters"
    assert capsys.readouterr().err == ""
    assert fonts.font_file(STRANGE[0]) == str(tmp_path / "own.ttf")


@pytest.mark.slow
def test_a_run_with_letters_that_no_font_has_says_so_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = LETTERS.format(name="\u8bd5\u9a8c", arm="\u672a\u6cbb\u7597 \u03b1")
    Path("a.toml").write_text(text, encoding="utf-8")
    lines = ("run a.toml --quick --replicates 1 --out a", "movie a --frames-per-year 10")
    for line in lines:
        process = start("-m", "remodel", *line.split(), PYTHONWARNINGS="error", PYTHONUTF8="1")
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert err.decode().count("\n") <= 1  # none where such a font is installed
    assert len(list(Path("a").glob("*.gif"))) == 1


@pytest.mark.parametrize(
    "names",
    [
        ["A", "a", "a-2", "\u00e4", "a\u0308", "A\u0308"],
        ["\u226565 y", "<65 y", "65 y", "65_y"],
        ["...", "", "???", "\U0001f9b4"],
        ["x" * 300 + "1", "x" * 300 + "2", "\u4e2d" * 200, "\u4e2d" * 200 + "\u6587"],
        ["con", "CON", "con 1", "nul", "lpt1"],
        ["stra\u00dfe", "strasse", "\ufb01", "fi", "\u0130", "i\u0307"],
    ],
)
def test_two_names_never_share_a_file(names, tmp_path):
    import unicodedata

    found = file_names(names)
    assert list(found) == names
    folded = {unicodedata.normalize("NFKD", place).casefold() for place in found.values()}
    assert len(folded) == len(names)
    for place in found.values():
        (tmp_path / f".0123456789abcdef.{place}-replicate-99999.gif").write_text("")
        assert place.split("-")[0] not in ("", "nul", "lpt1") or "-" in place
    assert file_names(names) == found


def test_a_name_of_its_own_keeps_it():
    assert file_names(["Anastrozole", "no drug", "zoledronate (late)"]) == {
        "Anastrozole": "anastrozole", "no drug": "no-drug",
        "zoledronate (late)": "zoledronate-late",
    }  # fmt: skip


NUMBERS = [np.int64(60), np.float32(60), np.uint8(60), np.float64(60), np.array(60)]


@pytest.mark.parametrize(
    "number", NUMBERS, ids=lambda number: str(type(number)) + str(number.dtype)
)
def test_a_number_of_numpy_is_a_number_everywhere(tmp_path, number):
    one = np.asarray(number / 60).astype(number.dtype)[()]
    patient = Patient(age=number, smoking=one)
    assert (type(patient.age), type(patient.smoking)) == (type(60 + 0 * patient.age),) * 2
    assert type(patient.age) in (int, float)
    course = Course(drug="anastrozole", start=one, stop=number, dose=one)
    change = Change(year=one, patient=patient)
    assert {type(x) for x in (course.start, course.stop, course.dose, change.year)} <= {int, float}
    default = small(**TINY).with_values({"osteoblast.life": number})
    assert type(default.osteoblast.life) in (int, float)
    [case] = cross([TRIAL], [patient], [{"osteoblast.life": number}], small(**TINY))
    labeled = Case(
        TRIAL, default, {"age": number, "name": np.str_("a"), "most": np.inf, "no": None}
    )
    seed = number if number.dtype.kind in "iu" else np.float32(3)
    found = run_ensemble([case, labeled], tmp_path / "a", one, seed)
    plain = run_ensemble(
        [*cross([TRIAL], [Patient(age=60, smoking=1)], [{"osteoblast.life": 60}], small(**TINY))],
        None, 1, int(seed),
    )  # fmt: skip
    assert found.failed.empty
    same = found.frame[found.frame["patient"].notna()].dropna(axis=1, how="all")
    assert (
        same.drop(columns="osteoblast.life")
        .astype(float, errors="ignore")
        .equals(plain.frame.drop(columns="osteoblast.life").astype(float, errors="ignore"))
    )
    read = load_ensemble(tmp_path / "a").frame
    assert read.equals(found.frame)
    assert np.isinf(read["most"].dropna()).all()
    model = BoneModel([course], patient, default, rng=1)
    model.run(0.1)
    save_model(model, str(tmp_path / "m.npz"))
    assert load_model(str(tmp_path / "m.npz")).patient == patient
    run_job(TRIAL, default, one, seed, 1, str(tmp_path / "job"), progress=False)
    assert read_record(str(tmp_path / "job" / "record.json"))["seed"] == int(seed)


@pytest.mark.parametrize("labels", [{"arm": 1}, {"year": 2}, {"a": [1]}, {"a": object()}])
def test_labels_that_cannot_be_kept_are_refused(labels):
    with pytest.raises(ValueError, match="label '"):
        Case(TRIAL, Parameters(), labels)


@pytest.mark.parametrize("replicates, seed", [(1.5, 1), ("2", 1), (1, 0.5), (1, None), ([1], 1)])
def test_a_count_that_is_none_is_one_line(replicates, seed):
    with pytest.raises(ValueError, match=r"replicates = |seed = "):
        run_ensemble(CASES, None, replicates, seed)


def test_commands_that_a_message_suggests_can_be_typed(tmp_path, monkeypatch, capsys):
    import shlex

    monkeypatch.chdir(tmp_path)
    assert command.main(["new", "my trial.toml"]) == 0
    line = capsys.readouterr().out.partition("try: ")[2]
    assert shlex.split(line) == ["remodel", "run", "my trial.toml", "--quick"]
    assert "remodel run 'my trial.toml'" in Path("my trial.toml").read_text(encoding="utf-8")
    assert command.main(["movie", "no runs/a"]) == command.BAD_INPUT
    line = capsys.readouterr().err.partition("one with: ")[2]
    assert shlex.split(line)[-1] == "no runs/a"


def test_films_of_two_arms_or_replicates_never_share_a_file():
    arms = tuple(replace(TRIAL.arms[0], name=name) for name in ("≥65 y", "<65 Y", "65_y", "?"))
    trial = replace(TRIAL, arms=arms)
    places = {
        place_of("a.toml", Film(ReplicateTask(trial, Parameters(), number, 1), arm))
        for arm in arms
        for number in (0, 1)
    }
    assert len(places) == 8
    assert len({str(place).casefold() for place in places}) == 8
