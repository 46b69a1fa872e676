"""The mechanisms of drugs: the numbers of each, and what it adds to what reaches the cells.

A new mechanism is one more class here, and its name in `MECHANISMS`. Its numbers then are keys of
`drug(...)`, of `[[drug]]` tables and of `Parameters`, and are printed in the tables of the docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from remodel.parameters.quantities import Group, par

if TYPE_CHECKING:
    from remodel.clinic.exposure import Exposure
    from remodel.clinic.pharmacokinetics import Body


class Given(NamedTuple):
    """How much of a drug there is in a step."""

    level: float  # mean, 1 at the standard dose; of an antibody, ng/mL
    taken: float  # standard doses taken: injections, or years of a daily drug


@dataclass(frozen=True, kw_only=True)
class Mechanism(Group):
    """One thing that a drug does. With the numbers as they are by default it does nothing."""

    def take(self, body: Body, doses: float, days: float) -> float | None:  # noqa: ARG002
        """Return the mean level in a step, where the mechanism has kinetics of its own."""
        return None

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add what it does in a step to an exposure.

        Parameters
        ----------
        exposure : Exposure
            What reaches the cells; changed in place.
        given : Given
            How much of the drug there is.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class AromataseInhibition(Mechanism):
    """Estradiol made outside the ovaries falls."""

    suppression: float = par(
        0.0, "fraction", "fraction of aromatase blocked", low=0, high=0.999, source="assumed"
    )

    def act(self, exposure: Exposure, given: Given) -> None:
        """Leave a fraction of peripheral estradiol."""
        exposure.peripheral *= residual(self.suppression, given.level)


@dataclass(frozen=True, kw_only=True)
class OvarianSuppression(Mechanism):
    """Estradiol made by the ovaries falls."""

    ovarian: float = par(
        0.0,
        "fraction",
        "fraction of ovarian estradiol switched off",
        low=0,
        high=1,
        source="assumed",
    )

    def act(self, exposure: Exposure, given: Given) -> None:
        """Leave a fraction of ovarian estradiol."""
        exposure.ovarian *= 1 - min(1.0, self.ovarian * given.level)


@dataclass(frozen=True, kw_only=True)
class EstradiolSupply(Mechanism):
    """Estradiol is taken."""

    estradiol: float = par(0.0, "pmol/L", "estradiol added", low=0, high=2000, source="assumed")

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add estradiol."""
        exposure.estradiol += self.estradiol * given.level


@dataclass(frozen=True, kw_only=True)
class ReceptorLigand(Mechanism):
    """A selective modulator (SERM) competes with estradiol for its receptor."""

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

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add to the ligands, and mix the efficacy of all by their levels."""
        if bound := self.serm * given.level:  # of a trace nothing may be left
            before = exposure.serm * exposure.serm_efficacy
            exposure.serm += bound
            exposure.serm_efficacy = (before + bound * self.efficacy) / exposure.serm


@dataclass(frozen=True, kw_only=True)
class RanklAntibody(Mechanism):
    """An antibody under the skin binds RANKL; it is eliminated in part by what saturates."""

    concentration: float = par(
        0.0, "ng/mL", "one injection, all absorbed, in its volume", low=0, high=1e6, source="R029"
    )
    absorption: float = par(
        0.17, "1/day", "absorbed from under the skin", low=0.001, high=10, source="R029"
    )
    elimination: float = par(
        0.0115, "1/day", "eliminated, whatever the level", low=0, high=1, source="R029"
    )
    vmax: float = par(
        34.3,
        "ng/mL/day",
        "maximum rate of saturable elimination (Vmax)",
        low=0,
        high=1e4,
        source="R029",
    )
    km: float = par(
        411.0, "ng/mL", "level at half of that rate (Km)", low=1, high=1e5, source="R029"
    )
    binding: float = par(
        2.5,
        "ng/mL",
        "that binds half of the RANKL not bound to OPG",
        low=1e-3,
        high=1e5,
        source="assumed",
    )

    def take(self, body: Body, doses: float, days: float) -> float | None:
        """Return the mean concentration in a step, ng/mL."""
        return body.inject(self, doses, days) if self.concentration else None

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add to the antibody that binds RANKL."""
        if self.concentration:
            exposure.antibody += given.level / self.binding


@dataclass(frozen=True, kw_only=True)
class SurfaceBinding(Mechanism):
    """A bisphosphonate binds to exposed surface, and shortens the lives of osteoclasts there."""

    bisphosphonate: float = par(
        0.0,
        "dose",
        "bound to exposed surface per injection, or per year if daily",
        low=0,
        high=20,
        source="assumed",
    )

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add to what exposed surface may bind in the step."""
        exposure.bisphosphonate += self.bisphosphonate * given.taken


@dataclass(frozen=True, kw_only=True)
class AnabolicSignal(Mechanism):
    """Osteoblasts build beyond a cavity, and lining cells without one."""

    anabolic: float = par(
        0.0,
        "1",
        "signal that calls osteoblasts to build beyond a cavity",
        low=0,
        high=10,
        source="assumed",
    )

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add to the signal."""
        exposure.anabolic += self.anabolic * given.level


@dataclass(frozen=True, kw_only=True)
class RanklExpression(Mechanism):
    """More or less RANKL is expressed."""

    rankl: float = par(
        0.0,
        "1",
        "RANKL expression added, relative to none without estrogen",
        low=-1,
        high=10,
        source="assumed",
    )

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add to the expression."""
        exposure.rankl += self.rankl * given.level


@dataclass(frozen=True, kw_only=True)
class Loading(Mechanism):
    """Bone is strained more or less."""

    load: float = par(
        0.0, "fraction", "strain added to the habitual", low=-1, high=2, source="assumed"
    )

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add to the strain."""
        exposure.load += self.load * given.level


MECHANISMS: tuple[type[Mechanism], ...] = (
    AromataseInhibition, OvarianSuppression, EstradiolSupply, ReceptorLigand, RanklAntibody,
    SurfaceBinding, AnabolicSignal, RanklExpression, Loading,
)  # fmt: skip


def residual(suppression: float, level: float) -> float:
    """Return the fraction of estradiol left by an aromatase inhibitor at some level.

    Competitive inhibition that leaves ``1 - suppression`` at level 1.
    """
    return (1 - suppression) / (1 - suppression + suppression * level)
