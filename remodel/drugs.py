"""The drugs, each by its mechanism: which signals it changes and how long it stays."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

from remodel.fitted_sets import FITTED
from remodel.quantities import CALIBRATED, Group, Row, check, par, shown

SHORTEST, LONGEST = 0.1, 2000.0  # days between injections, where there are such


@dataclass(frozen=True, kw_only=True)
class Drug(Group):
    """One drug at its usual dose. A signal that it does not touch stays at zero.

    A new drug is one more row in `DRUGS`: a name, how long it stays, and the signals
    that it changes. Of its numbers those named in `fitted` are calibrated; `source` says
    where the others come from.
    """

    name: str
    lasting: bool = False  # never leaves, such as an operation
    source: str = ""
    fitted: tuple[str, ...] = ()
    given: tuple[str, ...] = ()  # the numbers that make it what it is
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
        0.0, "mg", "usual dose; 0 for what has none", low=0, high=1e6, source="design"
    )
    per: float = par(
        1.0,
        "day",
        "to which the usual dose of what is not injected belongs",
        low=0.1,
        high=LONGEST,
        source="design",
    )
    suppression: float = par(
        0.0, "fraction", "share of aromatase blocked", low=0, high=0.999, source="assumed"
    )
    ovarian: float = par(
        0.0, "fraction", "share of ovarian estradiol switched off", low=0, high=1, source="assumed"
    )
    estradiol: float = par(0.0, "pmol/L", "estradiol added", low=0, high=2000, source="assumed")
    serm: float = par(
        0.0,
        "1",
        "receptor ligand, over its dissociation constant",
        low=0,
        high=1e4,
        source="assumed",
    )
    efficacy: float = par(
        0.0,
        "fraction",
        "signal of an occupied receptor, against estradiol",
        low=0,
        high=1,
        source="assumed",
    )
    concentration: float = par(
        0.0, "ng/mL", "one injection, all absorbed, in its volume", low=0, high=1e6, source="R029"
    )
    absorption: float = par(
        0.17, "1/day", "absorbed from under the skin", low=0.001, high=10, source="R029"
    )
    elimination: float = par(
        0.0115, "1/day", "eliminated, whatever the level", low=0, high=1, source="R029"
    )
    saturable: float = par(
        34.3, "ng/mL/day", "eliminated by what saturates, at most", low=0, high=1e4, source="R029"
    )
    saturation: float = par(
        411.0, "ng/mL", "level at which half of that is reached", low=1, high=1e5, source="R029"
    )
    binding: float = par(
        2.5,
        "ng/mL",
        "that binds half of the RANKL not bound to OPG",
        low=1e-3,
        high=1e5,
        source="assumed",
    )
    bisphosphonate: float = par(
        0.0,
        "dose",
        "bound to exposed surface per injection, or per year if daily",
        low=0,
        high=20,
        source="assumed",
    )
    anabolic: float = par(
        0.0,
        "1",
        "signal that calls osteoblasts to build beyond a cavity",
        low=0,
        high=10,
        source="assumed",
    )
    rankl: float = par(
        0.0,
        "1",
        "RANKL expression added, relative to none without estrogen",
        low=-1,
        high=10,
        source="assumed",
    )
    load: float = par(
        0.0, "fraction", "strain added to the habitual", low=-1, high=2, source="assumed"
    )

    def __post_init__(self) -> None:
        """Compare each number with its range, and refuse injections that never end."""
        given = tuple(item.name for item in fields(self) if item.name in self.given)
        object.__setattr__(self, "given", given)  # in one order: equal drugs are equal
        super().__post_init__()
        if self.interval:
            check(f"{self.name}: interval", self.interval, "day", SHORTEST, LONGEST)

    def as_data(self) -> dict[str, float | bool | str]:
        """Return name and given numbers, in the form of a trial's file."""
        return {"name": self.name} | {name: getattr(self, name) for name in self.given}

    def numbers(self, prefix: str) -> Iterator[Row]:
        """Yield every number that a drug can have."""
        yield from super().rows(prefix)

    def with_values(self, changes: Mapping[str, float]) -> Self:
        """Return a copy with some numbers changed, which from then on make it what it is."""
        return replace(super().with_values(changes), given=(*self.given, *changes))

    def rows(self, prefix: str) -> Iterator[Row]:
        """Yield the numbers that make this drug what it is."""
        for row in super().rows(prefix):
            item = row.name.rpartition(".")[2]
            if item in self.given:
                source = CALIBRATED if item in self.fitted else self.source or row.source
                yield row._replace(source=source)


def drug(name: str, fitted: tuple[str, ...] = (), **numbers: float | bool | str) -> Drug:
    """Return a drug by name and the numbers that differ from those of doing nothing."""
    return Drug(name=name, fitted=fitted, given=tuple(numbers), **numbers)  # type: ignore[arg-type]


DRUGS = {
    row.name: row
    for row in (
        drug("anastrozole", half_life=2.0, suppression=0.95, amount=1.0),
        drug("letrozole", half_life=2.0, suppression=0.98, amount=2.5),
        drug("exemestane", half_life=1.0, suppression=0.95, amount=25.0),
        drug(
            "tamoxifen",
            fitted=("efficacy",),
            half_life=10.0,
            serm=10.0,
            efficacy=FITTED["drugs.tamoxifen.efficacy"],
            amount=20.0,
        ),
        drug("raloxifene", half_life=1.2, serm=5.0, efficacy=0.55, amount=60.0),
        drug("estradiol", half_life=1.0, estradiol=180.0, amount=1.0),
        drug("goserelin", half_life=10.0, ovarian=0.97, amount=3.6, per=28.0),
        drug("oophorectomy", lasting=True, ovarian=1.0),
        drug(
            "denosumab",
            fitted=("binding",),
            interval=182.625,
            concentration=11_670.0,
            binding=FITTED["drugs.denosumab.binding"],
            amount=60.0,
            source="R029",
        ),
        drug("zoledronate", interval=365.25, bisphosphonate=1.0, source="design", amount=5.0),
        drug(
            "risedronate",
            fitted=("bisphosphonate",),
            bisphosphonate=FITTED["drugs.risedronate.bisphosphonate"],
            amount=5.0,
        ),
        drug("alendronate", bisphosphonate=0.6, amount=10.0),
        drug("ibandronate", bisphosphonate=0.4, amount=5.0),
        drug("teriparatide", half_life=0.1, anabolic=1.3, rankl=0.8, amount=0.02),
        drug("romosozumab", half_life=12.0, anabolic=2.2, rankl=-0.2, amount=210.0, per=30.4375),
        drug("exercise", half_life=7.0, load=0.05),
        drug("calcium", half_life=30.0, rankl=-0.05, amount=1000.0),
    )
}


def find_drug(name: str, drugs: Mapping[str, Drug] = DRUGS) -> Drug:
    """Return a drug by name; refuse an unknown one with the list of those there are."""
    if name not in drugs:
        raise ValueError(f"no therapy {shown(name)}; there are {', '.join(drugs)}")
    return drugs[name]
