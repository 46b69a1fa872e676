"""What the page opens with: a lesson, a trial or one patient, on some section."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from remodel.parameters.parameters import Parameters
from remodel.viewer.lesson import Lesson
from remodel.viewer.lesson_files import load_lesson
from remodel.viewer.scene import Scene, trial_scene

OPENING = "REMODEL_VIEW"  # environment variable in which `remodel view` says what to open


def wanted_opening() -> dict[str, Any]:
    """Return what the command line asked for; nothing under `solara run`."""
    return dict(json.loads(os.environ.get(OPENING, "{}")))


def open_scene(wanted: Mapping[str, Any]) -> tuple[Lesson | None, Scene]:
    """Return the lesson, if one is wanted, and the scene to begin with.

    Parameters
    ----------
    wanted : mapping
        Names of `lesson`, `trial` (or a file) and `section`, and what `wanted_numbers` reads;
        missing or empty for none.

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
    section = wanted.get("section") or scene.section
    return lesson, replace(scene, section=section, **wanted_numbers(wanted))


def wanted_numbers(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of every scene of the page, as fields of `Scene`; none if none are asked.

    Parameters
    ----------
    wanted : mapping
        `parameters`, the name of a set or a file, and `values` by dotted name.
    """
    found: dict[str, Any] = {}
    if wanted.get("parameters"):
        found["base"] = Parameters.load(wanted["parameters"])
    if wanted.get("values"):
        found["values"] = dict(wanted["values"])
    return found
