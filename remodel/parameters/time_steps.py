"""The length of a year, of a step, and of what is done at intervals."""

from dataclasses import dataclass
from math import floor

from remodel.parameters.quantities import Group, par

YEAR = 365.25  # days; the Julian year
VISIT_ROUNDING = 0.25  # days; years of visits are rounded to two or three decimals
LONGEST_RUN = 1000.0  # years; who asks for more has made a mistake


@dataclass(frozen=True, kw_only=True)
class Time(Group):
    """Steps and intervals."""

    step: float = par(7.0, "day", "one step", low=0.1, high=14, source="design")
    renewal: float = par(
        28.0,
        "day",
        "between renewals of surface, marrow fraction and strain",
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


def visit_tick(year: float, step: float) -> int:
    """Return the number of the step, in days, at whose end a visit in a year is.

    The last one that ends by that day, because blood is drawn before what is injected at the
    same visit.
    """
    return floor((year * YEAR + VISIT_ROUNDING) / step)
