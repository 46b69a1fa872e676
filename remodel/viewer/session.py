"""What one browser tab holds: its player, whether it plays, and what is to be redrawn."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from math import inf
from time import perf_counter
from typing import Any

import solara

from remodel.parameters.time_steps import YEAR
from remodel.viewer.lesson import Button, Lesson
from remodel.viewer.lesson_files import load_lesson
from remodel.viewer.player import Player
from remodel.viewer.scene import Scene
from remodel.viewer.start import open_scene, wanted_numbers, wanted_opening

WEEK, MONTH = 7.0, YEAR / 12
SPEEDS = {"a week": WEEK, "a month": MONTH, "three months": YEAR / 4, "a year": YEAR}
LONG = 1.5  # years: what is longer is not played week by week
LEAST_PAUSE = 0.01  # seconds left to the browser after each frame
SMOOTH = 0.8  # fraction of the old value in a smoothed cost


class Tab:
    """State of one tab; nothing of it is shared with others.

    Attributes
    ----------
    tick : Reactive of int
        Rises when something is to be drawn anew.
    scenes : Reactive of int
        Rises when another scene is set.
    step_cost, draw_cost, pace : float
        Seconds of a frame for the model and for drawing, and frames a second.
    until : float
        Year at which playing ends, as a button of a lesson said; 0 for never.
    pause : float
        Seconds left to the browser after each frame.
    numbers : dict
        Of every scene, as the command line asked for; fields of `Scene`.
    """

    def __init__(self, scene: Scene | None = None) -> None:
        """Open a scene, or what the command line asked for."""
        self.tick, self.scenes = solara.Reactive(0), solara.Reactive(0)
        self.playing, self.speed = solara.Reactive(False), solara.Reactive("a week")
        self.error, self.side = solara.Reactive(""), solara.Reactive("settings")
        self.until, self.pause = 0.0, LEAST_PAUSE
        self.step_cost = self.draw_cost = self.pace = 0.0
        wanted = wanted_opening()
        self.file = trial if (trial := wanted.get("trial", "")).endswith(".toml") else ""
        self.lesson, first = open_scene(wanted)
        if self.lesson:
            self.side.value = "lesson"
        self.numbers = wanted_numbers(wanted)
        self.player = Player(replace(scene, **self.numbers) if scene else first)

    def close(self) -> None:
        """Let go of the models when the tab is closed."""
        self.playing.value = False

    def redraw(self) -> None:
        """Draw anew what shows the state of the model."""
        self.tick.value += 1

    def attempt(self, action: Callable[[], Any]) -> None:
        """Do something that may be refused, say so in one line, and draw."""
        self.error.value = ""
        try:
            action()
        except (ValueError, OSError) as error:
            self.error.value = str(error)
        self.redraw()

    def set_scene(self, **changes: Any) -> None:
        """Start anew with some of the scene changed."""
        self.show(lambda: replace(self.player.scene, **changes))

    def show(self, make: Callable[[], Scene]) -> None:
        """Start anew with another scene."""
        self.playing.value, self.until = False, 0.0
        self.attempt(lambda: self.player.set(replace(make(), **self.numbers)))
        trial = self.player.scene.trial
        if trial and not self.error.value:
            self.error.value = "; ".join(f"note: {note}" for note in trial.notes())
        self.scenes.value += 1

    def open_lesson(self, name: str) -> None:
        """Open a lesson of the package and set its scene."""
        self.begin(load_lesson(name))

    def begin(self, lesson: Lesson) -> None:
        """Show a lesson and set its scene."""
        self.lesson = lesson
        self.side.value = "lesson"
        self.show(lambda: lesson.scene)

    def press(self, button: Button) -> None:
        """Do what a button of a lesson says; one that plays leaves the frames to `play`."""
        self.playing.value, self.until = False, 0.0
        self.attempt(lambda: self.follow_orders(button))
        self.scenes.value += 1
        if button.play_to and not self.error.value:
            self.until = button.play_to
            if button.play_to - self.player.year > LONG and self.speed.value == "a week":
                self.speed.value = "a month"
            self.playing.value = True

    def follow_orders(self, button: Button) -> None:
        """Set the scene of a button, if it has one, and do to the patient what it says.

        Raises
        ------
        ValueError
            If it plays to a year that is over.
        """
        if button.scene is not None:
            self.player.set(replace(button.scene, **self.numbers))
        if button.play_to and self.player.has_reached(button.play_to):
            raise ValueError(
                f"{button.label!r} plays to year {button.play_to:g}, and it is year "
                f"{self.player.year:.1f}: set the scene anew"
            )
        button.act(self.player)

    def toggle(self) -> None:
        """Pause, or play on: to where a button of a lesson said, else without end."""
        if self.player.has_reached(self.until):
            self.until = 0.0
        self.playing.value = not self.playing.value

    def advance(self, days: float, until: float = inf) -> None:
        """Play for some days, not beyond a year, and draw; note what each of the two took."""
        begin = perf_counter()
        self.player.advance(days, until)
        stepped = perf_counter()
        self.redraw()
        drawn = perf_counter()
        self.step_cost = smooth(self.step_cost, stepped - begin)
        self.draw_cost = smooth(self.draw_cost, drawn - stepped)

    async def play(self) -> None:
        """Advance frame by frame until it is paused or over; the last frame is cut."""
        self.pace = 0.0
        while self.playing.value:
            begin = perf_counter()
            self.advance(SPEEDS[self.speed.value], self.until or inf)
            if self.player.finished or (self.until and self.player.has_reached(self.until)):
                self.playing.value, self.until = False, 0.0
            await asyncio.sleep(self.pause)
            self.pace = smooth(self.pace, 1 / (perf_counter() - begin))


def smooth(old: float, new: float) -> float:
    """Return a running mean."""
    return SMOOTH * old + (1 - SMOOTH) * new if old else new
