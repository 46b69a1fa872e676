"""What a number of the model carries with it: unit, range, meaning and source."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, Self, TypeVar

from remodel.support.arrays import Floats
from remodel.support.messages import shown
from remodel.support.plain_values import keep_plain, plain

Level = TypeVar("Level", float, Floats)
CALIBRATED, MEASURED, DESIGN = "calibrated", "measured", "design"
BASES = {  # what a number rests on, where its source is no row of the evidence
    CALIBRATED: "fitted to published trials by `experiments/calibrate.py`",
    "assumed": "chosen, not measured",
    DESIGN: "a choice of resolution or of unit, not a claim about bone",
}


class Row(NamedTuple):
    """One number as the parameter table prints it."""

    name: str
    value: float
    unit: str
    low: float
    high: float
    meaning: str
    source: str

    @property
    def basis(self) -> str:
        """What the number rests on: a word of `BASES`, or `MEASURED`."""
        return self.source if self.source in BASES else MEASURED


def par(value: float, unit: str, meaning: str, *, low: float, high: float, source: str) -> Any:
    """Declare one number of the model with what a reader needs in order to doubt it.

    `value`, `low` and `high` are in `unit`; dimensionless is ``"1"``, a fraction ``"fraction"``.
    `source` is the id of a row in the evidence table `biology.csv`, or a word of `BASES`.
    """
    about = {"unit": unit, "meaning": meaning, "low": low, "high": high, "source": source}
    return field(default=value, metadata=about)


def check(name: str, value: float, unit: str, low: float, high: float) -> None:
    """Refuse a value that is not a number or lies outside its range."""
    try:
        inside = math.isfinite(value) and low <= value <= high
    except (TypeError, OverflowError):  # a whole number may be too large for a float
        inside = False
    if not inside:
        raise ValueError(f"{name} = {shown(value)} {unit}; expected {low:g} to {high:g} {unit}")


def whole(name: str, value: Any, unit: str, low: int, high: int) -> int:
    """Return a whole number, of whatever kind; refuse any other, and one outside its range."""
    value = plain(value)
    check(name, value, unit, low, high)
    if int(value) != value:
        raise ValueError(f"{name} = {shown(value)} {unit}; expected a whole number")
    return int(value)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Numbers that belong together; one outside its range is refused."""

    def __post_init__(self) -> None:
        """Compare each number with its range."""
        keep_plain(self)
        for row in self.rows(type(self).__name__):
            check(row.name, row.value, row.unit, row.low, row.high)

    def rows(self, prefix: str) -> Iterator[Row]:
        """Yield each number with all that is known about it."""
        for item in fields(self):
            about = item.metadata
            if about:
                yield Row(f"{prefix}.{item.name}", getattr(self, item.name), **about)

    def numbers(self, prefix: str) -> Iterator[Row]:
        """Yield each number that can be set, also those that `rows` does not show."""
        yield from self.rows(prefix)

    def with_values(self, changes: Mapping[str, float]) -> Self:
        """Return a copy in which the named numbers have other values, in their own units.

        Raises
        ------
        ValueError
            If a name is unknown or a value outside its range.
        """
        known = [row.name.rpartition(".")[2] for row in self.numbers("it")]
        for name in changes:
            if name not in known:
                raise ValueError(
                    f"{type(self).__name__} has no {shown(name)}; it has {', '.join(known)}"
                )
        return replace(self, **dict(changes))


@dataclass(frozen=True, kw_only=True)
class Response(Group):
    """A dose-response relation: what a signal does to a behavior (Emax model).

    ``behavior = E0 + (Emax - E0) s^Hill / (EC50^Hill + s^Hill)`` for a signal s.
    `unit` is that of the behavior, `dose` that of the signal. Of the four numbers those
    named in `fitted` are calibrated, and those in `defined` are units: what they scale has
    its number elsewhere. `source` says where the others come from.
    """

    signal: str
    behavior: str
    unit: str
    dose: str
    source: str
    fitted: tuple[str, ...] = ()
    defined: tuple[str, ...] = ()
    e0: float
    emax: float
    ec50: float
    hill: float = 1.0
    limits: tuple[float, float] = (0.0, 100.0)

    def rows(self, prefix: str) -> Iterator[Row]:
        """Yield the four numbers of the curve."""
        what = f"{self.signal} on {self.behavior}"
        low, high = self.limits
        bases = dict.fromkeys(self.fitted, CALIBRATED) | dict.fromkeys(self.defined, DESIGN)
        for name, unit, least, most, meaning in (
            ("e0", self.unit, low, high, "without the signal (E0)"),
            ("emax", self.unit, low, high, "with the signal in excess (Emax)"),
            ("ec50", self.dose, 1e-6, 1e6, "level of the signal at half of the effect (EC50)"),
            ("hill", "1", 0.1, 12.0, "Hill coefficient"),
        ):
            yield Row(
                f"{prefix}.{name}", getattr(self, name), unit, least, most,
                f"{what}: {meaning}", bases.get(name, self.source),
            )  # fmt: skip

    def at(self, level: Level) -> Level:
        """Return the behavior, in `unit`, at one level of the signal, in `dose`, or at many.

        Levels are 0 or more.
        """
        dose = level**self.hill
        fraction: Level = dose / (self.ec50**self.hill + dose)
        return self.e0 + (self.emax - self.e0) * fraction
