"""One remodeling unit up close: in which phase it is, since when, and how it ended."""

from dataclasses import dataclass, field

import numpy as np

from remodel.model.bmu import BMU, FORMATION, PERFORATED, RESORPTION, REVERSAL
from remodel.model.bone_model import BoneModel

REST, RECRUITMENT = "rest", "recruitment"
PHASES = (REST, RECRUITMENT, RESORPTION, REVERSAL, FORMATION)
SAYS = {
    REST: "at rest: nobody digs or builds here",
    RECRUITMENT: "an osteoclast has come to the surface",
    RESORPTION: "the osteoclast digs into the bone",
    REVERSAL: "the osteoclast is gone; the cavity waits for osteoblasts",
    FORMATION: "a team of osteoblasts refills the cavity from its floor",
}
NEAR = 12  # sites around a click in which a unit is looked for


@dataclass
class Follower:
    """Watches one site of a model, step after step.

    Attributes
    ----------
    site : int or None
        The surface site at which the unit began.
    history : list of (str, float)
        Phases, and the day on which each was first seen.
    unit : BMU or None
        The unit at work, or the last one that was.
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
    def dug(self) -> float:
        """Matrix that the unit itself has dug, um; what neighbors did is not counted."""
        return self.model.tissue.site_um * self.unit.resorbed if self.unit else 0.0

    @property
    def laid(self) -> float:
        """Matrix that the unit itself has laid, um."""
        return self.model.tissue.site_um * self.unit.formed if self.unit else 0.0

    @property
    def left(self) -> float:
        """What the unit has dug and not refilled, um: osteoblasts fill it before all else."""
        return max(0.0, self.dug - self.laid)

    def follow(self, site: int) -> None:
        """Begin to watch the unit nearest to a site, or the site itself."""
        near = nearest_unit(self.model, site)
        self.__init__(self.model, site if near is None else near)  # type: ignore[misc]
        self.look(self.model)

    def follow_newest(self) -> None:
        """Begin to watch the unit whose osteoclast came last."""
        units = self.model.units_in(RESORPTION)
        if units:
            self.follow(units[-1].site)

    def look(self, model: BoneModel) -> None:
        """Note the phase at the end of a step."""
        if self.site is None:
            return
        unit = find_unit(model, self.site)
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
        """Return how the unit ended, by what it has itself dug and laid."""
        dug, left = f"{self.dug:.0f} um", f"{self.left:.0f} um"
        if not self.dug and not self.laid:
            return "nothing was dug"
        if not self.dug:
            return f"{self.laid:.0f} um were laid where nothing was dug"
        if self.unit and self.unit.phase == PERFORATED:
            return f"none of {dug} was refilled: no floor to build on, a trabecula is cut through"
        if left == "0 um":
            return f"all {dug} were refilled"
        return f"{left} of {dug} were not refilled"


def find_unit(model: BoneModel, site: int) -> BMU | None:
    """Return the unit at work at a site, if one is."""
    return next((unit for unit in model.units if site in unit.held), None)


def nearest_unit(model: BoneModel, site: int) -> int | None:
    """Return the surface site of the unit nearest to a site, if one is near."""
    begun = [unit.site for unit in model.units]
    if not begun:
        return None
    rows, columns = model.tissue.matrix.shape
    row, column = np.divmod(np.array(begun), columns)
    down = np.abs(row - site // columns)
    away = np.hypot(np.minimum(down, rows - down), column - site % columns)
    best = int(away.argmin())
    return begun[best] if away[best] <= NEAR else None
