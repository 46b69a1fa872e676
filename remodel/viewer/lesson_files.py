"""Reads lessons from their files; a mistake is one line with file, line, found and expected."""

import re
from dataclasses import replace
from importlib.resources import files
from math import inf
from typing import Any

from remodel.clinic.trials import LONGEST
from remodel.model.observer import COLUMNS
from remodel.parameters.drugs import DRUGS
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import check
from remodel.support.toml_table import Table, check_content, parse_toml
from remodel.viewer.lesson import NAMED, Button, Lesson, Number, years_of
from remodel.viewer.player import ESTRADIOL, EXERCISE
from remodel.viewer.scene import read_scene

HEADINGS = (
    "What is it", "How it works", "How to use it", "Things to notice", "Things to try",
    "Answers for the teacher",
)  # fmt: skip
FENCE = "+++\n"
SCENE = ("trial", "arm", "courses", "patient", "comparator", "section", "seed", "overlay")
ACTS = ("give", "stop", "estradiol", "exercise", "follow", "play_to")
NUMERAL = re.compile(r"(?<![A-Za-z\d])\d[\d.,]*")


def built_in_lessons() -> list[str]:
    """Return the names of the lessons of the package, in their order."""
    found = (item.name for item in files("remodel.viewer").joinpath("lessons").iterdir())
    return sorted(n.removesuffix(".md") for n in found if n.endswith(".md") and n[0].isdigit())


def find_lesson(name: str) -> str:
    """Return the full name of a lesson that is named in full or by its number."""
    there = built_in_lessons()
    for known in there:
        if name in (known, known.partition("-")[0]):
            return known
    raise ValueError(f"no lesson {name!r}; there are {', '.join(there)}")


def load_lesson(name: str) -> Lesson:
    """Read a lesson of the package, by its name or its number."""
    known = find_lesson(name)
    file = files("remodel.viewer").joinpath("lessons", f"{known}.md")
    return read_lesson(file.read_text(encoding="utf-8"), known)


def read_lesson(text: str, name: str) -> Lesson:
    """Read a lesson from the text of its file.

    Raises
    ------
    ValueError
        With one line that names file, line, what was found and what was expected.
    """
    file = f"{name}.md"
    before, _, rest = text.partition(FENCE)
    head, fence, body = rest.partition(FENCE)
    if before.strip() or not fence:
        raise ValueError(f"{file}: expected TOML between two lines of +++ at the top")
    top = Table(parse_toml(head, file), file, "\n" + head)  # the line of +++ counts
    check_content(top)
    top.only(("title", "scene", "button", "number", "setting"))
    scene_table = top.table("scene")
    scene_table.only(SCENE)
    buttons = tuple(read_button(table) for table in top.tables("button"))
    lesson = Lesson(
        name=name,
        title=top.words("title"),
        scene=read_scene(scene_table),
        buttons=buttons,
        numbers=tuple(read_number(each, buttons) for each in top.tables("number")),
        settings=read_settings(top.table("setting")),
        text=read_text(body, file),
    )
    check_text(lesson, file)
    return lesson


def read_button(table: Table) -> Button:
    """Read a button; one that names anything of a scene starts anew."""
    table.only(("label", *SCENE, *ACTS))
    drugs = [name for name in DRUGS if name != "exercise"]
    anew = {key: value for key, value in table.data.items() if key in SCENE}
    bounds = {"estradiol": ("pmol/L", ESTRADIOL), "exercise": ("hour/week", EXERCISE)}
    held = {
        key: table.number(key, unit, steps[0], steps[-1]) if key in table.data else None
        for key, (unit, steps) in bounds.items()
    }
    return Button(
        label=table.words("label"),
        scene=read_scene(replace(table, data=anew)) if anew else None,
        give=table.choices("give", drugs) if "give" in table.data else (),
        stop=table.choices("stop", drugs) if "stop" in table.data else (),
        follow=bool(table.get("follow", bool, "true or false", False)),
        play_to=table.number("play_to", "year", 0, LONGEST, 0.0),
        **held,
    )


def read_number(table: Table, buttons: tuple[Button, ...]) -> Number:
    """Read a number of the text."""
    table.only(Number.__dataclass_fields__)
    labels = [button.label for button in buttons]
    number = Number(
        name=table.words("name"),
        value=table.number("value", "(unit of its column)", -inf, inf),
        tolerance=table.number("tolerance", "(unit of its column)", 0, 1e6),
        digits=int(table.number("digits", "decimals", 0, 3, 0)),
        buttons=table.choices("buttons", labels) if "buttons" in table.data else (),
        column=table.choice("column", COLUMNS),
        year=table.number("year", "year", 0, LONGEST),
        since=table.number("since", "year", 0, LONGEST) if "since" in table.data else None,
        over=table.number("over", "year", 0, LONGEST, 0.0),
        comparator=bool(table.get("comparator", bool, "true or false", False)),
    )
    there = {button.label: button for button in buttons}
    spans = years_of([there[label] for label in number.buttons])
    end = spans[-1][1] if spans else 0.0
    for key, year in (("year", number.year), ("since", number.since or 0.0)):
        if year > end:
            found = f"{key} = {year:g} year"
            table.refuse(key, f"{found}; expected at most {end:g} year, to which its buttons play")
    return number


def read_settings(table: Table) -> dict[str, str]:
    """Read numbers that are no result: parameters of the model by name, or what a button sets."""
    parameters, said = Parameters().values(), {}
    for name, value in table.data.items():
        if isinstance(value, str):
            if value not in parameters:
                table.refuse(name, f"{name} = {value!r}; expected a parameter of the model")
            value = parameters[value]
        said[name] = f"{table_number(table, name, value):g}"
    return said


def table_number(table: Table, name: str, value: Any) -> float:
    """Return a setting that is a number."""
    try:
        check(name, value, "(no unit)", -1e9, 1e9)
    except ValueError as error:
        table.refuse(name, str(error))
    return float(value)


def read_text(body: str, file: str) -> dict[str, str]:
    """Split the text at its headings, which are those of every lesson."""
    pieces = re.split(r"^## (.+)$", body, flags=re.MULTILINE)
    found = dict(zip(pieces[1::2], (text.strip() for text in pieces[2::2]), strict=True))
    if tuple(found) != HEADINGS or pieces[0].strip():
        there = ", ".join(found) or "no heading"
        raise ValueError(f"{file}: has {there}; expected, in order, {', '.join(HEADINGS)}")
    empty = [heading for heading, text in found.items() if not text]
    if empty:
        raise ValueError(f"{file}: nothing stands under {empty[0]!r}; expected text")
    return found


def check_text(lesson: Lesson, file: str) -> None:
    """See that every number of the text has a name, and that every name is used."""
    named = [number.name for number in lesson.numbers] + list(lesson.settings)
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise ValueError(f"{file}: {twice[0]!r} is declared twice; expected a name of its own")
    used = {name for text in lesson.text.values() for name in NAMED.findall(text)}
    for name in sorted(used ^ set(named)):
        said = "is in the text and not declared" if name in used else "is declared and not used"
        raise ValueError(f"{file}: {{{name}}} {said}; expected both")
    for heading, text in lesson.text.items():
        bare = NUMERAL.search(NAMED.sub("", text))
        if bare:
            raise ValueError(
                f"{file}: the bare number {bare[0]} stands under {heading!r}; expected a "
                "{name} from [[number]] or [setting], so that it is tested"
            )
