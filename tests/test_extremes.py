"""Extremes that a tired user meets, each by its name: done, or refused in one line."""

import time

import numpy as np
import pytest
from generated import is_one_line
from helpers import hand_made
from test_properties import TINY, stays_sound

from remodel import BoneModel, Course, Parameters, Patient
from remodel.bone.section import CORTICAL, TRABECULAR
from remodel.bone.synthetic import build_section
from remodel.clinic.courses import MOST_DOSES
from remodel.clinic.trial_files import load_trial
from remodel.measurement.markers import MARKERS
from remodel.parameters.drugs import DRUGS, SHORTEST
from remodel.report.movies import place_of, read_film
from remodel.report.trial_run import run_job
from remodel.support.messages import LikelyMistakeWarning

ROWS = {row.name: row for row in Parameters().rows()}
ENDS = [
    (row.name, end)
    for row in ROWS.values()
    for end in (SHORTEST if row.name.endswith(".interval") else row.low, row.high)
]
LONG = {"section.height", "section.width", "time.spin_up"}  # minutes: memory is tested below


def tiny(courses="", patient=None, tissue=None, **changes):
    """Return a tiny model at day 0, which took no spin-up."""
    numbers = {name.replace("__", "."): value for name, value in changes.items()}
    return BoneModel(courses, patient, Parameters().with_values(TINY | numbers), tissue, rng=3)


def run_soundly(model, steps=14):
    """Step a model and see that it stays sound."""
    for _ in range(steps):
        model.step()
        stays_sound(model)
    return model


@pytest.mark.parametrize("name, value", [end for end in ENDS if end[0] not in LONG])
def test_every_parameter_at_each_end_of_its_range_gives_a_sound_model(name, value):
    drug = name.split(".")[1] if name.startswith("drugs.") else "zoledronate"
    patient = Patient(age=50, smoking=1, alcohol=1, deficiency=1, exercise=1)
    numbers = Parameters().with_values(TINY | {name: value})
    run_soundly(BoneModel(f"{drug} 0-1", patient, numbers, rng=3))


@pytest.mark.parametrize("row", list(Patient().rows("patient")), ids=lambda row: row.name)
def test_every_number_of_a_patient_at_each_end_gives_a_sound_model(row):
    for value in (row.low, row.high):
        run_soundly(tiny(patient=Patient(**{row.name.removeprefix("patient."): value})))


@pytest.mark.parametrize("age", [20, 100])
@pytest.mark.parametrize("estradiol", [0, 10_000])
def test_a_patient_of_any_age_with_no_estradiol_or_much_too_much(age, estradiol):
    patient = Patient(age=age, estradiol=estradiol, ovarian=0)
    model = run_soundly(tiny("anastrozole 0-1", patient), steps=60)
    assert model.signals.activity == pytest.approx(estradiol / (estradiol + 33), abs=0.1)


def test_fifty_years():
    model = tiny("anastrozole 0-5, denosumab 20-30", Patient(age=55))
    model.run(50)
    stays_sound(model)
    frame = model.frame()
    assert frame["year"].iloc[-1] == pytest.approx(50, abs=0.1)
    assert np.isfinite(frame.drop(columns=[*MARKERS]).to_numpy()).all()
    assert frame[[*MARKERS]].isna().all(axis=None)  # without a spin-up there is no rate before


def test_every_drug_at_once():
    text = ", ".join(f"{drug} 0-1" for drug in DRUGS)
    run_soundly(tiny(text), steps=60)
    most = [Course(drug=drug, stop=1, dose=MOST_DOSES) for drug in DRUGS]
    with pytest.warns(LikelyMistakeWarning, match="dose = 20 is 20 times the standard"):
        run_soundly(tiny(most), steps=60)


BLOCK = np.ones((12, 20))
SPECK = np.zeros((12, 20))
SPECK[6, 10] = 1.0


@pytest.mark.parametrize("region", [TRABECULAR, CORTICAL])
@pytest.mark.parametrize("matrix", [BLOCK, SPECK, 0 * BLOCK], ids=["solid", "one site", "no bone"])
def test_a_section_of_one_compartment_of_one_site_or_of_nothing(matrix, region):
    tissue = hand_made(matrix.copy(), region)
    run_soundly(tiny("anastrozole 0-1", tissue=tissue, responses__recruitment__emax=100.0), 60)


@pytest.mark.parametrize("cortex, volume", [(0.0, 20.0), (40.0, 20.0), (0.0, 0.0), (0.2, 100.0)])
def test_a_built_section_all_cortex_all_trabecular_empty_or_full(cortex, volume):
    run_soundly(tiny(section__cortex=cortex, section__bone_volume=volume))


@pytest.mark.parametrize("days", [ROWS["time.step"].low, ROWS["time.step"].high])
def test_the_shortest_and_the_longest_step(days):
    model = tiny("denosumab 0-1", time__step=days)
    model.run(0.1)
    stays_sound(model)
    assert model.day == pytest.approx(36.5, abs=days)


@pytest.mark.parametrize("years", [np.nan, np.inf, -np.inf, -1, 1e308, 10**400, "5", None])
def test_a_run_without_end_or_before_its_start_is_refused(years):
    model = tiny()
    for run in (model.run, model.run_until):
        with pytest.raises(ValueError, match=r"run.* = .* year; expected 0 to 1000 year"):
            run(years)
    assert model.until == model.tick == 0


@pytest.mark.parametrize(
    "parts, changes",
    [
        ("6400000 sites", {"height": 40, "width": 4, "site": 5}),
        ("16008001 waves", {"height": 40, "width": 40, "wavelength": 0.2, "stretch": 0.2}),
        ("28800 canals", {"height": 40, "width": 40, "cortex": 40}),
    ],
)
def test_a_section_beyond_memory_or_patience_is_refused(parts, changes):
    numbers = Parameters().with_values(
        {f"section.{name}": value for name, value in changes.items()}
    )
    with pytest.raises(ValueError, match=rf"section of 40 x .* mm: makes {parts}; expected up to"):
        build_section(numbers, 1)


TRIAL = """\
name = "mine"
on_treatment = 1
visits = [1]
sites = ["ctx"]
[[arm]]
name = "alone"
"""
HEAD, ARM = TRIAL.split("[[")[0], "[[" + TRIAL.split("[[", 1)[1]
LARGE = f'title = "{10_000_000 * "x"}"\n{TRIAL}'
FILES = {  # content, and what is said of it; None where it is right
    "one arm": (TRIAL, None),
    "CRLF": (TRIAL.replace("\n", "\r\n"), None),
    "BOM": ("\ufeff" + TRIAL, None),
    "unicode": (TRIAL.replace("mine", "私の試験"), None),
    "path in a name": (TRIAL.replace("alone", "../../etc/passwd"), None),
    "negative zero": (TRIAL.replace("[1]", "[-0.0, 1]"), None),
    "no visits": (TRIAL.replace("visits = [1]\n", ""), "visits is missing; expected a list|rising"),
    "no visit": (TRIAL.replace("[1]", "[]"), r"visits = \[\]; expected rising numbers"),
    "empty": ("", "on_treatment is missing"),
    "10 MB": (LARGE, "is larger than 262144 bytes"),
    "Latin-1": (TRIAL.replace("mine", "Östrogen").encode("latin-1"), "is not text; expected .* UTF-8"),
    "UTF-16": (TRIAL.encode("utf-16"), "is not text"),
    "NUL": (TRIAL.replace("1]", "1\0]"), "is not TOML"),
    "twice": (HEAD + 'name = "b"\n' + ARM, "is not TOML: Cannot overwrite a value"),
    "arrays": (f"x = {'[' * 10_000}", "nested too deeply"),
    "tables": (f"{'x.' * 300}x = 1\n{TRIAL}", "a table so deep in others; expected up to 8"),
    "more tables": (f"{'x.' * 100_000}x = 1\n", "200006 characters; expected up to 65536"),
    "1e308": (TRIAL.replace("= 1\n", "= 1e308\n"), r"on_treatment = 1e\+308 year; expected 0 to 100"),
    "1e309": (TRIAL.replace("= 1\n", "= 1e309\n"), "on_treatment = inf year"),
    "nan": (TRIAL.replace("= 1\n", "= nan\n"), "on_treatment = nan year"),
    "400 digits": (TRIAL.replace("= 1\n", f"= {'9' * 400}\n"), r"on_treatment is a whole number beyond 1e\+15"),
    "5000 digits": (TRIAL.replace("= 1\n", f"= {'9' * 5000}\n"), "is not TOML: Exceeds the limit"),
    "36000 bits": (TRIAL.replace("= 1\n", f"= 0x{'f' * 9000}\n"), "is a whole number beyond"),
    "unicode digits": (TRIAL.replace("= 1\n", "= ٣\n"), "is not TOML"),
    "name of two lines": (TRIAL.replace("alone", r"a\nb"), r"name holds '\\n'; expected text of one line"),
    "long word": (TRIAL.replace("ctx", "c" * 9999), "sites is 9999 characters long; expected up to 1000"),
    "blanks": (f"{TRIAL}x = [\n[{' ' * 50_000}\n]]\n", "x holds a list in a list"),
    "brackets": (f"{TRIAL}x = '''\n{'[' * 50_000}'''\n", "x is 50000 characters long"),
    "300 arms": (HEAD + "".join(ARM.replace("alone", f"{n}") for n in range(300)), None),
    "300 arms alike": (HEAD + 300 * ARM, "line 8: arm 2: name = 'alone' is taken"),
    "301 arms": (HEAD + 301 * ARM, "arm has 301 entries; expected up to 300"),
}  # fmt: skip


@pytest.mark.parametrize("content, said", FILES.values(), ids=FILES)
def test_a_file_is_read_or_refused_within_a_moment(content, said, tmp_path):
    file, began = tmp_path / "mine.toml", time.process_time()
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    if said is None:
        assert load_trial(file).arms
    else:
        with pytest.raises(ValueError, match=said) as found:
            load_trial(file)
        assert is_one_line(str(found.value))
        assert str(found.value).startswith(str(file))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("name", ["$x_{", "../../x"])
def test_a_run_is_written_whatever_its_names(name, tmp_path):
    """Dollars begin no formula: that would end a run after all of its work."""
    (tmp_path / "mine.toml").write_text(
        TRIAL.replace("mine", name).replace("alone", name).replace("1", "0.1")
    )
    trial, numbers = load_trial(tmp_path / "mine.toml"), Parameters().with_values(TINY)
    run_job(trial, numbers, 1, 1, 1, tmp_path / "out", progress=False)
    assert {item.name for item in tmp_path.iterdir()} == {"mine.toml", "out"}
    assert (tmp_path / "out" / "trial.png").stat().st_size > 10_000
    film = read_film(str(tmp_path / "out"), name, 0, 1.0)
    assert place_of(str(tmp_path / "out"), film).parent == tmp_path / "out"
