"""Courses: given as asked, before day 0 too, or refused; doses in the drug's own unit."""

import warnings

import numpy as np
import pytest
from helpers import SMALL, build, same, small, state_of

from remodel import BoneModel, Course, Parameters, Patient
from remodel.cli.commands import main
from remodel.clinic.courses import parse_courses, run_in_years
from remodel.clinic.patients import OLDEST
from remodel.clinic.trial_files import read_trial
from remodel.model.checkpoint import resume, take_checkpoint
from remodel.model.files import load_model, save_model
from remodel.parameters.drugs import DRUGS
from remodel.parameters.time_steps import YEAR
from remodel.runs.ensemble import run_trial
from remodel.support.messages import LikelyMistakeWarning
from remodel.viewer.player import Player
from remodel.viewer.scene import Scene

HEAD = 'name = "t"\non_treatment = 2\nvisits = [1, 2]\nsites = ["total_hip", "ctx"]\n'
SWITCH = (
    HEAD
    + """
[[arm]]
name = "after tamoxifen"
[[arm.course]]
drug = "tamoxifen"
start = -2.5
stop = 0
[[arm.course]]
drug = "exemestane"
stop = 2
[[arm]]
name = "never tamoxifen"
[[arm.course]]
drug = "exemestane"
stop = 2
"""
)


def arm(**course):
    """Return the text of a trial with an arm of one course."""
    keys = "".join(f"{key} = {value!r}\n" for key, value in course.items()).replace("'", '"')
    return f'{HEAD}[[arm]]\nname = "a"\n[[arm.course]]\n{keys}'


def test_a_run_in_is_lived_through_before_day_0():
    model = build("tamoxifen -2.5-0, exemestane 0-2")
    assert model.day == 0
    assert model.steps == 0
    assert model.patient.age == 64
    assert model.frame()["year"].tolist() == [0.0]
    first = model.frame().iloc[0]
    assert first["lumbar_spine"] == first["trabecular_bmd"] == first["ctx"] == 0.0
    assert first["lumbar_spine_t_score"] == build().frame()["lumbar_spine_t_score"].iloc[0]
    assert model.treatment.bodies["tamoxifen"].level > 0.9  # it has not left the body yet
    assert model.treatment.bodies["exemestane"].level == 0.0


def test_a_run_in_equals_the_same_life_counted_from_its_start():
    """Only what is counted from day 0 differs: age and baseline."""
    late = build("anastrozole -1-1", time__spin_up=2.0)
    early = BoneModel("anastrozole 0-2", Patient(age=63), small(), rng=1)
    early.run(1)
    assert late.day == 0
    assert early.day == pytest.approx(YEAR, abs=7)
    assert late.signals.estradiol == pytest.approx(early.signals.estradiol, rel=1e-3)
    assert late.signals.lagged_activity == pytest.approx(early.signals.lagged_activity, rel=0.05)
    lost = early.frame()["trabecular_bone"].iloc[-1] / early.frame()["trabecular_bone"].iloc[0]
    assert lost < 1
    before = late.meter.history
    assert before[-1]["trabecular_bone"] < before[-14]["trabecular_bone"]


def test_an_operation_ten_years_ago_is_ten_years_old():
    numbers = small(section__height=2.0)
    ends = {}
    for start in (0, -4):
        found = []
        for rng in (1, 2, 3, 4):
            course = Course(drug="oophorectomy", start=start)
            model = BoneModel([course], Patient(age=45), numbers, rng=rng)
            model.run(1)
            found.append(model.frame()[["estradiol", "ctx", "total_hip"]].iloc[-1].to_numpy())
        ends[start] = np.mean(found, axis=0)
    assert ends[0][0] == pytest.approx(ends[-4][0])
    assert ends[0][1] > 60 > abs(ends[-4][1])  # against what it has been for long
    assert ends[-4][2] > ends[0][2] - 2


def test_the_baseline_of_rates_is_that_of_the_same_treatment():
    """Zoledronate half a year ago: CTX on day 0 is low, and that is the 0 of the run."""
    model = build("zoledronate -0.5--0.5", section__height=3.0)
    untreated = build(section__height=3.0)
    removed = "trabecular_resorbed"
    assert model.meter.baseline[removed] < 0.5 * untreated.meter.baseline[removed]
    assert model.days_unchanged() == pytest.approx(0.5 * YEAR)
    assert untreated.days_unchanged() == np.inf


@pytest.mark.parametrize("years", [0.5, 2.5])
def test_arms_with_and_without_a_run_in_share_random_numbers_and_day_0(years):
    frame = run_trial(read_trial(SWITCH.replace("-2.5", str(-years)), "t.toml"), small(), 1)
    after, never = (part for _, part in frame.groupby("arm"))
    assert after["year"].tolist() == never["year"].tolist()
    assert after["year"].iloc[0] == 0
    assert after["total_hip"].iloc[0] == never["total_hip"].iloc[0] == 0.0
    assert after["total_hip"].iloc[-1] != never["total_hip"].iloc[-1]
    alone = BoneModel("exemestane 0-2", parameters=small(), rng=1, run_in=years)
    alone.begin("exemestane 0-2")
    alone.run(2)
    assert never["total_hip"].iloc[-1] == alone.frame()["total_hip"].iloc[-1]


def test_the_page_lives_through_a_run_in_too():
    player = Player(Scene(section="small", arm=read_trial(SWITCH, "t.toml").arms[0]))
    assert player.year == 0
    assert player.model.treatment.bodies["tamoxifen"].level > 0.9


def test_a_saved_model_remembers_its_run_in(tmp_path):
    model = build("tamoxifen -1-0, exemestane 0-1")
    model.run(0.2)
    save_model(model, tmp_path / "model.npz")
    again = load_model(tmp_path / "model.npz")
    for each in (model, again):
        each.run(0.3)
    assert same(state_of(model), state_of(again))
    assert model.frame().equals(again.frame())


def test_a_run_in_that_can_no_longer_be_lived_is_refused():
    point = take_checkpoint(build())
    with pytest.raises(
        ValueError, match=r"tamoxifen: start = -2 year; this model has gone on to year 0"
    ):
        resume(point, "tamoxifen -2-0")
    model = build()
    model.run(0.2)
    with pytest.raises(ValueError, match="tamoxifen: start = -1 year"):
        model.give("tamoxifen -1-2")
    with pytest.raises(
        ValueError, match=r"begins at age 15 of a patient of 45; expected 18 or more"
    ):
        BoneModel("tamoxifen -30-0", Patient(age=45), small())


@pytest.mark.parametrize(
    "text, start, stop",
    [
        ("tamoxifen -2.5-0", -2.5, 0), ("tamoxifen -2 to 0", -2, 0), ("tamoxifen -3--1", -3, -1),
        ("tamoxifen 2-4.5", 2, 4.5), ("tamoxifen 2", 2, np.inf), ("tamoxifen", 0, np.inf),
        ("tamoxifen 1-", 1, np.inf), ("tamoxifen -1-inf", -1, np.inf),
    ],
)  # fmt: skip
def test_years_of_a_course_are_read_as_text(text, start, stop):
    [course] = parse_courses(text)
    assert (course.start, course.stop) == (start, stop)
    assert run_in_years([course]) == max(0, -start)


@pytest.mark.parametrize("text", ["tamoxifen -5", "tamoxifen 1 2", "tamoxifen x", "tamoxifen 2--"])
def test_years_that_cannot_be_read_are_refused(text):
    with pytest.raises(ValueError, match="expected a drug and years, such as 'anastrozole 0-5'"):
        parse_courses(text)


@pytest.mark.parametrize(
    "course, said",
    [
        ({"drug": "anastrozole", "start": 12, "stop": 60}, r"line 9: .*start = 12 year; .*months"),
        ({"drug": "anastrozole", "start": 2}, "expected a year before the end of the trial, year 2"),
        ({"drug": "zoledronate", "start": 2, "stop": 2}, "expected a year before the end"),
        ({"drug": "anastrozole", "start": 1, "stop": 1}, "start = stop = 1 year; expected a course"),
        ({"drug": "anastrozole", "start": -1, "stop": -1}, "start = stop = -1 year"),
        ({"drug": "denosumab", "dose": 60}, r'line 9: .*60.0 standard doses.*1 is 60 mg.*"60.0 mg"'),
        ({"drug": "oophorectomy", "dose": "1 mg"}, "it has no dose in mg"),
        ({"drug": "denosumab", "dose": "60 ml"}, "expected a multiple of the standard dose, or text"),
        ({"drug": "denosumab", "dose": "60 mg/month"}, "the interval is a key of its own"),
        ({"drug": "alendronate", "dose": "70 mg"}, "7 times the standard 10 mg a day"),
        ({"drug": "alendronate", "dose": "70 mg/day", "start": -50}, "14 of a patient of 64"),
    ],
)  # fmt: skip
def test_a_course_that_cannot_be_meant_is_refused_in_one_line(course, said):
    with pytest.raises(ValueError, match=said) as error:
        read_trial(arm(**course), "t.toml")
    assert "\n" not in str(error.value)


def test_an_injection_once_lasts_no_time_and_is_given():
    once = read_trial(arm(drug="zoledronate", start=1, stop=1), "t.toml")
    assert once.notes() == []
    with pytest.raises(ValueError, match="expected a course that lasts"):
        BoneModel("anastrozole 1-1", parameters=small())
    with pytest.raises(ValueError, match="expected a course that lasts"):
        build().give("anastrozole 1-1")


def test_a_course_that_is_cut_is_told_everywhere(tmp_path, capsys, monkeypatch):
    text = arm(drug="anastrozole", stop=60)
    trial = read_trial(text, "t.toml")
    [note] = trial.notes()
    assert note == "t: a: anastrozole until year 60 is cut at year 2 (are these months?)"
    with pytest.warns(LikelyMistakeWarning, match="is cut at year 2"):
        run_trial(trial, small(time__spin_up=0.1), 1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.toml").write_text(text)
    assert main(["run", "t.toml", "--quick", "--replicates", "1", "--workers", "1"]) == 0
    assert f"remodel: note: {note}\n" in capsys.readouterr().err
    assert read_trial(arm(drug="oophorectomy", stop=60), "t.toml").notes() == []
    assert read_trial(arm(drug="anastrozole"), "t.toml").notes() == []


@pytest.mark.parametrize(
    "drug, dose, multiple",
    [
        ("denosumab", "60 mg", 1), ("denosumab", "210mg", 3.5), ("teriparatide", "20 ug", 1),
        ("teriparatide", "20 \u00b5g", 1), ("teriparatide", "0.02 mg/day", 1), ("calcium", "1 g", 1),
        ("zoledronate", "4 mg", 0.8), ("alendronate", "70 mg/week", 1), ("letrozole", "2.5 mg", 1),
        ("alendronate", "5 mg", 0.5), ("ibandronate", "150 mg/month", 0.99), ("goserelin", "3.6 mg", 1),
        ("goserelin", "10.8 mg per 12 weeks", 1), ("risedronate", "35 mg each 7 days", 1),
        ("tamoxifen", 0.25, 0.25),
    ],
)  # fmt: skip
def test_a_dose_can_be_given_in_the_unit_of_the_drug(drug, dose, multiple):
    course = Course(drug=drug, dose=dose)
    assert course.doses(DRUGS[drug]) == pytest.approx(multiple, rel=0.01)
    trial = read_trial(arm(drug=drug, dose=dose), "t.toml")
    assert trial.arms[0].courses[0].doses(DRUGS[drug]) == pytest.approx(multiple, rel=0.01)
    assert not trial.notes()


def test_a_dose_in_mg_runs_as_its_multiple():
    half = build([Course(drug="denosumab", dose=0.5)])
    in_mg = build("denosumab 30 mg 0-1")
    for model in (half, in_mg):
        model.run(0.5)
    assert same(state_of(half), state_of(in_mg))


@pytest.mark.parametrize("drug, dose", [("letrozole", 2.5), ("zoledronate", 5), ("tamoxifen", 20)])
def test_a_multiple_that_reads_like_mg_is_told(drug, dose):
    [note] = read_trial(arm(drug=drug, dose=dose), "t.toml").notes()
    assert f"is {dose:g} times the standard {DRUGS[drug].amount:g} mg" in note
    assert f'write dose = "{dose:g} mg"' in note
    with pytest.warns(LikelyMistakeWarning, match="times the standard"):
        build([Course(drug=drug, dose=dose, stop=1)])
    with pytest.warns(LikelyMistakeWarning, match="times the standard"):
        build().give([Course(drug=drug, dose=dose, stop=1)])


@pytest.mark.parametrize("interval, told", [(6, 1), (12, 1), (91.3, 0), (182.6, 0)])
def test_an_interval_in_months_is_told(interval, told):
    notes = read_trial(arm(drug="denosumab", interval=interval), "t.toml").notes()
    assert len(notes) == told
    assert all("(are these months?)" in note for note in notes)


def test_a_patient_does_not_grow_older_than_patients_become():
    with pytest.raises(
        ValueError, match=r"64 years would be 124 after 60 years; .*are these months"
    ):
        build().run(60)
    with pytest.raises(ValueError, match=r"line 2: .*would be 124 after 60 years"):
        read_trial(arm(drug="anastrozole").replace("= 2\n", "= 60\n", 1), "t.toml")
    population = arm(drug="anastrozole").replace("[[arm]]", "[population]\nage = 105\n[[arm]]", 1)
    trial = read_trial(population, "t.toml")
    assert max(trial.patient_of(trial.arms[0], seed).age for seed in range(50)) == OLDEST - 2


def test_a_trial_longer_than_any_is_told():
    text = "[patient]\nage = 40\n".join(
        arm(drug="anastrozole").replace("= 2\n", "= 30\n", 1).split("[[arm]]", 1)
    ).replace("40\n\n", "40\n[[arm]]\n")
    assert read_trial(text, "t.toml").notes() == ["t: lasts 30 years (are these months?)"]


def test_a_value_can_be_set_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.toml").write_text(arm(drug="anastrozole"))
    line = ["run", "t.toml", "--quick", "--replicates", "1", "--workers", "1"]
    assert main([*line, "--set", "time.step=3.5", "--set", "osteoclast.life=30"]) == 0
    assert main([*line, "--out", "b", "--set", "osteoclast.lief=30"]) == 2
    assert "lief" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*line, "--set", "step 3"])


def test_arguments_stay_as_they_were():
    section = BoneModel(parameters=Parameters().with_values(SMALL), spin_up=False, rng=1).tissue
    before = {
        name: value.copy() for name, value in vars(section).items() if isinstance(value, np.ndarray)
    }
    courses = [Course(drug="anastrozole", stop=5)]
    first, second = (BoneModel(courses, tissue=section, parameters=small(), rng=1) for _ in "ab")
    first.run(0.5)
    assert courses == [Course(drug="anastrozole", stop=5)]
    for name, value in before.items():
        assert np.array_equal(getattr(section, name), value), name
    assert section.pits.count == 0 < first.tissue.pits.count
    second.run(0.5)
    assert same(state_of(first), state_of(second))
    assert not np.shares_memory(first.tissue.region, section.region)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert section.copy().outside is not section.outside
