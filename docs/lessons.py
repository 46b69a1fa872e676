"""Measure the numbers of the lessons anew and write them: `python docs/lessons.py` from the top folder."""

import re
from pathlib import Path

from remodel.support.files import write_atomically
from remodel.viewer.lesson import Lesson
from remodel.viewer.lesson_files import built_in_lessons, load_lesson
from remodel.viewer.rehearsal import measure

FOLDER = Path("remodel/viewer/lessons")


def refill(text: str, lesson: Lesson) -> str:
    """Return the text of a lesson with the values that the model has today."""
    for number in lesson.numbers:
        value = round(measure(lesson, number), number.digits)
        pattern = rf'(\[\[number\]\]\nname = "{number.name}"\n(?:.+\n)*?value = ).+'
        text, count = re.subn(pattern, lambda found, v=value: f"{found[1]}{v:g}", text)
        if count != 1:
            raise ValueError(
                f"{lesson.name}: {number.name}: name, then value, must begin its table"
            )
        print(f"{lesson.name}: {number.name} = {value:g} (was {number.value:g})")
    return text


if __name__ == "__main__":
    for name in built_in_lessons():
        path = FOLDER / f"{name}.md"
        write_atomically(path, refill(path.read_text(encoding="utf-8"), load_lesson(name)))
