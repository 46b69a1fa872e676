"""The cells: osteoclasts that resorb bone, osteoblasts that refill the cavity."""

from __future__ import annotations

from math import gamma, log
from typing import TYPE_CHECKING

import mesa

from remodel.support.random_numbers import draw

if TYPE_CHECKING:
    from remodel.model.bmu import BMU, Moment
    from remodel.model.bone_model import BoneModel
    from remodel.parameters.quantities import Response


def draw_lifespan(mean: float, shape: float, uniform: float) -> float:
    """Return a life in days: Weibull with a given mean, from a uniform number in (0, 1]."""
    return float(mean / gamma(1 + 1 / shape) * (-log(uniform)) ** (1 / shape))


def may_resorb(model: BoneModel, site: int) -> bool:
    """Return whether an osteoclast begins on a site, or goes on there."""
    tissue, restraint = model.tissue, model.parameters.osteoclast.restraint
    if not tissue.can_enter(site):
        return False
    if not restraint or not tissue.joins(site):
        return True
    return draw(model.seed, "osteoclast restraint", model.tick, site) > restraint


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
    def pos(self) -> tuple[int, int] | None:
        """Column and row of its site, as Mesa asks for a place."""
        site = vars(self).get("site")  # none yet while Mesa takes it in
        if site is None:
            return None
        row, column = divmod(int(site), self.model.tissue.matrix.shape[1])
        return column, row

    @pos.setter
    def pos(self, place: None) -> None:
        """Let Mesa say that it has none yet; a cell moves by resorption and building alone."""
        if place is not None:
            raise AttributeError(f"pos = {place}: the place of a cell follows from its site")


class Worker(Cell):
    """A cell, or a team of cells, that works on one site at a time for a unit.

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
        super().__init__(model, unit.site_in_work)
        self.unit = unit
        self.life = life
        self.born = born

    def end(self, days: float) -> None:
        """End some days into this step; the model sees what becomes of the unit."""
        self.ended = days
        self.remove()


class Osteoclast(Worker):
    """Resorbs the bone beneath it until it dies or comes out on the other side.

    Attributes
    ----------
    taken_up : float
        Bisphosphonate that it has taken up, doses.
    """

    def __init__(self, model: BoneModel, unit: BMU, life: float, born: Moment) -> None:
        """Attach to the surface site of a unit."""
        super().__init__(model, unit, life, born)
        self.taken_up = 0.0

    def resorb(self, days: float) -> None:
        """Resorb, of some days, from when the cell came until it dies, site after site."""
        model, unit = self.model, self.unit
        tissue, begin = model.tissue, 0.0
        if self.born.step == model.tick:
            days -= (begin := self.born.days)
        apoptosis = model.signals.osteoclast_apoptosis
        if tissue.drug_given:
            apoptosis *= self.toxicity(days)
        alive = days if days * apoptosis < self.life else self.life / apoptosis
        self.life -= days * apoptosis
        depth = alive * model.erosion
        while depth > 0.0:
            matrix = tissue.matrix_at[self.site]
            amount = min(depth, matrix)
            self.taken_up += tissue.resorb(self.site, amount)
            unit.depths[-1] += amount
            depth -= amount
            if amount == matrix and not self.advance():
                self.life = 0.0
                alive -= depth / model.erosion
                break
        if self.life <= 0.0:
            unit.find_floor(tissue)
            self.end(begin + alive)

    def toxicity(self, days: float) -> float:
        """Return how many times as fast an osteoclast dies by bisphosphonate, amid some days."""
        tissue = self.model.tissue
        bound = tissue.bisphosphonate_at[self.site]
        if not bound and not self.taken_up:
            return 1.0
        fraction = min(1.0, days * self.model.erosion / max(tissue.matrix_at[self.site], 1e-9))
        toxicity: Response = self.model.parameters.responses.toxicity
        return toxicity.at(self.taken_up + 0.5 * fraction * bound)

    def advance(self) -> bool:
        """Move on to the bone ahead; return False where there is none left."""
        ahead = self.model.tissue.next_site[self.unit.direction][self.site]
        if not may_resorb(self.model, ahead):
            return False
        self.site = ahead
        self.unit.move_on(self.model.tissue, ahead)
        return True


class Osteoblast(Worker):
    """A team of osteoblasts that fills one unit from its floor."""

    def form(self, days: float) -> None:
        """Form matrix, of some days, from when the cells came until they die or have done."""
        model, unit = self.model, self.unit
        tissue, begin = model.tissue, 0.0
        if self.born.step == model.tick:
            days -= (begin := self.born.days)
        apoptosis = model.signals.osteoblast_apoptosis
        alive = days if days * apoptosis < self.life else self.life / (apoptosis or 1.0)
        self.life -= days * apoptosis
        amount = alive * model.apposition
        while amount >= unit.room:
            amount -= unit.room
            tissue.deposit(self.site, unit.room, model.unmineralized_fraction)
            unit.formed += unit.room
            if not unit.fill_next(tissue):
                self.end(begin + alive - (amount / model.apposition if amount else 0.0))
                return
            self.site = unit.site_in_work
        tissue.deposit(self.site, amount, model.unmineralized_fraction)
        unit.room -= amount
        unit.formed += amount
        if self.life <= 0.0:
            self.end(begin + alive)
