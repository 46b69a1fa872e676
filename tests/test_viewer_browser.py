"""The page in a real browser, the network cut off: what a teacher does, and sees."""

import re
import time
from contextlib import suppress
from itertools import pairwise

import pandas as pd
import pytest
from browser import BROWSER, FLAGS, WIDE, Server, Tab

from remodel.report.trial_run import reproduce_run
from remodel.runs.record import read_record
from remodel.viewer.lesson_files import built_in_lessons, load_lesson

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium on the path"),
]
PROJECTOR = {"width": 1024, "height": 768}


@pytest.fixture(scope="module")
def server():
    running = Server("--section", "small")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, server):
    opened = Tab(chromium, server.address)
    yield opened
    opened.close()


def test_the_page_is_ready_soon_after_the_command(chromium):
    server = Server()
    try:
        opened = Tab(chromium, server.address)
        assert time.perf_counter() - server.begun < 20  # aimed at 5; two others may be at work
        opened.close()
    finally:
        server.stop()


def test_step_month_year_play_pause_and_reset(tab):
    picture = tab.page.locator("img.section").get_attribute("src")
    assert tab.year() == 0
    tab.advance("Step")
    assert tab.year() == pytest.approx(7 / 365.25, abs=0.01)
    assert tab.page.locator("img.section").get_attribute("src") != picture
    tab.advance("Month")
    tab.advance("Year")
    assert 1.05 < tab.year() < 1.15
    tab.press("Play")
    tab.wait_for_year(1.4)
    tab.press("Pause")
    tab.button("Play").wait_for()
    still = tab.year()
    tab.page.wait_for_timeout(300)
    assert tab.year() == still
    tab.press("Reset")
    tab.page.wait_for_function(
        "() => document.querySelector('.words').innerText.includes('Year 0.0')"
    )


def test_estradiol_down_costs_bone_and_up_keeps_it(tab):
    ends = {}
    for key in ("ArrowLeft", "ArrowRight"):
        tab.press("Reset")
        tab.page.get_by_text("Endogenous estradiol: 20 pmol/L").wait_for()
        tab.hold_estradiol(key)
        tab.advance("Year", 4)
        ends[key] = tab.spine()
        tab.shoot(f"estradiol-{'low' if key == 'ArrowLeft' else 'high'}")
    assert ends["ArrowLeft"] < ends["ArrowRight"] - 2


def test_raising_estradiol_again_slows_the_loss(tab):
    tab.hold_estradiol("ArrowLeft")
    tab.advance("Year", 3)
    low = tab.spine()
    tab.hold_estradiol("ArrowRight", 20)
    tab.advance("Year", 3)
    assert tab.spine() > 2 * low


def test_a_drug_is_given_and_stopped(tab):
    tab.advance("Month")
    box = tab.page.get_by_label("letrozole")
    box.check(force=True)
    tab.page.get_by_text("on letrozole").wait_for()
    tab.advance("Year")
    assert "on letrozole: estradiol 0." in tab.words()
    tab.shoot("drug-given")
    box.uncheck(force=True)
    tab.advance("Year")
    assert "letrozole" not in tab.words()
    assert "estradiol 20 pmol/L" in tab.words()


def test_what_is_saved_is_the_run(tab, tmp_path):
    tab.page.get_by_label("anastrozole").check(force=True)
    tab.advance("Year")
    tab.hold_estradiol("ArrowLeft")
    tab.advance("Month", 3)
    frame, differences = reproduce_run(read_record(tab.save("Record", tmp_path)))
    assert differences == []
    assert pd.read_csv(tab.save("Data", tmp_path)).equals(
        pd.read_csv(write(tmp_path / "again.csv", frame))
    )
    assert tab.save("Picture", tmp_path).read_bytes()[:4] == b"\x89PNG"
    assert "[[arm.change]]" in tab.save("Trial file", tmp_path).read_text()


def write(path, frame):
    frame.to_csv(path, index=False)
    return path


def test_a_click_follows_a_bmu(tab):
    tab.press("Follow a new BMU")
    tab.page.locator(".phase.now").get_by_text("recruitment").wait_for()
    tab.page.locator("img.section").click(position={"x": 150, "y": 150})
    tab.advance("Step")
    assert tab.page.locator(".bmu img").count() == 1
    tab.shoot("unit")


def test_two_tabs_do_not_disturb_each_other(tab, chromium, server):
    other = Tab(chromium, server.address)
    other.press("Play")
    tab.advance("Year")
    other.wait_for_year(0.3)
    other.press("Pause")
    other.button("Play").wait_for()
    assert 0.98 < tab.year() < 1.02
    other.close()


def test_a_reload_in_mid_run_starts_anew(tab):
    tab.press("Play")
    tab.wait_for_year(0.3)
    tab.page.reload()
    tab.button("Step").wait_for()
    assert tab.year() == 0
    tab.advance("Step")


@pytest.mark.parametrize("name", built_in_lessons())
def test_every_lesson_opens(tab, name):
    lesson = load_lesson(name)
    tab.open_lesson(lesson.title)
    assert tab.page.get_by_role("heading", name="Answers for the teacher").count() == 0
    tab.press("Answers for the teacher")
    tab.page.get_by_role("heading", name="Answers for the teacher").wait_for()
    for button in lesson.buttons[:1]:
        tab.press(button.label)
    tab.advance("Month")
    tab.shoot(f"lesson-{name}")


def see_it_play(tab):
    """Wait until it plays, but not for long: a short play may be over before it is seen."""
    from playwright.sync_api import TimeoutError as TooLateError

    with suppress(TooLateError):
        tab.button("Pause").wait_for(timeout=5000)


@pytest.mark.parametrize("name", built_in_lessons())
def test_every_button_of_a_lesson_does_what_it_says(tab, name):
    lesson = load_lesson(name)
    tab.open_lesson(lesson.title)
    for button in lesson.buttons:
        before = tab.year()
        tab.press(button.label)
        if button.play_to and button.scene is None and before > button.play_to:
            tab.page.get_by_text("set the scene anew").wait_for()
            continue
        if button.play_to:
            see_it_play(tab)
            tab.choose("each frame", "a year")
            tab.wait_for_rest(button.play_to)
        elif button.scene is not None:
            tab.wait_for_rest(0)
        if button.follow:
            tab.page.locator(".phase.now").wait_for()
        for drug in button.give:
            assert tab.page.get_by_text(f"on {drug}").count() or drug in tab.words()
        for drug in button.stop:
            assert drug not in tab.words()
    tab.shoot(f"played-{name}")


def test_a_drug_that_is_not_stopped_is_given_on(tab):
    tab.open_lesson(load_lesson("3").title)
    tab.press("Do not stop, and play on")
    tab.wait_for_rest(7)
    assert "on anastrozole: estradiol 1.0 pmol/L" in tab.words()


def test_months_of_the_button_do_not_drift_from_the_calendar(tab):
    for count in range(1, 25):
        tab.press("Month")
        tab.wait_for_rest(count / 12)


def test_what_an_antibody_does_is_seen(tab):
    tab.page.get_by_label("denosumab").check(force=True)
    tab.page.get_by_text("on denosumab").wait_for()
    tab.advance("Month")
    assert "RANKL/OPG 1.0 times day 0; free RANKL 0.0 times day 0" in tab.words()
    free = tab.page.locator(".numbers tr", has_text="free RANKL").locator("td").all_inner_texts()
    assert free[0] == "1.00"
    assert float(free[2]) < 0.05


def test_a_switch_says_when_a_course_ends(tab):
    tab.choose("trial", "atac")
    tab.page.get_by_label("anastrozole, to year 5").wait_for()
    tab.page.get_by_label("anastrozole").uncheck(force=True)
    tab.page.get_by_label("anastrozole").check(force=True)
    tab.page.get_by_text("on anastrozole").wait_for()
    tab.advance("Year", 6)
    assert "on anastrozole" in tab.words()


def test_the_page_says_that_it_is_no_advice(tab):
    said = tab.page.get_by_text("It is for teaching and research, not advice to patients.")
    for side in ("Lesson", "Hidden", "Settings"):
        tab.press(side)
        said.wait_for()


ZOOMS = (1, 1.1, 1.25, 1.5, 1.75, 2)


@pytest.mark.parametrize("side", ["Settings", "Lesson", "Hidden"])
def test_the_zoom_of_the_browser_makes_the_bone_larger(tab, side):
    if tab.button(side).is_enabled():
        tab.press(side)
    tab.page.locator(f".side-{side.lower()} img.section").wait_for()
    tab.page.wait_for_timeout(500)  # it is laid out anew
    found = []
    for zoom in ZOOMS:
        size = {name: round(length / zoom) for name, length in WIDE.items()}
        tab.page.set_viewport_size(size)
        box = tab.page.locator("img.section").first.bounding_box()
        found.append(zoom * box["width"])
        assert box["height"] == pytest.approx(box["width"], rel=0.6)
        assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
    assert all(wider > 1.02 * width for width, wider in pairwise(found))
    assert found[-1] > 1.3 * found[0]


@pytest.mark.parametrize("size", [WIDE, PROJECTOR], ids=["wide", "projector"])
def test_the_page_fits_its_window(chromium, server, size):
    opened = Tab(chromium, server.address, size)
    opened.advance("Year")
    width = opened.page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= size["width"]
    for part in (".controls", "img.section", ".curves", ".words"):
        box = opened.page.locator(part).first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"] + 1
        assert box["y"] < size["height"]
    opened.shoot(f"page-{size['width']}")
    opened.close()


def test_when_the_server_stops_the_page_says_so(chromium):
    server = Server("--section", "small")
    opened = Tab(chromium, server.address)
    server.stop()
    opened.page.get_by_text(re.compile("disconnected|reconnect", re.IGNORECASE)).first.wait_for()
    opened.shoot("server-stopped")
    opened.page.close()
