"""One BMU up close: in which phase it is, since when, and how it ended."""

from dataclasses import dataclass, field

import numpy as np

from remodel.model.bmu import BMU, FORMATION, PERFORATED, RESORPTION, REVERSAL
from remodel.model.bone_model import BoneModel
from remodel.model.places import in_plane

REST, RECRUITMENT = "rest", "recruitment"
PHASES = (REST, RECRUITMENT, RESORPTION, REVERSAL, FORMATION)
SAYS = {
    REST: "at rest: no resorption or formation here",
    RECRUITMENT: "an osteoclast has come to the surface",
    RESORPTION: "the osteoclast resorbs bone",
    REVERSAL: "the osteoclast is gone; the cavity waits for osteoblasts",
    FORMATION: "a team of osteoblasts refills the cavity from its floor",
}
NEAR = 240.0  # µm around a click within which a BMU is looked for


@dataclass
class Follower:
    """Watches one site of a model, step after step.

    Attributes
    ----------
    site : int or None
        The surface site at which the BMU began.
    history : list of (str, float)
        Phases, and the day on which each was first seen.
    unit : BMU or None
        The BMU at work, or the last one that was.
    outcome : str
        How the last unit ended; empty while one is at work.
    """

    model: BoneModel
    site: int | None = None
    history: list[tuple[str, float]] = field(default_factory=list)
    unit: BMU | None = None
    outcome: str = ""

    @property
    def phase(self) -> str:
        """The phase that it is in."""
        return self.history[-1][0] if self.history else REST

    @property
    def resorbed(self) -> float:
        """How deep the unit itself came, µm; what neighbors did is not counted."""
        return self.unit.depth if self.unit and self.unit.resorbed else 0.0

    @property
    def deposited(self) -> float:
        """How far osteoblasts of the unit have raised its floor, µm."""
        unit = self.unit
        return unit.depth - unit.floor if unit and unit.formed else 0.0

    @property
    def left(self) -> float:
        """What the BMU has resorbed and not refilled, µm: osteoblasts fill it before all else."""
        return max(0.0, self.resorbed - self.deposited)

    def measures(self) -> str:
        """Return where the floor of the unit is, how deep it came, and what it did."""
        unit = self.unit
        if unit is None:
            return ""
        side, axes = self.model.tissue.site_um, self.model.tissue.matrix.ndim
        resorbed, formed = (amount * side**axes for amount in (unit.resorbed, unit.formed))
        of = {2: "µm²", 3: "µm³"}[axes]
        lies = "above" if unit.floor < 0 else "below"
        away = in_plane(unit.site, self.model.tissue.matrix.shape)[2] * side
        return (
            f"floor {abs(unit.floor):.0f} µm {lies} the surface on which it began; depth "
            f"{unit.depth:.0f} µm; resorbed {resorbed:,.0f} {of}, formed {formed:,.0f} {of}"
            + (f"; {away:.0f} µm away from the plane that is drawn" if away else "")
        )

    def follow(self, site: int) -> None:
        """Begin to watch the BMU nearest to a site, or the site itself."""
        near = nearest_bmu(self.model, site)
        self.__init__(self.model, site if near is None else near)  # type: ignore[misc]
        self.look(self.model)

    def follow_newest(self) -> None:
        """Begin to watch the BMU whose osteoclast came last."""
        units = self.model.units_in(RESORPTION)
        if units:
            self.follow(units[-1].site)

    def look(self, model: BoneModel) -> None:
        """Note the phase at the end of a step."""
        if self.site is None:
            return
        unit = find_bmu(model, self.site)
        phase = unit.phase if unit else REST
        if self.phase != REST and unit is not self.unit:
            self.outcome = self.ended()
        if unit is not None:
            if unit is not self.unit and phase == RESORPTION:
                phase = RECRUITMENT
            self.unit, self.outcome = unit, ""
        if not self.history or phase != self.phase:
            self.history = [*self.history[-7:], (phase, model.day)]

    def ended(self) -> str:
        """Return how the unit ended, by what it has itself resorbed and laid."""
        resorbed, left = f"{self.resorbed:.0f} µm", f"{self.left:.0f} µm"
        if not self.resorbed and not self.deposited:
            return "nothing was resorbed"
        if not self.resorbed:
            return f"{self.deposited:.0f} µm were laid where nothing was resorbed"
        if self.unit and self.unit.phase == PERFORATED:
            return (
                f"none of {resorbed} was refilled: no floor to build on, a trabecula is cut through"
            )
        if left == "0 µm":
            return f"all {resorbed} were refilled"
        return f"{left} of {resorbed} were not refilled"


def find_bmu(model: BoneModel, site: int) -> BMU | None:
    """Return the BMU at work at a site, if one is."""
    pits = model.tissue.pits
    rows = np.flatnonzero((pits.site[: pits.count] == site) & pits.claimed[: pits.count])
    numbers = {*pits.unit[rows].tolist()}
    return next((u for u in model.units if u.site == site or u.number in numbers), None)


def nearest_bmu(model: BoneModel, site: int) -> int | None:
    """Return the surface site of the BMU nearest to a site, if one is near."""
    begun = [unit.site for unit in model.units]
    if not begun:
        return None
    shape, periodic = model.tissue.matrix.shape, model.tissue.periodic
    away2 = np.zeros(len(begun))
    places = zip(np.unravel_index(begun, shape), np.unravel_index(site, shape), strict=True)
    for (at, to), count, wraps in zip(places, shape, periodic, strict=True):
        away = np.abs(at - to)
        away2 += np.minimum(away, count - away if wraps else away) ** 2.0
    best = int(away2.argmin())
    return begun[best] if np.sqrt(away2[best]) * model.tissue.site_um <= NEAR else None
