"""What the units at work have taken of each site: a pit is a floor that moves.

Each site of a unit has two levels: the depth of the unit's floor at which it begins to go, and that
at which all of it is gone. The osteoclast lowers the floor, the osteoblasts raise it; a site holds of
what it held when it was claimed what lies beneath the floor. Cells move only the floors of their own units. All that
follows from it is worked out here, for all units in one pass over one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from remodel.support.arrays import Floats, Ints, Mask

if TYPE_CHECKING:
    from remodel.bone.section import Tissue

FIRST = 256  # rows that there is room for at first
KEPT = 256  # rows of nobody that are not worth the work of moving all others
NOBODY = 0  # the unit of a row that is no longer used
ROWS = {
    "site": np.int64,  # flat index
    "begin": np.float64,  # um: floor at which it begins to go
    "end": np.float64,  # um: floor at which all of it is gone
    "beneath": np.int64,  # the site beneath it, away from the marrow
    "held": np.float64,  # matrix when it was claimed, or room for matrix to come, in sites
    "gone": np.float64,  # of it, as a fraction
    "claimed": np.bool_,
    "unit": np.int64,
}
UNITS = {"floor": -np.inf, "unit_resorbed": 0.0, "unit_formed": 0.0, "uptake": 0.0}


class Layout(NamedTuple):
    """The sites of a unit, as it begins; arrays of one length.

    Attributes
    ----------
    sites, beneath : Ints
        Flat indices of sites, and of the site beneath each.
    begins, ends : Floats
        Floors at which each begins to go, and at which all of it is gone, um.
    """

    sites: Ints
    begins: Floats
    ends: Floats
    beneath: Ints

    def only(self, kept: Mask) -> Layout:
        """Return the layout of some of its sites."""
        return Layout(self.sites[kept], self.begins[kept], self.ends[kept], self.beneath[kept])

    def gone_at(self, floor: float) -> Floats:
        """Return the fraction of each that is gone at a floor, um."""
        return np.clip((floor - self.begins) / (self.ends - self.begins), 0.0, 1.0)


class Pits:
    """The sites of all units at work, in one table.

    Attributes
    ----------
    count : int
        Rows in use.
    site, begin, end, beneath, held, gone, claimed, unit : arrays
        One row for each site of each unit, as in `ROWS`.
    floor, unit_resorbed, unit_formed, uptake : arrays
        One number for each unit: its floor (um), the matrix that it has resorbed and formed
        (sites), and the bisphosphonate that was bound in it (doses).
    """

    def __init__(self) -> None:
        """Begin without a unit."""
        self.count = 0
        for name, kind in ROWS.items():
            setattr(self, name, np.zeros(FIRST, dtype=kind))
        for name, value in UNITS.items():
            setattr(self, name, np.full(64, value))
        self.spare = list(range(63, NOBODY, -1))  # numbers that no unit has
        self.unused = 0  # rows of nobody

    site: Ints
    begin: Floats
    end: Floats
    beneath: Ints
    held: Floats
    gone: Floats
    claimed: Mask
    unit: Ints
    floor: Floats
    unit_resorbed: Floats
    unit_formed: Floats
    uptake: Floats

    def copy(self) -> Pits:
        """Return a table of its own with the same contents."""
        other = Pits()
        for name in (*ROWS, *UNITS):
            setattr(other, name, getattr(self, name).copy())
        other.count, other.spare, other.unused = self.count, list(self.spare), self.unused
        return other

    def arrays(self) -> dict[str, Any]:
        """Return all of it as arrays, by name: rows in use, units, and the numbers that none has."""
        rows = {name: getattr(self, name)[: self.count] for name in ROWS}
        return (
            rows | {name: getattr(self, name) for name in UNITS} | {"spare": np.array(self.spare)}
        )

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> Self:
        """Return the table that such arrays make up."""
        pits = cls()
        pits.count = len(arrays["site"])
        pits.spare = arrays["spare"].tolist()
        for name in UNITS:
            setattr(pits, name, arrays[name])
        for name, kind in ROWS.items():
            setattr(pits, name, np.concatenate([arrays[name], np.zeros(FIRST, dtype=kind)]))
        pits.unused = int((pits.unit[: pits.count] == NOBODY).sum())
        return pits

    def open(self) -> int:
        """Return the number of a new unit, which has no site yet."""
        if not self.spare:
            more = len(self.floor)
            for name, value in UNITS.items():
                setattr(self, name, np.concatenate([getattr(self, name), np.full(more, value)]))
            self.spare = list(range(2 * more - 1, more - 1, -1))
        number = self.spare.pop()
        for name in UNITS:
            getattr(self, name)[number] = 0.0
        return number

    def add(self, number: int, layout: Layout, held: Floats | None = None) -> None:
        """Give a unit sites to reach; with `held`, room that it fills from the first day on."""
        size = len(layout.sites)
        self.make_rows(size)
        rows = slice(self.count, self.count + size)
        self.site[rows] = layout.sites
        self.begin[rows] = layout.begins
        self.end[rows] = layout.ends
        self.beneath[rows] = layout.beneath
        self.held[rows] = 0.0 if held is None else held
        self.gone[rows] = 0.0 if held is None else 1.0
        self.claimed[rows] = held is not None
        self.unit[rows] = number
        self.count += size

    def make_rows(self, size: int) -> None:
        """See to it that so many rows can be added."""
        if self.unused > KEPT and 2 * self.unused > self.count:
            self.compact()
        while self.count + size > len(self.site):
            for name in ROWS:
                rows = getattr(self, name)
                setattr(self, name, np.concatenate([rows, np.zeros_like(rows)]))

    def compact(self) -> None:
        """Move the rows of units at work to the front, in their order."""
        kept = np.flatnonzero(self.unit[: self.count] != NOBODY)
        for name in ROWS:
            rows = getattr(self, name)
            rows[: len(kept)] = rows[kept]
        self.count, self.unused = len(kept), 0

    def rows_of(self, number: int) -> Ints:
        """Return the rows of a unit."""
        return np.flatnonzero(self.unit[: self.count] == number)

    def drop(self, rows: Ints) -> None:
        """Let go of some rows."""
        self.unit[rows] = NOBODY
        self.gone[rows] = 0.0
        self.claimed[rows] = False
        self.unused += len(rows)

    def close(self, number: int) -> None:
        """Let a unit end; its rows must have been dropped."""
        self.floor[number] = -np.inf
        self.spare.append(number)

    def new_fractions(self) -> Floats:
        """Return the fraction of each row that is gone where the floors are now."""
        begin = self.begin[: self.count]
        gone = self.floor[self.unit[: self.count]]
        gone -= begin
        gone /= self.end[: self.count] - begin
        return np.clip(gone, 0.0, 1.0, out=gone)

    def follow_floors(self, tissue: Tissue, unmineralized_fraction: float) -> None:
        """Resorb and form what lies between the floors as they were and as they are."""
        gone = self.new_fractions()
        changes = gone - self.gone[: self.count]
        rows = np.flatnonzero(changes)
        down = changes[rows] > 0.0
        self.take(tissue, rows[down], gone)
        self.give_back(tissue, rows[~down], gone, unmineralized_fraction)

    def take(self, tissue: Tissue, rows: Ints, gone: Floats) -> None:
        """Resorb down to the floors: claim what they have reached, and take its share."""
        if not len(rows):
            return
        new = rows[~self.claimed[rows]]
        if len(new):
            self.claim(tissue, new)
            rows = rows[self.claimed[rows]]
        sites, fractions = self.site[rows], gone[rows]
        there = tissue.matrix.reshape(-1)[sites]
        amounts = np.minimum((fractions - self.gone[rows]) * self.held[rows], there)
        amounts = np.where(fractions >= 1.0, there, amounts)
        self.gone[rows] = fractions
        some = amounts > 0.0
        drug = tissue.resorb(sites[some], amounts[some])
        units = self.unit[rows[some]]
        np.add.at(self.unit_resorbed, units, amounts[some])
        if tissue.drug_given:
            np.add.at(self.uptake, units, drug)

    def claim(self, tissue: Tissue, rows: Ints) -> None:
        """Claim what floors have reached for the first time, unless another unit holds it.

        Where two units reach a site in one step, the one that began first has it.
        """
        sites = self.site[rows]
        there = tissue.matrix.reshape(-1)[sites]
        free = ~tissue.busy.reshape(-1)[sites] & (there > 0.0)
        if len(set(sites.tolist())) < len(rows):
            first = np.zeros(len(rows), dtype=bool)
            first[np.unique(sites, return_index=True)[1]] = True
            free &= first
        self.drop(rows[~free])
        self.held[rows[free]] = there[free]
        self.claimed[rows[free]] = True
        tissue.occupy(sites[free])

    def give_back(
        self, tissue: Tissue, rows: Ints, gone: Floats, unmineralized_fraction: float
    ) -> None:
        """Form up to the floors what was taken, or what room is kept for."""
        if not len(rows):
            return
        amounts = (self.gone[rows] - gone[rows]) * self.held[rows]
        self.gone[rows] = gone[rows]
        tissue.deposit(self.site[rows], amounts, unmineralized_fraction)
        np.add.at(self.unit_formed, self.unit[rows], amounts)

    def drug_ahead(self, tissue: Tissue) -> Floats:
        """Return the bisphosphonate, in doses, between the floors as they were and are, by unit."""
        gone = self.new_fractions()
        left = 1.0 - self.gone[: self.count]
        rows = np.flatnonzero((gone > self.gone[: self.count]) & (left > 0.0))
        share = (gone[rows] - self.gone[rows]) / left[rows]
        drug = share * tissue.bisphosphonate.reshape(-1)[self.site[rows]]
        return np.bincount(self.unit[rows], drug, minlength=len(self.floor)).astype(float)
