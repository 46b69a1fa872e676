"""What a number of the model carries with it: unit, range, meaning and source."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, Self


class Row(NamedTuple):
    """One number as the parameter table prints it."""

    name: str
    value: float
    unit: str
    low: float
    high: float
    meaning: str
    source: str


def par(value: float, unit: str, meaning: str, *, low: float, high: float, source: str) -> Any:
    """Declare one number of the model with what a reader needs in order to doubt it.

    `source` is the id of a row in the evidence table `biology.csv`, or one of the
    words `calibrated` (fitted by `experiments/calibrate.py`), `assumed` (chosen, not
    measured) and `design` (a choice of resolution, not a claim about bone).
    """
    about = {"unit": unit, "meaning": meaning, "low": low, "high": high, "source": source}
    return field(default=value, metadata=about)


def check(name: str, value: float, unit: str, low: float, high: float) -> None:
    """Refuse a value that is not a number or lies outside its range."""
    try:
        inside = math.isfinite(value) and low <= value <= high
    except (TypeError, OverflowError):
        inside = False
    if not inside:
        raise ValueError(f"{name} = {value} {unit}; expected {low:g} to {high:g} {unit}")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Numbers that belong together; one outside its range is refused."""

    def __post_init__(self) -> None:
        """Compare each number with its range."""
        for row in self.rows(type(self).__name__):
            check(row.name, row.value, row.unit, row.low, row.high)

    def rows(self, prefix: str) -> Iterator[Row]:
        """Yield each number with all that is known about it."""
        for item in fields(self):
            about = item.metadata
            if about:
                yield Row(f"{prefix}.{item.name}", getattr(self, item.name), **about)

    def with_values(self, changes: Mapping[str, float]) -> Self:
        """Return a copy in which the named numbers have other values."""
        known = [item.name for item in fields(self)]
        for name in changes:
            if name not in known:
                raise ValueError(
                    f"{type(self).__name__} has no {name!r}; it has {', '.join(known)}"
                )
        return replace(self, **dict(changes))


@dataclass(frozen=True, kw_only=True)
class Response(Group):
    """A signal that carries a behavior from its value at rest to its value in excess.

    ``behavior = rest + (full - rest) s^power / (half^power + s^power)`` for a signal s.
    """

    signal: str
    behavior: str
    unit: str
    dose: str
    source: str
    rest: float
    full: float
    half: float
    power: float = 1.0
    limits: tuple[float, float] = (0.0, 100.0)

    def rows(self, prefix: str) -> Iterator[Row]:
        """Yield the four numbers of the curve."""
        what = f"{self.signal} on {self.behavior}"
        low, high = self.limits
        for name, unit, least, most, meaning in (
            ("rest", self.unit, low, high, "without the signal"),
            ("full", self.unit, low, high, "with the signal in excess"),
            ("half", self.dose, 1e-6, 1e6, "level of the signal half-way between"),
            ("power", "1", 0.1, 12.0, "steepness (Hill)"),
        ):
            yield Row(
                f"{prefix}.{name}", getattr(self, name), unit, least, most,
                f"{what}: {meaning}", self.source,
            )  # fmt: skip

    def at(self, level: float) -> float:
        """Return the behavior at one level of the signal (0 or more)."""
        dose = level**self.power
        share: float = dose / (self.half**self.power + dose)
        return self.rest + (self.full - self.rest) * share
