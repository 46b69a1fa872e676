"""What the class looks at: the section, one BMU up close, the curves, a line in words."""

from base64 import b64encode
from collections.abc import Callable
from html import escape
from typing import Any

import solara
from markdown import Markdown

from remodel.model.places import site_in_plane
from remodel.model.snapshot import plane_of
from remodel.viewer.bmu_tracker import PHASES, REST, SAYS
from remodel.viewer.controls import OverlayControl, Press
from remodel.viewer.curves import draw_curves
from remodel.viewer.legend import legend_html
from remodel.viewer.lesson import Lesson
from remodel.viewer.narration import say
from remodel.viewer.readout import readout_html
from remodel.viewer.section_image import as_picture, as_png, draw_close_up, pixels_of
from remodel.viewer.session import Tab

PIXELS = (6.25, 8.0)  # µm, side of a pixel, for one section and for two
REACH, CLOSE = 250.0, 2.5  # µm around the BMU up close, and side of a pixel
TEACHER = "Answers for the teacher"
ACTIVE = (  # what of Markdown could run code or ask another server
    "html", "link", "image_link", "reference", "image_reference", "short_reference",
    "short_image_ref", "autolink", "automail",
)  # fmt: skip


@solara.component_vue("picture.vue")
def Picture(src: str, alt: str, event_pick: Callable[[dict[str, float]], None]) -> Any:
    """Show a picture and tell where it was clicked, as fractions of its width and height."""


def data_url(png: bytes) -> str:
    """Return a picture as text that an <img> can show."""
    return "data:image/png;base64," + b64encode(png).decode()


@solara.component
def SectionPanel(tab: Tab) -> None:
    """Show the section, or two side by side, with legend and overlay."""
    tab.tick.get()
    player = tab.player
    models, scene = player.models, player.scene

    def pick(place: dict[str, float]) -> None:
        shape = player.model.tissue.matrix.shape
        rows, columns = shape[:2]
        row = min(rows - 1, max(0, int(place["down"] * rows)))
        column = min(columns - 1, max(0, int(place["across"] * columns)))
        tab.attempt(lambda: player.follower.follow(site_in_plane(row, column, shape)))

    with solara.Div(classes=["sections", f"of{len(models)}"]):
        for index, (arm, model) in enumerate(zip(scene.arms, models, strict=True)):
            site = None if index else player.follower.site
            pixels = pixels_of(model.tissue, PIXELS[len(models) - 1])
            png = as_png(as_picture(model, scene.overlay, pixels, site))
            with solara.Div():
                title = f"{arm.name}, year {player.year:.2f}"
                title += f", {plane}" if (plane := plane_of(model)) else ""
                solara.HTML("div", escape(title), classes=["who"])
                Picture(src=data_url(png), alt=title, event_pick=pick)
    solara.HTML("div", unsafe_innerHTML=legend_html(scene.overlay))


@solara.component
def BMUPanel(tab: Tab) -> None:
    """Follow one BMU up close, with the names of its phases."""
    tab.tick.get()
    follower, model = tab.player.follower, tab.player.model
    with solara.Row(classes=["bmu"], gap="12px"):
        if follower.site is not None:
            png = draw_close_up(model, follower.site, REACH, CLOSE)
            solara.HTML("img", attributes={"src": data_url(png), "alt": "BMU up close"})
        with solara.Div():
            with solara.Row(gap="8px"):
                Press("Follow a new BMU", lambda: tab.attempt(follower.follow_newest))
                OverlayControl(tab)
            solara.HTML("div", unsafe_innerHTML=bmu_html(tab))


def bmu_html(tab: Tab) -> str:
    """Return the phases as HTML, the present one marked, and what is happening."""
    follower = tab.player.follower
    if follower.site is None:
        return "<p>Click on the section to follow what happens at one place.</p>"
    steps = "".join(
        f'<span class="phase{" now" if phase == follower.phase else ""}">{phase}</span>'
        for phase in (*PHASES[1:], PHASES[0])
    )
    days = tab.player.model.day - follower.history[-1][1]
    told = f"{SAYS[follower.phase]}; for {days:.0f} days"
    if follower.phase != REST:
        told += f"; {follower.measures()}"
    return f"<div>{steps}</div><p>{told}. <b>{follower.outcome}</b></p>"


@solara.component
def CurvesPanel(tab: Tab) -> None:
    """Show the curves; drawn anew when there is a new reading."""
    tab.tick.get()
    player = tab.player
    models = tuple(player.models)
    counts = [len(model.meter.rows) for model in models]
    given = [model.treatment.courses for model in models]
    drawn = solara.use_memo(
        lambda: "".join(f"<div>{svg}</div>" for svg in draw_curves(models, player.scene)),
        [*map(id, models), *counts, *given, player.scene.trial],
    )
    solara.HTML("div", unsafe_innerHTML=drawn, classes=["curves"])


@solara.component
def NumbersPanel(tab: Tab) -> None:
    """Show what was read, now and on day 0, in numbers."""
    tab.tick.get()
    solara.HTML("div", unsafe_innerHTML=readout_html(tab.player), classes=["numbers"])


@solara.component
def WordsPanel(tab: Tab) -> None:
    """Say what is happening now, what went wrong, and what a frame costs."""
    tab.tick.get()
    solara.HTML("p", escape(say(tab.player)), classes=["words"])
    if tab.player.finished:
        solara.HTML("p", "The longest time that can be played is over: press Reset.")
    if tab.error.value:
        solara.Error(tab.error.value, dense=True)


@solara.component
def CostPanel(tab: Tab) -> None:
    """Say what a frame costs."""
    tab.tick.get()
    cost = f"a frame: model {1000 * tab.step_cost:.0f} ms, drawing {1000 * tab.draw_cost:.0f} ms"
    pace = f"; {tab.pace:.0f} frames a second" if tab.playing.value else ""
    solara.HTML("div", cost + pace if tab.draw_cost else "", classes=["cost"])


@solara.component
def LessonPanel(tab: Tab, lesson: Lesson) -> None:
    """Show a lesson: buttons that set the scene, then its text; answers only on request."""
    shown, show = solara.use_state(False)
    solara.HTML("h2", escape(lesson.title))
    with solara.Div(classes=["buttons"]):
        for button in lesson.buttons:
            Press(button.label, lambda button=button: tab.press(button))
    for heading in lesson.text:
        if heading == TEACHER:
            Press("Hide the answers" if shown else TEACHER, lambda: show(not shown))
        if heading != TEACHER or shown:
            solara.HTML("h3", heading)
            solara.HTML("div", unsafe_innerHTML=as_html(lesson.filled(heading)))


def as_html(text: str) -> str:
    """Return Markdown as HTML; what is HTML in it is shown as text, and nothing is a link."""
    page = Markdown()
    page.preprocessors.deregister("html_block")
    for name in ACTIVE:
        page.inlinePatterns.deregister(name)
    return str(page.convert(text))
