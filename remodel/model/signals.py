"""The systemic signals that all cells hear: estrogen, what it sets of RANKL and OPG, precursors."""

from dataclasses import dataclass
from math import exp, expm1
from typing import Any

import numpy as np

from remodel.clinic.exposure import Exposure
from remodel.parameters.parameters import Parameters


def estrogen_activity(estradiol: float, serm: float, efficacy: float, affinity: float) -> float:
    """Return the estrogen signal, 0 to 1, when estradiol and a SERM share the receptor.

    ``x = (E/K + efficacy * S) / (1 + E/K + S)`` with estradiol E and K in pmol/L and
    the SERM level S in units of its own dissociation constant. A partial agonist adds
    to little estradiol and takes away from much.
    """
    bound = estradiol / affinity
    return (bound + efficacy * serm) / (1.0 + bound + serm)


@dataclass
class Signals:
    """The systemic signals of one step.

    Attributes
    ----------
    estradiol : float
        pmol/L.
    activity, lagged_activity : float
        Estrogen signal now, and as RANKL and OPG follow it with their lag; 0 to 1.
    anabolic : float
        Call for osteoblasts to build beyond a cavity; 0 without a drug.
    rankl, opg : float
        Expression that estrogen sets, relative to a patient without estrogen.
    added_rankl : float
        RANKL that does not depend on the place.
    antibody : float
        Antibody to RANKL, over its dissociation constant.
    pool : float
        Waiting osteoclast precursors; 1 when none is used up.
    load : float
        Load on the skeleton, 1 where it is the habitual one.
    osteoclast_apoptosis, osteoblast_apoptosis : float
        Days of life that pass in a day; of an osteoclast, where it does not lack RANKL.
    """

    parameters: Parameters
    estradiol: float = 0.0
    activity: float = 0.0
    lagged_activity: float = 0.0
    anabolic: float = 0.0
    rankl: float = 0.0
    opg: float = 0.0
    added_rankl: float = 0.0
    antibody: float = 0.0
    pool: float = 1.0
    load: float = 1.0
    osteoclast_apoptosis: float = 1.0
    osteoblast_apoptosis: float = 1.0

    def renew(self, exposure: Exposure, days: float) -> None:
        """Take in what therapies and the patient's course set for a step of some days."""
        lag = self.parameters.receptor.lag
        self.set_estrogen_activity(exposure)
        self.lagged_activity += (self.activity - self.lagged_activity) * -expm1(-days / lag)
        self.express_rankl(exposure)

    def settle(self, exposure: Exposure) -> None:
        """Come to rest under an exposure that has always been there."""
        self.set_estrogen_activity(exposure)
        self.lagged_activity = self.activity
        self.express_rankl(exposure)

    def set_estrogen_activity(self, exposure: Exposure) -> None:
        """Set the estrogen signal and what follows it without delay."""
        affinity = self.parameters.receptor.estradiol_kd
        self.estradiol = exposure.estradiol + exposure.cycling * exposure.ovarian
        self.anabolic = exposure.anabolic
        without, added = (
            estrogen_activity(level, exposure.serm, exposure.serm_efficacy, affinity)
            for level in (exposure.estradiol, exposure.estradiol + exposure.ovarian)
        )
        self.activity = without + exposure.cycling * (added - without)
        apoptosis = self.parameters.responses.osteoblast_apoptosis.at(self.activity)
        self.osteoblast_apoptosis = apoptosis * exposure.apoptosis
        self.load = max(0.0, 1.0 + exposure.load)

    def express_rankl(self, exposure: Exposure) -> None:
        """Set what estrogen lets bone express of RANKL and OPG, and what drugs add and bind."""
        rows = self.parameters.responses
        self.rankl = exposure.expression * rows.rankl.at(self.lagged_activity)
        self.opg = rows.opg.at(self.lagged_activity)
        self.added_rankl, self.antibody = exposure.rankl, exposure.antibody
        self.osteoclast_apoptosis = rows.osteoclast_apoptosis.at(self.activity)

    def of_rankl(self) -> tuple[float, ...]:
        """Return all on which free RANKL depends anywhere but for the place, to nine digits."""
        now = (self.rankl, self.opg, self.added_rankl, self.antibody, self.load)
        return tuple(float(f"{value:.9g}") for value in now)

    def unbound(self, rankl: Any, opg: Any) -> Any:
        """Return the RANKL that neither OPG nor an antibody binds, by competitive binding.

        Parameters
        ----------
        rankl, opg : float or Floats
            What a place, or each of many, has of them over what estrogen alone would set.
        """
        expressed = np.maximum(0.0, self.rankl * rankl + self.added_rankl)
        bound = self.parameters.receptor.opg_binding * self.opg * opg + self.antibody
        return expressed / (1.0 + bound)

    def use_precursors(self, rate: float, days: float) -> None:
        """Let precursors arrive, be lost and fuse for some days.

        The pool follows ``dP/dt = turnover (1 - P) - fusion * drive * P``, solved
        exactly over the step; the drive is the mean rate of recruitment over the surface, per
        year, over what it can be at most.
        """
        numbers, row = self.parameters.precursors, self.parameters.responses.recruitment
        drain = numbers.turnover + (numbers.fusion * rate / row.emax if row.emax else 0.0)
        if drain:
            rest = numbers.turnover / drain
            self.pool = rest + (self.pool - rest) * exp(-drain * days)
