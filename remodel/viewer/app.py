"""The page: `solara run remodel.viewer.app`, or `remodel view`."""

from importlib.resources import files
from typing import Any

import solara

from remodel.viewer.controls import (
    DrugControls,
    LifeControls,
    PlayControls,
    Press,
    SaveControls,
    SceneControls,
)
from remodel.viewer.lesson_files import built_in_lessons, load_lesson
from remodel.viewer.panels import (
    BMUPanel,
    CostPanel,
    CurvesPanel,
    LessonPanel,
    NumbersPanel,
    SectionPanel,
    WordsPanel,
)
from remodel.viewer.session import Tab

STYLE = files("remodel.viewer").joinpath("page.css").read_text(encoding="utf-8")
NO_ADVICE = "It is for teaching and research, not advice to patients."
SIDES = ("settings", "lesson", "hidden")


@solara.component
def Page() -> None:
    """Lay out one tab, with a model of its own."""
    tab = solara.use_memo(Tab, [])
    solara.use_effect(lambda: tab.close, [])
    solara.Title("remodel")
    solara.Style(STYLE)
    side = tab.side.value
    with solara.Div(classes=["remodel", f"side-{side}"]):
        with solara.Div(classes=["top"]):
            with solara.Row(gap="18px", classes=["bar"]):
                SideChoice(tab)
                PlayControls(tab)
                LifeControls(tab)
            WordsPanel(tab)
        if side != "hidden":
            with solara.Div(classes=["side"]):
                Settings(tab) if side == "settings" else Lessons(tab)
        with solara.Div(classes=["middle"]):
            SectionPanel(tab)
            BMUPanel(tab)
            NumbersPanel(tab)
            CostPanel(tab)
        CurvesPanel(tab)
        solara.HTML("p", NO_ADVICE, classes=["foot"])


@solara.component
def Layout(children: Any) -> Any:
    """Leave the whole window to the page."""
    return solara.Div(children=children)


@solara.component
def SideChoice(tab: Tab) -> None:
    """Choose what stands at the side: settings, a lesson, or nothing."""
    with solara.Row(gap="4px", classes=["choice"]):
        for name in SIDES:
            Press(name.capitalize(), lambda name=name: tab.side.set(name), tab.side.value == name)


@solara.component
def Settings(tab: Tab) -> None:
    """Show what can be set."""
    DrugControls(tab)
    SceneControls(tab)
    SaveControls(tab)


@solara.component
def Lessons(tab: Tab) -> None:
    """Choose a lesson and show it."""
    tab.scenes.get()
    titles = {load_lesson(name).title: name for name in built_in_lessons()}
    now = tab.lesson.title if tab.lesson else None
    solara.Select(
        "lesson", list(titles), value=now, on_value=lambda title: tab.open_lesson(titles[title])
    )
    if tab.lesson:
        LessonPanel(tab, tab.lesson).key(tab.lesson.name)
