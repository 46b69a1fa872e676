"""Lessons: Markdown beside the model, with buttons that set the scene and tested numbers.

`remodel/viewer/lessons/README.md` describes their form.
"""

import re
import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from math import inf
from typing import Any

from remodel.drugs import DRUGS
from remodel.measures import COLUMNS
from remodel.parameters import YEAR, Parameters
from remodel.quantities import check
from remodel.reader import Table
from remodel.trials import LONGEST
from remodel.viewer.player import ESTRADIOL, EXERCISE, Player
from remodel.viewer.scene import Scene, read_scene

HEADINGS = (
    "What is it", "How it works", "How to use it", "Things to notice", "Things to try",
    "Answers for the teacher",
)  # fmt: skip
FENCE = "+++\n"
SCENE = ("trial", "arm", "courses", "patient", "beside", "section", "seed", "overlay")
ACTS = ("give", "stop", "estradiol", "exercise", "follow", "play_to")
NAMED = re.compile(r"\{(\w+)\}")
NUMERAL = re.compile(r"(?<![A-Za-z\d])\d[\d.,]*")


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
        Whether to watch the newest remodeling unit up close.
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
        """Do to the woman what the button says."""
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
        One of `measures.COLUMNS`.
    year, since, over : float
        Year at which it is read; with `since`, the change from that year; with `over`,
        the mean of so many years before.
    beside : bool
        Whether it is read beside her.
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
    beside: bool = False

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

    def measure(self, number: Number) -> float:
        """Return what the model says today for a number of the text."""
        player, there = Player(self.scene), {button.label: button for button in self.buttons}
        for label in number.buttons:
            button = there[label]
            if button.scene is not None:
                player.set(button.scene)
            button.act(player)
            player_to(player, button.play_to)
        player_to(player, number.year)
        rows = player.models[int(number.beside)].meter.rows
        end = read_at(rows, number.column, number.year, number.over)
        if number.since is None:
            return end
        return end - read_at(rows, number.column, number.since, 0.0)


def player_to(player: Player, year: float) -> None:
    """Play to a year, to the nearest step."""
    left = year * YEAR - player.model.day
    if left > 0.5 * player.model.days:
        player.advance(left)


def read_at(rows: list[dict[str, float]], column: str, year: float, over: float) -> float:
    """Return the reading nearest to a year, or the mean over the years before it."""
    nearest = min(rows, key=lambda row: abs(row["year"] - year))
    within = [row[column] for row in rows if year - over <= row["year"] <= year] if over else []
    return sum(within) / len(within) if within else nearest[column]


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
    try:
        data = tomllib.loads(head)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file}: is not TOML between the lines of +++: {error}") from None
    top = Table(data, file, "\n" + head)  # the line of +++ counts
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
    return Number(
        name=table.words("name"),
        value=table.number("value", "(unit of its column)", -inf, inf),
        tolerance=table.number("tolerance", "(unit of its column)", 0, 1e6),
        digits=int(table.number("digits", "decimals", 0, 3, 0)),
        buttons=table.choices("buttons", labels) if "buttons" in table.data else (),
        column=table.choice("column", COLUMNS),
        year=table.number("year", "year", 0, LONGEST),
        since=table.number("since", "year", 0, LONGEST) if "since" in table.data else None,
        over=table.number("over", "year", 0, LONGEST, 0.0),
        beside=bool(table.get("beside", bool, "true or false", False)),
    )


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
