"""Strict reading of tables: a mistake is one line with file, line, key, found and expected."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any, Never, TypeVar
from unicodedata import category

from remodel.support.files import read_bytes
from remodel.support.messages import one_line, shown

REQUIRED: Any = object()
MOST_TEXT = 64 << 10  # characters of a file
MOST_POINTS = 400  # in a line: the time to read a dotted key grows with their square
MOST_ENTRIES = 300  # of a list or table: all arms times all visits must stay a table to look at
LONGEST_TEXT = 1000  # characters
DEEPEST = 8  # tables in tables
LARGEST = 1e15  # whole number
TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # the way text runs
FORMULA = re.compile(r"\s*([=@\uff1d]|[-+].*([|!]|\w\())")  # as a spreadsheet would take it
HEADER = re.compile(r"\s*\[+([^\[\]]+)\]")  # each letter is looked at once
KEY = re.compile(r"\s*([^\s=#\[][^=#]*)=")  # and all before its equals sign
Kind = TypeVar("Kind")
Made = TypeVar("Made")


def is_header(line: str, path: str) -> bool:
    """Return whether a line is the header of the table with a dotted path."""
    found = HEADER.match(line)
    return found is not None and found[1].replace('"', "").replace(" ", "") == path


def plain_key(text: str) -> str:
    """Return a key, of a header or before an equals sign, without quotes and spaces."""
    return re.sub(r"[\s\"']", "", text)


@dataclass(frozen=True)
class Table:
    """One table of a file, which knows where it stands.

    Attributes
    ----------
    data : dict
        What the table holds.
    file, text : str
        Name of the file and all of its text, to find lines in.
    place : str
        Where in the file, such as ``"arm 2, course 1"``; empty at the top.
    """

    data: dict[str, Any]
    file: str
    text: str = ""
    place: str = ""

    def line_of(self, key: str) -> str:
        """Return ``", line N"`` where the key stands, or else where its table begins."""
        pattern = re.compile(rf'^\s*(\[+\s*)?([\w.]+\.)?"?{re.escape(key)}"?\s*[\]=.]')
        lines, first = self.text.splitlines(), self.first_line()
        for number, line in enumerate(lines[first:], first + 1):
            if key and pattern.match(line):
                return f", line {number}"
            if (self.place or not isinstance(self.data.get(key), dict | list)) and HEADER.match(
                line
            ):
                break
        return f", line {first}" if first else ""

    def first_line(self) -> int:
        """Return the line of the header of this table; of the one around it if it has none."""
        lines, found, path = self.text.splitlines(), 0, ""
        for part in self.place.split(", ") if self.place else ():
            key, _, count = part.partition(" ")
            path = f"{path}.{key}" if path else key
            here = [n for n, line in enumerate(lines, 1) if n > found and is_header(line, path)]
            which = int(count or 1) - 1
            found = here[which] if which < len(here) else found
        return found

    def line_of_name(self, name: str) -> str:
        """Return ``", line N"`` where a dotted name of this table stands, however it is written.

        That is under headers, with dots, in quotes or in a table of one line.
        """
        whole = f"{self.place.replace(', ', '.')}.{name}" if self.place else name
        header, best, line = "", -1, 0
        for number, text in enumerate(self.text.splitlines(), 1):
            if found := HEADER.match(text):
                header = plain_key(found[1]) + "."
            elif found := KEY.match(text):
                path = header + plain_key(found[1])
                if f"{whole}.".startswith(f"{path}.") and len(path) > best:
                    best, line = len(path), number
        return f", line {line}" if line else self.line_of("")

    def refuse_name(self, name: str, problem: str) -> Never:
        """Raise the error of a mistake at a dotted name in this table."""
        where = f"{self.place}: " if self.place else ""
        raise ValueError(one_line(f"{self.file}{self.line_of_name(name)}: {where}{problem}"))

    def refuse(self, key: str, problem: str) -> Never:
        """Raise the error of a mistake at a key."""
        where = f"{self.place}: " if self.place else ""
        raise ValueError(one_line(f"{self.file}{self.line_of(key)}: {where}{problem}"))

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that mean nothing here."""
        known = list(known)
        for key in self.data:
            if key not in known:
                self.refuse(key, f"unknown key {shown(key)}; expected one of {', '.join(known)}")

    def get(self, key: str, kind: type | tuple[type, ...], expected: str, default: Any) -> Any:
        """Return a value of one kind, or the default."""
        if key not in self.data:
            if default is REQUIRED:
                self.refuse(key, f"{key} is missing; expected {expected}")
            return default
        value = self.data[key]
        wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
        if wrong or (isinstance(value, int) and abs(value) > LARGEST):
            self.refuse(key, f"{key} = {shown(value)}; expected {expected}")
        return value

    def words(self, key: str, default: Any = REQUIRED) -> str:
        """Return text that is not empty."""
        value = self.get(key, str, "text in quotes", default)
        if default is REQUIRED and not value.strip():
            self.refuse(key, f"{key} is empty; expected text")
        if default is REQUIRED and value.splitlines() != [value]:
            self.refuse(key, f"{key} = {shown(value)}; expected text on one line")
        return str(value)

    def number(
        self, key: str, unit: str, low: float, high: float, default: Any = REQUIRED
    ) -> float:
        """Return a number within a range."""
        expected = f"{low:g} to {high:g} {unit}"
        value = self.get(key, (int, float), expected, default)
        if not low <= value <= high:
            self.refuse(key, f"{key} = {value} {unit}; expected {expected}")
        return float(value)

    def numbers(self, key: str, unit: str, low: float, high: float) -> tuple[float, ...]:
        """Return a list of numbers within a range, rising."""
        expected = f"rising numbers from {low:g} to {high:g} {unit}, such as [1, 2, 5]"
        found = self.get(key, list, expected, REQUIRED)
        right = [type(x) in (int, float) and low <= x <= high for x in found]
        if not found or not all(right) or sorted(set(found)) != found:
            self.refuse(key, f"{key} = {shown(found)}; expected {expected}")
        return tuple(float(x) for x in found)

    def choices(self, key: str, known: Iterable[str]) -> tuple[str, ...]:
        """Return a list of known words, each once."""
        known = list(known)
        found = self.get(key, list, f"a list of {', '.join(known)}", REQUIRED)
        if not found:
            self.refuse(key, f"{key} is empty; expected some of {', '.join(known)}")
        for word in found:
            if word not in known or found.count(word) > 1:
                self.refuse(key, f"{key}: {shown(word)}; expected, once each, {', '.join(known)}")
        return tuple(found)

    def choice(self, key: str, known: Iterable[str], default: Any = REQUIRED) -> str:
        """Return one of some known words."""
        known = list(known)
        word = self.get(key, str, f"one of {', '.join(known)}", default)
        if key in self.data and word not in known:
            self.refuse(key, f"{key} = {shown(word)}; expected one of {', '.join(known)}")
        return str(word)

    def table(self, key: str) -> "Table":
        """Return the table under a key, empty where there is none."""
        data = self.get(key, dict, f"a table [{key}]", {})
        return Table(data, self.file, self.text, self.inside(key))

    def tables(self, key: str) -> list["Table"]:
        """Return the tables of a list."""
        expected = f"tables, each headed [[{key}]]"
        found = self.get(key, list, expected, [])
        for item in found:
            if not isinstance(item, dict):
                self.refuse(key, f"{key} holds {shown(item)}; expected {expected}")
        return [
            Table(item, self.file, self.text, self.inside(f"{key} {number}"))
            for number, item in enumerate(found, 1)
        ]

    def inside(self, key: str) -> str:
        """Return the place of a table in this one."""
        return f"{self.place}, {key}" if self.place else key

    def build(self, kind: type[Kind], template: Any = None) -> Kind:
        """Return a dataclass whose fields are the keys of this table.

        Parameters
        ----------
        kind : type
            A dataclass that checks its own values.
        template : optional
            An instance that has the values of keys left out.
        """
        items = {f.name: f.default for f in fields(kind)}  # type: ignore[arg-type]
        usually = {name: getattr(template, name) for name in items} if template is not None else {}
        return self.call(kind, items | usually)

    def call(self, maker: Callable[..., Made], defaults: Mapping[str, Any]) -> Made:
        """Return what a function makes of the keys of this table.

        Parameters
        ----------
        maker : callable
            A function, or a class, that checks its own values.
        defaults : mapping
            Names of its arguments, and what a key that is left out has; a text that must be
            there has `dataclasses.MISSING`.
        """
        self.only(defaults)
        values = {}
        for name, default in defaults.items():
            number = isinstance(default, (int, float)) and not isinstance(default, bool)
            like: Any = (int, float) if number else type(default)
            expected = "a number" if number else "text in quotes"
            if isinstance(default, bool):
                expected = "true or false"
            if default is MISSING:
                like, default = str, REQUIRED
            value = self.get(name, like, expected, default)
            values[name] = float(value) if isinstance(default, float) else value
        try:
            return maker(**values)
        except ValueError as error:
            named = [key for key in self.data if re.search(rf"\b{key} =", str(error))]
            guilty = [key for key in self.data if repr(self.data[key]) in str(error)]
            return self.refuse((named or guilty or [""])[0], str(error))


def read_toml_text(path: Path, what: str) -> str:
    """Return the text of a file of a user's own; refuse, in one line, what is none.

    Parameters
    ----------
    path : Path
        Of the file.
    what : str
        What is expected there, such as ``"trial"``.
    """
    try:
        return read_bytes(path, 4 * MOST_TEXT).decode("utf-8-sig")  # some editors begin with a mark
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not text; expected a TOML file in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"{path}: is no {what}: {error}") from None


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """Return what a text in TOML holds; what would take for ever to read is refused."""
    try:
        if len(text) > MOST_TEXT:
            raise ValueError(f"{len(text)} characters; expected up to {MOST_TEXT}")
        if any(line.count(".") > MOST_POINTS for line in text.splitlines()):
            raise ValueError(f"over {MOST_POINTS} points in a line")
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"{file}: is not TOML that can be read: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{file}: is not TOML: {error}") from None


def check_content(table: Table) -> None:
    """Refuse what could fill memory, or do harm in a terminal, a spreadsheet or a page.

    Everything that a stranger wrote goes through here before any of it is used.
    """
    if table.place.count(", ") > DEEPEST:
        table.refuse("", f"a table so deep in others; expected up to {DEEPEST}")
    check_length(table, "", "a table", table.data)
    for key, value in table.data.items():
        check_text(table, "", "a key", key)
        check_length(table, key, key, value)
        for number, item in enumerate(value if isinstance(value, list) else [value], 1):
            if isinstance(item, dict):
                place = f"{key} {number}" if isinstance(value, list) else key
                check_content(replace(table, data=item, place=table.inside(place)))
            elif isinstance(item, list):
                table.refuse(key, f"{key} holds a list in a list; expected one list")
            elif isinstance(item, str):
                check_text(table, key, key, item)
            elif isinstance(item, int) and abs(item) > LARGEST:
                table.refuse(key, f"{key} is a whole number beyond {LARGEST:g}")


def check_length(table: Table, key: str, what: str, value: Any) -> None:
    """Refuse lists and tables that are too long."""
    if isinstance(value, dict | list) and len(value) > MOST_ENTRIES:
        table.refuse(key, f"{what} has {len(value)} entries; expected up to {MOST_ENTRIES}")


def check_text(table: Table, key: str, what: str, text: str) -> None:
    """Refuse text that is no plain text, on one line."""
    if len(text) > LONGEST_TEXT:
        table.refuse(key, f"{what} is {len(text)} characters long; expected up to {LONGEST_TEXT}")
    odd = [c for c in text if category(c) in ("Cc", "Cs", "Zl", "Zp") or TURNING.match(c)]
    if odd:
        table.refuse(key, f"{what} holds {odd[0]!a}; expected text of one line that prints")
    if FORMULA.match(text):
        table.refuse(key, f"{what} = {shown(text)} begins as a formula does; expected plain text")
