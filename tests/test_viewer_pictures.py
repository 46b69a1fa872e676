"""The section, the curves and the BMU up close show what the model holds."""

import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import build, hand_made, silent, wall
from hypothesis import assume, given
from hypothesis import strategies as st

from remodel.clinic.trials import Published
from remodel.model.bmu import AT_WORK, ENDS, FORMATION, RESORPTION
from remodel.model.cells import Osteoclast
from remodel.model.observer import COLUMNS
from remodel.model.snapshot import cavities
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
    COOL,
    ERODED,
    INK,
    OPEN,
    OSTEOID,
    OUT,
    SCALE,
    SHADES,
    WARM,
    as_picture,
    as_png,
    draw_close_up,
    draw_section,
    paint,
    paint_tissue,
    palette,
)

BUILT = build()
SVG = "{http://www.w3.org/2000/svg}"


def test_bone_marrow_outside_and_parts_have_their_colors():
    model = build()
    tissue = model.tissue
    image = paint_tissue(tissue, cavities(model, AT_WORK))
    bone = (tissue.matrix >= 0.5) & (tissue.cavity < 0.1)
    assert set(np.unique(image[tissue.outside])) == {OUT}
    assert (image[(tissue.matrix == 0) & ~tissue.outside & ~tissue.busy] == OPEN).all()
    for label, first in ((1, WARM), (2, COOL)):
        shades = image[bone & (tissue.region == label)]
        assert (((shades >= first) & (shades < first + SHADES)) | (shades == OSTEOID)).all()


def test_younger_bone_is_lighter_and_the_newest_is_osteoid():
    tissue = hand_made([[1.0, 1.0, 1.0, 0.0]])
    tissue.unmineralized[0] = [0.0, 0.15, 0.3, 0.0]
    old, young, new, _ = paint_tissue(tissue, tissue.busy)[0]
    assert WARM <= young < old
    assert new == OSTEOID


def test_a_cavity_is_eroded_surface():
    tissue = hand_made([[1.0, 0.4, 0.0]])
    tissue.busy[0, 1] = True
    assert paint_tissue(tissue, tissue.busy)[0, 1] == ERODED


def test_every_cell_is_marked_and_its_site_is_where_the_mark_is():
    model = silent(wall(4))
    cell = model.start_osteoclast(8, 7, 20.0, 0.0)
    image = draw_section(model, "mineral", 4)
    assert image[2, 8 * 4 + 2] == COLOR_OF["osteoclasts"]
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
    assert not np.array_equal(paint(model, name), paint(model, "mineral"))


def test_the_legend_names_what_is_drawn():
    text = legend_html("strain")
    assert all(key.label in text for key in KEYS)
    assert OVERLAYS["strain"].label in text
    assert OVERLAYS["strain"].label not in legend_html("mineral")


@pytest.mark.parametrize("site", [0, 15, 7 * 20 + 19])
def test_the_close_up_reaches_over_every_edge(site):
    png = draw_close_up(silent(wall(4)), site, 3, 9)
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
    image, drug = paint(model, "bisphosphonate"), model.tissue.bisphosphonate
    bone = model.tissue.matrix >= 0.5
    assert (image[bone & (drug > 0)] >= SCALE).all()
    assert (image[bone & (drug == 0)] < SCALE).all()
    assert (bone & (drug == 0)).sum() > (bone & (drug > 0)).sum() > 0
    assert "gray: none" in legend_html("bisphosphonate")
    assert (paint(build(), "bisphosphonate") < SCALE).all()


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
