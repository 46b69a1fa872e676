"""Lessons: their form, and every number of their text against the model."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import SMALL

from remodel.model.observer import COLUMNS
from remodel.viewer import scene
from remodel.viewer.curves import PANELS
from remodel.viewer.lesson import years_of
from remodel.viewer.lesson_files import (
    HEADINGS,
    built_in_lessons,
    find_lesson,
    load_lesson,
    read_lesson,
)
from remodel.viewer.player import Player, run_spin_up
from remodel.viewer.readout import QUANTITIES
from remodel.viewer.rehearsal import measure, play_through
from remodel.viewer.session import SPEEDS

LESSONS = {name: load_lesson(name) for name in built_in_lessons()}
NUMBERS = [(name, number) for name, lesson in LESSONS.items() for number in lesson.numbers]
TEXT = """+++
title = "Try"
[scene]
courses = "anastrozole 0-1"
[[button]]
label = "Go on"
estradiol = 5
play_to = 2
[[number]]
name = "loss"
value = -2
tolerance = 1
buttons = ["Go on"]
column = "total_hip"
year = 2
[setting]
life = "osteoclast.life"
+++
""" + "".join(f"## {heading}\nSome {{loss}} and {{life}}.\n" for heading in HEADINGS)


@pytest.mark.parametrize("name, number", NUMBERS, ids=lambda x: getattr(x, "name", x))
def test_a_number_of_a_lesson_is_what_the_model_says(name, number):
    found = measure(LESSONS[name], number)
    assert found == pytest.approx(number.value, abs=number.tolerance), "python docs/lessons.py"


@pytest.mark.parametrize("name, number", NUMBERS, ids=lambda x: getattr(x, "name", x))
def test_a_tolerance_leaves_the_sign_or_says_nothing_of_it(name, number):
    sure = number.tolerance < abs(number.value) or number.tolerance <= 1
    assert sure, f"{name}: {number.name}"


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_every_button_of_a_lesson_acts(lesson):
    player = Player(lesson.scene)
    for button in lesson.buttons:
        if button.scene is not None:
            player.set(button.scene)
        button.act(player)
        player.advance(7)


PLAYED = [
    (lesson, pressed)
    for lesson in LESSONS.values()
    for pressed in sorted({number.buttons for number in lesson.numbers})
]


@pytest.fixture
def small_sections(monkeypatch):
    """Let every section be a small one."""
    for name in scene.SECTIONS:
        monkeypatch.setitem(scene.SECTIONS, name, SMALL)
    for cached in (run_spin_up, play_through):
        cached.cache_clear()
    yield
    for cached in (run_spin_up, play_through):
        cached.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("small_sections")
@pytest.mark.parametrize("lesson, pressed", PLAYED, ids=lambda x: getattr(x, "name", x))
def test_no_reading_depends_on_the_speed_that_is_chosen(lesson, pressed):
    there = {button.label: button for button in lesson.buttons}
    buttons = tuple(there[label] for label in pressed)
    first, *others = (play_through(lesson.scene, buttons, speed) for speed in SPEEDS)
    assert all(rows == first for rows in others)
    assert abs(first[0][-1]["year"] - buttons[-1].play_to) < 28 / 365.25


def button_of(lesson, number):
    """Return the label of the button that plays when a number is read."""
    buttons = lesson.pressed(number)
    for button, (begin, end) in zip(buttons, years_of(buttons), strict=True):
        if begin < number.year <= end:
            return button.label
    return None


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_every_button_that_plays_has_a_number(lesson):
    playing = {button.label for button in lesson.buttons if button.play_to}
    assert playing - {button_of(lesson, number) for number in lesson.numbers} == set()


def test_every_number_of_a_lesson_is_on_the_page():
    asked = {number.column for _, number in NUMBERS}
    assert len(asked) > 10
    assert asked <= {quantity.column for quantity in QUANTITIES}


def test_what_is_a_curve_is_in_the_table_too():
    curves = {line.column for panel in PANELS for line in panel.lines}
    assert curves <= {quantity.column for quantity in QUANTITIES} <= set(COLUMNS)


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_no_name_is_left_in_the_text(lesson):
    for heading in HEADINGS:
        assert not re.search(r"[{}]", lesson.filled(heading))
    assert lesson.title in Path(f"remodel/viewer/lessons/{lesson.name}.md").read_text(
        encoding="utf-8"
    )


def test_a_lesson_is_read_as_it_stands():
    lesson = read_lesson(TEXT, "try")
    assert lesson.title == "Try"
    assert lesson.scene.arm.courses[0].drug == "anastrozole"
    assert (lesson.buttons[0].estradiol, lesson.buttons[0].play_to) == (5, 2)
    assert lesson.filled("What is it").startswith("Some 2 and ")


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("+++\ntitle", "title", "expected TOML between two lines of +++"),
        ('title = "Try"', "title = Try", "is not TOML"),
        ('title = "Try"', 'name = "Try"', "unknown key 'name'"),
        ("## Things to try", "## To try", "expected, in order, What is it"),
        ("Some {loss} and {life}.\n## Things", "\n## Things", "nothing stands under"),
        ("Some {loss}", "Some 3 %", "the bare number 3 stands under 'What is it'"),
        ("Some {loss}", "Some {gain}", "{gain} is in the text and not declared"),
        ('life = "osteo', 'spare = 3\nlife = "osteo', "{spare} is declared and not used"),
        ('life = "osteoclast.life"', 'loss = 3\nlife = "osteoclast.life"', "declared twice"),
        ("osteoclast.life", "osteoclast.lief", "expected a parameter of the model"),
        ('column = "total_hip"', 'column = "hip"', "line 14: number 1: column = 'hip'"),
        ('buttons = ["Go on"]', 'buttons = ["Go"]', "number 1: buttons: 'Go'"),
        ("estradiol = 5", "estradiol = 500", "line 7: button 1: estradiol = 500 pmol/L"),
        ("estradiol = 5", 'give = ["aspirin"]', "button 1: give: 'aspirin'"),
        ("anastrozole 0-1", "anastrozole 2-1", "scene: anastrozole: stop = 1.0"),
        ('courses = "anastrozole 0-1"', 'trial = "atak"', "scene: no trial 'atak'"),
        ('courses = "anastrozole 0-1"', 'overlay = "x"', "scene: overlay = 'x'; expected one of"),
        ("tolerance = 1", "tolerance = -1", "tolerance = -1"),
        ("year = 2\n", "year = 3\n", "year = 3 year; expected at most 2 year"),
        ("year = 2\n", "year = 2\nsince = 2.5\n", "since = 2.5 year; expected at most 2 year"),
        ('buttons = ["Go on"]\n', "", "year = 2 year; expected at most 0 year"),
    ],
)
def test_a_mistake_in_a_lesson_is_one_line(old, new, said):
    assert old in TEXT
    with pytest.raises(ValueError, match=r"^try\.md") as error:
        read_lesson(TEXT.replace(old, new, 1), "try")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_number_would_be_found():
    lesson = read_lesson(TEXT, "try")
    [number] = lesson.numbers
    player = Player(lesson.scene)
    lesson.buttons[0].act(player)
    player.advance(2 * 365.25)
    assert measure(lesson, number) == pytest.approx(player.model.meter.now["total_hip"], abs=0.2)


def test_numbers_that_press_the_same_buttons_share_a_run():
    lesson = read_lesson(TEXT.replace("anastrozole 0-1", "letrozole 0-1"), "try")
    first, last = (replace(lesson.numbers[0], year=year) for year in (1.0, 2.0))
    both = replace(lesson, numbers=(first, last))
    runs = play_through.cache_info().misses
    found = measure(both, first), measure(both, last)
    assert play_through.cache_info().misses == runs + 1
    assert found == (
        measure(replace(lesson, numbers=(first,)), first),
        measure(replace(lesson, numbers=(last,)), last),
    )
    assert found[0] != found[1]


def test_a_lesson_is_found_by_number_or_name():
    first = built_in_lessons()[0]
    assert find_lesson(first) == find_lesson(first.partition("-")[0]) == first
    with pytest.raises(ValueError, match=r"no lesson 'none'; there are .*3-aromatase-inhibitor"):
        find_lesson("none")


def test_the_numbers_are_refilled_where_they_stand():
    spec = importlib.util.spec_from_file_location("docs_lessons", "docs/lessons.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    filled = script.refill(TEXT.replace("value = -2", "value = 77"), read_lesson(TEXT, "try"))
    value = float(re.search(r"value = (\S+)", filled)[1])
    assert value < 0
    assert filled == TEXT.replace("value = -2", f"value = {value:g}")
