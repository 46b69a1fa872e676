"""A section in a file comes back as it was, or is refused."""

import numpy as np
import pytest
from helpers import same, small, state_of
from test_saving import TINY, rewritten, saved, tiny

from remodel import BoneModel
from remodel.bone.files import SECTION, load_section, save_section, section_sum
from remodel.model.files import load_model
from remodel.support.archive import read_archive, write_archive

__all__ = ["saved"]  # a fixture


def test_a_section_is_no_model_and_a_model_no_section(saved, tmp_path):
    save_section(saved[0].tissue, tmp_path / "section.npz")
    with pytest.raises(ValueError, match=r"holds 'remodel section, 2'; expected 'remodel model"):
        load_model(tmp_path / "section.npz")
    with pytest.raises(ValueError, match=r"holds 'remodel model, 3'; expected 'remodel section"):
        load_section(saved[1])


def test_a_section_comes_back_as_it_was(tmp_path):
    tissue = tiny().tissue
    save_section(tissue, tmp_path / "section.npz")
    loaded = load_section(tmp_path / "section.npz")
    for name in ("matrix", "unmineralized", "region", "outside"):
        assert np.array_equal(getattr(loaded, name), getattr(tissue, name))
    assert section_sum(loaded) == section_sum(tissue)
    assert not loaded.busy.any()


def test_a_model_of_a_loaded_section_is_that_of_the_section(tmp_path):
    tissue = tiny().tissue
    save_section(tissue, tmp_path / "section.npz")
    bare = [load_section(tmp_path / "section.npz") for _ in range(2)]
    first, second = (BoneModel("", None, small(**TINY), section, rng=1) for section in bare)
    assert same(state_of(first), state_of(second))


@pytest.mark.parametrize(
    "name, spoil, expected",
    [
        ("matrix", lambda m: m + 0.5, "out of range"),
        ("matrix", lambda m: m * np.nan, "out of range"),
        ("matrix", lambda m: m * 0, "out of range|no bone"),
        ("matrix", lambda m: m[:-1], "shapes"),
        ("matrix", lambda m: m[0], "shapes"),
        ("matrix", lambda m: m.astype("f4"), "it has"),
        ("region", lambda m: m + np.int8(9), "compartment"),
    ],
    ids=["above one", "no number", "no bone", "shorter", "flat", "other type", "unknown label"],
)
def test_arrays_that_are_no_section_are_refused(tmp_path, name, spoil, expected):
    path = tmp_path / "section.npz"
    save_section(tiny().tissue, path)
    arrays, record = read_archive(path, SECTION, 1 << 30)
    record.pop("kind")
    arrays[name] = spoil(arrays[name])
    write_archive(path, SECTION, arrays, record)
    with pytest.raises(ValueError, match=rf"section\.npz: holds no section: .*({expected})"):
        load_section(path)


@pytest.mark.parametrize("size", [-1, 0, 1000, "x", None])
def test_a_nonsensical_site_size_is_refused(tmp_path, size):
    path = tmp_path / "section.npz"
    save_section(tiny().tissue, path)
    rewritten(path, path, SECTION, site_um=size)
    with pytest.raises(ValueError, match="holds no section: site size"):
        load_section(path)
