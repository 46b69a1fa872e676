"""The systemic signals that all cells hear: estrogen, RANKL and OPG, precursors."""

from dataclasses import dataclass
from math import exp, expm1, inf

from remodel.clinic.exposure import Exposure
from remodel.parameters.parameters import Parameters
from remodel.parameters.time_steps import YEAR


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
        Expression, relative to a patient without estrogen.
    free_rankl : float
        RANKL that neither OPG nor an antibody binds.
    pool : float
        Waiting osteoclast precursors; 1 when none is used up.
    recruitment : float
        Osteoclasts per surface site and day, where the marrow supply is full.
    load : float
        Load on the skeleton, 1 where it is the habitual one.
    osteoclast_apoptosis, osteoblast_apoptosis : float
        Days of life that pass in a day.
    """

    parameters: Parameters
    estradiol: float = 0.0
    activity: float = 0.0
    lagged_activity: float = 0.0
    anabolic: float = 0.0
    rankl: float = 0.0
    opg: float = 0.0
    free_rankl: float = 0.0
    pool: float = 1.0
    recruitment: float = 0.0
    load: float = 1.0
    osteoclast_apoptosis: float = 1.0
    osteoblast_apoptosis: float = 1.0

    def renew(self, exposure: Exposure, days: float) -> None:
        """Take in what therapies and the patient's course set for a step of some days."""
        lag = self.parameters.receptor.lag
        self.set_estrogen_activity(exposure)
        self.lagged_activity += (self.activity - self.lagged_activity) * -expm1(-days / lag)
        self.balance_rankl(exposure)
        self.use_precursors(days)

    def settle(self, exposure: Exposure) -> None:
        """Come to rest under an exposure that has always been there."""
        self.set_estrogen_activity(exposure)
        self.lagged_activity = self.activity
        self.balance_rankl(exposure)
        self.use_precursors(inf)

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

    def balance_rankl(self, exposure: Exposure) -> None:
        """Set RANKL and OPG, what they leave free, and how osteoclasts live on it."""
        rows = self.parameters.responses
        expressed = exposure.expression * rows.rankl.at(self.lagged_activity)
        self.rankl = max(0.0, expressed + exposure.rankl)
        self.opg = rows.opg.at(self.lagged_activity)
        bound = self.parameters.receptor.opg_binding * self.opg + exposure.antibody
        self.free_rankl = self.rankl / (1.0 + bound)
        withdrawal = rows.rankl_withdrawal.at(self.free_rankl)
        self.osteoclast_apoptosis = rows.osteoclast_apoptosis.at(self.activity) * withdrawal

    def use_precursors(self, days: float) -> None:
        """Let precursors arrive, be lost and fuse for some days; recruitment is what fuses.

        The pool follows ``dP/dt = turnover (1 - P) - fusion * drive * P``, solved
        exactly over the step.
        """
        numbers, row = self.parameters.precursors, self.parameters.responses.recruitment
        rate = row.at(self.free_rankl)
        drain = numbers.turnover + (numbers.fusion * rate / row.emax if row.emax else 0.0)
        if drain:
            rest = numbers.turnover / drain
            self.pool = rest + (self.pool - rest) * exp(-drain * days)
        self.recruitment = rate * self.pool / YEAR
