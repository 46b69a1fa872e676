"""The basic multicellular unit: what one osteoclast removed and osteoblasts refill."""

from __future__ import annotations

from typing import NamedTuple

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
    """A basic multicellular unit: where it began, how far it is, and what it has done.

    It is made once, when its osteoclast comes or lining cells begin to build, and whoever
    follows it holds the same object to its end. What it has taken of each of its sites is in
    the table `bone.pits.Pits` of its tissue; the unit itself moves its floor.

    Attributes
    ----------
    site : int
        The surface site at which it began.
    opening : int
        The site of open marrow beside it, from which it came.
    number : int
        Of its rows in the table of pits, until it ends.
    phase : str
        One of `PHASES`: resorption, reversal or formation, or how it ended: filled, unfilled
        (its osteoblasts died before), perforated (there was no floor to build on) or empty
        (its osteoclast died before it resorbed anything).
    days : dict of str to float
        For each phase that it has come to, the day from day 0 on which it did.
    floor : float
        How deep it is now under the surface on which it began, um; negative where osteoblasts
        build beyond that surface.
    depth : float
        How deep its floor came to be, um: the erosion depth.
    bottom : float
        How deep it can come at most, um, because nothing is left beneath.
    top : float
        At which floor its osteoblasts have done, um: 0, or less where they build beyond.
    osteoblasts_due : Moment or None
        When reversal ends.
    resorbed, formed : float
        Matrix that it has resorbed and formed so far, in sites.
    perforated : bool
        Whether some of its columns came out on the other side.
    """

    __slots__ = (
        "bottom", "days", "depth", "floor", "formed", "number", "opening", "osteoblasts_due",
        "perforated", "phase", "resorbed", "site", "top",
    )  # fmt: skip

    def __init__(self, site: int, opening: int, number: int, phase: str, day: float) -> None:
        """Begin at a surface site, beside open marrow, with a phase on a day."""
        self.site = site
        self.opening = opening
        self.number = number
        self.phase = phase
        self.days = {phase: day}
        self.floor = self.depth = self.bottom = self.top = 0.0
        self.osteoblasts_due: Moment | None = None
        self.resorbed = self.formed = 0.0
        self.perforated = False

    @property
    def birthday(self) -> float:
        """Day from day 0 on which it began."""
        return next(iter(self.days.values()))

    def enter(self, phase: str, day: float) -> None:
        """Come to a phase on a day."""
        self.phase = phase
        self.days[phase] = day

    def lower(self, distance: float) -> float:
        """Lower the floor, at most to the bottom; return how far it moved, um."""
        moved = min(distance, self.bottom - self.floor)
        self.floor = self.depth = self.floor + moved
        return moved

    def raise_floor(self, distance: float) -> float:
        """Raise the floor, at most to the top; return how far it moved, um."""
        moved = min(distance, self.floor - self.top)
        self.floor = self.top if moved < distance else self.floor - moved
        return moved
