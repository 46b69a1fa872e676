"""Fracture risk from BMD: a relative hazard of groups, never a promise for a person."""

import numpy as np

from remodel.parameters.measurement import Fracture
from remodel.support.arrays import Floats

HAZARD = "fracture_hazard_ratio"


def hazard_ratio(
    years: Floats, change: Floats, reference: Floats, numbers: Fracture | None = None
) -> Floats:
    """Return the fracture hazard of arms over that of a reference arm.

    ``HR = mean over time of exp(gradient (reference - change))``. The gradient is that
    between trials of treatments. That between untreated patients is a third of it, and
    would explain neither what aromatase inhibitors add nor what denosumab takes away.

    Parameters
    ----------
    years : Floats
        When the readings were taken, rising; shape (readings,).
    change, reference : Floats
        Total hip BMD of the two arms, percent change; shape (readings, replicates).
    numbers : Fracture, optional
        The gradient, per percent.
    """
    numbers = numbers or Fracture()
    risk = np.exp(numbers.gradient * (reference - change))
    span = years[-1] - years[0]  # readings at visits come closer to each other than others
    return np.asarray(np.trapezoid(risk, years, axis=0) / span if span else risk[0])
