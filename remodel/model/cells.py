"""The cells: osteoclasts that dig, osteoblasts that refill what was dug."""

from __future__ import annotations

from math import gamma, log
from typing import TYPE_CHECKING

import mesa

from remodel.support.random_numbers import draw

if TYPE_CHECKING:
    from remodel.model.bmu import BMU, Moment
    from remodel.model.bone_model import BoneModel
    from remodel.parameters.quantities import Response


def draw_life(mean: float, shape: float, luck: float) -> float:
    """Return a life in days: Weibull with a given mean, from a uniform number in (0, 1]."""
    return float(mean / gamma(1 + 1 / shape) * (-log(luck)) ** (1 / shape))


def may_dig(model: BoneModel, site: int) -> bool:
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
        """Let Mesa say that it has none yet; a cell moves by digging and building alone."""
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
        """Come to where a unit is at work."""
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
    swallowed : float
        Bisphosphonate that it has taken up, doses.
    """

    def __init__(self, model: BoneModel, unit: BMU, life: float, born: Moment) -> None:
        """Attach to the surface site of a unit."""
        super().__init__(model, unit, life, born)
        self.swallowed = 0.0

    def resorb(self, days: float) -> None:
        """Resorb, of some days, from when the cell came until it dies, site after site."""
        model, unit = self.model, self.unit
        tissue, begin = model.tissue, 0.0
        if self.born.step == model.tick:
            days -= (begin := self.born.days)
        wear = model.signals.osteoclast_wear
        if tissue.drug_given:
            wear *= self.poisoning(days)
        alive = days if days * wear < self.life else self.life / wear
        self.life -= days * wear
        depth = alive * model.erosion
        while depth > 0.0:
            matrix = tissue.matrix_at[self.site]
            amount = min(depth, matrix)
            self.swallowed += tissue.resorb(self.site, amount)
            unit.depths[-1] += amount
            depth -= amount
            if amount == matrix and not self.advance():
                self.life = 0.0
                alive -= depth / model.erosion
                break
        if self.life <= 0.0:
            unit.find_floor(tissue)
            self.end(begin + alive)

    def poisoning(self, days: float) -> float:
        """Return how many times as fast life runs down by bisphosphonate, amid some days."""
        tissue = self.model.tissue
        bound = tissue.bisphosphonate_at[self.site]
        if not bound and not self.swallowed:
            return 1.0
        share = min(1.0, days * self.model.erosion / max(tissue.matrix_at[self.site], 1e-9))
        poisoning: Response = self.model.parameters.responses.poisoning
        return poisoning.at(self.swallowed + 0.5 * share * bound)

    def advance(self) -> bool:
        """Move on to the bone ahead; return False where there is none left."""
        ahead = self.model.tissue.next_site[self.unit.direction][self.site]
        if not may_dig(self.model, ahead):
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
        wear = model.signals.osteoblast_wear
        alive = days if days * wear < self.life else self.life / (wear or 1.0)
        self.life -= days * wear
        amount = alive * model.apposition
        while amount >= unit.room:
            amount -= unit.room
            tissue.deposit(self.site, unit.room, model.unfinished)
            unit.formed += unit.room
            if not unit.fill_next(tissue):
                self.end(begin + alive - (amount / model.apposition if amount else 0.0))
                return
            self.site = unit.site_in_work
        tissue.deposit(self.site, amount, model.unfinished)
        unit.room -= amount
        unit.formed += amount
        if self.life <= 0.0:
            self.end(begin + alive)
