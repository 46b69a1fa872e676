"""Fracture risk from BMD: a relative hazard of groups, never a promise for a person."""

from dataclasses import dataclass
from math import log

import numpy as np

from remodel.arrays import Floats
from remodel.quantities import Group, par


@dataclass(frozen=True, kw_only=True)
class Fracture(Group):
    """How the hazard of a fracture depends on BMD of the hip."""

    gradient: float = par(
        1.5, "1", "hazard ratio of any fracture per standard deviation of BMD lost",
        low=1, high=5, source="Marshall 1996 BMJ 312:1254",
    )  # fmt: skip
    deviation: float = par(
        12.0, "%", "standard deviation of BMD among women, of its mean",
        low=1, high=50, source="assumed",
    )  # fmt: skip


def hazard_ratio(change: Floats, reference: Floats, numbers: Fracture | None = None) -> Floats:
    """Return the fracture hazard of arms over that of a reference arm.

    ``HR = mean over time of exp(ln(gradient) (reference - change) / deviation)``: the
    gradient found between women is taken to hold for a change within them. What
    turnover adds to the risk at equal BMD is left out.

    Parameters
    ----------
    change, reference : Floats
        Total hip BMD of the two arms, percent change; shape (readings, replicates).
    numbers : Fracture, optional
        Gradient and standard deviation.
    """
    numbers = numbers or Fracture()
    ratio = np.exp(log(numbers.gradient) * (reference - change) / numbers.deviation)
    return np.asarray(ratio.mean(axis=0))
