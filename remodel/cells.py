"""The cells: osteoclasts that dig, osteoblasts that refill what was dug."""

from __future__ import annotations

from math import fsum, gamma, log
from typing import TYPE_CHECKING

import mesa

from remodel.randomness import draw

SETTLE = 0.25  # of a site: less new bone would close a narrow canal for next to nothing

if TYPE_CHECKING:
    from remodel.model import BoneModel
    from remodel.quantities import Response
    from remodel.tissue import Tissue


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


class Cavity:
    """What one osteoclast removed, in order, and where the floor of the pit is."""

    __slots__ = ("amounts", "direction", "dug", "floor", "laid", "sites", "wait")

    def __init__(self, site: int, direction: int) -> None:
        """Begin an empty cavity at a surface site, in a direction into bone."""
        self.sites = [site]
        self.amounts = [0.0]
        self.direction = direction
        self.floor = site
        self.wait = 0.0  # days of reversal left
        self.dug = self.laid = 0.0  # by its own cells so far, in sites; others may work there later

    @property
    def released(self) -> float:
        """Matrix removed, in sites."""
        return fsum(self.amounts)

    def has_floor(self, tissue: Tissue) -> bool:
        """Return whether there is bone beneath for osteoblasts to stand on.

        A pit that goes right through a trabecula has none.
        """
        return self.floor == self.sites[-1] or tissue.matrix_at[self.floor] > 0.0

    def extend(self, tissue: Tissue, depth: float) -> None:
        """Make room to build beyond the old surface, outward into open marrow.

        Parameters
        ----------
        depth : float
            How far, in sites. The surface site is filled up first. What is left goes to
            the open site beyond if it is enough to settle there, at most to its end.
        """
        top = self.sites[0]
        spare = 1.0 - tissue.matrix_at[top] - tissue.cavity_at[top]
        self.claim(tissue, 0, min(depth, max(0.0, spare)))
        outward = tissue.next_site[self.direction ^ 1][top]
        rest = depth - max(0.0, spare)
        if rest > SETTLE and tissue.is_open(outward):
            self.sites.insert(0, outward)
            self.amounts.insert(0, 0.0)
            self.claim(tissue, 0, min(1.0, rest))

    def claim(self, tissue: Tissue, index: int, amount: float) -> None:
        """Hold a site and set an amount of matrix to be laid there."""
        site = self.sites[index]
        tissue.busy_at[site] = True
        tissue.cavity_at[site] += amount
        self.amounts[index] += amount


class Worker(mesa.Agent):
    """A cell at work on one site."""

    model: BoneModel
    site: int

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


class Osteoclast(Worker):
    """Digs into the bone beneath it until it dies or comes out on the other side."""

    def __init__(
        self, model: BoneModel, site: int, direction: int, life: float, idle: float
    ) -> None:
        """Attach to a surface site.

        Parameters
        ----------
        site, direction : int
            Where it sits and the direction into bone, an index of `DIRECTIONS`.
        life : float
            Days it will live at rest.
        idle : float
            Days of its first step that had gone by when it came.
        """
        super().__init__(model)
        self.site = site
        self.direction = direction
        self.life = life
        self.idle = idle
        self.swallowed = 0.0  # bisphosphonate, doses
        self.cavity = Cavity(site, direction)
        model.tissue.busy_at[site] = True

    def resorb(self, days: float) -> None:
        """Dig; what is dug is left as cavity behind the cell, none is lost.

        Most steps are whole: the cell was there before, outlives the step and stays on
        its site. Those are kept fast, the others go the long way.
        """
        model = self.model
        tissue = model.tissue
        life = self.life - days * model.signals.osteoclast_wear
        matrix, depth = tissue.matrix_at[self.site], days * model.erosion
        if self.idle or life <= 0.0 or depth >= matrix or tissue.drug_given:
            self.resorb_in_part(days)
        else:
            self.life = life
            self.dig(self.site, depth, matrix)

    def resorb_in_part(self, days: float) -> None:
        """Dig from when the cell came until it dies, site after site."""
        model, idle = self.model, self.idle
        days, self.idle = days - idle, 0.0
        wear = model.signals.osteoclast_wear * self.poisoning(days)
        alive = days if days * wear < self.life else self.life / wear
        self.life -= days * wear
        depth = alive * model.erosion
        while depth > 0.0:
            matrix = model.tissue.matrix_at[self.site]
            amount = min(depth, matrix)
            self.dig(self.site, amount, matrix)
            depth -= amount
            if amount == matrix and not self.advance():
                self.life = 0.0
                alive -= depth / model.erosion
                break
        if self.life <= 0.0:
            self.die(idle + alive)

    def dig(self, site: int, amount: float, matrix: float) -> None:
        """Move an amount, in sites, of the matrix that a site holds into the cavity."""
        tissue = self.model.tissue
        tissue.matrix_at[site] = matrix - amount
        tissue.immature_at[site] *= 1.0 - amount / matrix
        tissue.cavity_at[site] += amount
        tissue.removed_at[site] += amount
        self.cavity.amounts[-1] += amount
        self.cavity.dug += amount
        if tissue.drug_given:
            self.swallow(site, amount / matrix)

    def swallow(self, site: int, share: float) -> None:
        """Take in a share of the bisphosphonate that a site has bound."""
        tissue = self.model.tissue
        amount = share * tissue.bisphosphonate_at[site]
        self.swallowed += amount
        tissue.drug_swallowed += amount
        tissue.bisphosphonate_at[site] -= amount

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
        ahead = self.model.tissue.next_site[self.direction][self.site]
        if not may_dig(self.model, ahead):
            return False
        self.site = ahead
        self.model.tissue.busy_at[ahead] = True
        self.cavity.sites.append(ahead)
        self.cavity.amounts.append(0.0)
        return True

    def die(self, days: float) -> None:
        """Leave the cavity to reversal; days of this step had passed by then."""
        cavity = self.cavity
        cavity.floor = self.site
        if self.model.tissue.matrix_at[self.site] == 0.0:
            cavity.floor = self.model.tissue.next_site[self.direction][self.site]
        self.model.leave(cavity, days)
        self.remove()


class Osteoblast(Worker):
    """A team of osteoblasts that refills one cavity from its floor."""

    def __init__(self, model: BoneModel, cavity: Cavity, life: float, idle: float) -> None:
        """Settle on the floor of a cavity; `life` and `idle` in days, as for `Osteoclast`."""
        super().__init__(model)
        self.cavity = cavity
        self.life = life
        self.idle = idle
        self.settle()

    def settle(self) -> None:
        """Turn to the deepest site that is still to be refilled."""
        self.site = self.cavity.sites.pop()
        self.room = self.cavity.amounts.pop()

    def form(self, days: float) -> None:
        """Lay down matrix on the floor of the cavity for some days while the cells live."""
        model = self.model
        life, amount = self.life - days * model.signals.osteoblast_wear, days * model.apposition
        if self.idle or life <= 0.0 or amount >= self.room:
            self.form_in_part(days)
        else:
            self.life = life
            self.room -= amount
            self.lay(amount)

    def form_in_part(self, days: float) -> None:
        """Lay down matrix, of some days, from when the cells came until they die or have done."""
        model = self.model
        days, self.idle = days - self.idle, 0.0
        wear = model.signals.osteoblast_wear
        alive = days if days * wear < self.life else self.life / (wear or 1.0)
        self.life -= days * wear
        amount = alive * model.apposition
        while amount >= self.room:
            amount -= self.room
            self.lay(self.room)
            model.tissue.free([self.site])
            if not self.cavity.sites:
                self.remove()
                return
            self.settle()
        self.lay(amount)
        self.room -= amount
        if self.life <= 0.0:
            self.die()

    def lay(self, amount: float) -> None:
        """Turn an amount of cavity, in sites, into matrix still to take up its mineral."""
        tissue, site = self.model.tissue, self.site
        tissue.matrix_at[site] += amount
        tissue.immature_at[site] += amount * self.model.unfinished
        tissue.cavity_at[site] -= amount
        tissue.added_at[site] += amount
        self.cavity.laid += amount

    def die(self) -> None:
        """Leave the rest of the cavity open: that bone is lost."""
        self.model.tissue.free([self.site, *self.cavity.sites])
        self.remove()
