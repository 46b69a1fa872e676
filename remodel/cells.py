"""The cells: osteoclasts that dig, osteoblasts that refill what was dug."""

from __future__ import annotations

from math import gamma, log
from typing import TYPE_CHECKING

import mesa

if TYPE_CHECKING:
    from remodel.model import BoneModel
    from remodel.tissue import Tissue


def draw_life(mean: float, shape: float, luck: float) -> float:
    """Return a life in days: Weibull with a given mean, from a uniform number in (0, 1]."""
    return float(mean / gamma(1 + 1 / shape) * (-log(luck)) ** (1 / shape))


class Cavity:
    """What one osteoclast removed, in order, and where the floor of the pit is."""

    __slots__ = ("amounts", "floor", "sites", "wait")

    def __init__(self, site: int) -> None:
        """Begin an empty cavity at a surface site."""
        self.sites = [site]
        self.amounts = [0.0]
        self.floor = site
        self.wait = 0.0  # days of reversal left, at rest

    @property
    def released(self) -> float:
        """Matrix removed, in sites."""
        return sum(self.amounts)

    def has_floor(self, tissue: Tissue) -> bool:
        """Return whether there is bone beneath for osteoblasts to stand on.

        A pit that goes right through a trabecula has none.
        """
        return self.floor == self.sites[-1] or tissue.matrix_at[self.floor] > 0.0


class Osteoclast(mesa.Agent):
    """Digs into the bone beneath it until it dies or comes out on the other side."""

    def __init__(self, model: BoneModel, site: int, direction: int, life: float, idle: float) -> None:
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
        self.cavity = Cavity(site)
        model.tissue.busy_at[site] = True

    def resorb(self, days: float) -> None:
        """Dig; what is dug is left as cavity behind the cell, none is lost."""
        model = self.model
        tissue = model.tissue
        idle = self.idle
        if idle:
            days, self.idle = days - idle, 0.0
        wear = model.signals.osteoclast_wear
        alive = days if days * wear < self.life else self.life / wear
        self.life -= days * wear
        reach = alive * model.erosion
        while reach > 0.0:
            site = self.site
            matrix = tissue.matrix_at[site]
            if reach < matrix:
                self.dig(site, reach, reach / matrix)
                break
            self.dig(site, matrix, 1.0)
            reach -= matrix
            if not self.advance():
                self.life = 0.0
                break
        if self.life <= 0.0:
            self.die(idle + alive)

    def dig(self, site: int, amount: float, share: float) -> None:
        """Move an amount of matrix, that share of what the site holds, into the cavity."""
        tissue = self.model.tissue
        tissue.matrix_at[site] = tissue.matrix_at[site] - amount if share < 1.0 else 0.0
        tissue.immature_at[site] *= 1.0 - share
        tissue.cavity_at[site] += amount
        tissue.removed_at[site] += amount
        self.cavity.amounts[-1] += amount

    def advance(self) -> bool:
        """Move on to the bone ahead; return False where there is none left."""
        ahead = self.model.tissue.next_site[self.direction][self.site]
        if not self.model.tissue.can_enter(ahead):
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


class Osteoblast(mesa.Agent):
    """A team of osteoblasts that refills one cavity from its floor."""

    def __init__(self, model: BoneModel, cavity: Cavity, life: float, idle: float) -> None:
        """Settle on the floor of a cavity; arguments as for `Osteoclast`."""
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
        """Lay down matrix on the floor of the cavity while the cells live."""
        model = self.model
        if self.idle:
            days, self.idle = days - self.idle, 0.0
        wear = model.signals.osteoblast_wear
        alive = days if days * wear < self.life else self.life / wear
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
        """Turn an amount of cavity into matrix that is still to take up its mineral."""
        tissue, site = self.model.tissue, self.site
        tissue.matrix_at[site] += amount
        tissue.immature_at[site] += amount * self.model.unfinished
        tissue.cavity_at[site] -= amount
        tissue.added_at[site] += amount

    def die(self) -> None:
        """Leave the rest of the cavity open: that bone is lost."""
        self.model.tissue.free([self.site, *self.cavity.sites])
        self.remove()
