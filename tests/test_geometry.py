"""Sections lie in the measured ranges; the labels of compartments only sort results."""

import numpy as np
import pytest
from helpers import build, hand_made, same, small, state_of, swap_labels

from remodel import BoneModel, Parameters
from remodel.bone.section import CORTICAL, TRABECULAR
from remodel.bone.synthetic import build_section
from remodel.measurement.histomorphometry import connected, structure

SEEDS = (1, 2, 3, 4, 5, 6)
RANGES = {  # of remodel/clinic/evidence/biology.csv; for a postmenopausal patient where it says
    "BV/TV": (14, 21),  # H050
    "Tb.Th": (124, 210),  # H045 mean less one SD, H046 mean and one SD
    "Tb.Sp": (400, 911),  # H053, H047 mean and one SD
    "BS/BV": (10, 20),  # H054, 2 / Tb.Th
    "Ct.Po": (3, 20),  # H073
    "H.Dm": (30, 70),  # H067
    "H.N/Ct.Ar": (10, 20),  # H070
    "Ct.Th": (0.6, 1.3),  # H068
}


@pytest.fixture(scope="module")
def sections():
    return [build_section(Parameters(), seed) for seed in SEEDS]


@pytest.mark.parametrize("name", sorted({*RANGES} - {"BV/TV", "Ct.Po"}))  # cavities change these
def test_built_sections_lie_in_the_measured_ranges(sections, name):
    region = "trabecular" if name in ("BV/TV", "Tb.Th", "Tb.Sp", "BS/BV") else "cortical"
    low, high = RANGES[name]
    for seed, tissue in zip(SEEDS, sections, strict=True):
        found = structure(tissue, region)[name]
        assert low <= found <= high, f"seed {seed}: {name} = {found:.4g}"


def test_sections_at_day_0_lie_in_the_measured_ranges():
    model = BoneModel(parameters=Parameters(), rng=1)
    for region, names in (
        ("trabecular", ("BV/TV", "Tb.Th", "Tb.Sp", "BS/BV")),
        ("cortical", ("Ct.Po", "H.Dm", "H.N/Ct.Ar", "Ct.Th")),
    ):
        found = structure(model.tissue, region)
        for name in names:
            low, high = RANGES[name]
            assert low <= found[name] <= high, f"{name} = {found[name]:.4g}"


def test_a_seed_gives_the_same_section_and_another_another(sections):
    assert np.array_equal(build_section(Parameters(), 1).matrix, sections[0].matrix)
    assert not np.array_equal(sections[1].matrix, sections[0].matrix)


def test_a_section_has_the_bone_volume_asked_for():
    for volume in (10.0, 20.0, 35.0):
        tissue = build_section(Parameters().with_values({"section.bone_volume": volume}), 1)
        assert structure(tissue, "trabecular")["BV/TV"] == pytest.approx(volume, abs=0.1)


def test_a_section_is_continuous_across_the_periodic_border(sections):
    """Rows at the border are as alike as rows next to each other elsewhere."""
    for tissue in sections:
        bone = tissue.matrix > 0
        unlike = (bone != np.roll(bone, 1, axis=0)).sum(axis=1)
        assert unlike[0] <= unlike[1:].max()


@pytest.mark.parametrize("relabel", ["all cortical", "all trabecular", "swapped"])
def test_relabelling_the_regions_changes_no_fate(relabel):
    models = []
    for changed in (False, True):
        tissue = build_section(small(), 3)
        if changed:
            tissue.region = {
                "all cortical": np.where(tissue.region > 0, CORTICAL, 0),
                "all trabecular": np.where(tissue.region > 0, TRABECULAR, 0),
                "swapped": swap_labels(tissue.region),
            }[relabel].astype(np.int8)
        drugs = (
            "anastrozole 0-1, tamoxifen 0.5-1.5, denosumab 1-2, zoledronate 0-1, teriparatide 1-2"
        )
        model = BoneModel(drugs, parameters=small(), tissue=tissue, rng=3)
        model.run(2)
        models.append(model)
    assert same(*map(state_of, models))
    for region in ("trabecular", "cortical"):
        assert models[0].meter.now[f"{region}_bone"] != models[1].meter.now[f"{region}_bone"]


@pytest.mark.parametrize("shift", [1, 7, 25])
def test_rolling_a_section_along_its_axis_rolls_what_is_measured(shift):
    tissue = build_section(small(), 2)
    rolled = hand_made(np.roll(tissue.matrix, shift, axis=0), site_um=tissue.site_um)
    rolled.region, rolled.outside = tissue.region, tissue.outside
    shape = tissue.matrix.shape

    def mask(of):
        found = np.zeros(shape, dtype=bool)
        found.reshape(-1)[of.surface_sites()] = True
        return found

    assert np.array_equal(mask(rolled), np.roll(mask(tissue), shift, axis=0))
    for region in ("trabecular", "cortical"):
        assert structure(rolled, region) == pytest.approx(structure(tissue, region), nan_ok=True)


def test_surface_is_bone_that_borders_open_marrow():
    tissue = hand_made([[0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0]])
    assert set(tissue.surface_sites()) == {1, 3, 7, 9, 13, 15}


def test_walls_of_a_cavity_under_repair_are_no_surface():
    model = build(responses__recruitment__emax=20.0)
    tissue = model.tissue
    resorbed = np.flatnonzero((tissue.cavity >= 0.5).reshape(-1) & (tissue.matrix == 0).reshape(-1))
    assert resorbed.size
    assert not tissue.open_sites().reshape(-1)[resorbed].any()


def test_the_periosteum_is_no_surface():
    tissue = build_section(small(section__canal_density=0.0), 1)
    row, column = np.divmod(tissue.surface_sites(), tissue.matrix.shape[1])
    edge = np.flatnonzero((tissue.region == CORTICAL).any(axis=0))[-1]
    assert (column < edge).all()
    assert row.size


def test_spaces_are_connected_by_sides_and_across_the_periodic_border():
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 1]], dtype=bool)
    labels = connected(mask, (True, False))
    assert labels[0, 0] == labels[3, 0] != labels[1, 1] == labels[2, 1]
    assert labels[0, 3] == labels[3, 3] != labels[0, 0]
    assert len(np.unique(labels[mask])) == 3
    assert (labels[~mask] == 0).all()
