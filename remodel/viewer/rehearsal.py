"""Plays lessons through as a class does: in a tab, by their buttons, frame by frame."""

import asyncio
from functools import lru_cache

from remodel.viewer.lesson import Button, Lesson, Number, read_at
from remodel.viewer.scene import Scene
from remodel.viewer.session import Tab


def measure(lesson: Lesson, number: Number, speed: str = "a month") -> float:
    """Return what the model says today for a number of a lesson.

    Parameters
    ----------
    speed : str
        How much each frame plays, a name in `viewer.session.SPEEDS`; no number depends on it.
    """
    rows = play_through(lesson.scene, lesson.pressed(number), speed)[int(number.comparator)]
    end = read_at(rows, number.column, number.year, number.over)
    if number.since is None:
        return end
    return end - read_at(rows, number.column, number.since, 0.0)


@lru_cache(maxsize=8)  # numbers that press the same buttons share a run
def play_through(
    scene: Scene, pressed: tuple[Button, ...], speed: str = "a month"
) -> list[list[dict[str, float]]]:
    """Press buttons one after the other, each played to its end.

    Returns
    -------
    list of list of dict
        Readings of each model of the scene: of the patient, then of the comparator.

    Raises
    ------
    ValueError
        If the page refuses what a button does.
    """
    tab = Tab(scene)
    tab.pause = 0.0
    for button in pressed:
        tab.press(button)
        if tab.error.value:
            raise ValueError(tab.error.value)
        tab.speed.value = speed
        asyncio.run(tab.play())
    rows = [model.meter.rows for model in tab.player.models]
    tab.close()
    return rows
