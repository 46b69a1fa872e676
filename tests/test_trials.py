"""Trial files: those of the package hold together, and each mistake is one clear line."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from helpers import small

from remodel.clinic.patients import Patient
from remodel.clinic.trial_files import build_trial, built_in_trials, load_trial
from remodel.measurement.fracture import HAZARD
from remodel.parameters.measurement import Densitometry
from remodel.parameters.population import Population
from remodel.runs.ensemble import run_trial
from remodel.runs.results import questions, summarize
from remodel.support.toml_table import Table

TOP = """\
name = "mine"
on_treatment = 1
visits = [1]
sites = ["ctx"]
"""
ARM = """\
[[arm]]
name = "drug"
[[arm.course]]
drug = "tamoxifen"
[[arm]]
name = "none"
"""
RESULT = '[[published]]\narm = "drug"\nsite = "ctx"\nyear = 1\nvalue = -30\n'
ATAC = '[[evidence]]\ntrial = "ATAC"\n[evidence.arms]\n'
NUMBERS = "rising numbers from 0 to 1 year"

# what is wrong in the file, and then the line of it, where in the file, and what is said
MISTAKES = {
    "no TOML": ("name = mine\n", 1, "", "is not TOML"),
    "unknown key": (f"nam = 3\n{TOP}{ARM}", 1, "", "unknown key 'nam'; expected one of name, title"),
    "no name": (TOP.replace('name = "mine"\n', "") + ARM, 0, "", "name is missing; expected text"),
    "empty name": (TOP.replace("mine", " ") + ARM, 1, "", "name is empty; expected text"),
    "name no text": (TOP.replace('"mine"', "3") + ARM, 1, "", "name = 3; expected text in quotes"),
    "no length": (TOP.replace("= 1\n", "= 0\n") + ARM, 2, "", "lasts 0 year; expected over 0"),
    "length < 0": (TOP.replace("= 1\n", "= -1\n") + ARM, 2, "", "= -1 year; expected 0 to 100 year"),
    "length nan": (TOP.replace("= 1\n", "= nan\n") + ARM, 2, "", "= nan year; expected 0 to 100 year"),
    "visit late": (TOP.replace("[1]", "[2]") + ARM, 3, "", rf"visits = \[2\]; expected {NUMBERS}"),
    "no visit": (TOP.replace("[1]", "[]") + ARM, 3, "", NUMBERS),
    "visits fall": (TOP.replace("[1]", "[1, 0.5]") + ARM, 3, "", NUMBERS),
    "visit no number": (TOP.replace("[1]", '["x"]') + ARM, 3, "", NUMBERS),
    "unknown site": (TOP.replace("ctx", "hip") + ARM, 4, "", "'hip'; expected, once each, lumbar_spine"),
    "site twice": (TOP.replace('"ctx"', '"ctx", "ctx"') + ARM, 4, "", "'ctx'; expected, once each"),
    "no site": (TOP.replace('"ctx"', "") + ARM, 4, "", "sites is empty; expected some of"),
    "no arm": (TOP, 0, "", r"there is no arm; expected at least one, headed \[\[arm\]\]"),
    "arm no table": (f"{TOP}arm = 3\n", 5, "", r"arm = 3; expected tables, each headed \[\[arm\]\]"),
    "arms no tables": (f"{TOP}arm = [3]\n", 5, "", "arm holds 3; expected tables"),
    "arm name twice": (TOP + ARM.replace("none", "drug"), 10, "arm 2", "name = 'drug' is taken"),
    "arm without name": (TOP + ARM.replace('name = "none"', ""), 9, "arm 2", "name is missing"),
    "unknown key of arm": (f"{TOP}{ARM}dose = 2\n", 11, "arm 2", "unknown key 'dose'; expected one of"),
    "unknown drug": (TOP + ARM.replace("tamoxifen", "aspirin"), 8, "arm 1, course 1",
                     "no therapy 'aspirin'; there are anastrozole"),
    "no drug": (TOP + ARM.replace("drug =", "stop = 1 #"), 7, "arm 1, course 1", "drug is missing"),
    "drug no text": (TOP + ARM.replace('"tamoxifen"', "3"), 8, "arm 1, course 1", "drug = 3; expected text"),
    "stop first": (f"{TOP}{ARM}[[arm.course]]\ndrug = \"tamoxifen\"\nstart = 2\nstop = 1\n", 14,
                   "arm 2, course 1", r"stop = 1.0 year; expected start \(2.0 year\)"),
    "dose < 0": (f"{TOP}{ARM}[[arm.course]]\ndrug = \"tamoxifen\"\ndose = -2\n", 13,
                 "arm 2, course 1", "dose = -2.0 standard doses; expected 0 to 20"),
    "start no number": (f"{TOP}{ARM}[[arm.course]]\ndrug = \"tamoxifen\"\nstart = \"0\"\n", 13,
                        "arm 2, course 1", "start = '0'; expected a number"),
    "age no number": (f"{TOP}[patient]\nage = true\n{ARM}", 6, "patient", "age = True; expected a number"),
    "age nan": (f"{TOP}[patient]\nage = nan\n{ARM}", 6, "patient", "age = nan year; expected 18 to 110"),
    "patient no table": (f"{TOP}patient = 3\n{ARM}", 5, "", r"patient = 3; expected a table \[patient\]"),
    "patient of an arm": (f"{TOP}{ARM}[arm.patient]\nage = 3\n", 12, "arm 2, patient", "age = 3.0 year"),
    "patient in a line": (f"{TOP}{ARM}patient = {{age = 3}}\n", 9, "arm 2, patient", "age = 3.0 year"),
    "unknown key of a patient": (f"{TOP}[patient]\nweight = 60\n{ARM}", 6, "patient", "unknown key 'weight'"),
    "T-score and bone": (f"{TOP}[patient]\nbone = 0.9\nt_score.total_hip = -1\n{ARM}", 6, "patient",
                         "bone and t_score are both given; expected one of them"),
    "T-score too low": (f"{TOP}[patient]\nt_score.total_hip = -9\n{ARM}", 6, "patient, t_score",
                        "total_hip = -9 SD; expected -5 to 4 SD"),
    "T-score of no site": (f"{TOP}[patient]\nt_score.heel = -1\n{ARM}", 6, "patient, t_score",
                           "unknown key 'heel'; expected one of lumbar_spine, total_hip, femoral_neck"),
    "T-score alone": (f"{TOP}[patient]\nt_score = -1\n{ARM}", 6, "patient", r"expected a table \[t_score\]"),
    "T-score empty": (f"{TOP}[patient]\nt_score = {{}}\n{ARM}", 6, "patient", "t_score is empty; expected some of"),
    "population and patient": (f"{TOP}[patient]\nage = 60\n[population]\nage = 60\n{ARM}", 7, "",
                               "a patient and a population; expected one of them"),
    "population and patients": (f"{TOP}[population]\nage = 60\n{ARM}[arm.patient]\nage = 60\n", 13, "arm 2",
                             "a patient in an arm and a population; expected one of them"),
    "population and changes": (f"{TOP}[population]\nage = 60\n{ARM}[[arm.change]]\nyear = 0.5\nsmoking = 1\n", 13,
                               "arm 2", "a change in an arm and a population; expected one of them"),
    "population out of range": (f"{TOP}[population]\nsmokers = 2\n{ARM}", 6, "population",
                                "smokers = 2.0 fraction; expected 0 to 1 fraction"),
    "unknown key of population": (f"{TOP}[population]\nwomen = 2\n{ARM}", 6, "population",
                                  "unknown key 'women'; expected one of age"),
    "drug no table": (f"{TOP}drug = 3\n{ARM}", 5, "", r"drug = 3; expected tables, each headed \[\[drug\]\]"),
    "drug without name": (f"{TOP}[[drug]]\nserm = 5\n{ARM}", 5, "drug 1", "name is missing"),
    "drug of two words": (f'{TOP}[[drug]]\nname = "my drug"\n{ARM}', 6, "drug 1", "name = 'my drug'; expected one word"),
    "drug that there is": (f'{TOP}[[drug]]\nname = "denosumab"\n{ARM}', 6, "drug 1",
                           "name = 'denosumab' is taken; expected a name of its own"),
    "drug twice": (TOP + 2 * '[[drug]]\nname = "new"\n' + ARM, 8, "drug 2", "name = 'new' is taken"),
    "unknown key of a drug": (f'{TOP}[[drug]]\nname = "new"\nbone = 5\n{ARM}', 7, "drug 1",
                              "unknown key 'bone'; expected one of name, lasting, source, half_life"),
    "drug out of range": (f'{TOP}[[drug]]\nname = "new"\nefficacy = 2\n{ARM}', 7, "drug 1",
                          "efficacy = 2.0 fraction; expected 0 to 1 fraction"),
    "drug no number": (f'{TOP}[[drug]]\nname = "new"\nserm = "5"\n{ARM}', 7, "drug 1", "serm = '5'; expected a number"),
    "lasting no truth": (f'{TOP}[[drug]]\nname = "new"\nlasting = 1\n{ARM}', 7, "drug 1",
                         "lasting = 1; expected true or false"),
    "drug of another file": (f'{TOP}[[drug]]\nname = "new"\n' + ARM.replace("tamoxifen", "newer"), 10,
                             "arm 1, course 1", "no therapy 'newer'; there are anastrozole, .*, new$"),
    "unknown evidence": (f"{TOP}{ARM}{ATAC}".replace("ATAC", "ATAK"), 12, "evidence 1",
                         "trial = 'ATAK'; expected one of ATAC"),
    "arm of evidence": (f"{TOP}{ARM}{ATAC}anastrozol = \"drug\"\n", 14, "evidence 1, arms",
                        "unknown key 'anastrozol'; expected one of anastrozole, tamoxifen"),
    "our arm": (f"{TOP}{ARM}{ATAC}tamoxifen = \"tam\"\n", 14, "evidence 1, arms",
                r"tamoxifen = 'tam'; expected an arm, or \[arm, arm compared with\], of drug, none"),
    "our arms": (f"{TOP}{ARM}{ATAC}tamoxifen = [\"drug\", 3]\n", 14, "evidence 1, arms", "expected an arm"),
    "ratio of one": ((TOP + ARM + ATAC).replace("= 1\n", "= 6\n") + '"anastrozole vs tamoxifen" = "drug"\n',
                     14, "evidence 1, arms", r"is a ratio; expected \[arm, reference\]"),
    "result of no arm": (TOP + ARM + RESULT.replace("drug", "x"), 12, "published 1",
                         "arm = 'x'; expected one of drug, none"),
    "result of no site": (TOP + ARM + RESULT.replace("ctx", "ctc"), 13, "published 1",
                          "site = 'ctc'; expected one of"),
    "result too late": (TOP + ARM + RESULT.replace("1\n", "8\n"), 14, "published 1",
                        "year = 8 year; expected 0 to 1 year"),
    "baseline too late": (f"{TOP}{ARM}{RESULT}baseline = 2\n", 16, "published 1",
                          "baseline = 2 year; expected 0 to 1 year"),
    "result no number": (TOP + ARM + RESULT.replace("-30", '"x"'), 15, "published 1",
                         "value = 'x'; expected -100 to 10000 %"),
    "result infinite": (TOP + ARM + RESULT.replace("-30", "inf"), 15, "published 1", "value = inf %"),
    "ratio to nothing": (TOP + ARM + RESULT.replace("ctx", HAZARD), 11, "published 1",
                         "against is missing; expected one of none"),
    "against itself": (f'{TOP}{ARM}{RESULT}against = "drug"\n', 16, "published 1", "against = 'drug'"),
    "unknown use": (f'{TOP}{ARM}{RESULT}use = "show"\n', 16, "published 1", "one of calibrate, validate"),
    "no reference": (f"{TOP}{ARM}[fracture]\nyears = 1\n", 11, "fracture", "reference is missing"),
    "unknown reference": (f'{TOP}{ARM}[fracture]\nreference = "x"\n', 12, "fracture", "one of drug, none"),
    "fractures too long": (f'{TOP}{ARM}[fracture]\nreference = "none"\nyears = 2\n', 13, "fracture",
                           "years = 2 year; expected 0.1 to 1 year"),
}  # fmt: skip


@pytest.mark.parametrize("text, line, place, said", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_file_line_key_and_expectation(
    text, line, place, said, tmp_path
):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=said) as found:
        load_trial(file)
    message = str(found.value)
    where = f"{file}, line {line}: " if line and "TOML" not in said else f"{file}: "
    assert message.startswith(where + (f"{place}: " if place else ""))
    assert "\n" not in message


def test_the_file_of_the_mistakes_has_none_itself(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(TOP + ARM + RESULT + ATAC + 'tamoxifen = "drug"\n')
    trial = load_trial(file)
    assert [arm.name for arm in trial.arms] == ["drug", "none"]
    assert [(row.arm, row.value) for row in trial.published] == [("drug", -30.0)]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_file_that_cannot_be_read_is_one_line(content, tmp_path):
    file = tmp_path / "mine.toml"
    if content:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(str(file))) as found:
        load_trial(file)
    assert "\n" not in str(found.value)


def test_an_unknown_trial_gets_the_list():
    with pytest.raises(ValueError, match="'atak'") as found:
        load_trial("atak")
    assert all(name in str(found.value) for name in built_in_trials())


@pytest.mark.parametrize("name", built_in_trials())
def test_a_built_in_trial_names_its_source_and_finds_its_arms(name):
    trial = load_trial(name)
    arms = {arm.name for arm in trial.arms}
    assert trial.source
    assert trial.title
    assert trial.published
    for row in trial.published:
        assert row.arm in arms
        assert row.against in arms | {""}
        assert row.source
        assert row.year <= trial.years
    assert load_trial(name.upper()) == trial


@pytest.mark.parametrize("name", built_in_trials())
def test_every_published_result_is_asked_for_once(name):
    trial = load_trial(name)
    shown = [row for _, row in questions(trial) if row]
    assert len(shown) == len(trial.published)
    assert all(row in shown for row in trial.published)


@pytest.mark.parametrize("name", built_in_trials())
@pytest.mark.parametrize("off", [None, 0.0, 1.5, 4.0])
def test_a_trial_goes_through_its_data_unchanged(name, off):
    trial = load_trial(name)
    if off is not None and trial.on_treatment + off > 0:
        trial = trial.with_years_off(off)
        assert trial.years == trial.on_treatment + off
        assert trial.visits[-1] == trial.years
    data = json.loads(json.dumps(trial.as_data()))
    assert build_trial(Table(data, "record")) == trial


def read(text, tmp_path):
    """Return the trial of a file with some text."""
    file = tmp_path / "mine.toml"
    file.write_text(text)
    return load_trial(file)


def test_a_patient_may_be_given_by_t_scores(tmp_path):
    patient = "[patient]\nage = 70\nt_score.total_hip = {}\nt_score.lumbar_spine = {}\n"
    numbers = Densitometry()
    trial = read(TOP + patient.format(-1.5, -2.5) + ARM + "[arm.patient]\nbone = 1.1\n", tmp_path)
    hip, spine = numbers.bone_at("hip", -1.5), numbers.bone_at("spine", -2.5)
    assert trial.arms[0].patient == Patient(age=70.0, bone=(hip + spine) / 2)
    assert trial.arms[1].patient == Patient(age=70.0, bone=1.1)


@pytest.mark.parametrize("name", [item.name for item in fields(Patient)])
def test_every_number_of_a_patient_can_be_given_in_a_file(name, tmp_path):
    value = getattr(Patient(), name) * 0.9 + 0.1
    trial = read(f"{TOP}[patient]\n{name} = {value}\n{ARM}", tmp_path)
    assert trial.patient == replace(Patient(), **{name: value})
    assert all(arm.patient == trial.patient for arm in trial.arms)


@pytest.mark.parametrize("name", [item.name for item in fields(Population)])
def test_every_number_of_a_population_can_be_given_in_a_file(name, tmp_path):
    value = getattr(Population(), name) * 0.9
    trial = read(f"{TOP}[population]\n{name} = {value}\n{ARM}", tmp_path)
    assert trial.population == replace(Population(), **{name: value})
    data = json.loads(json.dumps(trial.as_data()))
    assert build_trial(Table(data, "record")) == trial


@pytest.mark.parametrize("name", built_in_trials())
def test_a_built_in_trial_runs_and_answers_every_question(name):
    tiny = small(section__height=0.6, section__width=1.2, section__cortex=0.5, time__spin_up=1.0)
    trial = load_trial(name)
    summary = summarize(run_trial(trial, tiny, 1), trial)
    assert set(summary["arm"]) == {arm.name for arm in trial.arms}
    assert summary["simulated"].notna().all()
    assert summary["published"].notna().sum() == len(trial.published)


def test_strata_are_patients_with_bone_of_their_own():
    bone = {arm.name: arm.patient.bone for arm in load_trial("ibis2").arms}
    assert bone["placebo"] > bone["anastrozole, osteopenia"]
    assert bone["anastrozole, osteopenia"] == bone["anastrozole + risedronate, osteopenia"]
    assert bone["anastrozole, osteopenia"] > bone["risedronate, osteoporosis"]
    assert bone["risedronate, osteoporosis"] == bone["anastrozole + risedronate, osteoporosis"]


def test_the_example_is_a_trial():
    import remodel

    trial = load_trial(Path(remodel.__file__).with_name("clinic") / "example.toml")
    assert len(trial.arms) == 5
    assert [drug.name for drug in trial.drugs] == ["newserm"]
    assert trial.reference == "untreated"


def test_years_off_out_of_range_are_refused():
    for years in (-1.0, float("nan"), 51.0):
        with pytest.raises(ValueError, match=r"years off treatment = .* expected 0 to 50 year"):
            load_trial("atac").with_years_off(years)


def test_a_shorter_follow_up_drops_what_would_come_later(tmp_path):
    """Or the record of such a run cannot be read."""
    changes = "".join(f"[[arm.change]]\nyear = {year}\nsmoking = 1\n" for year in (0.02, 0.8))
    text = TOP + ARM + changes
    text = text.replace("on_treatment = 1", "on_treatment = 0\noff_treatment = 1")
    shorter = read(f'{text}[fracture]\nreference = "none"\n', tmp_path).with_years_off(0.05)
    assert [change.year for change in shorter.arms[1].changes] == [0.02]
    assert build_trial(Table(json.loads(json.dumps(shorter.as_data())), "record")) == shorter


@pytest.mark.parametrize(
    "on, off, said",
    [(0, 0, "lasts 0 year; expected over 0, up to 100"), (20, 30, "be 114 after 50")],
)
def test_a_follow_up_that_no_record_could_hold_is_refused(on, off, said, tmp_path):
    text = (TOP + ARM).replace("on_treatment = 1", f"on_treatment = {on}\noff_treatment = 1")
    with pytest.raises(ValueError, match=said):
        read(text, tmp_path).with_years_off(off)
