"""A tab plays to where its buttons say, whatever the speed, and does what they say."""

import asyncio

import pytest
from helpers import SMALL

from remodel.viewer import scene
from remodel.viewer.lesson import Button
from remodel.viewer.lesson_files import built_in_lessons, load_lesson
from remodel.viewer.player import run_spin_up
from remodel.viewer.session import SPEEDS, Tab

LESSONS = {name: load_lesson(name) for name in built_in_lessons()}
PLAYING = {
    f"{name}: {button.label}": (lesson, button)
    for name, lesson in LESSONS.items()
    for button in lesson.buttons
    if button.play_to
}


@pytest.fixture(autouse=True)
def small_sections(monkeypatch):
    """Let every section be a small one."""
    for name in scene.SECTIONS:
        monkeypatch.setitem(scene.SECTIONS, name, SMALL)
    run_spin_up.cache_clear()
    yield
    run_spin_up.cache_clear()


@pytest.fixture
def tab():
    opened = Tab()
    opened.pause = 0.0
    yield opened
    opened.close()


def play(tab, speed=None):
    tab.speed.value = speed or tab.speed.value
    asyncio.run(tab.play())


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("lesson, button", PLAYING.values(), ids=PLAYING)
def test_a_button_plays_to_its_year_at_every_speed(tab, lesson, button, speed):
    tab.begin(lesson)
    tab.press(button)
    play(tab, speed)
    assert tab.error.value == ""
    assert abs(tab.player.model.day - button.play_to * 365.25) <= 3.5
    assert (tab.playing.value, tab.until) == (False, 0.0)


def test_not_stopped_is_given_on(tab):
    lesson = LESSONS["3-aromatase-inhibitor"]
    there = {button.label: button for button in lesson.buttons}
    tab.begin(lesson)
    ends = {}
    for label in ("Stop, and play on", "Do not stop, and play on"):
        for name in ("Set the scene", "Play five years", label):
            tab.press(there[name])
            play(tab)
        ends[label] = tab.player.model.meter.now
        assert ("anastrozole" in tab.player.given()) == label.startswith("Do not")
    stopped, given = ends.values()
    assert stopped["estradiol"] == pytest.approx(20, abs=0.1)
    assert given["estradiol"] < 2


def test_a_year_that_is_over_is_said_and_nothing_is_done(tab):
    tab.advance(3 * 365.25)
    tick = tab.player.model.tick
    tab.press(Button(label="Play two years", play_to=2, give=("anastrozole",)))
    assert tab.error.value == (
        "'Play two years' plays to year 2, and it is year 3.0: set the scene anew"
    )
    play(tab)
    assert tab.player.model.tick == tick
    assert tab.player.given() == frozenset()
    tab.press(Button(label="Play four years", play_to=4))
    assert tab.error.value == ""


def test_pause_and_play_goes_on_to_where_the_button_said(tab):
    tab.press(Button(label="Play two years", play_to=2))
    tab.advance(365.25)
    tab.toggle()
    assert not tab.playing.value
    tab.toggle()
    play(tab, "a year")
    assert abs(tab.player.model.day - 2 * 365.25) <= 3.5
    assert tab.until == 0


def test_a_pause_past_the_year_of_a_button_frees_the_run(tab):
    tab.press(Button(label="Play one year", play_to=1))
    tab.toggle()
    tab.advance(2 * 365.25)
    tab.toggle()
    assert (tab.playing.value, tab.until) == (True, 0.0)


def test_a_speed_that_was_chosen_is_kept(tab):
    button = Button(label="Play five years", play_to=5)
    for speed in SPEEDS:
        tab.speed.value = speed
        tab.press(button)
        assert tab.speed.value == ("a month" if speed == "a week" else speed)
        tab.toggle()


def test_a_scene_that_is_refused_plays_nothing(tab):
    tab.press(Button(label="Give", give=("aspirin",), play_to=2))
    assert "aspirin" in tab.error.value
    assert not tab.playing.value
