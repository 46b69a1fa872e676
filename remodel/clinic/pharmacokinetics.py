"""How a drug comes and goes in the body: daily doses, injections, saturable elimination."""

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from remodel.parameters.drugs import Drug
    from remodel.parameters.mechanisms import RanklAntibody

SUBSTEP = 0.25  # days; halving it moves no level by more than 0.5 %


@dataclass
class Body:
    """What is in the body of one drug; 1 is the level that the standard dose keeps up.

    Of an antibody, the level is a concentration in ng/mL.
    """

    level: float = 0.0
    depot: float = 0.0  # ng/mL still under the skin

    def take(self, drug: "Drug", fraction: float, doses: float, days: float) -> float:
        """Advance through a step and return the mean level in it.

        Parameters
        ----------
        drug : Drug
            Whose kinetics to follow.
        fraction : float
            Fraction of the step in which a daily drug is given, times its dose.
        doses : float
            Injections that fall into the step, times their dose.
        days : float
            Length of the step.
        """
        for mechanism in drug.mechanisms:
            level = mechanism.take(self, doses, days)
            if level is not None:
                return level
        if drug.lasting:
            self.level = max(self.level, fraction)
            return self.level
        return self.approach(fraction, days * log(2) / drug.half_life)

    def approach(self, target: float, decay: float) -> float:
        """Approach a level by first-order kinetics, exactly; return the mean on the way.

        `decay` is the time that passes over the time constant.
        """
        before, kept = self.level, exp(-decay)
        self.level = target + (before - target) * kept
        return target + (before - target) * (1 - kept) / decay

    def inject(self, drug: "RanklAntibody", doses: float, days: float) -> float:
        """Absorb and eliminate for some days; return the mean concentration, ng/mL."""
        self.depot += doses * drug.concentration
        count = max(1, round(days / SUBSTEP))
        part, total = days / count, 0.0
        for _ in range(count):
            absorbed = self.depot * -(exp(-drug.absorption * part) - 1)
            self.depot -= absorbed
            self.level += absorbed
            rate = drug.elimination + drug.vmax / (drug.km + self.level)
            self.level *= exp(-rate * part)
            total += self.level
        return total / count
