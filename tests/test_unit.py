"""The remodeling unit as a level set: the pit, its refilling, perforation, and what units do to each other."""

import numpy as np
import pytest
from helpers import build, hand_made, silent
from scipy.ndimage import label

from remodel import BoneModel, Parameters
from remodel.bone.pit_shape import BORDER, OTHER_SIDE, build_on, cover, crumbs, dig, supported
from remodel.bone.pits import Pits
from remodel.bone.section import OUTSIDE, TRABECULAR, Tissue
from remodel.model.bmu import FILLED, PERFORATED, RESORPTION, UNFILLED
from remodel.model.cells import Osteoblast, Osteoclast
from remodel.parameters.tissue import Unit

UNIT = Unit()
RADIUS, DEPTH, STEEP = UNIT.width / 2, UNIT.reference_depth, UNIT.steepness
SITES = (10.0, 20.0, 40.0)  # um


def half_width(floor):
    """Return half of the width of a pit at the surface of a flat wall, um."""
    return RADIUS * (floor / DEPTH) ** (1 / STEEP)


def area_of_pit(floor):
    """Return the area of a pit in a flat wall, um2."""
    return 2 * half_width(floor) * floor * STEEP / (STEEP + 1)


def covered(inside, site_um, extent):
    """Return the fraction of each site that lies where a function of row and column, um, holds."""
    fine = 5
    rows, columns = (round(length / site_um) for length in extent)
    step = site_um / fine
    y, x = np.ogrid[0 : rows * fine, 0 : columns * fine]
    points = inside((y + 0.5) * step, (x + 0.5) * step)
    return points.reshape(rows, fine, columns, fine).mean(axis=(1, 3))


def thick_wall(site_um, angle=0.0):
    """Return a section of 0.8 mm whose left half is marrow; the wall is tilted by an angle, degrees."""
    slope = np.tan(np.radians(angle))
    return hand_made(
        covered(lambda y, x: x - 400 > slope * (y - 400), site_um, (800, 800)), site_um=site_um
    )


def near(tissue, y, x):
    """Return the surface site nearest to a place, um, and the open site beside it."""
    sites = tissue.surface_sites()
    row, column = np.divmod(sites, tissue.matrix.shape[1])
    away = np.hypot((row + 0.5) * tissue.site_um - y, (column + 0.5) * tissue.site_um - x)
    site = int(sites[away.argmin()])
    return site, tissue.open_beside(site)[0]


def resorb_to(tissue, layout, floor, number=None):
    """Open a unit and lower its floor; return its number."""
    if number is None:
        number = tissue.pits.open()
        tissue.pits.add(number, layout)
    tissue.pits.floor[number] = floor
    tissue.move_floors(0.3)
    return number


def start(model, site, opening, depth):
    """Send an osteoclast to a surface site, to live until its floor is so deep, um."""
    erosion = model.parameters.osteoclast.erosion
    free = model.environment.free_rankl_near(np.array([site]), model.signals)[0]
    apoptosis = model.signals.osteoclast_apoptosis
    apoptosis *= model.parameters.responses.rankl_withdrawal.at(free)
    return model.start_osteoclast(site, opening, depth / erosion * apoptosis, 0.0).unit


def run_to_the_end(model, unit, years=4):
    """Step until a unit has ended."""
    for _ in range(round(years * 365 / model.days)):
        if unit not in model.units:
            break
        model.step()


def undying(tissue, **changes):
    """Return a model of a tissue in which osteoblasts live long and nothing begins by itself."""
    return silent(tissue, osteoblast__life=2000.0, **changes)


@pytest.mark.parametrize("site_um", SITES)
@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0])
def test_a_pit_in_a_flat_wall_has_the_analytic_area_depth_and_width(site_um, angle):
    tissue = thick_wall(site_um, angle)
    before = tissue.matrix.sum()
    site, opening = near(tissue, 400, 400)
    floor = 60.0
    resorb_to(tissue, dig(tissue, site, opening, UNIT), floor)
    area = (before - tissue.matrix.sum()) * site_um**2
    assert area == pytest.approx(area_of_pit(floor), abs=2 * half_width(floor) * 0.25 * site_um)
    gone = np.argwhere(tissue.cavity > 0.5) * site_um
    along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    width = np.ptp(gone @ along) + site_um
    depth = np.ptp(gone @ np.array([-along[1], along[0]])) + site_um
    assert width == pytest.approx(2 * half_width(floor), abs=2 * site_um)
    assert depth == pytest.approx(floor, abs=1.5 * site_um)


@pytest.mark.parametrize("site_um", SITES)
def test_the_area_of_a_pit_is_that_of_measured_cavities(site_um):
    """5418 um2 at 47 um (H007, H037) is what the width was chosen for."""
    assert area_of_pit(47.0) == pytest.approx(5418, rel=0.01)
    tissue = thick_wall(site_um)
    site, opening = near(tissue, 400, 400)
    resorb_to(tissue, dig(tissue, site, opening, UNIT), 47.0)
    assert tissue.cavity.sum() * site_um**2 == pytest.approx(5418, rel=0.08)


def test_a_longer_life_makes_a_deeper_and_wider_pit():
    tissue = thick_wall(10.0)
    site, opening = near(tissue, 400, 400)
    number, widths = None, []
    for floor in (20.0, 40.0, 60.0, 80.0):
        number = resorb_to(tissue, dig(tissue, site, opening, UNIT), floor, number)
        widths.append(np.ptp(np.nonzero(tissue.cavity > 0.5)[0]))
    assert widths == sorted(widths)
    assert widths[-1] > widths[0]


@pytest.mark.parametrize("site_um", SITES)
def test_down_and_up_again_restores_what_was_there(site_um):
    tissue = thick_wall(site_um, 30.0)
    before = tissue.matrix.copy()
    site, opening = near(tissue, 400, 400)
    number = None
    for floor in (13.0, 41.7, 70.0, 33.3, 8.1, 0.0):
        number = resorb_to(tissue, dig(tissue, site, opening, UNIT), floor, number)
        np.testing.assert_allclose(tissue.matrix + tissue.cavity, before, atol=1e-12)
    np.testing.assert_allclose(tissue.matrix, before, atol=1e-12)


@pytest.mark.parametrize("step", [0.5, 3.5, 7.0, 14.0])
def test_the_last_pit_does_not_depend_on_the_step(step):
    """A life that ends amid a step moves the floor by its share."""
    tissue = thick_wall(20.0)
    model = silent(tissue, time__step=step)
    site, opening = near(model.tissue, 400, 400)
    unit = start(model, site, opening, 51.3)
    while unit.phase == RESORPTION:
        model.step()
    assert unit.depth == pytest.approx(51.3)
    expected = thick_wall(20.0)
    resorb_to(expected, dig(expected, site, opening, UNIT), unit.depth)
    np.testing.assert_allclose(model.tissue.matrix, expected.matrix, atol=1e-9)


def canal(site_um, diameter):
    """Return a block of bone with one canal in its middle."""
    return hand_made(
        covered(lambda y, x: np.hypot(y - 400, x - 400) > diameter / 2, site_um, (800, 800)),
        site_um=site_um,
    )


@pytest.mark.parametrize("site_um", [10.0, 20.0])
@pytest.mark.parametrize("diameter", [40.0, 55.0])
def test_a_remodeled_canal_is_a_canal_of_the_same_width_in_a_closed_osteon(site_um, diameter):
    model = undying(canal(site_um, diameter))
    before = model.tissue.matrix.copy()
    unit = start(model, *near(model.tissue, 400, 400), 47.0)
    while unit.phase == RESORPTION:
        model.step()
    around = model.tissue.cavity > 0
    hole = np.argwhere(around | (before < 0.5))
    assert np.ptp(hole, axis=0).min() * site_um > diameter + 40.0  # it goes all the way round
    area = (model.tissue.cavity.sum() + (1 - before).sum()) * site_um**2
    assert 90.0 < 2 * np.sqrt(area / np.pi) < 150.0  # osteons of 120 (SD 21) um, H009
    run_to_the_end(model, unit)
    assert unit.phase == FILLED
    np.testing.assert_allclose(model.tissue.matrix, before, atol=1e-9)


def bar(site_um, thickness):
    """Return a straight trabecula along the long axis with marrow on both sides."""
    edge = 400 - thickness / 2
    return hand_made(
        covered(lambda y, x: (x > edge) & (x < edge + thickness) & (y > -1), site_um, (800, 800)),
        site_um=site_um,
    )


@pytest.mark.parametrize("site_um", [10.0, 20.0])
def test_a_perforated_column_stays_open_and_its_neighbors_heal(site_um):
    thickness, floor = 60.0, 70.0
    model = undying(bar(site_um, thickness))
    before = model.tissue.matrix.sum(axis=1) * site_um
    site, opening = near(model.tissue, 400, 400 - thickness / 2)
    unit = start(model, site, opening, floor)
    run_to_the_end(model, unit)
    assert unit.perforated
    assert model.perforations == 1
    row = (site // model.tissue.matrix.shape[1] + 0.5) * site_um
    cut = RADIUS * ((floor - thickness) / DEPTH) ** (1 / STEEP)  # half of what came out beyond
    along = np.abs((np.arange(len(model.tissue.matrix)) + 0.5) * site_um - row)
    bone = model.tissue.matrix.sum(axis=1) * site_um
    assert (bone[along < cut - site_um] < 0.35 * thickness).all()
    healed = along > cut + 2 * site_um
    np.testing.assert_allclose(bone[healed], before[healed], atol=1e-6)
    assert not model.tissue.cavity.any()
    assert not model.tissue.busy.any()


def test_a_bar_that_is_resorbed_whole_over_the_width_of_a_unit_ends_perforated():
    tissue = bar(20.0, 40.0)
    tissue.matrix[:18], tissue.matrix[22:] = 0.0, 0.0  # an island, less wide than a unit
    model = undying(tissue)
    unit = start(model, *near(model.tissue, 400, 380), 90.0)
    run_to_the_end(model, unit)
    assert unit.phase == PERFORATED
    assert model.tissue.matrix.sum() == 0.0


def test_no_column_of_a_thick_wall_or_a_corner_is_taken_for_perforated():
    for angle in (0.0, 20.0, 30.0, 45.0):
        for floor in (30.0, 60.0, 85.0):
            tissue = thick_wall(20.0, angle)
            number = resorb_to(tissue, dig(tissue, *near(tissue, 400, 400), UNIT), floor)
            pits = tissue.pits
            rows = pits.rows_of(number)
            assert supported(tissue, pits.site[rows], pits.beneath[rows], pits.gone[rows]).all()
    corner = hand_made(covered(lambda y, x: (x > 400) & (y > 400), 20.0, (800, 800)))
    model = undying(corner)
    before = model.tissue.matrix.copy()
    unit = start(model, *near(model.tissue, 400, 400), 47.0)
    run_to_the_end(model, unit)
    assert unit.phase == FILLED
    np.testing.assert_allclose(model.tissue.matrix, before, atol=1e-9)


def test_osteoblasts_that_die_early_leave_what_is_left_open():
    model = silent(thick_wall(20.0), osteoblast__life=1000.0)
    unit = start(model, *near(model.tissue, 400, 400), 60.0)
    while not model.cells_of(Osteoblast):
        model.step()
    [team] = model.cells_of(Osteoblast)
    team.life = 30.0 * model.signals.osteoblast_apoptosis
    expected = unit.floor - 30.0 * model.parameters.osteoblast.apposition
    run_to_the_end(model, unit)
    assert unit.phase == UNFILLED
    assert unit.floor == pytest.approx(expected)
    left = area_of_pit(unit.floor) / 400.0
    assert unit.resorbed - unit.formed == pytest.approx(left, abs=1.0)
    assert not model.tissue.cavity.any()


def test_two_units_side_by_side_share_no_site_and_one_stops_at_the_other():
    model = undying(thick_wall(10.0))
    before = model.tissue.matrix.copy()
    first = start(model, *near(model.tissue, 360, 400), 60.0)
    second = start(model, *near(model.tissue, 440, 400), 60.0)
    pits = model.tissue.pits
    shared = set(pits.site[pits.rows_of(first.number)].tolist())
    shared &= set(pits.site[pits.rows_of(second.number)].tolist())
    assert shared  # both could reach them
    while first in model.units or second in model.units:
        model.step()
        claimed = pits.site[: pits.count][pits.claimed[: pits.count]]
        assert len(np.unique(claimed)) == len(claimed)
        np.testing.assert_allclose(model.tissue.matrix + model.tissue.cavity, before, atol=1e-9)
    assert first.phase == second.phase == FILLED


def test_a_site_that_two_floors_reach_in_one_step_goes_to_the_first():
    tissue = thick_wall(10.0)
    numbers = []
    for y in (380, 420):
        number = tissue.pits.open()
        tissue.pits.add(number, dig(tissue, *near(tissue, y, 400), UNIT))
        tissue.pits.floor[number] = 60.0
        numbers.append(number)
    tissue.move_floors(0.3)
    taken = [tissue.pits.unit_resorbed[number] for number in numbers]
    assert taken[0] == pytest.approx(area_of_pit(60.0) / 100.0, rel=0.05)
    assert taken[1] < 0.7 * taken[0]
    assert sum(taken) == pytest.approx(tissue.cavity.sum())


def test_a_unit_does_not_reach_bone_beyond_another_marrow_space():
    tissue = bar(10.0, 40.0)
    tissue.matrix[:, 46:50] = 1.0  # a second bar, 40 um beyond the first
    site, opening = near(tissue, 400, 380)
    layout = dig(tissue, site, opening, UNIT)
    assert (layout.sites % tissue.matrix.shape[1] < 42).all()


def test_what_lies_beneath_is_told_at_the_other_side_and_at_the_end():
    tissue = bar(20.0, 60.0)
    layout = dig(tissue, *near(tissue, 400, 370), UNIT)
    column = layout.sites % tissue.matrix.shape[1]
    far = layout.beneath[column == column.max()]
    full = tissue.matrix.reshape(-1)[far]
    assert ((far == OTHER_SIDE) | (full < 0.5)).all()
    wall = thick_wall(20.0)
    wall.matrix[:, :37] = 0.0  # three sites of bone before the section ends
    wall.matrix[:, 37:] = 1.0
    layout = dig(wall, *near(wall, 400, 740), UNIT)
    column = layout.sites % wall.matrix.shape[1]
    assert (layout.beneath[column == 39] == BORDER).all()


def test_crumbs_are_pieces_that_hang_on_nothing_and_are_smaller_than_a_pit_is_deep():
    tissue = bar(20.0, 60.0)
    matrix = np.zeros_like(tissue.matrix)
    matrix[:10, 19:22], matrix[30:, 19:22] = 1.0, 1.0
    matrix[20, 20], matrix[21, 20] = 1.0, 0.3
    tissue.matrix[:] = matrix
    tissue.share_memory()
    site = 20 * tissue.matrix.shape[1] + 20
    assert set(crumbs(tissue, site, UNIT).tolist()) == {site, site + tissue.matrix.shape[1]}
    tissue.busy[20, 20] = True  # of another unit
    assert len(crumbs(tissue, site, UNIT)) == 0
    tissue.busy[20, 20] = False
    tissue.matrix[:10], tissue.matrix[30:] = 0.0, 0.0  # nothing else is in sight
    assert set(crumbs(tissue, site, UNIT).tolist()) == {site, site + tissue.matrix.shape[1]}


@pytest.mark.parametrize("rng", [1, 2, 3, 5])
def test_no_crumbs_are_left_in_years_of_remodeling(rng):
    model = build("anastrozole", rng=rng, section__height=2.0)  # of thin trabeculae, which are cut
    model.run(3)
    assert model.perforations > 0
    tissue = model.tissue
    pieces, count = label((tissue.matrix > 0) | tissue.busy)
    sizes = np.bincount(pieces.reshape(-1), tissue.matrix.reshape(-1))
    rims = {*pieces[0].tolist(), *pieces[-1].tolist(), *pieces[:, 0].tolist()}
    held = {*pieces[tissue.busy].tolist()}
    least = (UNIT.reference_depth / tissue.site_um) ** 2
    crumbs_left = [k for k in range(1, count + 1) if sizes[k] < least and k not in rims | held]
    assert not crumbs_left


@pytest.mark.parametrize("site_um", [10.0, 20.0])
@pytest.mark.parametrize("thickness", [5.0, 20.0])
def test_a_layer_beyond_the_surface_has_the_volume_that_it_should(site_um, thickness):
    tissue = thick_wall(site_um)
    site, _ = near(tissue, 400, 400)
    layout, room = build_on(tissue, site, UNIT, thickness, np.zeros(0, dtype=int))
    planned = room * (1 - layout.gone_at(-thickness))
    area = 2 * RADIUS * thickness * STEEP / (STEEP + 1)
    assert planned.sum() * site_um**2 == pytest.approx(area, rel=0.12)
    assert (tissue.matrix.reshape(-1)[layout.sites] + planned <= 1 + 1e-12).all()


def test_a_layer_fills_up_a_site_before_it_begins_the_next_and_leaves_alone_what_others_hold():
    tissue = thick_wall(20.0)
    tissue.matrix[:, 20] = 0.6  # the outermost sites of the wall
    tissue.share_memory()
    site, _ = near(tissue, 400, 410)
    tissue.busy[22, 20] = True
    layout, room = build_on(tissue, site, UNIT, 6.0, np.zeros(0, dtype=int))
    assert 22 * 40 + 20 not in layout.sites.tolist()
    planned = room * (1 - layout.gone_at(-6.0))
    outer = layout.sites % 40 == 20
    assert planned[outer].sum() > 0.8 * planned.sum()


def test_an_anabolic_drug_builds_beyond_the_old_surface():
    model = undying(thick_wall(20.0))
    model.give("teriparatide 0-3")
    before = model.tissue.matrix.sum()
    unit = start(model, *near(model.tissue, 400, 400), 47.0)
    run_to_the_end(model, unit)
    assert unit.phase == FILLED
    assert unit.top < 0.0
    assert unit.formed > unit.resorbed
    assert model.tissue.matrix.sum() > before
    assert not model.tissue.cavity.any()
    assert model.tissue.matrix.max() <= 1.0 + 1e-12


def test_bisphosphonate_is_conserved_and_taken_up_by_the_width():
    uptakes = []
    for site_um in SITES:
        tissue = thick_wall(site_um)
        sites = tissue.surface_sites()
        tissue.bind_drug(sites, tissue.surface_faces(sites), 1.0, 1.5)
        given = tissue.drug_given
        bound = tissue.bisphosphonate.max()
        number = resorb_to(tissue, dig(tissue, *near(tissue, 400, 400), UNIT), 60.0)
        left = tissue.bisphosphonate.sum()
        assert given == pytest.approx(left + tissue.drug_taken_up)
        uptakes.append(tissue.pits.uptake[number] * tissue.site_face / cover(UNIT, 2) / bound)
    assert uptakes == pytest.approx([1.0, 1.0, 1.0], abs=0.17)  # half a site at each rim


def test_what_is_ahead_is_what_will_be_taken_up():
    tissue = thick_wall(20.0)
    sites = tissue.surface_sites()
    tissue.bind_drug(sites, tissue.surface_faces(sites), 1.0, 1.5)
    number = resorb_to(tissue, dig(tissue, *near(tissue, 400, 400), UNIT), 9.0)
    before = tissue.pits.uptake[number]
    tissue.pits.floor[number] = 22.0
    ahead = tissue.pits.drug_ahead(tissue)[number]
    tissue.move_floors(0.3)
    assert tissue.pits.uptake[number] - before == pytest.approx(ahead)


def test_an_osteoclast_with_restraint_leaves_the_last_layer():
    model = silent(bar(20.0, 60.0), osteoclast__restraint=1.0, osteoblast__life=2000.0)
    unit = start(model, *near(model.tissue, 400, 370), 90.0)
    while unit.phase == RESORPTION:
        model.step()
    assert (model.tissue.matrix.sum(axis=1) > 0).all()
    run_to_the_end(model, unit)
    assert not unit.perforated


def test_the_table_of_pits_grows_compacts_and_forgets_nothing():
    pits = Pits()
    tissue = thick_wall(20.0)
    layout = dig(tissue, *near(tissue, 400, 400), UNIT)
    numbers = []
    for k in range(300):
        number = pits.open()
        pits.add(number, layout)
        numbers.append(number)
        if k % 3:
            pits.drop(pits.rows_of(numbers.pop(0)))
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        assert np.array_equal(pits.site[pits.rows_of(number)], layout.sites)
    assert pits.count < 300 * len(layout.sites)
    again = Pits.of(pits.arrays())
    for number in numbers:
        assert np.array_equal(again.begin[again.rows_of(number)], layout.begins)


def cube(matrix, site_um=40.0):
    """Return a volume of one compartment."""
    region = np.full(matrix.shape, TRABECULAR, dtype=np.int8)
    return Tissue(matrix=matrix, region=region, outside=region == OUTSIDE, site_um=site_um)


def test_a_pit_in_a_flat_wall_of_a_volume_is_round():
    matrix = np.zeros((30, 20, 30))
    matrix[:, 10:] = 1.0
    tissue = cube(matrix, 20.0)
    site = int(np.ravel_multi_index((15, 10, 15), matrix.shape))
    floor = 60.0
    layout = dig(tissue, site, tissue.open_beside(site)[0], UNIT)
    resorb_to(tissue, layout, floor)
    volume = np.pi * half_width(floor) ** 2 * floor * STEEP / (STEEP + 2)
    assert tissue.cavity.sum() * 20.0**3 == pytest.approx(volume, rel=0.05)
    gone = np.argwhere(tissue.cavity > 0.5)
    assert np.ptp(gone[:, 0]) == np.ptp(gone[:, 2])
    assert np.ptp(gone[:, 1]) + 1 == 3


def test_a_cube_of_one_millimeter_runs_a_year_by_the_same_laws():
    values = {
        "section.site": 40.0, "section.height": 1.0, "section.width": 1.0, "section.depth": 1.0,
        "section.cortex": 0.3, "section.wavelength": 0.8, "time.spin_up": 0.5,
    }  # fmt: skip
    model = BoneModel("anastrozole", parameters=Parameters().with_values(values), rng=1)
    assert model.tissue.matrix.ndim == 3
    worked = set()
    while model.day < 365:
        before = model.tissue.matrix.sum() - model.tissue.formed.sum() + model.tissue.resorbed.sum()
        since = model.meter.since
        model.step()
        tissue = model.tissue
        if model.meter.since == since:
            after = tissue.matrix.sum() - tissue.formed.sum() + tissue.resorbed.sum()
            assert after == pytest.approx(before, abs=1e-8)
        assert tissue.matrix.min() >= 0.0
        assert tissue.matrix.max() <= 1 + 1e-12
        worked.update(unit.phase for unit in model.units)
    assert worked == {"resorption", "reversal", "formation"}
    assert model.cells_of(Osteoclast)
    assert model.cells_of(Osteoclast)[0].pos is not None
