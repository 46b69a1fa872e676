"""A saved model goes on to the last bit, and no damaged file is taken for one."""

import json
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from helpers import build, small
from test_checkpoint import EVERYTHING, alike, cells_of

from remodel import BoneModel, __version__
from remodel.bone.files import load_section
from remodel.clinic.courses import Course
from remodel.clinic.lifestyle import Change
from remodel.model import files
from remodel.model.bmu import AT_WORK
from remodel.model.files import MODEL, load_model, save_model
from remodel.parameters.drugs import drug
from remodel.parameters.time_steps import YEAR
from remodel.support.archive import read_archive, write_archive
from remodel.support.provenance import OtherVersionWarning, made_by

TINY = {"section__height": 0.8, "section__width": 1.2, "section__cortex": 0.4}
DERIVED = {
    "days",
    "cover",
    "unmineralized_fraction",
    "parameters",
    "patient",
    "seed",
}


def tiny(courses="", rng=9):
    return build(courses, rng=rng, time__spin_up=0.5, **TINY)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a model amid courses and the file that it was saved in."""
    model = build(EVERYTHING, rng=9)
    model.run(1.2)
    path = tmp_path_factory.mktemp("saved") / "model.npz"
    save_model(model, path)
    return model, path


def test_a_loaded_model_goes_on_as_the_uninterrupted_one(saved):
    _, path = saved
    loaded, uninterrupted = load_model(path), build(EVERYTHING, rng=9)
    uninterrupted.run(1.2)
    assert cells_of(loaded)
    for model in (loaded, uninterrupted):
        model.run(0.9)
    alike(loaded, uninterrupted)
    assert loaded.frame().equals(uninterrupted.frame())
    assert loaded.steps == uninterrupted.steps


def test_a_model_saved_after_any_step_is_the_uninterrupted_one(tmp_path):
    """Each step is run by a model that was in a file before it."""
    model, uninterrupted = tiny(EVERYTHING), tiny(EVERYTHING)
    for _ in range(30):
        save_model(model, tmp_path / "model.npz")
        model = load_model(tmp_path / "model.npz")
        model.step()
        uninterrupted.step()
        alike(model, uninterrupted)
    assert model.frame().equals(uninterrupted.frame())


def pits_alike(first, second):
    """Assert that two models have the same pits, row by row, as far as rows are in use."""
    ones, others = first.tissue.pits.arrays(), second.tissue.pits.arrays()
    assert ones.keys() == others.keys()
    for name in ones:
        assert np.array_equal(ones[name], others[name]), name


@pytest.mark.parametrize("depth", [0.0, 0.6])
def test_a_model_saved_amid_units_of_all_phases_is_the_uninterrupted_one(tmp_path, depth):
    """In a section and in a volume; osteoblasts build beyond their surface, drug is bound."""
    changes = {"section__height": 0.6 if depth else 2.0, "section__width": 1.2 if depth else 2.0}
    model = build(
        "teriparatide 0-3, zoledronate 0-1", section__depth=depth, time__spin_up=1.0, **changes
    )
    while not (
        all(model.units_in(phase) for phase in AT_WORK)
        and any(unit.top < 0.0 for unit in model.units)
        and any(0.0 < unit.floor < unit.depth for unit in model.units_in("formation"))
        and model.eroded
    ):
        assert model.day < 3 * YEAR
        model.step()
    save_model(model, tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    pits_alike(model, loaded)
    end = model.day / YEAR + 1.0
    for one in (model, loaded):
        one.run_until(end)
    alike(model, loaded)
    pits_alike(model, loaded)
    assert model.frame().equals(loaded.frame())


def test_a_model_without_any_turnover_to_compare_with_is_saved(tmp_path):
    """Its markers are no numbers, which JSON does not know."""
    models = [BoneModel(parameters=small(**TINY), spin_up=False, rng=1) for _ in range(2)]
    for model in models:
        model.run(0.2)
    assert models[0].frame()["ctx"].isna().any()
    save_model(models[0], tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    for model in (loaded, models[1]):
        model.run(0.3)
    assert loaded.frame().equals(models[1].frame())


def go_on_alike(models, years, path):
    """Put the saved and loaded one in place of the first; see that both go on alike."""
    save_model(models[0], path)
    models[0] = load_model(path)
    for model in models:
        model.run(years)
    alike(*models)
    assert models[0].frame().equals(models[1].frame())


def test_a_drug_of_ones_own_and_a_change_of_life_are_saved_too(tmp_path):
    potion = drug("potion", half_life=30.0, rankl=-0.2)
    parameters = small(time__spin_up=0.5, **TINY).with_drugs([potion])
    models = [BoneModel("potion 0-0.5", parameters=parameters, rng=1) for _ in range(2)]
    for model in models:
        model.change([Change(year=0.3, patient=replace(model.patient, estradiol=200.0))])
        model.run(0.2)
    go_on_alike(models, 0.5, tmp_path / "model.npz")
    assert models[0].signals.estradiol == pytest.approx(200.0)


def test_loading_a_model_is_no_scan(tmp_path):
    """A course that waits for low bone begins at the next yearly visit, not at the loading."""
    waiting = [Course(drug="zoledronate", start=0.5, stop=3.0, below=10.0)]
    models = [tiny(waiting) for _ in range(2)]
    for model in models:
        model.run(0.7)
    go_on_alike(models, 0.8, tmp_path / "model.npz")
    assert models[0].tissue.drug_given > 0


def test_all_that_a_model_holds_is_saved_or_follows_from_it():
    """Who adds a state to the model must add it here and to the checkpoint."""
    mesas = set(vars(BoneModel.__mro__[1](rng=1)))
    held = set(vars(tiny())) - mesas - DERIVED - {"datacollector"}
    there = set(files.COUNTS) - {"steps"}
    assert held == there | {
        "tissue", "signals", "environment", "meter", "treatment", "changes",
        "units_by_phase", "visits", "drive",
    }  # fmt: skip
    assert set(vars(tiny().meter)) == {*files.READINGS, "model"}


def test_equal_models_have_equal_files(saved, tmp_path):
    _, path = saved
    save_model(load_model(path), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()
    assert [item.name for item in tmp_path.iterdir()] == ["again.npz"]


def test_a_truncated_file_is_refused_wherever_it_ends(saved, tmp_path):
    whole = saved[1].read_bytes()
    path = tmp_path / "model.npz"
    for length in (0, 1, 3, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"model\.npz: is no archive .*cut short"):
            load_model(path)


def test_a_saved_model_may_be_edited(saved, tmp_path):
    with np.load(saved[1]) as file:
        arrays = {name: file[name] for name in file.files}
    row, column = np.argwhere(arrays["matrix"] == 1.0)[0]
    arrays["matrix"][row, column] = 0.5
    np.savez_compressed(tmp_path / "model.npz", **arrays)
    assert load_model(tmp_path / "model.npz").tissue.matrix[row, column] == 0.5


def rewritten(path, to, kind=MODEL, **changes):
    """Write a file again with some of its record changed."""
    arrays, record = read_archive(path, kind, 1 << 30)
    record.pop("kind")
    write_archive(to, kind, arrays, record | changes)


def test_a_model_of_another_version_goes_on_with_a_warning(saved, tmp_path):
    rewritten(saved[1], tmp_path / "other.npz", made_by=made_by() | {"remodel": "0.0.9"})
    said = rf"other\.npz: other versions \(remodel 0\.0\.9 in place of {__version__}\); "
    with pytest.warns(OtherVersionWarning, match=said) as notes:
        other = load_model(tmp_path / "other.npz")
    assert notes[0].filename == __file__
    alike(other, load_model(saved[1]))


def test_a_model_of_the_first_design_says_what_to_do(saved, tmp_path):
    arrays, record = read_archive(saved[1], MODEL, 1 << 30)
    record.pop("kind")
    write_archive(tmp_path / "old.npz", "remodel model, 2", arrays, record)
    with pytest.raises(
        ValueError, match=r"^[^\n]*old\.npz: .*make it anew, or open it with[^\n]*$"
    ):
        load_model(tmp_path / "old.npz")


@pytest.mark.parametrize("spoil", [
    {"pits_site": lambda rows: rows + 10**6}, {"pits_unit": lambda rows: rows + 10**6},
    {"pits_begin": lambda rows: rows[:-1]}, {"pits_floor": lambda units: units[:3]},
], ids=lambda spoil: next(iter(spoil)))  # fmt: skip
def test_pits_that_do_not_fit_the_section_are_refused(saved, tmp_path, spoil):
    arrays, record = read_archive(saved[1], MODEL, 1 << 30)
    record.pop("kind")
    arrays |= {name: change(arrays[name]) for name, change in spoil.items()}
    write_archive(tmp_path / "bad.npz", MODEL, arrays, record)
    with pytest.raises(ValueError, match=r"bad\.npz: holds no complete model"):
        load_model(tmp_path / "bad.npz")


@pytest.mark.parametrize(
    "name, value",
    [("cells", {}), ("seed", None), ("doses", {}), ("site_um", "x"), ("signals", {"wings": 2})],
)
def test_a_file_that_lacks_a_part_is_refused(saved, tmp_path, name, value):
    rewritten(saved[1], tmp_path / "bad.npz", **{name: value})
    with pytest.raises(ValueError, match=r"bad\.npz: holds no complete model"):
        load_model(tmp_path / "bad.npz")


def pickled():
    """Return an archive whose array would run code if it were unpickled."""
    buffer = BytesIO()
    np.savez(buffer, record=np.array([{"a": 1}], dtype=object))
    return buffer.getvalue()


class Burglar:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("load", [load_model, load_section])
def test_nothing_in_a_file_is_run(tmp_path, load):
    np.savez(tmp_path / "a.npz", record=np.array([Burglar(str(tmp_path / "in"))], dtype=object))
    with pytest.raises(ValueError, match="is no archive"):
        load(tmp_path / "a.npz")
    assert not (tmp_path / "in").exists()


def test_a_full_disk_leaves_the_file_that_was_there(saved, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "model.npz").write_bytes(saved[1].read_bytes())
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        save_model(saved[0], tmp_path / "model.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]
    assert (tmp_path / "model.npz").read_bytes() == saved[1].read_bytes()


def zipped(name, content):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 100, pickled(), zipped("a.txt", "x"), zipped("record.npy", "x"), zipped("a", "")],
    ids=["nothing", "letters", "pickle", "text", "record", "empty"],  # an archive holds the time
)
@pytest.mark.parametrize("load", [load_model, load_section])
def test_a_foreign_file_is_refused(tmp_path, content, load):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz: is no archive"):
        load(tmp_path / "a.npz")


@pytest.mark.parametrize("load", [load_model, load_section])
def test_what_is_not_there_cannot_be_read(tmp_path, load):
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "nothing.npz")
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path)


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(monkeypatch, saved):
    monkeypatch.setattr("remodel.model.files.LARGEST", 1000)
    with pytest.raises(ValueError, match=r"unpacks to \d+ bytes; expected at most 1000"):
        load_model(saved[1])


def test_a_record_in_a_file_is_json(saved):
    with np.load(saved[1], allow_pickle=False) as file:
        record = json.loads(file["record"].tobytes())
    assert {"made_by", "parameters", "patient", "courses", "seed"} <= set(record)
