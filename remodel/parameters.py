"""Every number of the model: value, unit, range, meaning and source, declared once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from math import floor
from pathlib import Path
from typing import Any, Self

from remodel.drugs import DRUGS, Drug
from remodel.files import write_whole
from remodel.fitted_sets import (
    ABOUT,
    DEFAULT_SET,
    FITTED,
    LABEL,
    built_in_sets,
    read_label,
    set_table,
    set_values,
)
from remodel.habits import Habits
from remodel.instruments import Densitometry, Fracture, Markers
from remodel.parameter_files import (
    drug_lines,
    number_lines,
    read_drugs,
    read_numbers,
    say_unknown,
    toml_value,
)
from remodel.quantities import CALIBRATED, Group, Row, check, par, shown
from remodel.reader import Table, check_content, parse_toml, read_toml_text
from remodel.responses import Responses

YEAR = 365.25  # days; the Julian year
VISIT_ROUNDING = 0.25  # days; years of visits are rounded to two or three decimals
LONGEST_RUN = 1000.0  # years; who asks for more has made a mistake


def visit_tick(year: float, step: float) -> int:
    """Return the number of the step, in days, at whose end a visit in a year is.

    The last one that ends by that day, because blood is drawn before what is injected at the
    same visit.
    """
    return floor((year * YEAR + VISIT_ROUNDING) / step)


@dataclass(frozen=True, kw_only=True)
class Section(Group):
    """The section of bone as it is built, and its resolution."""

    site: float = par(
        20.0, "um", "side of a site, width of a remodeling unit", low=5, high=40, source="assumed"
    )
    height: float = par(
        4.0, "mm", "length along the periodic axis", low=0.4, high=40, source="design"
    )
    width: float = par(
        4.0, "mm", "from marrow to periosteum, cortex included", low=0.4, high=40, source="design"
    )
    cortex: float = par(1.0, "mm", "cortical thickness", low=0.0, high=40, source="H068")
    bone_volume: float = par(
        20.0, "%", "BV/TV of the trabecular part", low=0.0, high=100, source="H050"
    )
    cell_density: float = par(
        0.62, "1/mm2", "marrow spaces that trabeculae enclose", low=0.05, high=10, source="assumed"
    )
    strut_spread: float = par(
        0.25, "1", "spread of trabecular thickness (log)", low=0, high=1, source="assumed"
    )
    missing_struts: float = par(
        0.10, "fraction", "trabeculae already lost to age", low=0, high=0.9, source="assumed"
    )
    canal_density: float = par(18.0, "1/mm2", "Haversian canals", low=0, high=60, source="H070")
    canal_width: float = par(
        55.0, "um", "mean diameter of a canal", low=20, high=120, source="H067"
    )
    canal_spread: float = par(12.0, "um", "its standard deviation", low=0, high=40, source="H011")
    first_age: float = par(
        4.0,
        "year",
        "mean age of matrix as built; spin-up replaces it",
        low=0.1,
        high=50,
        source="assumed",
    )


@dataclass(frozen=True, kw_only=True)
class Time(Group):
    """Steps and intervals."""

    step: float = par(7.0, "day", "one step", low=0.1, high=14, source="design")
    renewal: float = par(
        28.0,
        "day",
        "between renewals of surface, marrow share and strain",
        low=1,
        high=112,
        source="design",
    )
    reading: float = par(28.0, "day", "between two measurements", low=1, high=366, source="design")
    spin_up: float = par(
        10.0,
        "year",
        "before day 0: cells, then mineral, come to rest",
        low=0,
        high=200,
        source="design",
    )


@dataclass(frozen=True, kw_only=True)
class Receptor(Group):
    """The estrogen receptor, for which estradiol and a SERM compete."""

    estradiol_affinity: float = par(
        33.0, "pmol/L", "total estradiol that half occupies it", low=1, high=1000, source="assumed"
    )
    lag: float = par(
        FITTED["receptor.lag"],
        "day",
        "time in which RANKL and OPG follow estrogen",
        low=1,
        high=1000,
        source="calibrated",
    )
    opg_binding: float = par(
        5.0,
        "1",
        "OPG without estrogen, over its dissociation constant for RANKL",
        low=0,
        high=1000,
        source="assumed",
    )


@dataclass(frozen=True, kw_only=True)
class Precursors(Group):
    """Osteoclast precursors: arriving, waiting, used up."""

    turnover: float = par(
        0.004,
        "1/day",
        "spontaneous loss, and arrival, of waiting precursors",
        low=0,
        high=1,
        source="assumed",
    )
    usage: float = par(
        0.0466, "1/day", "share that fuses per day at full drive", low=0, high=10, source="assumed"
    )
    reach: float = par(
        140.0,
        "um",
        "half the side of the square that supplies a site",
        low=20,
        high=1000,
        source="assumed",
    )
    exponent: float = par(
        FITTED["precursors.exponent"],
        "1",
        "power of the marrow share in the supply",
        low=0,
        high=4,
        source="calibrated",
    )


@dataclass(frozen=True, kw_only=True)
class Osteoclast(Group):
    """How an osteoclast digs and how long it lives."""

    erosion: float = par(1.85, "um/day", "depth dug per day", low=0, high=20, source="C011")
    life: float = par(
        FITTED["osteoclast.life"],
        "day",
        "mean life of digging, no estrogen, excess RANKL",
        low=1,
        high=200,
        source="calibrated",
    )
    shape: float = par(6.0, "1", "Weibull shape of their lives", low=0.5, high=20, source="assumed")
    restraint: float = par(
        0.0,
        "fraction",
        "of osteoclasts that turn back where they would cut bone in two",
        low=0,
        high=1,
        source="design",
    )
    drug_capacity: float = par(
        1.5,
        "dose",
        "bisphosphonate that a surface site can bind",
        low=0.01,
        high=100,
        source="assumed",
    )
    drug_half_life: float = par(
        FITTED["osteoclast.drug_half_life"],
        "year",
        "of bisphosphonate on exposed surface",
        low=0.1,
        high=100,
        source="calibrated",
    )


@dataclass(frozen=True, kw_only=True)
class Osteoblast(Group):
    """How osteoblasts are recruited to a cavity, refill it and die."""

    reversal: float = par(
        30.0, "day", "mean reversal time of a typical cavity", low=1, high=365, source="H063"
    )
    typical: float = par(
        46.0,
        "um",
        "depth of a cavity that calls its osteoblasts in the mean reversal time",
        low=1,
        high=200,
        source="H037",
    )
    apposition: float = par(0.47, "um/day", "depth refilled per day", low=0, high=5, source="H060")
    life: float = par(
        FITTED["osteoblast.life"],
        "day",
        "mean life, no estrogen, habitual strain",
        low=1,
        high=2000,
        source="calibrated",
    )
    shape: float = par(3.0, "1", "Weibull shape of their lives", low=0.5, high=20, source="assumed")


@dataclass(frozen=True, kw_only=True)
class Strain(Group):
    """Strain rises where bone that shares the load is lost."""

    reach: float = par(
        500.0,
        "um",
        "half the side of the square that shares the load",
        low=40,
        high=5000,
        source="assumed",
    )
    load: float = par(
        1.0,
        "1",
        "habitual load, against what the section is adapted to",
        low=0,
        high=10,
        source="design",
    )


@dataclass(frozen=True, kw_only=True)
class Mineral(Group):
    """Matrix takes up mineral at once in part, then slowly."""

    primary: float = par(
        0.7, "fraction", "mineral taken up at once", low=0, high=1, source="assumed"
    )
    time_constant: float = par(
        2.65, "year", "of secondary mineralization", low=0.1, high=50, source="M013"
    )


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """All numbers of the model, in groups.

    Attributes
    ----------
    drugs : mapping of str to Drug
        What a course may give, by name.
    parameter_set : str
        Name and version of the set that fitted numbers come from, such as ``"first-design-1"``;
        it stays where some of them are changed.
    """

    section: Section = field(default_factory=Section)
    time: Time = field(default_factory=Time)
    receptor: Receptor = field(default_factory=Receptor)
    precursors: Precursors = field(default_factory=Precursors)
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
        """Return the numbers with a fitted set of the package, such as ``"first-design-1"``.

        Raises
        ------
        ValueError
            If there is no such set.
        """
        if name not in built_in_sets():
            there = ", ".join(built_in_sets())
            raise ValueError(f"no parameter set {shown(name)}; there are {there}")
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
            there = ", ".join(built_in_sets())
            raise ValueError(
                f"no parameter set {shown(str(source))}; there are {there}; or name a .toml file"
            )
        text = read_toml_text(path, "parameter file")
        return cls.build(Table(parse_toml(text, str(path)), str(path), text))

    @classmethod
    def build(cls, top: Table) -> Self:
        """Return the numbers that the top table of a file gives, in place of those of its set."""
        check_content(top)
        label = read_label(top)
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
        write_whole(Path(path), self.to_toml())

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
        usual = Parameters.from_set(self.parameter_set) if known else Parameters()
        changes = self.differences(usual.with_drugs(self.own_drugs()))
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
