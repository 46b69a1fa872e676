"""A woman: her age, her menopause and the estradiol that she makes."""

from dataclasses import dataclass
from math import exp

from remodel.parameters import YEAR
from remodel.quantities import Group, par


@dataclass(frozen=True, kw_only=True)
class Patient(Group):
    """A woman at the start of observation; by default long past menopause."""

    age: float = par(64.0, "year", "age at day 0", low=18, high=110, source="assumed")
    menopause: float = par(
        51.0, "year", "age at the final period", low=18, high=110, source="assumed"
    )
    estradiol: float = par(
        20.0, "pmol/L", "estradiol made outside the ovaries", low=0, high=10_000, source="C021"
    )
    ovarian: float = par(
        380.0,
        "pmol/L",
        "mean that ovaries add before menopause",
        low=0,
        high=10_000,
        source="assumed",
    )
    transition: float = par(
        0.5,
        "year",
        "time scale of the ovaries' decline around it",
        low=0.01,
        high=10,
        source="R032",
    )

    def estradiol_at(self, day: float) -> tuple[float, float]:
        """Return the estradiol made on a day by the ovaries and elsewhere, pmol/L."""
        since = (self.age + day / YEAR - self.menopause) / self.transition
        working = 1 / (1 + exp(min(since, 500.0)))
        return self.ovarian * working, self.estradiol
