"""What the teacher does to the patient acts during the run, and can be repeated from its files."""

import json
import tomllib

import numpy as np
import pandas as pd
import pytest
from helpers import SMALL, small

from remodel import BoneModel
from remodel.clinic.courses import Course, parse_courses
from remodel.clinic.patients import Patient
from remodel.clinic.trial_files import read_trial
from remodel.clinic.trials import Arm
from remodel.parameters.drugs import DRUGS
from remodel.report.trial_run import reproduce_run
from remodel.runs.record import read_record
from remodel.viewer import downloads, scene
from remodel.viewer.narration import say, say_course
from remodel.viewer.player import ESTRADIOL, Player, run_spin_up
from remodel.viewer.scene import Scene, trial_scene
from remodel.viewer.section_image import NO_VALUE, as_picture, rgb

TINY = {**SMALL, "section.height": 0.6}


@pytest.fixture(autouse=True)
def small_sections(monkeypatch):
    """Let the default section be a small one."""
    monkeypatch.setitem(scene.SECTIONS, "default", SMALL)
    monkeypatch.setitem(scene.SECTIONS, "small", TINY)
    run_spin_up.cache_clear()
    yield
    run_spin_up.cache_clear()


def atac(comparator="no drug"):
    return Player(trial_scene("atac").with_comparator(comparator))


def test_estradiol_held_low_costs_bone_and_held_high_does_not():
    ends = {}
    for level in (0, 20, 400):
        player = Player(Scene())
        player.hold_estradiol(level)
        player.advance(4 * 365.25)
        assert player.model.signals.estradiol == pytest.approx(level, abs=0.1)
        ends[level] = player.model.meter.now["trabecular_bmd"]
    assert ends[0] < ends[20] - 1
    assert ends[400] > ends[20]


def test_the_slider_acts_from_the_day_it_is_moved():
    still, moved = Player(Scene()), Player(Scene())
    for player in (still, moved):
        player.advance(140)
    moved.hold_estradiol(1)
    for player in (still, moved):
        player.advance(140)
    first, second = (np.array(player.model.frame()["rankl_opg"]) for player in (still, moved))
    assert (first[:5] == second[:5]).all()
    assert (second[6:] > first[6:]).all()


def test_a_drug_is_given_and_stopped_from_the_day_of_the_switch():
    player = Player(Scene())
    player.advance(28)
    player.give("letrozole")
    assert player.given() == {"letrozole"}
    player.advance(84)
    assert player.model.signals.estradiol < 2
    player.stop("letrozole")
    assert player.given() == frozenset()
    player.advance(84)
    assert player.model.signals.estradiol == pytest.approx(20, abs=0.1)


def on(courses):
    return Player(Scene(arm=Arm(name="she", patient=Patient(), courses=parse_courses(courses))))


def doses_of(player, drug):
    """Return when injections of a drug fall, in days: by the level that its depot gains."""
    days = []
    body = player.model.treatment.bodies[drug]
    inject = body.inject

    def watched(numbers, doses, length):
        if doses:
            days.append((player.model.day, doses))
        return inject(numbers, doses, length)

    body.inject = watched
    return days


PLANS = {  # what is planned, and when the drug is given
    "given": ("anastrozole 0-1", 0.4),
    "begins today": ("anastrozole 0-1", 0),
    "ends today": ("anastrozole 0-0.4982888432580424", 0.4982888432580424),
    "planned": ("anastrozole 1-1.5", 0.4),
    "given and planned": ("anastrozole 0-1, anastrozole 1.2-2", 0.4),
    "over": ("anastrozole 0-0.2", 0.4),
    "over and planned": ("anastrozole 0-0.2, anastrozole 1-1.5", 0.4),
    "given twice over": ("anastrozole 0-1, anastrozole 0.2-0.8", 0.4),
    "never": ("", 0.4),
}


@pytest.mark.parametrize("courses, year", PLANS.values(), ids=PLANS)
def test_a_drug_that_is_given_goes_on_until_it_is_stopped(courses, year):
    player = on(courses)
    if year:
        player.advance(year * 365.25)
    player.give("anastrozole")
    amount = sum(
        course.fraction_given(player.model.day, 7) for course in player.model.treatment.courses
    )
    assert amount == (2 if courses.count("anastrozole 0") > 1 else 1)
    for _ in range(40):
        player.advance(28)
        assert player.given() == {"anastrozole"}
        day = player.model.day
        now = [course.fraction_given(day, 7) for course in player.model.treatment.courses]
        assert sum(now) == amount  # neither less nor more than on the first day
    player.stop("anastrozole")
    for _ in range(30):
        player.advance(28)
        assert player.given() == frozenset()
    assert player.model.signals.estradiol == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("courses, year", PLANS.values(), ids=PLANS)
def test_a_drug_that_is_stopped_does_not_come_back(courses, year):
    player = on(courses)
    if year:
        player.advance(year * 365.25)
    player.stop("anastrozole")
    for _ in range(40):
        player.advance(28)
        assert player.given() == frozenset()
    player.give("anastrozole")
    player.advance(365.25)
    assert player.given() == {"anastrozole"}


def test_off_and_on_in_one_moment_is_as_if_it_had_stayed_on():
    still, turned = on("denosumab 0-5"), on("denosumab 0-5")
    found = [doses_of(player, "denosumab") for player in (still, turned)]
    for player in (still, turned):
        player.advance(400)
    turned.stop("denosumab")
    turned.give("denosumab")
    for player in (still, turned):
        player.advance(500)
    assert found[0] == found[1]
    assert [doses for _, doses in found[0]] == [1] * 5
    assert still.model.frame().equals(turned.model.frame())


@pytest.mark.parametrize("courses, count", [("denosumab 0-0", 4), ("denosumab 1-2", 4), ("", 4)])
def test_no_injection_is_given_twice(courses, count):
    player = on(courses)
    player.give("denosumab")
    found = doses_of(player, "denosumab")
    player.advance(1.9 * 365.25)
    assert [doses for _, doses in found] == [1] * count


def test_a_course_keeps_its_dose_and_interval_when_it_comes_sooner():
    player = Player(Scene())
    waiting = Course(drug="zoledronate", interval=182.625, dose=0.5, below=-9.0)
    player.model.give([waiting])
    player.advance(100)
    player.give("zoledronate")
    [course] = player.model.treatment.courses
    assert (course.interval, course.dose, course.waits) == (182.625, 0.5, False)
    assert course.start == pytest.approx(100 / 365.25, abs=0.01)


@pytest.mark.parametrize("act", ["give", "stop"])
def test_a_plan_that_was_changed_is_repeated_to_the_last_bit(tmp_path, act):
    player = on("letrozole 0.5-1, estradiol 0-2, anastrozole 0-0.2, letrozole 0-0.1")
    player.advance(150)
    getattr(player, act)("letrozole")
    player.give("anastrozole")
    player.advance(300)
    player.give("letrozole")
    player.advance(200)
    (tmp_path / "record.json").write_text(downloads.record_file(player))
    _, differences = reproduce_run(read_record(tmp_path / "record.json"))
    assert differences == []


def test_what_she_has_given_up_is_not_given():
    patient = Patient(quits=0.5)
    player = Player(Scene(arm=Arm(name="she", patient=patient)))
    player.advance(300)
    with pytest.raises(
        ValueError, match=r"anastrozole: this patient stopped all daily drugs in year 0\.5"
    ):
        player.give("anastrozole")
    player.give("denosumab")
    assert player.given() == {"denosumab"}


def test_a_switch_says_what_is_planned():
    player = on("anastrozole 0-5, zoledronate 2-5, letrozole 0, tamoxifen 0-0.1")
    player.advance(100)
    drugs = ("anastrozole", "zoledronate", "letrozole", "tamoxifen")
    assert [say_course(player, drug) for drug in drugs] == [
        "anastrozole, to year 5", "zoledronate, from year 2", "letrozole", "tamoxifen",
    ]  # fmt: skip
    player.give("anastrozole")
    player.stop("zoledronate")
    assert [say_course(player, drug) for drug in drugs[:2]] == ["anastrozole", "zoledronate"]
    player.model.give([Course(drug="zoledronate", below=-9.0)])
    assert say_course(player, "zoledronate") == "zoledronate, if bone is low"


def test_twelve_months_are_a_year_and_ten_years_are_ten():
    months, years, weeks = (Player(Scene(section="small")) for _ in range(3))
    for year in range(1, 11):
        for _ in range(12):
            months.advance(365.25 / 12)
        years.advance(365.25)
        assert months.model.tick == years.model.tick
        assert abs(months.model.day - year * 365.25) <= 3.5
    for count in range(1, 60):
        weeks.advance(7)
        assert weeks.model.tick == count


def test_weeks_between_months_do_not_lose_a_step():
    player = Player(Scene(section="small"))
    for count in range(1, 40):
        before = player.model.day
        player.advance(365.25 / 12)
        assert 28 <= player.model.day - before <= 35
        before = player.model.tick
        player.advance(7)
        assert player.model.tick == before + 1
        assert abs(player.model.day - count * (365.25 / 12 + 7)) <= 3.5


@pytest.mark.parametrize("year", [0.5, 1, 2, 3, 5])
def test_playing_ends_at_the_step_nearest_to_a_year_as_a_trial_does(year):
    player, model = Player(Scene(section="small")), BoneModel(parameters=small(), rng=1)
    while not player.has_reached(year):
        player.advance(365.25, year)
    model.run_until(year)
    assert player.model.day == model.day
    player.advance(365.25, year)
    assert player.model.day == model.day


def test_a_drug_given_and_stopped_at_once_was_never_taken():
    player, other = Player(Scene()), Player(Scene())
    player.give("zoledronate")
    player.stop("zoledronate")
    for each in (player, other):
        each.advance(56)
    assert player.model.treatment.courses == ()
    assert player.model.tissue.drug_given == 0
    assert player.model.treatment.bodies == {}  # or the order of drugs would differ in a repeat
    assert player.model.frame().equals(other.model.frame())


def test_both_sections_share_random_numbers_until_the_drug_acts():
    player = Player(Scene().with_comparator("no drug"))
    player.advance(182)
    first, second = (model.frame() for model in player.models)
    assert first.equals(second)
    player.give("denosumab")
    player.hold_estradiol(5)
    player.advance(182)
    treated, other = (model.meter.now for model in player.models)
    assert treated["ctx"] < other["ctx"]
    assert treated["estradiol"] == other["estradiol"]  # the same patient, without the drug


def test_who_comes_beside_her_in_mid_run_has_had_the_same_time_and_life():
    early, late = atac(), atac("nothing")
    for player in (early, late):
        player.advance(100)
        player.hold_estradiol(3)
        player.advance(100)
    late.show_comparator("no drug")
    assert [model.tick for model in late.models] == [early.model.tick] * 2
    assert np.array_equal(early.models[1].tissue.matrix, late.models[1].tissue.matrix)


def test_resetting_starts_from_the_same_day():
    player = atac()
    player.advance(200)
    first = player.model.frame()
    player.set(player.scene)
    assert player.model.day == 0
    player.advance(200)
    assert player.model.frame().equals(first)


def test_two_players_do_not_disturb_each_other():
    alone = Player(Scene())
    alone.advance(140)
    one, two = Player(Scene()), Player(Scene())
    for _ in range(20):
        one.advance(7)
        two.hold_estradiol(0)
        two.advance(7)
    assert one.model.frame().equals(alone.model.frame())


def test_mesa_keeps_no_model_that_was_replaced():
    table = getattr(__import__("mesa").Agent, "_ids", {})
    player = atac()
    player.advance(28)
    before = len(table)
    for _ in range(5):
        player.set(player.scene)
        player.show_comparator("tamoxifen")
    assert len(table) <= before


@pytest.mark.parametrize("level", [ESTRADIOL[0], ESTRADIOL[-1]])
def test_fifty_years_at_the_ends_of_the_slider(level):
    player = Player(Scene(section="small", arm=Arm(name="one", patient=Patient(age=55))))
    player.hold_estradiol(level)
    for _ in range(50):
        player.advance(365.25)
        assert as_picture(player.model, "mineral", 2).size[0] > 0
    assert player.year == pytest.approx(50, abs=0.5)
    assert f"estradiol {level or 0.0}" in say(player)


def test_the_longest_run_ends_and_can_still_be_saved():
    player = Player(Scene(section="small"))
    player.advance(1000 * 365.25)
    assert player.finished
    assert 45.9 < player.year <= 46  # 64 at the start, and nobody grows older than 110
    ticks = player.model.tick
    player.advance(7)
    assert player.model.tick == ticks
    assert read_trial(downloads.trial_file(player), "played.toml").years <= 100


def test_a_section_without_bone_is_drawn_and_said():
    player = Player(Scene())
    player.model.tissue.matrix[:] = 0
    assert "no bone is left" in say(player)
    assert as_picture(player.model, "strain", 3).getextrema()
    assert rgb(NO_VALUE)


@pytest.mark.parametrize("drug", ["estradiole", "", "aspirin"])
def test_an_unknown_drug_is_refused_and_nothing_changes(drug):
    player = Player(Scene())
    with pytest.raises(ValueError, match="there are"):
        player.give(drug)
    assert player.given() == frozenset()


def test_a_level_beyond_the_slider_is_refused():
    player = Player(Scene())
    with pytest.raises(ValueError, match=r"estradiol = 500 pmol/L; expected 0 to 400 pmol/L"):
        player.hold_estradiol(500)


def play_a_lot(player):
    """Do much of what a class may do."""
    player.advance(150)
    player.give("denosumab")
    player.hold_estradiol(7)
    player.advance(200)
    player.set_exercise(5)
    player.stop("anastrozole")
    player.give("risedronate")
    player.advance(120)
    player.hold_estradiol(2)
    player.hold_estradiol(30)
    player.stop("denosumab")
    player.give("anastrozole")
    player.advance(91)
    return player


def test_a_saved_record_repeats_the_run_to_the_last_bit(tmp_path):
    player = play_a_lot(atac())
    (tmp_path / "record.json").write_text(downloads.record_file(player))
    frame, differences = reproduce_run(read_record(tmp_path / "record.json"))
    assert differences == []
    assert downloads.readings_csv(player) == str(frame.to_csv(index=False, lineterminator="\n"))
    assert len(frame) > 30


def test_the_saved_trial_holds_what_was_done_and_when():
    player = play_a_lot(atac())
    text = downloads.trial_file(player)
    trial = read_trial(text, "played.toml")
    assert trial == downloads.as_trial(player)
    treated, other = trial.arms
    assert [course.drug for course in treated.courses] == [
        "anastrozole", "denosumab", "risedronate", "anastrozole",
    ]  # fmt: skip
    assert treated.courses[0].stop == pytest.approx(350 / 365.25, abs=0.02)
    assert [change.patient.estradiol for change in treated.changes] == [7, 7, 30]
    assert other.courses == ()
    assert other.changes == treated.changes
    assert tomllib.loads(text)["title"].startswith("As played for")


def test_nothing_played_is_nothing_to_save():
    with pytest.raises(ValueError, match=r"played time = 0.0 year"):
        downloads.trial_file(atac())


def test_readings_are_numbers_that_read_back(tmp_path):
    player = atac()
    player.advance(100)
    path = tmp_path / "readings.csv"
    path.write_text(downloads.readings_csv(player))
    frame = pd.read_csv(path)
    assert set(frame["arm"]) == {"anastrozole", "no drug"}
    treated = frame[frame["arm"] == "anastrozole"]
    calendar = treated[treated["year"].isin(player.model.frame()["year"])]
    assert calendar["total_hip"].to_numpy() == pytest.approx(player.model.frame()["total_hip"])
    assert treated["year"].iloc[-1] == player.year  # and one of the moment of saving
    assert json.loads(downloads.record_file(player))["seed"] == 1


def test_a_picture_is_saved_with_both_sections():
    one, two = (
        downloads.section_picture(atac(comparator)) for comparator in ("nothing", "no drug")
    )
    assert one[:4] == two[:4] == b"\x89PNG"
    assert int.from_bytes(two[16:20]) == 2 * int.from_bytes(one[16:20])


def test_the_words_come_from_the_state():
    player = atac()
    player.advance(3 * 365.25)
    line = say(player)
    now = player.model.meter.now
    assert line.startswith("Year 3.0, on anastrozole: estradiol 1.0 pmol/L; RANKL/OPG ")
    assert f"{now['osteoclasts']:.0f} osteoclasts against" in line
    side = "lost" if now["lumbar_spine"] < 0 else "gained"
    assert f"the spine has {side} {abs(now['lumbar_spine']):.1f} %" in line


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Scene(section="huge"), "section = 'huge'; expected one of default, small"),
        (lambda: Scene(overlay="color"), "overlay = 'color'; expected one of mineral"),
        (lambda: Scene(seed=-1), "seed = -1"),
        (lambda: Scene().with_comparator("me"), "comparator = 'me'; expected one of nothing"),
        (lambda: trial_scene("atac", "placebo"), "arm = 'placebo'; expected one of anastrozole"),
        (lambda: trial_scene("atak"), "no trial 'atak'"),
    ],
)
def test_a_scene_that_is_not_there_is_one_line(make, said):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        make()
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_every_drug_can_be_switched_on_and_off():
    player = Player(Scene(section="small"))
    for drug in DRUGS:
        player.give(drug)
    player.advance(7)
    assert player.given() == set(DRUGS)
    for drug in DRUGS:
        player.stop(drug)
    assert player.given() == frozenset()


def test_a_course_that_waits_is_not_yet_given():
    player = Player(Scene())
    player.model.give([Course(drug="zoledronate", below=-9.0)])
    assert player.given() == frozenset()
    player.give("zoledronate")
    assert player.given() == {"zoledronate"}
