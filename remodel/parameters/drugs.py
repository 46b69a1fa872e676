"""The drugs: how each is given, how long it stays, and by which mechanisms it works."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from remodel.parameters.fitted_sets import FITTED
from remodel.parameters.mechanisms import (
    MECHANISMS,
    AnabolicSignal,
    AromataseInhibition,
    EstradiolSupply,
    Loading,
    Mechanism,
    OvarianSuppression,
    RanklAntibody,
    RanklExpression,
    ReceptorLigand,
    SurfaceBinding,
)
from remodel.parameters.quantities import CALIBRATED, Group, Row, check, par
from remodel.support.messages import shown
from remodel.support.plain_values import keep_plain

SHORTEST, LONGEST = 0.1, 2000.0  # days between injections, where there are such


@dataclass(frozen=True, kw_only=True)
class Drug(Group):
    """One drug at its standard dose: how it is given, and a list of mechanisms.

    A new drug is one more row in `DRUGS`. Each number of its mechanisms can be asked for as if
    it were the drug's own, such as `drug.suppression`; one of a mechanism that the drug does not
    have is that of doing nothing. Of its numbers those named in `fitted` are calibrated;
    `source` says where the others come from.
    """

    name: str
    mechanisms: tuple[Mechanism, ...] = ()
    lasting: bool = False  # never leaves, such as an operation
    source: str = ""
    fitted: tuple[str, ...] = ()
    given: tuple[str, ...] = ()  # the numbers that make it what it is; those not by default
    half_life: float = par(
        0.7, "day", "half-life in the body", low=0.01, high=400, source="assumed"
    )
    interval: float = par(
        0.0,
        "day",
        "between two injections; 0 for a daily drug",
        low=0,
        high=LONGEST,
        source="assumed",
    )
    amount: float = par(
        0.0, "mg", "standard dose; 0 for what has none", low=0, high=1e6, source="design"
    )
    per: float = par(
        1.0,
        "day",
        "to which the standard dose of what is not injected belongs",
        low=0.1,
        high=LONGEST,
        source="design",
    )

    def __post_init__(self) -> None:
        """Compare each number with its range, and refuse injections that never end."""
        keep_plain(self)
        for row in every_row(self, type(self).__name__):
            check(row.name, row.value, row.unit, row.low, row.high)
        kinds = [type(mechanism) for mechanism in self.mechanisms]
        if len(set(kinds)) < len(kinds):
            names = ", ".join(kind.__name__ for kind in kinds)
            raise ValueError(f"{self.name}: mechanisms = {names}; expected each once")
        if self.interval:
            check(f"{self.name}: interval", self.interval, "day", SHORTEST, LONGEST)
        if not self.given:
            held = (name for name, default in DEFAULTS.items() if getattr(self, name) != default)
            object.__setattr__(self, "given", tuple(held))

    def __getattr__(self, name: str) -> float:
        """Return a number of a mechanism."""
        if name not in OWNERS:
            raise AttributeError(f"a drug has no {name!r}; its numbers are {', '.join(ITEMS)}")
        for mechanism in self.mechanisms:
            if isinstance(mechanism, OWNERS[name]):
                return float(getattr(mechanism, name))
        return float(ITEMS[name].default)

    def as_data(self) -> dict[str, float | bool | str]:
        """Return name and given numbers, in the form of a trial's file."""
        return {"name": self.name} | {name: getattr(self, name) for name in self.given}

    def numbers(self, prefix: str) -> Iterator[Row]:
        """Yield every number that a drug can have."""
        yield from every_row(self, prefix)

    def with_values(self, changes: Mapping[str, float]) -> Self:
        """Return a copy in which the named numbers have other values, in their own units.

        From then on these are among the numbers that make the drug what it is.

        Raises
        ------
        ValueError
            If a name is unknown or a value outside its range.
        """
        for name in changes:
            if name not in ITEMS:
                known = ", ".join(ITEMS)
                raise ValueError(f"{self.name} has no {shown(name)}; it has {known}")
        held: dict[str, Any] = {name: getattr(self, name) for name in self.given}
        return type(self)(**sorted_out(self.name, held | dict(changes)), fitted=self.fitted)

    def rows(self, prefix: str) -> Iterator[Row]:
        """Yield the numbers that make this drug what it is."""
        for row in every_row(self, prefix):
            item = row.name.rpartition(".")[2]
            if item in self.given:
                source = CALIBRATED if item in self.fitted else self.source or row.source
                yield row._replace(source=source)


KINDS: tuple[type[Group], ...] = (Drug, *MECHANISMS)
OWNERS = {item.name: kind for kind in MECHANISMS for item in fields(kind)}
ITEMS: dict[str, Any] = {
    item.name: item for kind in KINDS for item in fields(kind) if item.metadata
}  # fmt: skip
DEFAULTS: dict[str, Any] = {"lasting": False, "source": ""} | {
    name: item.default for name, item in ITEMS.items()
}


def every_row(one: Drug, prefix: str) -> Iterator[Row]:
    """Yield every number that a drug can have, as this one has it."""
    for name, item in ITEMS.items():
        yield Row(f"{prefix}.{name}", getattr(one, name), **item.metadata)


def sorted_out(name: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a drug of numbers, which may be those of mechanisms too."""
    mechanisms = [
        kind(**{name: value for name, value in numbers.items() if OWNERS.get(name) is kind})
        for kind in MECHANISMS
        if any(OWNERS.get(name) is kind for name in numbers)
    ]
    own = {name: value for name, value in numbers.items() if name not in OWNERS}
    given = tuple(name for name in DEFAULTS if name in numbers)
    return own | {"name": name, "mechanisms": tuple(mechanisms), "given": given}


def drug(name: str, fitted: tuple[str, ...] = (), **numbers: float | bool | str) -> Drug:
    """Return a drug by name and the numbers that differ from those of doing nothing."""
    for number in numbers:
        if number not in DEFAULTS:
            known = ", ".join(DEFAULTS)
            raise TypeError(f"drug() got an unexpected keyword {number!r}; it takes {known}")
    return Drug(**sorted_out(name, numbers), fitted=fitted)


DRUGS = {
    row.name: row
    for row in (
        Drug(
            name="anastrozole",
            half_life=2.0,
            amount=1.0,
            mechanisms=(AromataseInhibition(suppression=0.95),),
        ),
        Drug(
            name="letrozole",
            half_life=2.0,
            amount=2.5,
            mechanisms=(AromataseInhibition(suppression=0.98),),
        ),
        Drug(
            name="exemestane",
            half_life=1.0,
            amount=25.0,
            mechanisms=(AromataseInhibition(suppression=0.95),),
        ),
        Drug(
            name="tamoxifen",
            half_life=FITTED["drugs.tamoxifen.half_life"],
            amount=20.0,
            mechanisms=(
                ReceptorLigand(
                    serm=FITTED["drugs.tamoxifen.serm"],
                    efficacy=FITTED["drugs.tamoxifen.efficacy"],
                ),
            ),
            fitted=("efficacy", "half_life", "serm"),
        ),
        Drug(
            name="raloxifene",
            half_life=1.2,
            amount=60.0,
            mechanisms=(ReceptorLigand(serm=5.0, efficacy=0.55),),
        ),
        Drug(
            name="estradiol",
            half_life=1.0,
            amount=1.0,
            mechanisms=(EstradiolSupply(estradiol=180.0),),
        ),
        Drug(
            name="goserelin",
            half_life=10.0,
            amount=3.6,
            per=28.0,
            mechanisms=(OvarianSuppression(ovarian=0.97),),
        ),
        Drug(name="oophorectomy", lasting=True, mechanisms=(OvarianSuppression(ovarian=1.0),)),
        Drug(
            name="denosumab",
            interval=182.625,
            amount=60.0,
            mechanisms=(
                RanklAntibody(concentration=11_670.0, binding=FITTED["drugs.denosumab.binding"]),
            ),
            source="R029",
            fitted=("binding",),
        ),
        Drug(
            name="zoledronate",
            interval=365.25,
            amount=5.0,
            mechanisms=(SurfaceBinding(bisphosphonate=1.0),),
            source="design",
        ),
        Drug(
            name="risedronate",
            amount=5.0,
            mechanisms=(SurfaceBinding(bisphosphonate=FITTED["drugs.risedronate.bisphosphonate"]),),
            fitted=("bisphosphonate",),
        ),
        Drug(name="alendronate", amount=10.0, mechanisms=(SurfaceBinding(bisphosphonate=0.6),)),
        Drug(name="ibandronate", amount=5.0, mechanisms=(SurfaceBinding(bisphosphonate=0.4),)),
        Drug(
            name="teriparatide",
            half_life=0.1,
            amount=0.02,
            mechanisms=(AnabolicSignal(anabolic=1.3), RanklExpression(rankl=0.8)),
        ),
        Drug(
            name="romosozumab",
            half_life=12.0,
            amount=210.0,
            per=30.4375,
            mechanisms=(AnabolicSignal(anabolic=2.2), RanklExpression(rankl=-0.2)),
        ),
        Drug(name="exercise", half_life=7.0, mechanisms=(Loading(load=0.05),)),
        Drug(
            name="calcium",
            half_life=30.0,
            amount=1000.0,
            mechanisms=(RanklExpression(rankl=-0.05),),
        ),
    )
}


def find_drug(name: str, drugs: Mapping[str, Drug] = DRUGS) -> Drug:
    """Return a drug by name; refuse an unknown one with the list of those there are."""
    if name not in drugs:
        raise ValueError(f"no therapy {shown(name)}; there are {', '.join(drugs)}")
    return drugs[name]
