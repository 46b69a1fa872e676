"""What the page opens with: a lesson, a trial or one woman, on some section."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace

from remodel.viewer.lesson import Lesson
from remodel.viewer.lesson_reader import load_lesson
from remodel.viewer.scene import Scene, trial_scene

OPENING = "REMODEL_VIEW"  # environment variable in which `remodel view` says what to open


def wanted_opening() -> dict[str, str]:
    """Return what the command line asked for; nothing under `solara run`."""
    return dict(json.loads(os.environ.get(OPENING, "{}")))


def open_scene(wanted: Mapping[str, str]) -> tuple[Lesson | None, Scene]:
    """Return the lesson, if one is wanted, and the scene to begin with.

    Parameters
    ----------
    wanted : mapping
        Names of `lesson`, `trial` (or a file) and `section`; missing or empty for none.

    Raises
    ------
    ValueError
        If there is no such thing.
    """
    lesson = load_lesson(wanted["lesson"]) if wanted.get("lesson") else None
    if lesson:
        scene = lesson.scene
    else:
        scene = trial_scene(wanted["trial"]) if wanted.get("trial") else Scene()
    return lesson, replace(scene, section=wanted.get("section") or scene.section)
