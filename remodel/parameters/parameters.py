"""All numbers of the model in one object, by dotted name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from remodel.parameters.cells import Osteoblast, Osteoclast, Precursors, Receptor
from remodel.parameters.drugs import DRUGS, Drug
from remodel.parameters.fitted_sets import (
    ABOUT,
    DEFAULT_SET,
    EARLIER,
    LABEL,
    built_in_sets,
    read_label,
    say_no_set,
    set_table,
    set_values,
)
from remodel.parameters.measurement import Densitometry, Fracture, Markers
from remodel.parameters.parameter_files import (
    drug_lines,
    number_lines,
    read_drugs,
    read_numbers,
    say_unknown,
    toml_value,
)
from remodel.parameters.population import Habits
from remodel.parameters.quantities import CALIBRATED, Group, Row, check
from remodel.parameters.responses import Responses
from remodel.parameters.time_steps import Time
from remodel.parameters.tissue import Mineral, Section, Strain, Unit
from remodel.support.files import write_atomically
from remodel.support.messages import shown
from remodel.support.toml_table import Table, check_content, parse_toml, read_toml_text


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """All numbers of the model, in groups.

    Attributes
    ----------
    drugs : mapping of str to Drug
        What a course may give, by name.
    parameter_set : str
        Name and version of the set that fitted numbers come from, such as ``"second-design-1"``;
        it stays where some of them are changed.
    """

    section: Section = field(default_factory=Section)
    time: Time = field(default_factory=Time)
    receptor: Receptor = field(default_factory=Receptor)
    precursors: Precursors = field(default_factory=Precursors)
    unit: Unit = field(default_factory=Unit)
    osteoclast: Osteoclast = field(default_factory=Osteoclast)
    osteoblast: Osteoblast = field(default_factory=Osteoblast)
    strain: Strain = field(default_factory=Strain)
    habits: Habits = field(default_factory=Habits)
    mineral: Mineral = field(default_factory=Mineral)
    densitometry: Densitometry = field(default_factory=Densitometry)
    markers: Markers = field(default_factory=Markers)
    fracture: Fracture = field(default_factory=Fracture)
    responses: Responses = field(default_factory=Responses)
    drugs: Mapping[str, Drug] = field(default_factory=lambda: dict(DRUGS), hash=False)
    parameter_set: str = DEFAULT_SET

    def __post_init__(self) -> None:
        """Refuse a set without name and version."""
        if not LABEL.fullmatch(str(self.parameter_set)):
            expected = "expected a name, a hyphen and a version, such as " + DEFAULT_SET
            raise ValueError(f"parameter set {shown(self.parameter_set)}; {expected}")

    @classmethod
    def from_set(cls, name: str) -> Self:
        """Return the numbers with a fitted set of the package, such as ``"second-design-1"``.

        Raises
        ------
        ValueError
            If there is no such set.
        """
        if name not in built_in_sets():
            raise ValueError(say_no_set(name))
        return cls.build(set_table(name))

    @classmethod
    def load(cls, source: Path | str) -> Self:
        """Return the numbers of a set of the package, by name, or of anyone's TOML file, by path.

        What a file leaves out is as in the set whose name and version it gives, or else as
        by default. Numbers stand under their dotted names, ``osteoclast.life = 28``, or in
        tables; drugs of its own in ``[[drug]]``, as in the file of a trial.

        Raises
        ------
        ValueError
            With one line that names file, line, parameter, what was found and what was expected.
        """
        if str(source) in built_in_sets():
            return cls.from_set(str(source))
        path = Path(source)
        if path.suffix != ".toml" and not path.is_file():
            hint = "" if str(source) in EARLIER else "; or name a .toml file"
            raise ValueError(say_no_set(str(source)) + hint)
        text = read_toml_text(path, "parameter file")
        return cls.build(Table(parse_toml(text, str(path)), str(path), text))

    @classmethod
    def build(cls, top: Table) -> Self:
        """Return the numbers that the top table of a file gives, in place of those of its set."""
        check_content(top)
        label = read_label(top)
        if label in EARLIER:
            top.refuse(ABOUT[0], say_no_set(label))
        start = cls(parameter_set=label or DEFAULT_SET).with_drugs(read_drugs(top))
        values = read_numbers(top, start.known())
        if label in built_in_sets():
            start = start.with_values(set_values(start.parameter_set))
        elif label and (missing := [name for name in start.fitted() if name not in values]):
            top.refuse(ABOUT[0], f"set {label} is not of the package and lacks {missing[0]}")
        try:
            return start.with_values(values)
        except ValueError as error:
            return top.refuse("", str(error))

    def save(self, path: Path | str) -> None:
        """Write every number into a TOML file, from which `load` reads the same, to the last bit."""
        write_atomically(Path(path), self.to_toml())

    def to_toml(self, rows: Iterable[Row] | None = None) -> str:
        """Return numbers as TOML, each with unit, range, meaning and basis; by default all.

        `rows` are those of this object that are wanted.
        """
        own = [drug.name for drug in self.own_drugs()]
        wanted = list(self.rows() if rows is None else rows)
        whole = {*self.fitted()} <= {row.name for row in wanted}
        lines = [
            "# Parameters of remodel. Delete what you do not change: what is left out is as in",
            "# the set of fitted numbers that name and version give, and in the code.",
            *(self.set_lines() if whole or self.parameter_set in built_in_sets() else ()),
            "",
            *number_lines(
                (row for row in wanted if row.name.split(".")[1] not in own), Parameters().values()
            ),
            *(drug_lines(self.own_drugs()) if rows is None else ()),
        ]
        return "\n".join(lines) + "\n"

    def set_lines(self) -> Iterator[str]:
        """Yield the lines of TOML that say which set fitted numbers come from."""
        name, _, version = self.parameter_set.rpartition("-")
        yield f"name = {toml_value(name)}"
        yield f"version = {version}"

    def describe(self) -> str:
        """Return the set of fitted numbers, and each number that is otherwise than with that set."""
        known = self.parameter_set in built_in_sets()
        default = Parameters.from_set(self.parameter_set) if known else Parameters()
        changes = self.differences(default.with_drugs(self.own_drugs()))
        for name in () if known else self.fitted():  # of a set that is a file of the user's
            changes.pop(name, None)
        text = ", ".join(f"{name} = {value!r}" for name, value in changes.items())
        return f"parameter set {self.parameter_set}{f' but {text}' if changes else ''}"

    def find(self, name: str) -> list[Row]:
        """Return the numbers of a group, or the one of a name; refuse what there is not."""
        rows = [row for row in self.rows() if f"{row.name}.".startswith(f"{name}.")]
        if not rows:
            raise ValueError(say_unknown(name, self.values()))
        return rows

    def fitted(self) -> list[str]:
        """Return the numbers that a set gives, by dotted name."""
        return [row.name for row in self.rows() if row.basis == CALIBRATED]

    def known(self) -> dict[str, Row]:
        """Return every number that can be set, by dotted name; of drugs, also those that do nothing."""
        rows = (row for name, group in self.groups().items() for row in group.numbers(name))
        return {row.name: row for row in rows}

    def differences(self, other: Self) -> dict[str, float]:
        """Return the numbers that another object has otherwise, or not at all, by dotted name."""
        theirs = other.values()
        return {name: value for name, value in self.values().items() if theirs.get(name) != value}

    def rows(self) -> Iterator[Row]:
        """Yield every number with unit, range, meaning and source."""
        for name, group in self.groups().items():
            yield from group.rows(name)

    def groups(self) -> dict[str, Group]:
        """Return the groups by dotted name; each response, each drug is one of its own."""
        parts = {item.name: getattr(self, item.name) for item in fields(self)}
        del parts["parameter_set"]
        curves, drugs = vars(parts.pop("responses")), parts.pop("drugs")
        parts |= {f"responses.{name}": curve for name, curve in curves.items()}
        return parts | {f"drugs.{name}": drug for name, drug in drugs.items()}

    def with_drugs(self, drugs: Iterable[Drug]) -> Self:
        """Return a copy that knows these drugs too; one of the same name that is there stays."""
        new = {drug.name: drug for drug in drugs if drug.name not in self.drugs}
        return replace(self, drugs={**new, **self.drugs}) if new else self

    def own_drugs(self) -> list[Drug]:
        """Return the drugs that the package does not bring."""
        return [drug for name, drug in self.drugs.items() if name not in DRUGS]

    def values(self) -> dict[str, float]:
        """Return every number, in the unit of its row, by its dotted name."""
        return {row.name: row.value for row in self.rows()}

    def with_values(self, changes: Mapping[str, float]) -> Self:
        """Return a copy with some numbers changed.

        Parameters
        ----------
        changes : mapping of str to float
            New values by dotted name, such as ``{"osteoblast.life": 180}``.

        Raises
        ------
        ValueError
            If a name is unknown or a value outside its range.
        """
        if not changes:
            return self
        groups: dict[str, Any] = dict(self.groups())
        known = self.known()
        changed: dict[str, dict[str, float]] = {}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(say_unknown(name, known))
            row = known[name]
            check(name, value, row.unit, row.low, row.high)
            group, _, item = name.rpartition(".")
            changed.setdefault(group, {})[item] = value
        for group, values in changed.items():
            groups[group] = groups[group].with_values(values)
        named: dict[str, dict[str, Any]] = {"responses": {}, "drugs": {}}
        for name in [name for name in groups if "." in name]:
            kind, _, item = name.partition(".")
            named[kind][item] = groups.pop(name)
        curves = replace(self.responses, **named["responses"])
        return replace(self, **groups, responses=curves, drugs=named["drugs"])

    @classmethod
    def from_values(
        cls, values: dict[str, float], parameter_set: str, drugs: Iterable[Drug] = ()
    ) -> Self:
        """Return the parameters of a record; each number must be there and known."""
        if parameter_set in EARLIER:
            raise ValueError(f"record: {say_no_set(parameter_set)}")
        default = replace(cls(), parameter_set=parameter_set).with_drugs(drugs)
        missing = sorted(set(default.values()) - set(values))
        if missing:
            raise ValueError(
                f"record: no value of {', '.join(missing)}; made by another version: use that one"
            )
        return default.with_values(values)
