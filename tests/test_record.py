"""A record is enough to repeat a run to the last bit, and no other file is taken for one."""

import json
from math import nan

import pytest
from helpers import small

from remodel.clinic.trial_files import load_trial
from remodel.report.trial_run import OUTPUTS, RUNS, reproduce_run, run_job
from remodel.runs.record import FORMAT, PROVENANCE, checksum, read_record, record_text
from remodel.support.provenance import OtherVersionWarning, made_by

TINY = {"section__height": 0.6, "section__width": 1.2, "section__cortex": 0.5}
TRIAL = """\
name = "tiny"
on_treatment = 0.5
visits = [0.25, 0.5]
sites = ["lumbar_spine", "ctx"]
[patient]
age = 61
[[arm]]
name = "drug"
[[arm.course]]
drug = "zoledronate"
dose = 0.8
[[arm]]
name = "none"
[[published]]
arm = "drug"
against = "none"
site = "ctx"
year = 0.5
value = -60
[fracture]
reference = "none"
"""


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    file = tmp_path_factory.mktemp("trial") / "tiny.toml"
    file.write_text(TRIAL)
    return load_trial(file)


@pytest.fixture(scope="module")
def folder(trial, tmp_path_factory):
    """Return the folder of a finished run."""
    folder = tmp_path_factory.mktemp("results") / "tiny"
    run_job(trial, small(**TINY, osteoblast__life=150), 2, 5, 1, folder, progress=False)
    return folder


def test_a_run_leaves_every_output_and_nothing_half_written(folder):
    assert {path.name for path in folder.iterdir()} == {*OUTPUTS, RUNS}
    runs = sorted(path.name for path in (folder / RUNS).iterdir())
    assert runs == ["0000-000.json", "0000-001.json", "ensemble.json"]


def test_a_record_is_enough_to_repeat_the_run(folder):
    frame, differences = reproduce_run(read_record(folder / "record.json"))
    assert differences == []
    assert frame.to_csv(index=False, lineterminator="\n") == (folder / "replicates.csv").read_text()


def test_equal_runs_have_equal_files(trial, folder, tmp_path):
    run_job(trial, small(**TINY, osteoblast__life=150), 2, 5, 1, tmp_path / "b", progress=False)
    for name in OUTPUTS:
        assert (tmp_path / "b" / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.parametrize("off", [0.0, 1.0])
def test_a_run_with_another_follow_up_can_be_repeated(off, tmp_path):
    trial = load_trial("abcsg18").with_years_off(off)
    run_job(trial, small(**TINY, time__spin_up=1), 1, 5, 1, tmp_path / "a", progress=False)
    assert reproduce_run(read_record(tmp_path / "a" / "record.json"))[1] == []


@pytest.mark.parametrize("name, value", [("seed", 6), ("replicates", 1), ("step_days", 3.5)])
def test_other_causes_are_named(name, value, folder):
    record = read_record(folder / "record.json") | {name: value}
    record["results"]["replicates_csv_sha256"] = "other"
    _, [difference] = reproduce_run(record)
    assert difference.startswith("not the same; the summary differs by up to")
    if name == "step_days":
        assert difference.endswith("under other step days")


OTHER = made_by() | {"remodel": "0.0.9", "commit": "0123abcd"}


@pytest.mark.parametrize("where", ["made_by", "runs_made_by"])
def test_a_record_of_another_version_is_repeated_with_a_warning(folder, where):
    record = read_record(folder / "record.json")
    record[where] = OTHER if where == "made_by" else [record["made_by"], OTHER]
    said = r"^record: other versions \(remodel 0\.0\.9 in place of .*; numbers may differ$"
    with pytest.warns(OtherVersionWarning, match=said) as notes:
        _, differences = reproduce_run(record)
    assert (len(notes), differences) == (1, [])
    record["results"]["replicates_csv_sha256"] = "other"
    with pytest.warns(OtherVersionWarning):
        _, [difference] = reproduce_run(record)
    assert difference.endswith("made under other versions")


@pytest.mark.parametrize("value", [None, 3, "x", [], [3], {"remodel": ["\x1b[2J"]}])
def test_nonsense_in_place_of_versions_is_another_version(folder, value):
    record = read_record(folder / "record.json") | {"runs_made_by": [value]}
    with pytest.warns(OtherVersionWarning, match=r"^record: other versions ") as notes:
        reproduce_run(record)
    assert str(notes[0].message).isprintable()


def test_a_folder_of_another_version_goes_on_with_what_is_there(trial, tmp_path):
    """What the older version made is kept, and the record says who made what."""
    made = [tmp_path / "new", tmp_path / "old"]
    for path in made:
        run_job(trial, small(**TINY), 2, 5, 1, path, progress=False)
    new, old = made
    for path in (old / RUNS / "0000-000.json", old / RUNS / "ensemble.json", old / "record.json"):
        record = json.loads(path.read_text())
        path.write_text(record_text(record | {"made_by": OTHER}))
    kept = (old / RUNS / "0000-000.json").read_bytes()
    (old / RUNS / "0000-001.json").unlink()
    said = rf"{RUNS}: other versions \(remodel 0\.0\.9 in place of"
    with pytest.warns(OtherVersionWarning, match=said) as notes:
        run_job(trial, small(**TINY), 2, 5, 1, old, progress=False)
    assert len(notes) == 1
    assert (old / RUNS / "0000-000.json").read_bytes() == kept
    assert (old / "replicates.csv").read_bytes() == (new / "replicates.csv").read_bytes()
    record = read_record(old / "record.json")
    assert record.pop("runs_made_by") == [OTHER, made_by()]
    assert record == read_record(new / "record.json")


def test_an_unfinished_run_is_not_repeated(folder):
    with pytest.raises(ValueError, match="not finished"):
        reproduce_run(read_record(folder / "record.json") | {"results": None})


def test_a_record_of_another_model_is_refused(folder):
    record = read_record(folder / "record.json")
    values = record["parameters"]
    life = values.pop("osteoblast.life")
    with pytest.raises(ValueError, match=r"no value of osteoblast\.life"):
        reproduce_run(record)
    values |= {"osteoblast.life": life, "osteoblast.wings": 2.0}
    with pytest.raises(ValueError, match=r"no parameter 'osteoblast\.wings'"):
        reproduce_run(record)


@pytest.mark.parametrize("name", [*PROVENANCE, "results"])
def test_a_record_that_lacks_a_part_or_has_another_kind_is_refused(folder, tmp_path, name):
    record = json.loads((folder / "record.json").read_text())
    path = tmp_path / "record.json"
    path.write_text(json.dumps({key: record[key] for key in record if key != name}))
    with pytest.raises(
        ValueError, match=rf"record\.json: is (no|an incomplete) .*({name}|expected format)"
    ):
        read_record(path)
    path.write_text(json.dumps(record | {name: ["x"]}))
    with pytest.raises(
        ValueError, match=rf"record\.json: is (no|an incomplete) .*({name}|expected format)"
    ):
        read_record(path)


def test_a_record_may_be_edited(folder, tmp_path):
    record = read_record(folder / "record.json") | {"seed": 6, "note": "mine"}
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record))
    assert reproduce_run(read_record(path))[1]


def test_a_truncated_record_is_refused_wherever_it_ends(folder, tmp_path):
    text = (folder / "record.json").read_text()
    path = tmp_path / "record.json"
    for length in (0, 1, len(text) // 2, len(text) - 3):
        path.write_text(text[:length])
        with pytest.raises(ValueError, match="is no record, or cut short"):
            read_record(path)


@pytest.mark.parametrize("text", ["3", "[]", "{}", "null", '{"format": "other"}', "x"])
def test_a_foreign_file_is_refused(tmp_path, text):
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"record\.json: is no record"):
        read_record(path)


@pytest.mark.parametrize("bad", [b"\xff\xfe", None])
def test_what_cannot_be_read_is_refused(tmp_path, bad):
    path = tmp_path / "record.json"
    if bad:
        path.write_bytes(bad)
    with pytest.raises(ValueError, match=r"record\.json"):
        read_record(path)
    with pytest.raises(ValueError, match="cannot be read"):
        read_record(tmp_path)


def test_a_checksum_does_not_depend_on_the_order_of_keys():
    assert checksum({"a": 1, "b": 2}) == checksum({"b": 2, "a": 1}) != checksum({"a": 1, "b": 3})
    with pytest.raises(ValueError, match="JSON"):
        record_text({"format": FORMAT, "x": nan})


def test_a_folder_with_another_run_is_refused_by_what_is_other(trial, folder):
    before = (folder / "record.json").read_bytes()
    with pytest.raises(ValueError, match=r"another run \(other parameters, seed\).*another --out"):
        run_job(trial, small(**TINY), 2, 6, 1, folder, progress=False)
    assert (folder / "record.json").read_bytes() == before


def test_a_folder_with_other_files_is_refused(trial, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="holds files but no run"):
        run_job(trial, small(**TINY), 1, 1, 1, tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_picture_that_is_gone_is_drawn_again(trial, tmp_path):
    for name in ("a", "b"):
        run_job(trial, small(**TINY), 2, 5, 1, tmp_path / name, progress=False)
    (tmp_path / "a" / "sections.png").unlink()
    run_job(trial, small(**TINY), 2, 5, 1, tmp_path / "a", progress=False)
    for name in OUTPUTS:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
