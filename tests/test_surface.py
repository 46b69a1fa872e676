"""Surface is measured along the bone, on any grid, at any slant; what reaches far does not see the grid."""

from math import radians, tan

import numpy as np
import pytest
from helpers import hand_made, silent
from test_unit import covered, cube

from remodel.bone.blocks import Blocks, box_mean
from remodel.bone.section import beside

SITES = (10.0, 20.0, 40.0)  # um


def surface_um(tissue, kept=None):
    """Return the length of the surface, um; `kept` tells which sites count by row and column."""
    sites = tissue.surface_sites()
    faces = tissue.surface_faces(sites)
    if kept is not None:
        rows, columns = np.divmod(sites, tissue.matrix.shape[1])
        faces = faces[kept((rows + 0.5) * tissue.site_um, (columns + 0.5) * tissue.site_um)]
    return faces.sum() * tissue.site_um


@pytest.mark.parametrize("site_um", SITES)
@pytest.mark.parametrize("angle", [0.0, 10.0, 20.0, 30.0, 45.0])
def test_a_tilted_slab_has_its_length_of_surface(site_um, angle):
    size, slope = 3200.0, tan(radians(angle))
    tissue = hand_made(
        covered(lambda y, x: x - 1600 > slope * (y - 1600), site_um, (size, size)), site_um=site_um
    )
    reach = 720.0  # away from the periodic border, where the slab ends
    found = surface_um(tissue, lambda y, _: np.abs(y - 1600) < reach)
    assert found == pytest.approx(2 * reach / np.cos(radians(angle)), rel=0.03)


@pytest.mark.parametrize("site_um", SITES)
@pytest.mark.parametrize("bone_inside", [True, False])
def test_a_disk_and_a_hole_have_their_perimeter(site_um, bone_inside):
    radius = 600.0
    tissue = hand_made(
        covered(
            lambda y, x: (np.hypot(y - 1013, x - 991) < radius) == bone_inside,
            site_um,
            (2000, 2000),
        ),
        site_um=site_um,
    )
    assert surface_um(tissue) == pytest.approx(2 * np.pi * radius, rel=0.03)


@pytest.mark.parametrize("site_um", [10.0, 20.0])
def test_a_canal_has_its_perimeter(site_um):
    found = [
        surface_um(
            hand_made(
                covered(lambda y, x, at=at: np.hypot(y - at, x - at) > 27.5, site_um, (400, 400)),
                site_um=site_um,
            )
        )
        for at in np.linspace(190, 210, 9)
    ]
    # A dozen sites, whose directions are told from a box half as wide as the canal.
    assert np.mean(found) == pytest.approx(np.pi * 55.0, rel=0.12)


@pytest.mark.parametrize("site_um", [20.0, 40.0])
@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.4, 0.0), (0.5, 0.3)])
def test_a_tilted_plane_of_a_volume_has_its_area(site_um, slope):
    n = round(1200 / site_um)
    y, x, z = np.meshgrid(*[(np.arange(n) + 0.5) * site_um - 600] * 3, indexing="ij")
    tissue = cube((x > slope[0] * y + slope[1] * z).astype(float), site_um)
    sites = tissue.surface_sites()
    place = np.array(np.unravel_index(sites, tissue.matrix.shape)) * site_um + 0.5 * site_um - 600
    inside = (np.abs(place[0]) < 300) & (np.abs(place[2]) < 300)
    found = tissue.surface_faces(sites)[inside].sum() * site_um**2
    normal = np.sqrt(1 + slope[0] ** 2 + slope[1] ** 2)
    count = (np.abs((np.arange(n) + 0.5) * site_um - 600) < 300).sum() * site_um
    assert found == pytest.approx(count**2 * normal, rel=0.04)


@pytest.mark.parametrize("site_um", [20.0, 40.0])
def test_a_ball_has_its_area(site_um):
    n, radius = round(1000 / site_um), 360.0
    y, x, z = np.meshgrid(*[(np.arange(n) + 0.5) * site_um - 495] * 3, indexing="ij")
    tissue = cube((np.sqrt(y**2 + x**2 + z**2) < radius).astype(float), site_um)
    found = tissue.surface_faces(tissue.surface_sites()).sum() * site_um**2
    assert found == pytest.approx(4 * np.pi * radius**2, rel=0.05)


def test_a_box_between_odd_sizes_lies_between_them():
    values = np.random.default_rng(1).random((40, 40)).astype(np.float32)
    last = box_mean(values, 3.0, (True, True))
    for size in np.linspace(3.0, 9.0, 61)[1:]:
        found = box_mean(values, size, (True, True))
        assert np.abs(found - last).max() < 0.06  # no jump
        assert found.mean() == pytest.approx(values.mean(), rel=1e-5)
        last = found
    half = box_mean(values, 4.0, (True, True))[5, 5]
    weights = np.array([0.5, 1, 1, 1, 0.5])
    assert half == pytest.approx(weights @ values[3:8, 3:8] @ weights / 16, rel=1e-5)


def test_a_mean_on_blocks_is_that_on_sites():
    field = np.cumsum(np.random.default_rng(2).normal(size=(200, 200)), axis=0)
    field = box_mean(field.astype(np.float32), 9, (True, False))
    fine, coarse = (Blocks(field.shape, site_um, (True, False)) for site_um in (20.0, 20.0))
    fine.side, fine.block_um = 1, 20.0
    found = [b.spread(b.around(b.mean(field), 500.0)) for b in (fine, coarse)]
    assert coarse.side > 1
    assert np.abs(found[1] - found[0]).std() < 0.03 * np.ptp(found[0])


def test_blocks_fill_a_periodic_axis_and_are_cut_at_the_end_of_another():
    blocks = Blocks((30, 31), 10.0, (True, False))
    assert blocks.side == 5
    assert blocks.mean(np.ones((30, 31), dtype=np.float32)).shape == (6, 7)
    assert Blocks((31, 30), 10.0, (True, False)).side == 1
    numbers = blocks.number(np.array([0, 4, 5, 31 * 5]))
    assert numbers.tolist() == [0, 0, 1, 7]
    sums = blocks.sums(numbers, np.array([1.0, 2.0, 4.0, 8.0]))
    assert (sums[0, 0], sums[0, 1], sums[1, 0]) == (3.0, 4.0, 8.0)


def test_beside_goes_round_periodic_axes_only():
    mask = np.zeros((4, 4), dtype=bool)
    mask[0, 0] = True
    found = np.argwhere(beside(mask, (True, False))).tolist()
    assert found == [[0, 1], [1, 0], [3, 0]]


@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_osteoclasts_come_per_length_of_surface(angle):
    """Whatever the sites and the slant: expected activations a year, from the rates themselves."""
    found = []
    slope = tan(radians(angle))
    for site_um in SITES:
        tissue = hand_made(
            covered(lambda y, x: x - 1600 > slope * (y - 1600), site_um, (3200, 3200)),
            site_um=site_um,
        )
        model = silent(tissue, responses__recruitment__emax=5.0, time__spin_up=0.0)
        place = model.environment
        rate = model.drive * place.supply * place.area / model.cover
        rows = place.surface // tissue.matrix.shape[1] * site_um
        middle = np.abs(rows - 1600) < 700
        found.append(rate[middle].sum() * np.cos(radians(angle)))
        length = 1.4 / np.cos(radians(angle))  # mm
        assert place.area[middle].sum() == pytest.approx(length, rel=0.05)
    assert found == pytest.approx([found[1]] * 3, rel=0.05)


def test_rankl_is_lower_where_strain_is_high_and_osteoblasts_add_opg():
    model = silent(hand_made(covered(lambda y, x: (x > 300) & (y > 0), 20.0, (800, 800))))
    model.parameters = model.parameters.with_values({"strain.rankl": 1.0, "osteoblast.opg": 3.0})
    place = model.environment
    place.parameters = model.parameters
    place.habitual = place.habitual * 2.0
    place.renew(model.tissue, place.surface[:5])
    assert (place.rankl < 0.75).all()
    assert place.opg[0] > place.opg[len(place.opg) // 2] >= 1.0
    free = place.free_rankl(model.signals)
    assert free[0] < free[len(free) // 2]
    near = place.free_rankl_near(place.surface, model.signals)
    np.testing.assert_allclose(near, free, rtol=1e-6)


def test_recruitment_follows_the_field_site_by_site():
    model = silent(hand_made(covered(lambda y, x: x > 300 + 0 * y, 20.0, (1600, 800))))
    model.environment.opg = np.where(np.arange(len(model.environment.opg)) < 40, 50.0, 1.0)
    drive = model.recruitment_drive()
    assert drive[:40].max() < drive[40:].min()
    assert drive.max() > 0.0
