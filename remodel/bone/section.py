"""The section, or the volume, of bone: arrays over sites, its surface, its marrow.

Sites are squares, or cubes. The first axis is the long axis and periodic; the second runs from
the marrow outward to the periosteum and ends there; a third, in a volume, is periodic again. A
site is named by its flat index. Nothing here asks how many axes there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from remodel.bone.blocks import Blocks, box_mean
from remodel.bone.pits import Pits
from remodel.support.arrays import Floats, Ints, Labels, Mask

OUTSIDE, TRABECULAR, CORTICAL = 0, 1, 2
REGIONS = {"trabecular": TRABECULAR, "cortical": CORTICAL}
FIELDS = ("unmineralized", "cavity", "bisphosphonate", "resorbed", "formed")
DOSES = ("drug_given", "drug_taken_up", "drug_lost")
HALF = 0.5  # of a site, from which on it counts as bone where pieces and surfaces are told
ACROSS = 1  # the axis from marrow to periosteum, which is not periodic
SMOOTHING = 30.0  # um to each side, over which the direction of the surface is taken
MOST_SITES = 4_000_000  # of a section: about a gigabyte


@dataclass
class Tissue:
    """Matrix, mineral still to come, cavities and bound drug, site by site.

    Attributes
    ----------
    matrix : Floats
        Fraction of each site that is bone matrix, 0 to 1; shape (rows, columns), or with a
        third axis in a volume.
    unmineralized : Floats
        Fraction of each site that is matrix still without its mineral. It decays with
        the mineralization time, so the mineral of a site follows from the age of all
        the matrix in it, also where old and new matrix share the site.
    cavity : Floats
        Matrix resorbed and not yet replaced while a BMU is at work there, and room that it
        keeps for matrix to come.
    busy : Mask
        True where a BMU is at work, so that no other may touch the site.
    bisphosphonate : Floats
        Drug bound in each site, in units of one full dose on the face of a site.
    region : Labels
        OUTSIDE, TRABECULAR or CORTICAL: sorts the results, never asked by a rule.
    outside : Mask
        True beyond the periosteum, where there is no marrow.
    site_um : float
        Side of a site, um.
    pits : Pits
        What the units at work have taken of each of their sites.
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
    pits: Pits = field(init=False)

    def __post_init__(self) -> None:
        """Allocate the fields that a builder does not set."""
        for name in FIELDS:
            setattr(self, name, np.zeros_like(self.matrix))
        self.busy = np.zeros(self.matrix.shape, dtype=bool)
        self.pits = Pits()
        self.drug_given = self.drug_taken_up = self.drug_lost = 0.0
        self.share_memory()

    def share_memory(self) -> None:
        """Open the flat views through which single sites are read and written.

        A memoryview gives plain floats, twice as fast as NumPy scalars.
        """
        self.matrix_at = flat_view(self.matrix)
        self.cavity_at = flat_view(self.cavity)
        self.busy_at = flat_view(self.busy)
        self.outside_at = flat_view(self.outside)
        self.blocks = Blocks(self.matrix.shape, self.site_um, self.periodic)
        labels = self.region.reshape(-1)
        self.inside = {name: (labels == label).astype(float) for name, label in REGIONS.items()}

    def copy(self) -> "Tissue":
        """Return a tissue of its own with the same contents."""
        region, outside = self.region.copy(), self.outside.copy()
        other = Tissue(self.matrix.copy(), region, outside, self.site_um)
        for name in (*FIELDS, "busy"):
            getattr(other, name)[:] = getattr(self, name)
        for name in DOSES:
            setattr(other, name, getattr(self, name))
        other.pits = self.pits.copy()
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Return what a worker needs to be sent; the views are opened anew there."""
        names = ("matrix", "region", "outside", "site_um", *FIELDS, "busy", *DOSES, "pits")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was sent."""
        vars(self).update(state)
        self.share_memory()

    @property
    def mineral(self) -> Floats:
        """Mineral of each site, as a fraction of a fully mineralized site."""
        return self.matrix - self.unmineralized

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Whether each axis is periodic."""
        return tuple(axis != ACROSS for axis in range(self.matrix.ndim))

    @property
    def site_volume(self) -> float:
        """Of one site: mm2 in a section, mm3 in a volume."""
        return float((self.site_um / 1000) ** self.matrix.ndim)

    @property
    def site_face(self) -> float:
        """Of one side of a site: mm in a section, mm2 in a volume."""
        return float((self.site_um / 1000) ** (self.matrix.ndim - 1))

    def resorb(self, sites: Ints, amounts: Floats) -> Floats:
        """Move matrix of some sites, each named once, into their cavities; none is lost.

        With `deposit`, this is all that moves matrix: nobody else writes `matrix`, `cavity`,
        `resorbed` or `formed`, and but for `mineralize` nobody writes `unmineralized`.

        Parameters
        ----------
        sites : Ints
            Where.
        amounts : Floats
            In sites, at most what is there; what is young in the matrix goes in proportion.

        Returns
        -------
        Floats
            Bisphosphonate that was bound in it, doses; whoever resorbs takes it up.
        """
        matrix = self.matrix.reshape(-1)
        taken = amounts / matrix[sites]
        matrix[sites] -= amounts
        self.unmineralized.reshape(-1)[sites] *= 1.0 - taken
        self.cavity.reshape(-1)[sites] += amounts
        self.resorbed.reshape(-1)[sites] += amounts
        if not self.drug_given:
            return np.zeros(len(sites))
        bound = self.bisphosphonate.reshape(-1)
        drug = np.asarray(taken * bound[sites])
        bound[sites] -= drug
        self.drug_taken_up += float(drug.sum())
        return drug

    def deposit(self, sites: Ints, amounts: Floats, unmineralized_fraction: float) -> None:
        """Turn amounts of cavity, in sites, into matrix that lacks a fraction of its mineral.

        A site may be named twice: where a layer is built upon what is restored.
        """
        np.add.at(self.matrix.reshape(-1), sites, amounts)
        np.add.at(self.unmineralized.reshape(-1), sites, amounts * unmineralized_fraction)
        np.subtract.at(self.cavity.reshape(-1), sites, amounts)
        np.add.at(self.formed.reshape(-1), sites, amounts)

    def occupy(self, sites: Ints, room: Floats | float = 0.0) -> None:
        """Keep other units out of some sites, and room in them, in sites, for matrix to come."""
        self.busy.reshape(-1)[sites] = True
        self.cavity.reshape(-1)[sites] += room

    def free(self, sites: Ints) -> None:
        """End the work at some sites: what was resorbed and not filled stays open."""
        self.cavity.reshape(-1)[sites] = 0.0
        self.busy.reshape(-1)[sites] = False

    def move_floors(self, unmineralized_fraction: float) -> None:
        """Resorb and form what lies between the floors of all units, as they were and are."""
        self.pits.follow_floors(self, unmineralized_fraction)

    def close_books(self) -> None:
        """Begin anew to add up what is resorbed and formed."""
        self.resorbed[:], self.formed[:] = 0.0, 0.0

    def mineralize(self, days: float, time_constant: float) -> None:
        """Let the matrix take up mineral for some days."""
        self.unmineralized *= np.exp(-days / time_constant)

    def bind_drug(self, sites: Ints, faces: Floats, dose: float, capacity: float) -> None:
        """Bind a dose of bisphosphonate to exposed sites, less where some is bound.

        `faces` is the surface that each of them stands for, in faces of a site.
        """
        bound = self.bisphosphonate.reshape(-1)
        room = np.maximum(0.0, capacity * faces - bound[sites])
        taken = room * -np.expm1(-dose / capacity)  # as if the dose came drop by drop
        bound[sites] += taken
        self.drug_given += float(taken.sum())

    def release_drug(self, sites: Ints, fraction: float) -> None:
        """Let a fraction of what exposed sites have bound go back to the blood."""
        bound = self.bisphosphonate.reshape(-1)
        self.drug_lost += fraction * float(bound[sites].sum())
        bound[sites] *= 1 - fraction

    def solid(self) -> Mask:
        """Return the sites that count as bone: matrix and cavities under repair fill half."""
        return np.asarray(self.matrix + self.cavity >= HALF)

    def open_sites(self) -> Mask:
        """Return the sites of open marrow."""
        return ~(self.solid() | self.outside)

    def surface_sites(self) -> Ints:
        """Return the solid sites that border open marrow by a side.

        A cavity under repair counts as bone: nobody starts from its walls.
        """
        solid = self.solid()
        marrow = ~(solid | self.outside)
        return np.flatnonzero(solid & beside(marrow, self.periodic)).astype(np.int32)

    def surface_faces(self, sites: Ints) -> Floats:
        """Return the surface that each surface site stands for, in faces of a site.

        Each side of a site that borders open marrow counts by its shadow on the surface: by the
        component of the unit normal of the smoothed bone across that side. Over a slanted
        surface these add up to its length, or area.
        """
        bone = (self.matrix + self.cavity).astype(np.float32)
        bone[self.outside] = 1.0
        marrow = (bone < HALF).reshape(-1)
        size = 2 * max(1, round(SMOOTHING / self.site_um)) + 1
        smooth = box_mean(bone, size, self.periodic).reshape(-1)
        slopes, sides = [], []
        for up, down in neighbors_along_axes(sites, self.matrix.shape, self.periodic):
            slopes.append(np.abs(smooth[up] - smooth[down]))
            sides.append(marrow[up].astype(np.float32) + marrow[down])
        slope, exposed = np.stack(slopes), np.stack(sides)
        length = np.sqrt((slope**2).sum(axis=0))
        flat = length < 1e-6  # no direction: a site alone, whose sides count half
        normal = np.where(flat, 0.5, slope / np.where(flat, 1.0, length))
        return np.asarray((normal * exposed).sum(axis=0), dtype=np.float64)

    def can_enter(self, site: int) -> bool:
        """Return whether a site is bone that no BMU is working on."""
        return bool(self.matrix_at[site] >= HALF and not self.busy_at[site])

    def is_open(self, site: int) -> bool:
        """Return whether a site is open marrow."""
        return bool(
            self.matrix_at[site] + self.cavity_at[site] < HALF and not self.outside_at[site]
        )

    def neighbors_of(self, site: int) -> list[int]:
        """Return the sites that share a side with a site."""
        shape, found, stride = self.matrix.shape, [], 1
        rest = site
        for axis in reversed(range(len(shape))):
            count = shape[axis]
            rest, at = divmod(rest, count)
            for step in (-1, 1):
                to = at + step
                if axis != ACROSS:
                    to %= count
                if 0 <= to < count:
                    found.append(site + (to - at) * stride)
            stride *= count
        return found

    def open_beside(self, site: int) -> list[int]:
        """Return the sites of open marrow that share a side with a site."""
        return [at for at in self.neighbors_of(site) if self.is_open(at)]

    def sum_in(self, region: str, values: Floats) -> float:
        """Return the sum of a field over a compartment."""
        return float(np.einsum("i,i->", values.reshape(-1), self.inside[region]))


def flat_view(values: np.ndarray[Any, Any]) -> Any:
    """Return the view through which single sites of an array are read and written."""
    return memoryview(values.reshape(-1))


def beside(mask: Mask, periodic: tuple[bool, ...]) -> Mask:
    """Return the sites that share a side with a site of a mask."""
    found = np.zeros_like(mask)
    for axis, wraps in enumerate(periodic):
        here, there = np.moveaxis(found, axis, 0), np.moveaxis(mask, axis, 0)
        here[1:] |= there[:-1]
        here[:-1] |= there[1:]
        if wraps:
            here[0] |= there[-1]
            here[-1] |= there[0]
    return found


def neighbors_along_axes(
    sites: Ints, shape: tuple[int, ...], periodic: tuple[bool, ...]
) -> Iterator[tuple[Ints, Ints]]:
    """Yield the sites next to some, up and down each axis; beyond an end they are their own."""
    place = np.unravel_index(sites, shape)
    stride = int(np.prod(shape))
    for at, count, wraps in zip(place, shape, periodic, strict=True):
        stride //= count
        found = []
        for step in (1, -1):
            moved = (at + step) % count if wraps else np.clip(at + step, 0, count - 1)
            found.append(sites + (moved - at) * stride)
        yield found[0], found[1]
