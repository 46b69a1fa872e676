"""The section, the curves and the BMU up close show what the model holds."""

import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import build, silent, small, wall
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter, minimum_filter

from remodel import BoneModel
from remodel.clinic.trials import Published
from remodel.model.bmu import ENDS, FORMATION, RESORPTION, REVERSAL
from remodel.model.cells import Osteoclast
from remodel.model.observer import COLUMNS
from remodel.model.places import in_plane, site_in_plane
from remodel.model.snapshot import take_snapshot
from remodel.report.section_painter import (
    ERODED,
    FIRST,
    FORMING,
    LINE,
    NEW,
    OPEN,
    OUT,
    SHADES,
    paint_section,
)
from remodel.report.section_picture import plot_section
from remodel.viewer.bmu_tracker import PHASES, REST, Follower, find_bmu
from remodel.viewer.curves import (
    LEFT,
    PANELS,
    bars,
    draw_curves,
    draw_panel,
    published_points,
    read_line,
    scaled,
    span_of,
    ticks,
    written,
)
from remodel.viewer.legend import KEYS, legend_html
from remodel.viewer.overlays import CHOICES, OVERLAYS, shown
from remodel.viewer.player import Player
from remodel.viewer.readout import QUANTITIES, doses, readout
from remodel.viewer.scene import Scene, trial_scene
from remodel.viewer.section_image import (
    COLOR_OF,
    GRAY,
    INK,
    SCALE,
    as_picture,
    as_png,
    draw_close_up,
    draw_section,
    paint,
    palette,
)

BUILT = build()
SVG = "{http://www.w3.org/2000/svg}"


def painted(model, points=1):
    return paint_section(take_snapshot(model), points)


def middle(image, points):
    """Return the color of the middle of each site."""
    return image[points // 2 :: points, points // 2 :: points]


def test_bone_marrow_and_outside_have_their_colors():
    model = build()
    tissue, image = model.tissue, painted(model)
    beside = maximum_filter(tissue.matrix, 3, mode=("wrap", "nearest"))
    within = minimum_filter(tissue.matrix, 3, mode=("wrap", "nearest"))
    assert set(np.unique(image[tissue.outside & (beside == 0)])) == {OUT}
    away = (beside == 0) & ~tissue.outside & ~tissue.busy
    assert set(np.unique(image[away])) == {OPEN}
    bone = image[within == 1.0]
    assert bone.size > 100
    assert ((bone >= NEW) & (bone < FIRST + SHADES)).all()


def test_younger_bone_is_lighter_and_the_newest_is_osteoid():
    tissue = wall(10, first=5)
    tissue.unmineralized[:, 8:11], tissue.unmineralized[:, 11:] = 0.15, 0.3
    tissue.unmineralized[:, 15:] = 0.0
    model = BoneModel(parameters=small(), tissue=tissue, rng=1, spin_up=False)
    old, young, new = painted(model)[4, [6, 9, 13]]
    assert FIRST <= young < old
    assert new == NEW


@pytest.mark.parametrize("site_um", [10.0, 20.0, 40.0])
def test_a_cement_line_is_a_thin_line_where_new_bone_meets_old(site_um):
    tissue = wall(12, first=4, site_um=site_um)
    tissue.unmineralized[:, 10:16] = 0.2
    model = BoneModel(parameters=small(), tissue=tissue, rng=1, spin_up=False)
    for points in (3, 4, 5):
        line = painted(model, points)[points:-points] == LINE
        columns = np.flatnonzero(line.any(axis=0))
        assert set(line.sum(axis=1)) <= {1, 2}
        assert abs(columns.mean() + 0.5 - 10 * points) <= 1


def test_bone_of_one_age_has_no_cement_line():
    tissue = wall(6)
    tissue.unmineralized[:, 8:14] = 0.2
    model = BoneModel(parameters=small(), tissue=tissue, rng=1, spin_up=False)
    assert not (painted(model, 4) == LINE).any()


@pytest.mark.parametrize("site_um", [10.0, 20.0, 25.0])
def test_a_cavity_is_eroded_and_then_to_be_refilled(site_um):
    rows = round(400 / site_um)
    model = silent(wall(rows // 2, rows, 2 * rows, rows, site_um))
    site = rows // 2 * 2 * rows + rows
    unit = model.start_osteoclast(site, site - 1, 20.0, 0.0).unit
    seen = {}
    while unit.phase not in ENDS:
        model.step()
        image = painted(model, 4)
        seen.setdefault(unit.phase, []).append(
            [(image == each).sum() for each in (ERODED, FORMING)]
        )
    side = (site_um / 4) ** 2  # um2 of a point
    deepest = side * max(eroded for eroded, _ in seen[REVERSAL])
    assert deepest == pytest.approx(unit.resorbed * site_um**2, rel=0.25)
    assert all(forming == 0 for _, forming in seen[RESORPTION] + seen[REVERSAL])
    assert all(eroded == 0 for eroded, _ in seen[FORMATION])
    left = [forming for _, forming in seen[FORMATION]]
    assert left[0] > 0.7 * deepest / side
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize("site_um", [10.0, 20.0, 25.0, 40.0])
def test_cells_lie_on_the_floor_of_their_unit(site_um):
    """An osteoclast in the middle of its lacuna, osteoblasts in a row along the seam."""
    rows = round(400 / site_um)
    model = silent(wall(rows // 2, rows, 2 * rows, rows, site_um))
    site = rows // 2 * 2 * rows + rows
    unit = model.start_osteoclast(site, site - 1, 20.0, 0.0).unit
    rowed = 0
    while unit.phase not in ENDS:
        cells = take_snapshot(model).cells
        place = {name: (at - (rows // 2 + 0.5, rows)) * site_um for name, at in cells.items()}
        depth = unit.floor  # um, from the surface on which it began
        if unit.phase == RESORPTION:
            ((down, right),) = place["osteoclasts"]
            assert abs(down) < 0.7 * site_um
            assert -30 < right - depth < 0.5 * site_um
        else:
            assert not len(place["osteoclasts"])
        if unit.phase == FORMATION and depth > 10:
            down, right = place["osteoblasts"].T
            rowed = max(rowed, len(down))
            assert (abs(down) < 0.65 * model.parameters.unit.width + 10).all()
            assert (right < depth + 0.5 * site_um).all()
            assert right.max() > depth - 0.5 * site_um - 15
            apart = np.hypot(np.diff(np.sort(down)), 0)
            assert apart.max() < 2.5 * max(20.0, site_um)
        model.step()
    assert 4 <= rowed <= 14


def test_every_cell_is_marked():
    model = silent(wall(4))
    cell = model.start_osteoclast(8, 7, 20.0, 0.0)
    assert (draw_section(model, "mineral", 4) == COLOR_OF["osteoclasts"]).any()
    cell.remove()
    assert not (draw_section(model, "mineral", 4) == COLOR_OF["osteoclasts"]).any()


def test_marks_differ_in_shape_and_color():
    model = build()
    image = draw_section(model, "mineral", 4)
    assert (image == COLOR_OF["osteoclasts"]).any()
    assert (image == COLOR_OF["osteoblasts"]).any()
    colors = np.frombuffer(palette(), dtype=np.uint8).reshape(-1, 3)
    assert (
        abs(colors[COLOR_OF["osteoclasts"]].astype(int) - colors[COLOR_OF["osteoblasts"]]).sum()
        > 150
    )
    assert len(colors) <= 256


def test_the_ring_goes_round_the_site_that_is_followed():
    model = silent(wall(4, rows=40, columns=60))
    plain, ringed = (draw_section(model, "mineral", 3, site) for site in (None, 20 * 60 + 30))
    y, x = np.nonzero(plain != ringed)
    assert (ringed[y, x] == INK).all()
    assert abs(y.mean() - 20 * 3 - 1) < 1
    assert abs(x.mean() - 30 * 3 - 1) < 1


@pytest.mark.parametrize("overlay", CHOICES)
def test_every_overlay_gives_a_picture(overlay):
    model = build("zoledronate 0-1")
    model.run(years=0.2)
    png = as_png(as_picture(model, overlay, 3))
    rows, columns = model.tissue.matrix.shape
    assert png[:4] == b"\x89PNG"
    assert [int.from_bytes(png[i : i + 4]) for i in (16, 20)] == [3 * columns, 3 * rows]
    assert len(legend_html(overlay)) > 200


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_changes_with_its_quantity(name):
    model = build()
    before = shown(OVERLAYS[name], model)[1].copy()
    model.give("zoledronate 0-1, denosumab 0-1, exercise 0-1")
    model.run(years=0.5)
    assert not np.array_equal(before, shown(OVERLAYS[name], model)[1])
    picture = take_snapshot(model)
    assert not np.array_equal(*(paint(model, picture, each, 2) for each in (name, "mineral")))


@pytest.mark.parametrize("name", ["RANKL/OPG", "free RANKL", "precursor supply"])
def test_what_the_surface_has_is_shown_there_site_by_site(name):
    model = build()
    tissue = model.tissue
    where, values = shown(OVERLAYS[name], model)
    assert where.reshape(-1)[model.environment.surface].all()
    assert where.mean() < 0.5
    assert len(np.unique(values[where])) > 10
    image = paint(model, take_snapshot(model), name, 1)
    solid = minimum_filter(tissue.matrix, 3, mode=("wrap", "nearest")) == 1.0
    assert set(np.unique(image[solid & ~where])) == {GRAY}
    assert (image[solid & where] >= SCALE).all()


@pytest.fixture(scope="module")
def volume():
    return build(section__depth=0.5, time__spin_up=0.5, section__height=0.5)


def test_of_a_volume_the_middle_plane_is_drawn_and_said_so(volume, tmp_path):
    picture = take_snapshot(volume)
    rows, columns, depth = volume.tissue.matrix.shape
    assert np.array_equal(picture.matrix, volume.tissue.matrix[:, :, depth // 2])
    assert picture.plane == f"middle plane of a volume {depth * picture.site_um / 1000:g} mm deep"
    assert take_snapshot(build()).plane == ""
    assert len(picture.cells["osteoblasts"])
    for places in picture.cells.values():
        assert ((places >= -1) & (places <= (rows + 1, columns + 1))).all()
    plot_section(volume, tmp_path / "volume.png")
    for overlay in CHOICES:
        drawn = draw_section(volume, overlay, 3, site_in_plane(1, 2, volume.tissue.matrix.shape))
        assert drawn.shape == (3 * rows, 3 * columns)


def test_a_unit_of_a_volume_is_followed_wherever_it_is(volume):
    follower, shape = Follower(volume), volume.tissue.matrix.shape
    for unit in volume.units_in(FORMATION):
        follower.follow(unit.site)
        assert follower.unit is unit
        away = in_plane(unit.site, shape)[2]
        assert ("away from the plane" in follower.measures()) == (away > 0)
        assert "µm³" in follower.measures()
        assert draw_close_up(volume, unit.site, 60.0, 2.5)[:4] == b"\x89PNG"


def test_the_floor_of_a_unit_is_told_in_micrometers():
    model = silent(wall(6))
    follower = Follower(model)
    unit = model.start_osteoclast(8, 7, 30.0, 0.0).unit
    model.step()
    follower.follow(8)
    area = unit.resorbed * model.tissue.site_um**2
    assert follower.measures() == (
        f"floor {unit.floor:.0f} µm below the surface on which it began; depth "
        f"{unit.depth:.0f} µm; resorbed {area:,.0f} µm², formed 0 µm²"
    )


def test_the_legend_names_what_is_drawn():
    text = legend_html("strain")
    assert all(key.label in text for key in KEYS)
    assert OVERLAYS["strain"].label in text
    assert OVERLAYS["strain"].label not in legend_html("mineral")


@pytest.mark.parametrize("site", [0, 15, 7 * 20 + 19])
def test_the_close_up_reaches_over_every_edge(site):
    png = draw_close_up(silent(wall(4)), site, 60.0, 2.5)
    assert png[:4] == b"\x89PNG"


def test_a_unit_goes_through_its_phases_in_order():
    model = build()
    follower = Follower(model)
    follower.follow_newest()
    for _ in range(300):
        model.step()
        follower.look(model)
        if follower.phase == REST:
            break
    seen = [phase for phase, _ in follower.history]
    days = [day for _, day in follower.history]
    assert seen == [*PHASES[1:], REST] or seen == [*PHASES[1:4], REST]
    assert days == sorted(days)
    assert follower.resorbed > 5
    assert follower.outcome


def test_a_small_pit_that_is_refilled_is_not_called_cut_through():
    model = silent(wall(6))
    follower = Follower(model)
    unit = model.start_osteoclast(8, 7, 3.0, 0.0).unit
    follower.follow(8)
    while find_bmu(model, 8):
        model.step()
        if unit.phase != FORMATION:  # as brief as if it began and ended in one step
            follower.look(model)
    assert follower.outcome.startswith("all ")


def test_a_pit_right_through_is_called_so():
    tissue = wall(1)
    tissue.matrix[3:-2] = 0.0  # an island of a few sites, less wide than a unit
    model = silent(tissue)
    follower = Follower(model)
    model.start_osteoclast(8, 7, 80.0, 0.0)
    follower.follow(8)
    while follower.phase != REST:
        model.step()
        follower.look(model)
    assert "cut through" in follower.outcome


def test_a_unit_is_told_apart_from_its_neighbors():
    model = silent(wall(6))
    follower = Follower(model)
    model.start_osteoclast(8, 7, 3.0, 0.0)
    follower.follow(8)
    while follower.phase != REST:
        for name in ("matrix_at", "cavity_at"):  # as neighbors do, who resorb and fill there
            getattr(model.tissue, name)[8] *= 0.9
        model.step()
        follower.look(model)
    assert follower.left < 0.5
    assert follower.outcome == f"all {follower.resorbed:.0f} µm were refilled"


@pytest.mark.parametrize("courses", ["", "anastrozole 0-5", "romosozumab 0-1, zoledronate 0-1"])
def test_of_every_unit_the_closing_sentence_agrees_with_the_tally(courses):
    model = build(courses)
    most_laid = model.days * model.parameters.osteoblast.apposition  # in one step
    followers, told, closed = {}, {}, 0
    for _ in range(200):
        model.step()
        for unit in model.units_in(RESORPTION):
            if unit not in followers:
                followers[unit] = follower = Follower(model, unit.site)
                follower.look(model)
        for unit, follower in followers.items():
            follower.look(model)
            if follower.unit is unit and follower.phase != REST:
                told[unit] = follower.resorbed, follower.left
            elif follower.unit is unit and follower.outcome and unit in told:
                resorbed, left = told.pop(unit)
                ends = closing(follower.outcome, follower.resorbed)
                dug_last = follower.resorbed - resorbed  # in the step in which it ended
                assert left + dug_last - most_laid - 1 <= ends <= left + dug_last + 1
                assert ends == pytest.approx(follower.left, abs=0.51)
                closed += 1
    assert closed > 40


def closing(outcome, resorbed):
    """Return what a closing sentence says was not refilled, um."""
    if outcome.startswith("all "):
        assert float(re.search(r"all (\d+) µm", outcome)[1]) == pytest.approx(resorbed, abs=0.51)
        return 0.0
    if outcome == "nothing was resorbed":
        return 0.0
    found = re.match(r"(?:(\d+) µm|none) of (\d+) µm", outcome)
    return float(found[1] or found[2])


def test_what_all_units_have_resorbed_and_laid_is_what_the_section_lost_and_gained():
    model = silent(wall(6))
    unit = model.start_osteoclast(8, 7, 30.0, 0.0).unit
    before = model.tissue.matrix.sum()
    while find_bmu(model, 8):
        model.step()
        assert unit.formed - unit.resorbed == pytest.approx(model.tissue.matrix.sum() - before)
    assert unit.resorbed > 0.5
    assert unit.phase in ENDS


def test_a_click_finds_the_unit_beside_it():
    model = build()
    cell = next(iter(model.agents_by_type[Osteoclast]))
    follower = Follower(model)
    follower.follow(cell.unit.site)
    assert find_bmu(model, follower.site).phase == RESORPTION
    assert follower.phase == "recruitment"


def test_where_nobody_works_it_is_rest():
    model = silent(wall(4))
    follower = Follower(model)
    follower.follow(8)
    assert (follower.site, follower.phase) == (8, REST)


def picture_of(models, scene):
    return [ElementTree.fromstring(svg) for svg in draw_curves(models, scene)]


def test_a_curve_is_where_its_values_are():
    model = build("anastrozole 0-5")
    model.run(years=2)
    panel = picture_of([model], Scene())[0]
    first, second = panel.findall(f"{SVG}polyline")
    ends = [float(line.get("points").split()[-1].split(",")[1]) for line in (first, second)]
    now = model.meter.now
    assert (ends[0] > ends[1]) == (now["trabecular_bmd"] < now["cortical_bmd"])
    assert len(first.get("points").split()) == len(model.meter.rows) + 1


def test_long_curves_stay_small():
    model = build()
    model.meter.rows = [model.meter.rows[0] | {"year": year / 13} for year in range(1300)]
    model.meter.now = model.meter.rows[-1]
    assert sum(map(len, draw_curves([model], Scene()))) < 100_000


def test_published_points_appear_as_their_time_comes():
    scene, model = trial_scene("atac"), build("anastrozole 0-5")
    counts = []
    for year in (0.5, 1.5, 5.2):
        model.run_until(year)
        dxa = picture_of([model], scene)[1]
        counts.append(len([e for e in dxa.iter() if e.get("class") == "published"]))
    assert counts[0] == 0
    assert 0 < counts[1] + 1 <= counts[2]


def test_a_result_from_a_later_baseline_is_chained_to_it():
    rows = [
        Published(arm="a", site="total_hip", year=5, value=-10),
        Published(arm="a", site="total_hip", baseline=5, year=7, value=10),
        Published(arm="a", site="total_hip", baseline=6, year=8, value=10),
    ]
    assert list(published_points(rows, "total_hip", 7)) == [
        (5, -10, False),
        (7, pytest.approx(-1.0), True),
    ]
    assert len(list(published_points(rows, "total_hip", 6))) == 1


def test_therapy_is_a_bar_from_start_to_stop_or_now():
    model = build("anastrozole 0-1, denosumab 3-4")
    assert bars(model.treatment.courses, 0.5) == {"anastrozole": [(0, 0.5)]}
    assert bars(model.treatment.courses, 9) == {"anastrozole": [(0, 1)], "denosumab": [(3, 4)]}
    model.run(years=1)
    assert "anastrozole" in draw_curves([model], Scene())[0]


def test_the_axis_of_years_grows_with_the_run():
    assert [span_of(year, Scene()) for year in (0, 1.5, 8, 60)] == [1, 2, 10, 75]
    assert span_of(1, trial_scene("atac")) == 7


def test_the_one_beside_is_dashed():
    models = [build(), build("anastrozole 0-5")]
    panel = picture_of(models, Scene().with_comparator("no drug"))[0]
    dashes = [line.get("stroke-dasharray") for line in panel.findall(f"{SVG}polyline")]
    assert [bool(dash) for dash in dashes] == [False, False, True, True]


@pytest.mark.parametrize("low, high", [(-3, 1), (0, 2), (-80, 900), (-0.2, 0.1), (0.1, 0.94)])
def test_ticks_are_round_and_few(low, high):
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert low <= found[0] < found[-1] <= high
    assert scaled(low, high, 100, 0)(low) == 100


FINITE = st.floats(-1e9, 1e9)


@given(FINITE, FINITE)
def test_every_range_has_two_ticks_that_are_labeled_apart(low, high):
    assume(low < high)
    found = ticks(low, high)
    assert 2 <= len(found) <= 10
    assert low <= found[0] < found[-1] <= high
    assert len({written(value) for value in found}) == len(found)
    assert [float(written(value)) for value in found] == found


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=4), st.floats(0, 100))
def test_every_axis_has_two_labeled_ticks(values, year):
    first = BUILT.meter.rows[0]
    rows = [first, *({**first, "year": year} | dict.fromkeys(COLUMNS[1:], v) for v in values)]
    for panel in PANELS:
        svg = draw_panel(panel, [Read(rows)], Scene())
        sides = [
            [e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}text") if wanted(e)]
            for wanted in (is_beside, is_below)
        ]
        assert [len(set(side)) >= 2 for side in sides] == [True, True]


def is_beside(text):
    return text.get("text-anchor") == "end" and float(text.get("x")) < LEFT


def is_below(text):
    return re.fullmatch(r"(year )?[\d.]+", text.text) is not None and not is_beside(text)


class Read:
    """A model as the curves see it: its readings, and no courses."""

    def __init__(self, rows):
        self.meter = SimpleNamespace(rows=rows, now=rows[-1])
        self.day, self.days = 365.25 * rows[-1]["year"], 7.0
        self.treatment = SimpleNamespace(courses=())


def test_a_published_result_is_there_when_playing_stops_at_its_year():
    player = Player(trial_scene("atac", "anastrozole", "small"))
    years = {row.year for row in player.scene.published("anastrozole") if row.site == "total_hip"}
    player.advance(2 * 365.25, 2.0)
    drawn = "".join(draw_curves(player.models, player.scene)).count('class="published"')
    assert 2.0 in years
    assert drawn == len([row for row in player.scene.published("anastrozole") if row.year <= 2.0])


def test_markers_are_drawn_as_they_were_read():
    model = build()
    model.run(years=1)
    line = next(line for panel in PANELS for line in panel.lines if line.column == "ctx")
    years, values = read_line(model, line, ratio=False)
    rows = {row["year"]: row["ctx"] for row in model.meter.rows}
    assert [rows[year] for year in years] == list(values)


def test_an_antibody_is_seen_in_free_rankl_and_not_in_rankl_over_opg():
    model = build("denosumab 0-1")
    model.run(years=0.2)
    found = {line.column: read_line(model, line, panel.ratio)[1] for panel in PANELS
             for line in panel.lines}  # fmt: skip
    assert found["free_rankl"][-1] < 0.3
    assert found["rankl_opg"][-1] == pytest.approx(1.0, abs=0.15)  # what strain and osteoid move
    free = model.environment.free_rankl(model.signals)
    assert model.meter.systemic()["free_rankl"] == model.environment.mean(free)


def test_bone_without_bisphosphonate_is_left_unpainted():
    model = build("zoledronate 0-0")
    model.run(years=0.2)
    image = paint(model, take_snapshot(model), "bisphosphonate", 1)
    bone, drug = image >= GRAY, model.tissue.bisphosphonate
    assert (image[bone & (drug > 0)] >= SCALE).all()
    assert (image[bone & (drug == 0)] < SCALE).all()
    assert (bone & (drug == 0)).sum() > (bone & (drug > 0)).sum() > 0
    assert "gray: none" in legend_html("bisphosphonate")
    model = build()
    assert (paint(model, take_snapshot(model), "bisphosphonate", 1) < SCALE).all()


def test_every_panel_has_a_title_and_least_range():
    assert len(PANELS) == 8
    for panel in PANELS:
        assert panel.title
        assert panel.least[0] < panel.least[1]


def test_the_table_holds_day_0_the_last_year_and_now():
    model = build("denosumab 0-5")
    model.run(years=1.5)
    table = {each.column: readout(model, each) for each in QUANTITIES}
    frame = model.frame()
    spine = frame["lumbar_spine"]
    last = frame["year"] >= model.day / 365.25 - 1
    assert table["lumbar_spine"] == (
        "+0.0",
        f"{spine[last].mean():+z.1f}",
        f"{spine.iloc[-1]:+z.1f}",
    )
    assert table["rankl_opg"][0] == table["free_rankl"][0] == "1.00"
    assert float(table["free_rankl"][1]) < 0.5
    assert float(table["pool"][2]) == pytest.approx(model.signals.pool, abs=0.006)
    surface = frame["trabecular_surface"][0]
    assert float(table["trabecular_surface"][0]) == pytest.approx(surface, abs=0.5)


def test_the_table_counts_what_was_given():
    model = build("zoledronate 0-0, denosumab 0-5, anastrozole 0.5-1, oophorectomy 0, letrozole 3")
    assert doses(model)["denosumab, injections"] == "0"
    model.run(years=1.6)
    assert doses(model) == {
        "zoledronate, injections": "1", "denosumab, injections": "4", "anastrozole, years": "0.5",
        "letrozole, years": "0.0",
    }  # fmt: skip
