"""One remodeling unit up close: in which phase it is, since when, and how it ended."""

from dataclasses import dataclass, field
from math import fsum

import numpy as np

from remodel.cells import Cavity, Osteoblast, Osteoclast
from remodel.model import BoneModel

REST, RECRUITMENT, RESORPTION, REVERSAL, FORMATION = PHASES = (
    "rest", "recruitment", "resorption", "reversal", "formation",
)  # fmt: skip
SAYS = {
    REST: "at rest: nobody digs or builds here",
    RECRUITMENT: "an osteoclast has come to the surface",
    RESORPTION: "the osteoclast digs into the bone",
    REVERSAL: "the osteoclast is gone; the cavity waits for osteoblasts",
    FORMATION: "a team of osteoblasts refills the cavity from its floor",
}
NEAR = 12  # sites around a click in which a unit is looked for
FULL = 2.0  # um: less than this is not called missing
BARE = 0.9  # of what was dug: more than this missing, without formation, was never begun


@dataclass
class Follower:
    """Watches one site of a model, step after step.

    Attributes
    ----------
    site : int or None
        The surface site at which the unit began.
    history : list of (str, float)
        Phases, and the day on which each was first seen.
    sites : list of int
        All sites that the unit has dug.
    dug, left : float
        Matrix dug, and still to be laid, um.
    """

    model: BoneModel
    site: int | None = None
    history: list[tuple[str, float]] = field(default_factory=list)
    sites: list[int] = field(default_factory=list)
    dug: float = 0.0
    left: float = 0.0
    before: float = 0.0  # matrix of its sites before it began
    outcome: str = ""

    @property
    def phase(self) -> str:
        """The phase that it is in."""
        return self.history[-1][0] if self.history else REST

    def follow(self, site: int) -> None:
        """Begin to watch the unit nearest to a site, or the site itself."""
        near = nearest_unit(self.model, site)
        self.__init__(self.model, site if near is None else near)  # type: ignore[misc]
        self.look(self.model)

    def follow_newest(self) -> None:
        """Begin to watch the unit whose osteoclast came last."""
        cells = list(self.model.agents_by_type.get(Osteoclast, ()))
        if cells:
            self.follow(cells[-1].cavity.sites[0])

    def look(self, model: BoneModel) -> None:
        """Note the phase at the end of a step."""
        if self.site is None:
            return
        phase, cavity, room = find_unit(model, self.site)
        if phase == RESORPTION and self.phase == REST:
            phase = RECRUITMENT
        if phase == RECRUITMENT:
            self.outcome = ""
        if cavity is not None:
            self.measure(phase, cavity, room)
        elif self.phase != REST:
            self.end()
        if not self.history or phase != self.phase:
            self.history = [*self.history[-7:], (phase, model.day)]

    def measure(self, phase: str, cavity: Cavity, room: float) -> None:
        """Note how much is dug, and how much is left to lay."""
        um, released = self.model.tissue.site_um, fsum(cavity.amounts) + room
        self.left = um * released
        if phase != FORMATION:
            self.sites, self.dug = list(cavity.sites), um * released
            matrix = fsum(self.model.tissue.matrix_at[site] for site in self.sites)
            self.before = um * (matrix + released)

    def end(self) -> None:
        """Compare the bone that the unit leaves with what it found, if it was seen digging."""
        tissue = self.model.tissue
        missing = self.before - tissue.site_um * fsum(tissue.matrix_at[s] for s in self.sites)
        if not self.sites:
            self.outcome = "its work is over"
        elif self.phase != FORMATION and missing > BARE * self.dug:
            self.outcome = "no floor to build on: the trabecula is cut through"
        elif missing > FULL:
            self.outcome = f"{missing:.0f} um of {self.dug:.0f} um were not refilled"
        else:
            self.outcome = f"all {self.dug:.0f} um were refilled"
        self.left = 0.0


def find_unit(model: BoneModel, site: int) -> tuple[str, Cavity | None, float]:
    """Return the phase of the unit at work at a site, its cavity, and the site being refilled."""
    for clast in model.agents_by_type.get(Osteoclast, ()):
        if site in clast.cavity.sites:
            return RESORPTION, clast.cavity, 0.0
    for cavity in model.reversing:
        if site in cavity.sites:
            return REVERSAL, cavity, 0.0
    for blast in model.agents_by_type.get(Osteoblast, ()):
        if site == blast.site or site in blast.cavity.sites:
            return FORMATION, blast.cavity, blast.room
    return REST, None, 0.0


def nearest_unit(model: BoneModel, site: int) -> int | None:
    """Return the surface site of the unit nearest to a site, if one is near."""
    kinds = model.agents_by_type
    begun = [cell.cavity.sites[0] for cell in kinds.get(Osteoclast, ())]
    begun += [cavity.sites[0] for cavity in model.reversing]
    begun += [[*cell.cavity.sites, cell.site][0] for cell in kinds.get(Osteoblast, ())]
    if not begun:
        return None
    rows, columns = model.tissue.matrix.shape
    row, column = np.divmod(np.array(begun), columns)
    down = np.abs(row - site // columns)
    away = np.hypot(np.minimum(down, rows - down), column - site % columns)
    best = int(away.argmin())
    return begun[best] if away[best] <= NEAR else None
