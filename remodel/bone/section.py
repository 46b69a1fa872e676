"""The section of bone: arrays over sites, its surface, its marrow.

Sites are squares. Rows run along the periodic long axis, columns from the marrow
outward to the periosteum. A site is named by its flat index ``row * columns + column``.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter1d

from remodel.support.arrays import Floats, Fractions, Ints, Labels, Mask

OUTSIDE, TRABECULAR, CORTICAL = 0, 1, 2
REGIONS = {"trabecular": TRABECULAR, "cortical": CORTICAL}
FIELDS = ("unmineralized", "cavity", "bisphosphonate", "resorbed", "formed")
DOSES = ("drug_given", "drug_taken_up", "drug_lost")
HALF = 0.5  # of a site, from which on it is bone where pieces are told apart
MOST_SITES = 4_000_000  # of a section: about a gigabyte
DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # d ^ 1 is the way back


@dataclass
class Tissue:
    """Matrix, mineral still to come, cavities and bound drug, site by site.

    Attributes
    ----------
    matrix : Floats
        Fraction of each site that is bone matrix, 0 to 1; shape (rows, columns).
    unmineralized : Floats
        Fraction of each site that is matrix still without its mineral. It decays with
        the mineralization time, so the mineral of a site follows from the age of all
        the matrix in it, also where old and new matrix share the site.
    cavity : Floats
        Matrix resorbed and not yet replaced while a BMU is at work there.
    busy : Mask
        True where a BMU is at work, so that no other may enter.
    bisphosphonate : Floats
        Drug bound in each site, in units of one full dose per surface site.
    region : Labels
        OUTSIDE, TRABECULAR or CORTICAL: sorts the results, never asked by a rule.
    outside : Mask
        True beyond the periosteum, where there is no marrow.
    site_um : float
        Side of a site, um.
    """

    matrix: Floats
    region: Labels
    outside: Mask
    site_um: float
    unmineralized: Floats = field(init=False)
    cavity: Floats = field(init=False)
    busy: Mask = field(init=False)
    bisphosphonate: Floats = field(init=False)
    resorbed: Floats = field(init=False)  # matrix resorbed since the last reading
    formed: Floats = field(init=False)  # matrix formed since the last reading

    def __post_init__(self) -> None:
        """Allocate the fields that a builder does not set, and the neighbors."""
        for name in FIELDS:
            setattr(self, name, np.zeros_like(self.matrix))
        self.busy = np.zeros(self.matrix.shape, dtype=bool)
        self.drug_given = self.drug_taken_up = self.drug_lost = 0.0
        self.neighbors = neighbor_table(self.matrix.shape)
        self.share_memory()

    def share_memory(self) -> None:
        """Open the flat views through which cells read and write single sites.

        A memoryview gives plain floats, twice as fast as NumPy scalars.
        """
        self.matrix_at = flat_view(self.matrix)
        self.unmineralized_at = flat_view(self.unmineralized)
        self.busy_at = flat_view(self.busy)
        self.cavity_at = flat_view(self.cavity)
        self.bisphosphonate_at = flat_view(self.bisphosphonate)
        self.resorbed_at = flat_view(self.resorbed)
        self.formed_at = flat_view(self.formed)
        self.outside_at = flat_view(self.outside)
        self.next_site = [flat_view(row) for row in self.neighbors]

    def copy(self) -> "Tissue":
        """Return a tissue of its own with the same contents."""
        region, outside = self.region.copy(), self.outside.copy()
        other = Tissue(self.matrix.copy(), region, outside, self.site_um)
        for name in (*FIELDS, "busy"):
            getattr(other, name)[:] = getattr(self, name)
        for name in DOSES:
            setattr(other, name, getattr(self, name))
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Return what a worker needs to be sent; the views and neighbors are made anew there."""
        names = ("matrix", "region", "outside", "site_um", *FIELDS, "busy", *DOSES)
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was sent."""
        vars(self).update(state)
        self.neighbors = neighbor_table(self.matrix.shape)
        self.share_memory()

    @property
    def mineral(self) -> Floats:
        """Mineral of each site, as a fraction of a fully mineralized site."""
        return self.matrix - self.unmineralized

    def resorb(self, site: int, amount: float) -> float:
        """Move matrix of a site into its cavity; none is lost.

        With `deposit`, this is all that moves matrix: nobody else writes `matrix`, `cavity`,
        `resorbed` or `formed`, and but for `mineralize` nobody writes `unmineralized`.

        Parameters
        ----------
        site : int
            Where.
        amount : float
            In sites; what is young in the matrix goes in proportion.

        Returns
        -------
        float
            Bisphosphonate that was bound in it, doses; whoever resorbs takes it up.
        """
        matrix = self.matrix_at[site]
        self.matrix_at[site] = matrix - amount
        self.unmineralized_at[site] *= 1.0 - amount / matrix
        self.cavity_at[site] += amount
        self.resorbed_at[site] += amount
        if not self.drug_given:
            return 0.0
        drug: float = amount / matrix * self.bisphosphonate_at[site]
        self.drug_taken_up += drug
        self.bisphosphonate_at[site] -= drug
        return drug

    def deposit(self, site: int, amount: float, unmineralized_fraction: float) -> None:
        """Turn an amount of cavity, in sites, into matrix that lacks a fraction of its mineral."""
        self.matrix_at[site] += amount
        self.unmineralized_at[site] += amount * unmineralized_fraction
        self.cavity_at[site] -= amount
        self.formed_at[site] += amount

    def occupy(self, site: int, room: float = 0.0) -> None:
        """Keep others out of a site, and room in it, in sites, for matrix to come."""
        self.busy_at[site] = True
        self.cavity_at[site] += room

    def free(self, sites: list[int]) -> None:
        """End the work at some sites: what was resorbed and not filled stays open."""
        for site in sites:
            self.cavity_at[site] = 0.0
            self.busy_at[site] = False

    def close_books(self) -> None:
        """Begin anew to add up what is resorbed and formed."""
        self.resorbed[:], self.formed[:] = 0.0, 0.0

    def mineralize(self, days: float, time_constant: float) -> None:
        """Let the matrix take up mineral for some days."""
        self.unmineralized *= np.exp(-days / time_constant)

    def bind_drug(self, sites: Ints, dose: float, capacity: float) -> None:
        """Bind a dose of bisphosphonate to each exposed site, less where some is bound."""
        bound = self.bisphosphonate.reshape(-1)
        room = np.maximum(0.0, capacity - bound[sites])
        taken = room * -np.expm1(-dose / capacity)  # as if the dose came drop by drop
        bound[sites] += taken
        self.drug_given += float(taken.sum())

    def release_drug(self, sites: Ints, fraction: float) -> None:
        """Let a fraction of what exposed sites have bound go back to the blood."""
        bound = self.bisphosphonate.reshape(-1)
        self.drug_lost += fraction * float(bound[sites].sum())
        bound[sites] *= 1 - fraction

    def open_sites(self) -> Mask:
        """Return the sites of open marrow: neither matrix nor a cavity under repair."""
        return ~((self.matrix > 0) | self.busy | self.outside)

    def surface_sites(self) -> Ints:
        """Return the sites that border open marrow, cavities counted as bone.

        A cavity under repair belongs to its BMU: its walls are not surface
        on which others could start.
        """
        empty = self.open_sites()
        adjacent = np.roll(empty, 1, axis=0) | np.roll(empty, -1, axis=0)
        adjacent[:, 1:] |= empty[:, :-1]
        adjacent[:, :-1] |= empty[:, 1:]
        adjacent &= ~(empty | self.outside)
        return np.flatnonzero(adjacent).astype(np.int32)

    def can_enter(self, site: int) -> bool:
        """Return whether a site holds matrix that no BMU is working on."""
        return self.matrix_at[site] > 0.0 and not self.busy_at[site]

    def joins(self, site: int) -> bool:
        """Return whether bone beside a site hangs together, close by, through that site alone.

        Bone is what fills half of its site or more and is not at work, as that may be lost.
        Each run of it in the ring around the site that touches the site by a side is one part
        (Yokoi's number of a digital picture).
        """
        up, down, left, right = (int(step[site]) for step in self.next_site)
        to_left, to_right = self.next_site[2:]
        ring = (up, to_right[up], right, to_right[down], down, to_left[down], left, to_left[up])
        bone = [at != site and self.can_enter(at) and self.matrix_at[at] >= HALF for at in ring]
        sides = range(0, len(ring), 2)
        parts: int = sum(bone[k] and not (bone[k + 1] and bone[(k + 2) % len(ring)]) for k in sides)
        return parts > 1

    def is_open(self, site: int) -> bool:
        """Return whether a site is open marrow."""
        covered = self.busy_at[site] or self.outside_at[site]
        return not covered and self.matrix_at[site] == 0.0

    def faces(self, site: int) -> list[int]:
        """Return the directions into bone that lead away from open marrow at a site."""
        ways = enumerate(self.next_site)
        return [direction ^ 1 for direction, step in ways if self.is_open(step[site])]

    def marrow_fraction(self, reach_um: float) -> Fractions:
        """Return the fraction of marrow within a reach of each site, 0 to 1."""
        marrow = np.subtract(1.0, self.matrix, dtype=np.float32)
        marrow[self.outside] = 0.0
        return self.mean_around(marrow, reach_um)

    def bone_fraction(self, reach_um: float) -> Fractions:
        """Return the fraction of matrix within a reach of each site, 0 to 1."""
        return self.mean_around(self.matrix.astype(np.float32), reach_um)

    def mean_around(self, values: Fractions, reach_um: float) -> Fractions:
        """Return the mean over the square of sites within a reach of each site."""
        size = 2 * round(reach_um / self.site_um) + 1
        along = uniform_filter1d(values, size, axis=0, mode="wrap")
        return np.asarray(uniform_filter1d(along, size, axis=1, mode="nearest"))


def flat_view(values: np.ndarray[Any, Any]) -> Any:
    """Return the view through which single sites of an array are read and written."""
    return memoryview(values.reshape(-1))


def neighbor_table(shape: tuple[int, ...]) -> Ints:
    """Return the site next to each site in each direction, shape (4, sites).

    The long axis is periodic; at the two ends of the other axis a site is its own
    neighbor, which no rule can enter.
    """
    rows, columns = shape
    sites = np.arange(rows * columns, dtype=np.int32).reshape(shape)
    table = np.empty((len(DIRECTIONS), *shape), dtype=np.int32)
    for direction, (down, right) in enumerate(DIRECTIONS):
        table[direction] = np.roll(sites, -down, axis=0)
        if right:
            inner = slice(1, None) if right < 0 else slice(None, -1)
            table[direction][:, inner] = sites[:, :-1] if right < 0 else sites[:, 1:]
    return table.reshape(len(DIRECTIONS), -1)
