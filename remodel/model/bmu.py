"""The basic multicellular unit: what one osteoclast removed and osteoblasts refill."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from remodel.bone.section import Tissue

SETTLE = 0.25  # of a site: less new bone would close a narrow canal for next to nothing
RESORPTION, REVERSAL, FORMATION = AT_WORK = ("resorption", "reversal", "formation")
FILLED, UNFILLED, PERFORATED, EMPTY = ENDS = ("filled", "unfilled", "perforated", "empty")
PHASES = (*AT_WORK, *ENDS)
MOST_STEPS = 1_000_000  # that a wait is followed through: at the default step 19,000 years


class Moment(NamedTuple):
    """A moment of a run: a step, and the days of it that have gone by.

    One number of days would say the same but for rounding: thousands of days from day 0, its
    last digits are no longer those of the part of a step for which a cell works.
    """

    step: int
    days: float


def after(step: int, wait: float, length: float) -> Moment:
    """Return the moment at which a wait ends that began with a step.

    Parameters
    ----------
    step : int
        The step with whose beginning it began.
    wait : float
        Days.
    length : float
        Days of a step. They are taken off step by step: so rounded, what is left is what a
        cell that counts down would find, to the last bit.
    """
    last = step + MOST_STEPS
    wait -= length
    while wait > 0.0 and step < last:
        wait -= length
        step += 1
    return Moment(step, length + wait)


class BMU:
    """A basic multicellular unit: where it works, how far it is, and what it holds.

    It is made once, when its osteoclast comes or lining cells begin to build, and whoever
    follows it holds the same object to its end: nothing that it holds is used up.

    Attributes
    ----------
    site : int
        The surface site at which it began.
    direction : int
        Into bone, an index of `bone.section.DIRECTIONS`.
    phase : str
        One of `PHASES`: resorption, reversal or formation, or how it ended: filled, unfilled
        (its osteoblasts died before), perforated (there was no floor to build on) or empty
        (its osteoclast died before it resorbed anything).
    days : dict of str to float
        For each phase that it has come to, the day from day 0 on which it did.
    sites : list of int
        Its sites, from the surface into the depth; formation may put one before them.
    depths : list of float
        Matrix resorbed at each of them, in sites.
    floor : int
        The site beneath the deepest point.
    osteoblasts_due : Moment or None
        When reversal ends.
    rooms : list of float
        Matrix to be formed at each of its sites, in sites, set when formation begins. What
        is there already is in `formed`.
    level : int
        Index of the site at work: the deepest one, in formation that which is being filled;
        -1 when all are.
    room, formed : float
        Matrix still to be formed at that site, and all that was formed so far, in sites.
    """

    __slots__ = (
        "days", "depths", "direction", "floor", "formed", "level", "osteoblasts_due", "phase",
        "room", "rooms", "site", "sites",
    )  # fmt: skip

    def __init__(self, site: int, direction: int, phase: str, day: float) -> None:
        """Begin at a surface site, in a direction into bone, with a phase on a day."""
        self.site = self.floor = site
        self.direction = direction
        self.phase = phase
        self.days = {phase: day}
        self.sites = [site]
        self.depths = [0.0]
        self.osteoblasts_due: Moment | None = None
        self.rooms = [0.0]
        self.level = 0
        self.room = self.formed = 0.0

    @property
    def birthday(self) -> float:
        """Day from day 0 on which it began."""
        return next(iter(self.days.values()))

    @property
    def resorbed(self) -> float:
        """Matrix that it has resorbed, in sites."""
        return fsum(self.depths)

    @property
    def held(self) -> list[int]:
        """The sites that no other unit may enter."""
        if self.phase == FORMATION:
            return self.sites[: self.level + 1]
        return [] if self.phase in ENDS else self.sites

    @property
    def site_in_work(self) -> int:
        """The site at which its cells are."""
        return self.sites[self.level]

    def enter(self, phase: str, day: float) -> None:
        """Come to a phase on a day; to formation with as much room as was resorbed."""
        self.phase = phase
        self.days[phase] = day
        if phase == FORMATION:
            self.rooms = list(self.depths)
            self.room = self.rooms[self.level]

    def move_on(self, tissue: Tissue, site: int) -> None:
        """Take in the site ahead, and keep others out of it."""
        tissue.occupy(site)
        self.sites.append(site)
        self.depths.append(0.0)
        self.level += 1

    def find_floor(self, tissue: Tissue) -> None:
        """Take the deepest site for the floor, or where nothing is left of it what is beneath."""
        deepest = self.sites[-1]
        left = tissue.matrix_at[deepest] != 0.0
        self.floor = deepest if left else tissue.next_site[self.direction][deepest]

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
        spare = 1.0 - tissue.matrix_at[self.site] - tissue.cavity_at[self.site]
        self.make_room(tissue, min(depth, max(0.0, spare)))
        outward = tissue.next_site[self.direction ^ 1][self.site]
        rest = depth - max(0.0, spare)
        if rest > SETTLE and tissue.is_open(outward):
            self.sites.insert(0, outward)
            self.depths.insert(0, 0.0)
            self.rooms.insert(0, 0.0)
            self.level += 1
            self.make_room(tissue, min(1.0, rest))
        self.room = self.rooms[self.level]

    def make_room(self, tissue: Tissue, amount: float) -> None:
        """Keep the outermost site for an amount of matrix more, in sites."""
        tissue.occupy(self.sites[0], amount)
        self.rooms[0] += amount

    def fill_next(self, tissue: Tissue) -> bool:
        """Leave the site that is filled for the one above; return False where there is none."""
        tissue.free([self.sites[self.level]])
        self.level -= 1
        if self.level < 0:
            return False
        self.room = self.rooms[self.level]
        return True
