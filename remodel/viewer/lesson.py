"""Lessons: Markdown beside the model, with buttons that set the scene and tested numbers.

`remodel/viewer/lessons/README.md` describes their form; `rehearsal` measures the numbers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from remodel.viewer.player import Player
from remodel.viewer.scene import Scene

NAMED = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button of a lesson: a scene to start from, if any, and what is done then.

    Attributes
    ----------
    label : str
        What stands on it.
    scene : Scene or None
        Where it starts anew; None goes on from where the model is.
    give, stop : tuple of str
        Drugs given, and drugs stopped, at once.
    estradiol, exercise : float or None
        Held from now on, pmol/L and hours a week.
    follow : bool
        Whether to watch the newest BMU up close.
    play_to : float
        Year to which it plays.
    """

    label: str
    scene: Scene | None = None
    give: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    estradiol: float | None = None
    exercise: float | None = None
    follow: bool = False
    play_to: float = 0.0

    def act(self, player: Player) -> None:
        """Do to the patient what the button says."""
        for drug in self.stop:
            player.stop(drug)
        for drug in self.give:
            player.give(drug)
        if self.estradiol is not None:
            player.hold_estradiol(self.estradiol)
        if self.exercise is not None:
            player.set_exercise(self.exercise)
        if self.follow:
            player.follower.follow_newest()


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number of the text, and how the model comes to it.

    Attributes
    ----------
    name : str
        Stands in the text as ``{name}``.
    value, tolerance : float
        What the text says, and how far the model may be from it; unit of the column.
    digits : int
        Decimals in the text, which has no sign: words say "lost" or "gained".
    buttons : tuple of str
        Pressed one after the other from the scene of the lesson, each played to its end.
    column : str
        One of `model.observer.COLUMNS`.
    year, since, over : float
        Year at which it is read; with `since`, the change from that year; with `over`,
        the mean of so many years before.
    comparator : bool
        Whether it is read from the comparator.
    """

    name: str
    value: float
    tolerance: float
    digits: int = 0
    buttons: tuple[str, ...] = ()
    column: str = ""
    year: float = 0.0
    since: float | None = None
    over: float = 0.0
    comparator: bool = False

    def text(self) -> str:
        """Return it as the text says it."""
        return f"{abs(self.value):.{self.digits}f}"


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson: its scene, its buttons, its numbers and its text by heading."""

    name: str
    title: str
    scene: Scene
    buttons: tuple[Button, ...]
    numbers: tuple[Number, ...]
    settings: dict[str, str]
    text: dict[str, str]

    def filled(self, heading: str) -> str:
        """Return the text under a heading with its numbers in it, as Markdown."""
        known = {number.name: number.text() for number in self.numbers} | self.settings
        return NAMED.sub(lambda found: known[found[1]], self.text[heading])

    def pressed(self, number: Number) -> tuple[Button, ...]:
        """Return the buttons that lead to a number."""
        there = {button.label: button for button in self.buttons}
        return tuple(there[label] for label in number.buttons)


def years_of(buttons: Sequence[Button]) -> list[tuple[float, float]]:
    """Return from which year to which each button plays, pressed one after the other."""
    spans, now = [], 0.0
    for button in buttons:
        begin = 0.0 if button.scene is not None else now
        now = max(begin, button.play_to)
        spans.append((begin, now))
    return spans


def read_at(rows: Sequence[Mapping[str, float]], column: str, year: float, over: float) -> float:
    """Return the reading nearest to a year, or the mean over the years before it."""
    nearest = min(rows, key=lambda row: abs(row["year"] - year))
    within = [row[column] for row in rows if year - over <= row["year"] <= year] if over else []
    return sum(within) / len(within) if within else nearest[column]
