"""The cells: osteoclasts that resorb bone, osteoblasts that refill the cavity."""

from __future__ import annotations

from math import gamma, log
from typing import TYPE_CHECKING

import mesa
import numpy as np

if TYPE_CHECKING:
    from remodel.model.bmu import BMU, Moment
    from remodel.model.bone_model import BoneModel


def draw_lifespan(mean: float, shape: float, uniform: float) -> float:
    """Return a life in days: Weibull with a given mean, from a uniform number in (0, 1]."""
    return float(mean / gamma(1 + 1 / shape) * (-log(uniform)) ** (1 / shape))


class Cell(mesa.Agent):
    """A cell, or a team of cells, on one site; `remodel.model.cell_types` says how it is shown.

    Attributes
    ----------
    site : int
        Where it is.
    """

    model: BoneModel
    site: int

    def __init__(self, model: BoneModel, site: int) -> None:
        """Come to a site."""
        super().__init__(model)
        self.site = site

    @property
    def pos(self) -> tuple[int, ...] | None:
        """Column and row of its site, as Mesa asks for a place; in a volume a third before them."""
        site = vars(self).get("site")  # none yet while Mesa takes it in
        if site is None:
            return None
        place = np.unravel_index(site, self.model.tissue.matrix.shape)
        return tuple(int(at) for at in reversed(place))

    @pos.setter
    def pos(self, place: None) -> None:
        """Let Mesa say that it has none yet; a cell moves by resorption and building alone."""
        if place is not None:
            raise AttributeError(f"pos = {place}: the place of a cell follows from its site")


class Worker(Cell):
    """A cell, or a team of cells, that works for a unit.

    Attributes
    ----------
    unit : BMU
        For which it works.
    life : float
        Days that it will live at rest.
    born : Moment
        When it came.
    ended : float or None
        Days of its last step that had gone by when it ended.
    """

    ended: float | None = None

    def __init__(self, model: BoneModel, unit: BMU, life: float, born: Moment) -> None:
        """Come to where a BMU is at work."""
        super().__init__(model, unit.site)
        self.unit = unit
        self.life = life
        self.born = born

    def live(self, days: float, apoptosis: float) -> tuple[float, float]:
        """Live through some days, or until death; return when in the step it began, and for how long.

        `apoptosis` is how many days of its life pass in a day.
        """
        begin = self.born.days if self.born.step == self.model.tick else 0.0
        days -= begin
        alive = days if days * apoptosis < self.life else self.life / (apoptosis or 1.0)
        self.life -= days * apoptosis
        return begin, alive

    def end(self, days: float) -> None:
        """End some days into this step; the model sees what becomes of the unit."""
        self.ended = days
        self.remove()


class Osteoclast(Worker):
    """Lowers the floor of its unit until it dies or comes out on the other side.

    Attributes
    ----------
    taken_up : float
        Bisphosphonate that it has taken up, doses for each face of a site that a unit covers.
    ahead : float
        What it is about to take up in this step.
    """

    def __init__(self, model: BoneModel, unit: BMU, life: float, born: Moment) -> None:
        """Attach to the surface site of a unit."""
        super().__init__(model, unit, life, born)
        self.taken_up = self.ahead = 0.0

    def resorb(self, days: float, free_rankl: float) -> None:
        """Resorb, of some days, from when the cell came until it dies.

        It dies sooner with estrogen, without RANKL around it, and by bisphosphonate.
        """
        model, unit, rows = self.model, self.unit, self.model.parameters.responses
        apoptosis = model.signals.osteoclast_apoptosis * rows.rankl_withdrawal.at(free_rankl)
        if self.taken_up or self.ahead:
            apoptosis *= rows.toxicity.at(self.taken_up + 0.5 * self.ahead)
        begin, alive = self.live(days, apoptosis)
        erosion = model.parameters.osteoclast.erosion
        moved = unit.lower(alive * erosion)
        if self.life <= 0.0 or unit.floor >= unit.bottom:
            self.end(begin + (moved / erosion if unit.floor >= unit.bottom else alive))


class Osteoblast(Worker):
    """A team of osteoblasts that raises the floor of one unit."""

    def form(self, days: float) -> None:
        """Form matrix, of some days, from when the cells came until they die or have done."""
        model, unit = self.model, self.unit
        begin, alive = self.live(days, model.signals.osteoblast_apoptosis)
        apposition = model.parameters.osteoblast.apposition
        moved = unit.raise_floor(alive * apposition)
        if unit.floor <= unit.top:
            self.end(begin + (moved / apposition if apposition else alive))
        elif self.life <= 0.0:
            self.end(begin + alive)
