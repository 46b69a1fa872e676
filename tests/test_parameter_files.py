"""Parameters that a user holds: --set, [parameters] of a trial, files and fitted sets."""

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import small
from test_own_drugs import OWN
from test_trials import ARM, TOP, read

import remodel
from remodel import Case, Parameters, cross
from remodel.cli.commands import main
from remodel.clinic.trial_files import build_trial, built_in_trials, load_trial
from remodel.parameters.drugs import drug
from remodel.parameters.fitted_sets import DEFAULT_SET, FITTED, built_in_sets, set_values
from remodel.report.movies import read_film
from remodel.runs.ensemble import run_trial
from remodel.runs.record import read_record
from remodel.support.messages import LikelyMistakeWarning
from remodel.support.toml_table import Table
from remodel.viewer.downloads import as_trial, record_file, trial_file
from remodel.viewer.player import Player, spun_up
from remodel.viewer.scene import SECTIONS, Scene, trial_scene
from remodel.viewer.session import Tab
from remodel.viewer.start import OPENING, open_scene

DEFAULTS = Parameters()
TINY = ("--set", "section.height=0.6", "--set", "section.width=1.2", "--set", "section.cortex=0.5",
        "--set", "time.spin_up=1")  # fmt: skip
SHORT = f"""\
name = "mine"
on_treatment = 0.5
visits = [0.5]
sites = ["lumbar_spine"]
{OWN}
[[arm]]
name = "drug"
[[arm.course]]
drug = "newserm"
[[arm]]
name = "none"
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in an empty folder, with a trial in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SHORT)
    return tmp_path


def said(capsys, *words):
    """Return the exit code of a command, and what it prints to both."""
    code = main(words)
    return code, *capsys.readouterr()


def refused(capsys, *words):
    code, _, err = said(capsys, *words)
    assert code == 2
    assert err.count("\n") == 1
    return err


def load(text, name="numbers.toml"):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return Parameters.load(name)


# Sets


def test_what_is_calibrated_is_in_every_set_and_nowhere_else():
    assert set(DEFAULTS.fitted()) == set(FITTED)
    for label in built_in_sets():
        assert set(set_values(label)) >= set(DEFAULTS.fitted()), label
        assert Parameters.from_set(label).parameter_set == label
    code = "".join(
        item.read_text(encoding="utf-8")
        for item in Path(remodel.__file__).parent.rglob("*.py")
    )  # fmt: skip
    assert [name for name in FITTED if f'FITTED["{name}"]' not in code] == []


def test_the_default_set_is_what_a_model_has():
    assert Parameters.from_set(DEFAULT_SET) == Parameters.load(DEFAULT_SET) == DEFAULTS
    assert {name: DEFAULTS.values()[name] for name in FITTED} == dict(FITTED)


def test_a_set_of_a_users_own_keeps_its_name_and_is_not_mixed_with_another(here):
    mine = replace(DEFAULTS.with_values({"osteoclast.life": 28.0}), parameter_set="mine-2")
    mine.save(here / "mine-2.toml")
    assert Parameters.load("mine-2.toml") == mine
    assert "mine-2" in mine.describe()
    assert "osteoclast.life" not in mine.describe()  # it is what the set says
    with pytest.raises(ValueError, match=r"line 1.*mine-3 is not of the package.*lacks"):
        load('name = "mine"\nversion = 3\nosteoclast.life = 28\n')


@pytest.mark.parametrize("text, line, found", [
    ('name = "mine"\n', "", "version = None"),
    ('name = "mine"\nversion = 0\n', ", line 2", "version = 0"),
    ('name = "a b"\nversion = 1\n', ", line 1", "name = 'a b'"),
])  # fmt: skip
def test_a_set_has_name_and_version(text, line, found):
    with pytest.raises(ValueError, match=rf"^numbers.toml{line}: {found}"):
        load(text)


# Files


def test_a_file_holds_the_same_to_the_last_bit(here):
    values = {"osteoclast.life": 0.1 + 0.2 + 25, "drugs.anastrozole.serm": 1 / 3}
    own = drug("newserm", half_life=1.2, serm=5.0, efficacy=1 / 3, source='made "up"')
    for parameters in (DEFAULTS, DEFAULTS.with_values(values), DEFAULTS.with_drugs([own])):
        parameters.save(here / "all.toml")
        assert Parameters.load(here / "all.toml") == parameters
        assert tomllib.loads(parameters.to_toml())


@pytest.mark.parametrize("text", [
    "osteoclast.life = 28", '"osteoclast.life" = 28.0', "[osteoclast]\nlife = 28",
    "osteoclast = { life = 28 }",
])  # fmt: skip
def test_only_what_is_changed_needs_to_be_there(text):
    assert load(text) == DEFAULTS.with_values({"osteoclast.life": 28.0})


@pytest.mark.parametrize("text, line, found", [
    ("\nosteoclast.lief = 28", 2, "no parameter 'osteoclast.lief'; did you mean osteoclast.life?"),
    ("[osteoclast]\nlife = 2\n\n[osteoblast]\nlife = 9e9", 5,
     "osteoblast.life = 9000000000.0 day; expected 1 to 2000 day"),
    ("osteoclast.life = 2\nosteoblast = { life = true }", 2, "osteoblast.life = True day; expected"),
    ("osteoclast.life = 'long'", 1, "osteoclast.life = 'long' day; expected 1 to 200 day"),
    ("osteoclast.life = nan", 1, "osteoclast.life = nan day; expected 1 to 200 day"),
    ("osteoclast.life = [1, 2]", 1, r"osteoclast.life = \[1, 2\] day; expected"),
    ("\n\nosteoclast = 3", 3, "no parameter 'osteoclast'; it is a group and has erosion, life"),
    ("drugs.tamoxifn.serm = 3", 1, "no parameter 'drugs.tamoxifn.serm'; did you mean drugs.tamox"),
])  # fmt: skip
def test_a_mistake_is_one_line_with_the_line_of_the_file(text, line, found):
    with pytest.raises(ValueError, match=rf"^numbers.toml, line {line}: {found}.*\Z") as error:
        load(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text, found", [
    ('"osteoclast.life" = 2\n[osteoclast]\nlife = 3', "osteoclast.life is given twice"),
    ("drugs.denosumab.interval = 0.05", "interval = 0.05 day; expected 0.1 to 2000 day"),
    ("x = ", "is not TOML"),
])  # fmt: skip
def test_a_mistake_without_a_line_is_one_line_too(text, found):
    with pytest.raises(ValueError, match=rf"^numbers.toml.*{found}"):
        load(text)


def test_a_file_that_is_not_there_is_said_so(capsys):
    assert "no parameter set 'mine'; there are second-design-1" in refused(
        capsys, "parameters", "--parameters", "mine"
    )
    assert "no.toml: cannot be read" in refused(capsys, "run", "atac", "--parameters", "no.toml")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name, advice", [
    ("section.cell_density", "is section.wavelength now"),
    ("osteoblast.reference_depth", "it is unit.reference_depth now"),
    ("responses.strain_overfilling.emax", "leave it out"),
])  # fmt: skip
def test_a_number_of_the_first_design_says_what_to_do(name, advice):
    with pytest.raises(
        ValueError, match=rf"^numbers.toml, line 1: no parameter '{name}'.*{advice}"
    ):
        load(f"{name} = 0.5")
    with pytest.raises(ValueError, match=advice):
        Parameters().with_values({name: 0.5})


@pytest.mark.usefixtures("here")
def test_the_set_of_the_first_design_says_what_to_do(capsys):
    said = f"set first-design-1 is of an earlier design.*{DEFAULT_SET}"
    with pytest.raises(ValueError, match=f"^numbers.toml, line 1: {said}"):
        load('name = "first-design"\nversion = 1\nosteoclast.life = 28')
    with pytest.raises(ValueError, match=f"^record: {said}"):
        Parameters.from_values({"section.cell_density": 0.6}, "first-design-1")
    assert re.search(said, refused(capsys, "parameters", "--parameters", "first-design-1"))


# The command that prints them


def test_parameters_are_printed_whole_or_in_part_and_read_again(capsys, here):
    code, out, _ = said(capsys, "parameters", "osteoclast")
    assert code == 0
    assert out.startswith(f"parameter set {DEFAULT_SET}\n")
    assert "`osteoclast.life`" in out
    assert "osteoblast" not in out
    code, out, _ = said(capsys, "parameters", "--toml", "--set", "osteoclast.life=28")
    (here / "all.toml").write_text(out)
    assert Parameters.load("all.toml") == DEFAULTS.with_values({"osteoclast.life": 28.0})
    assert "osteoclast.life = 28.0 # day, 1 to 200; mean life" in out
    code, out, _ = said(capsys, "parameters", "responses.rankl.ec50", "--toml")
    assert len(tomllib.loads(out)["responses"]["rankl"]) == 1
    assert "did you mean osteoclast" in refused(capsys, "parameters", "osteoclats")
    code, out, _ = said(capsys, "parameters", "--set", "osteoclast.life=28")
    assert out.startswith(f"parameter set {DEFAULT_SET} but osteoclast.life = 28.0\n")


# Trials


def test_a_trial_keeps_its_numbers_on_the_way_through_a_record(tmp_path):
    text = (
        TOP + OWN + "[parameters]\n'osteoclast.life' = 28\n[parameters.drugs.newserm]\nserm = 2\n"
    )
    trial = read(text + ARM, tmp_path)
    assert trial.parameters == {"osteoclast.life": 28.0, "drugs.newserm.serm": 2.0}
    data = json.loads(json.dumps(trial.as_data()))
    assert build_trial(Table(data, "record")) == trial
    assert hash(trial) == hash(build_trial(Table(data, "record")))


@pytest.mark.parametrize("text, found", [
    ("[parameters]\nosteoclast.lief = 28\n", "no parameter 'osteoclast.lief'; did you mean"),
    ("[parameters.osteoclast]\nlife = 900\n", "osteoclast.life = 900 day; expected 1 to 200 day"),
    ("[parameters]\ndrugs.newserm.serm = 2\n", "no parameter 'drugs.newserm.serm'"),
])  # fmt: skip
def test_a_mistake_in_a_trial_has_file_and_line(text, found, tmp_path):
    line = TOP.count("\n") + 2
    with pytest.raises(ValueError, match=rf"toml, line {line}: parameters: {found}"):
        read(TOP + text + ARM, tmp_path)


def test_a_trial_made_in_python_is_refused_as_its_file_would_be():
    trial = load_trial("atac")
    with pytest.raises(ValueError, match=r"osteoclast\.life = 900 day; expected 1 to 200 day"):
        replace(trial, parameters={"osteoclast.life": 900})
    with pytest.raises(ValueError, match="did you mean"):
        replace(trial, parameters={"osteoclast.lief": 9})


def test_published_trials_all_have_the_same_numbers():
    assert [name for name in built_in_trials() if load_trial(name).parameters] == []


def test_set_wins_over_the_trial_and_the_trial_over_what_it_starts_from():
    trial = replace(load_trial("atac"), parameters={"osteoclast.life": 28.0, "time.step": 5.0})
    base = DEFAULTS.with_values({"osteoclast.life": 20.0, "osteoblast.life": 90.0})
    values = trial.model_parameters(base, {"time.step": 3.0}).values()
    assert values["osteoclast.life"] == 28.0
    assert values["osteoblast.life"] == 90.0
    assert values["time.step"] == 3.0
    (case,) = cross([trial], parameters=base)
    assert case.parameters == trial.model_parameters(base)
    assert Case(trial).parameters == trial.model_parameters()
    assert Case(trial, base).parameters == base


def test_t_scores_are_read_by_the_reference_of_the_file(tmp_path):
    patient = "[patient]\nt_score.total_hip = -1.8\n"
    other = "[parameters]\ndensitometry.reference_t_score = -0.5\n"
    bone = [read(TOP + text + patient + ARM, tmp_path).patient.bone for text in ("", other)]
    assert bone[0] > bone[1]


def test_numbers_of_a_trial_that_are_not_used_are_told():
    trial = replace(load_trial("mine.toml"), parameters={"osteoclast.life": 28.0})
    tiny = small(**{"section.height": 0.6, "time.spin_up": 0.5})
    life = re.escape(f"{tiny.osteoclast.life:g}")
    with pytest.warns(
        LikelyMistakeWarning, match=rf"osteoclast\.life is 28 in the trial and {life}"
    ):
        run_trial(trial, tiny, 1)


# Runs and their records


def test_a_run_is_repeated_whatever_its_numbers_came_from(capsys, here):
    (here / "mine.toml").write_text(
        SHORT + "[parameters]\nosteoclast.life = 20\nosteoblast.life=90"
    )
    mine = replace(DEFAULTS.with_values({"osteoclast.erosion": 2.0}), parameter_set="mine-2")
    mine.save("mine-2.toml")
    words = ("run", "mine.toml", "--quick", "--replicates", "1", *TINY, "--parameters", "mine-2.toml",
             "--set", "osteoclast.life=28", "--set", "drugs.newserm.efficacy=0.5", "--out", "out")  # fmt: skip
    assert main(words) == 0
    record = read_record("out/record.json")
    asked = {"osteoclast.life": 28.0, "osteoblast.life": 90.0, "osteoclast.erosion": 2.0,
             "drugs.newserm.efficacy": 0.5, "section.height": 0.6}  # fmt: skip
    assert {name: record["parameters"][name] for name in asked} == asked
    assert record["parameter_set"] == "mine-2"
    (here / "mine-2.toml").unlink()  # the record is enough
    (here / "mine.toml").unlink()
    capsys.readouterr()
    assert main(["reproduce", "out", "--workers", "1"]) == 0
    assert "the same to the last bit" in capsys.readouterr().out


def test_a_number_that_a_drug_does_not_have_by_default_is_repeated():
    words = ("run", "mine.toml", "--quick", "--replicates", "1", *TINY, "--out", "out",
             "--set", "drugs.newserm.suppression=0.5")  # fmt: skip
    assert main(words) == 0
    assert read_record("out/record.json")["parameters"]["drugs.newserm.suppression"] == 0.5
    assert main(["reproduce", "out", "--workers", "1"]) == 0


def test_a_summary_sees_the_gradient_of_fractures(here):
    (here / "mine.toml").write_text(SHORT + '[fracture]\nreference = "none"\n')
    words = ("run", "mine.toml", "--quick", "--replicates", "1", *TINY)
    assert main([*words, "--out", "a"]) == 0
    assert main([*words, "--out", "b", "--set", "fracture.gradient=0"]) == 0
    hazards = [
        next(row["simulated"] for row in read_record(f"{out}/record.json")["results"]["summary"]
             if row["endpoint"] == "fracture_hazard_ratio")
        for out in "ab"
    ]  # fmt: skip
    assert hazards[0] != 1.0
    assert hazards[1] == 1.0


def test_quick_is_quick_whatever_the_trial_says_but_set_wins(here, monkeypatch):
    (here / "mine.toml").write_text(SHORT + "[parameters]\nsection.height = 8\ntime.spin_up = 50\n")
    words = ("run", "mine.toml", "--quick", "--replicates", "1", "--set", "section.width=1.2",
             "--set", "section.cortex=0.5", "--set", "section.height=0.6", "--out", "out")  # fmt: skip
    monkeypatch.setattr("remodel.cli.commands.QUICK", {"section.height": 1.0, "time.spin_up": 1.0})
    assert main(words) == 0
    values = read_record("out/record.json")["parameters"]
    assert (values["section.height"], values["time.spin_up"]) == (0.6, 1.0)


@pytest.mark.parametrize("command", ["run mine.toml", "validate", "view", "movie mine.toml",
                                     "parameters"])  # fmt: skip
def test_every_command_refuses_in_one_line(capsys, command):
    words = command.split()
    wrong = refused(capsys, *words, "--set", "osteoclast.lief=3")
    assert "no parameter 'osteoclast.lief'; did you mean osteoclast.life?" in wrong
    wrong = refused(capsys, *words, "--set", "osteoclast.life=500")
    assert "osteoclast.life = 500.0 day; expected 1 to 200 day" in wrong
    assert "no parameter set 'first'" in refused(capsys, *words, "--parameters", "first")


def test_a_film_of_a_trial_takes_numbers_and_one_of_a_run_does_not(capsys):
    film = read_film("mine.toml", None, 0, 1, DEFAULTS, {"drugs.newserm.efficacy": 0.5})
    assert film.task.parameters.drugs["newserm"].efficacy == 0.5
    words = ("run", "mine.toml", "--quick", "--replicates", "1", *TINY, "--out", "out")
    assert main([*words, "--set", "drugs.newserm.efficacy=0.5"]) == 0
    assert read_film("out", None, 0, 1).task.parameters.drugs["newserm"].efficacy == 0.5
    capsys.readouterr()
    assert "holds the numbers of its run" in refused(
        capsys, "movie", "out", "--set", "osteoclast.life=28"
    )


# The page


@pytest.fixture
def tiny(monkeypatch):
    """Make the default section of the page a tiny one."""
    size = {"section.height": 0.6, "section.width": 1.2, "section.cortex": 0.5, "time.spin_up": 1.0}
    monkeypatch.setitem(SECTIONS, "default", size)


@pytest.mark.usefixtures("tiny")
def test_all_scenes_of_the_page_have_what_was_set(monkeypatch):
    wanted = {"trial": "mine.toml", "values": {"osteoclast.life": 28.0}}
    assert open_scene(wanted)[1].parameters.osteoclast.life == 28.0
    monkeypatch.setenv(OPENING, json.dumps(wanted))
    tab = Tab()
    assert tab.player.model.parameters.osteoclast.life == 28.0
    tab.set_scene(seed=2)
    assert tab.player.model.parameters.osteoclast.life == 28.0
    tab.show(Scene)
    assert tab.player.model.parameters.osteoclast.life == 28.0
    assert "osteoclast.life = 28.0" in tab.player.scene.asked
    tab.close()


@pytest.mark.usefixtures("tiny")
def test_a_section_at_rest_is_not_that_of_other_numbers():
    patient = Scene().arm.patient
    one, two = (
        Scene(values={"osteoclast.life": life}).parameters
        for life in (FITTED["osteoclast.life"], 50.0)
    )
    assert spun_up(patient, one, 1) is spun_up(patient, Scene().parameters, 1)
    matrices = [spun_up(patient, numbers, 1).state["tissue"].matrix for numbers in (one, two)]
    assert (matrices[0] != matrices[1]).any()


@pytest.mark.usefixtures("tiny")
def test_what_was_played_is_repeated_from_its_trial_file_and_its_record(here):
    scene = replace(trial_scene("mine.toml"), values={"drugs.newserm.efficacy": 0.5})
    player = Player(scene)
    player.advance(200)
    (here / "record.json").write_text(record_file(player))
    assert main(["reproduce", "record.json", "--workers", "1"]) == 0
    (here / "played.toml").write_text(trial_file(player))
    trial = load_trial("played.toml")
    assert trial == as_trial(player)
    assert trial.model_parameters() == scene.parameters
    assert main(["run", "played.toml", "--replicates", "1", "--out", "out"]) == 0
    mine, theirs = (read_record(path)["results"] for path in ("record.json", "out/record.json"))
    assert mine["summary"] == theirs["summary"]


# Experiments


def test_an_experiment_starts_from_what_was_set_and_says_so():
    import common

    parser = common.make_parser("Asks.\n\nRUN\npython experiments/a.py  (1 s)\n", 1)
    options = parser.parse_args(
        ["--quick", "--out", "a.json", "--set", "osteoclast.life=28", "--set", "time.spin_up=3"]
    )
    parameters = common.section(options)
    assert parameters.osteoclast.life == 28.0
    assert parameters.time.spin_up == 3.0
    assert parameters.section.height == common.SMALL["section.height"]
    common.write(options, {"runs": []})
    with open("a.json", encoding="utf-8") as file:
        record = json.load(file)
    assert record["parameters"]["osteoclast.life"] == 28.0
    assert record["parameter_set"] == DEFAULT_SET


def test_a_fit_is_written_as_a_set_that_can_be_used(here):
    import calibrate

    found = {name: 1.01 * value for name, value in FITTED.items()}
    default = DEFAULTS.with_values({"osteoclast.erosion": 2.0})
    calibrate.write_set({"calibrated": found}, default, here / "mine-1.toml")
    mine = Parameters.load("mine-1.toml")
    assert mine == replace(default.with_values(found), parameter_set="mine-1")
    assert calibrate.FREE.__len__() == len(FITTED)
    options = calibrate.make_parser().parse_args(["--write-set", "mine-1"])
    with pytest.raises(ValueError, match="is there already"):
        calibrate.set_path(options)
    with pytest.raises(SystemExit):
        calibrate.make_parser().parse_args(["--write-set", DEFAULT_SET])
