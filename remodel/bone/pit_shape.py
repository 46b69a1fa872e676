"""Where a unit works: the levels of each site around the place where it began.

A site has the depth `d` under the surface of the marrow space on which the unit began, and the
distance `r` along that surface from the birthplace. Its level is ``d + D (r / R)^p`` with the
reference depth D, half the width R and the steepness p, so that on a flat wall the pit of a unit
is a lacuna of width 2 R at depth D. In a canal `r` reaches round the whole wall, and the pit is
a ring; on a trabecula it is a scallop. There is no case distinction.

Depths are finer than sites: where surface passes through a site is told by how full it is.
"""

from __future__ import annotations

from functools import lru_cache
from math import gamma, inf, pi
from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt, generate_binary_structure, label

from remodel.bone.pits import Layout
from remodel.bone.section import HALF, Tissue
from remodel.parameters.tissue import Unit
from remodel.support.arrays import Floats, Ints, Mask

WINDOW = 0.65  # of the width, to each side of the birthplace: no pit is wider or deeper
THINNEST = 0.02  # of a site, between its two levels
FULL = 0.98  # of a site, from which on a layer goes on to the next one
BORDER, OTHER_SIDE = -1, -2  # in place of a site beneath: the section ends there; the bone does


class Window(NamedTuple):
    """The sites around a birthplace.

    Attributes
    ----------
    sites : Ints
        Their flat indices, as many axes as the tissue has.
    center : tuple of int
        The birthplace within it.
    away2 : Floats
        Squared distance of each from the birthplace, in sites.
    """

    sites: Ints
    center: tuple[int, ...]
    away2: Floats


def cover(unit: Unit, axes: int) -> float:
    """Return the surface that a unit covers at its reference depth: mm, or mm2 in a volume."""
    across = axes - 1
    return float(pi ** (across / 2) / gamma(across / 2 + 1) * (unit.width / 2000) ** across)


def look_around(tissue: Tissue, site: int, reach_um: float) -> Window:
    """Return the sites within a reach of one along each axis, cut off where the section ends."""
    shape, half = tissue.matrix.shape, int(np.ceil(reach_um / tissue.site_um))
    place, strides, rest = [], [], site
    stride = tissue.matrix.size
    for count in shape:
        stride //= count
        at, rest = divmod(rest, stride)
        place.append(at)
        strides.append(stride)
    if all(half <= at < count - half for at, count in zip(place, shape, strict=True)):
        steps, away2 = whole_window(half, tuple(strides))
        return Window(site + steps, (half,) * len(shape), away2)
    sites: Ints = np.zeros((1,) * len(shape), dtype=np.int64)
    away2 = np.zeros((1,) * len(shape))
    center = []
    for axis, (at, count) in enumerate(zip(place, shape, strict=True)):
        first, last = at - half, at + half
        if tissue.periodic[axis]:
            first, last = max(first, at - (count - 1) // 2), min(last, at + count // 2)
        else:
            first, last = max(first, 0), min(last, count - 1)
        center.append(at - first)
        along = [1] * len(shape)
        along[axis] = -1
        places = np.arange(first, last + 1)
        sites = sites + (places % count * strides[axis]).reshape(along)
        away2 = away2 + ((places - at) ** 2.0).reshape(along)
    return Window(sites, tuple(center), away2)


@lru_cache(maxsize=16)
def whole_window(half: int, strides: tuple[int, ...]) -> tuple[Ints, Floats]:
    """Return the steps in flat indices to the sites of a window that no border cuts, and their squares."""
    steps: Ints = np.zeros((1,) * len(strides), dtype=np.int64)
    away2: Floats = np.zeros((1,) * len(strides))
    places = np.arange(-half, half + 1)
    for axis, stride in enumerate(strides):
        along = [1] * len(strides)
        along[axis] = -1
        steps = steps + (places * stride).reshape(along)
        away2 = away2 + (places**2.0).reshape(along)
    return steps, away2


def dig(tissue: Tissue, site: int, opening: int, unit: Unit) -> Layout:
    """Return the sites that an osteoclast can reach from a surface site, with their levels.

    Parameters
    ----------
    tissue : Tissue
        As it is when the unit begins.
    site, opening : int
        The birthplace, and the site of open marrow beside it.
    unit : Unit
        Width (um), reference depth (um) and steepness.
    """
    reach = WINDOW * unit.width
    window = look_around(tissue, site, reach + tissue.site_um)
    flat = window.sites.reshape(-1)
    shape = window.sites.shape
    matrix = tissue.matrix.reshape(-1)[flat].reshape(shape)
    full = matrix + tissue.cavity.reshape(-1)[flat].reshape(shape)
    outside = tissue.outside.reshape(-1)[flat].reshape(shape)
    solid = full >= HALF
    spaces, count = label(~(solid | outside), sides(len(shape)))
    space = spaces == spaces.reshape(-1)[int(np.flatnonzero(flat == opening)[0])]
    away, foot = distance_transform_edt(~space, return_indices=True)
    h = tissue.site_um
    steps = steps_away(away, foot)
    depth = h * (away - surface_at(full, foot, steps).reshape(shape))
    along2 = window.away2 * h * h - (depth - depth[window.center]) ** 2
    ratio2 = np.maximum(along2, 0.0) / (0.5 * unit.width) ** 2
    aside = unit.reference_depth * ratio2 ** (0.5 * unit.steepness)
    bone = (solid | space) & (matrix > 0.0)
    if count > 1:  # what lies beyond another space is out of reach
        pieces, _ = label(bone, sides(len(shape)))
        bone &= pieces == pieces[window.center]
    wanted = np.flatnonzero((bone & (depth + aside < reach)).reshape(-1))
    depth, aside = depth.reshape(-1)[wanted], aside.reshape(-1)[wanted]
    begins = np.maximum(depth - 0.5 * h, 0.0) + aside
    ends = np.maximum(depth + 0.5 * h + aside, begins + THINNEST * h)
    return Layout(flat[wanted], begins, ends, sites_beneath(flat, away, steps)[wanted])


def steps_away(away: Floats, foot: Ints) -> Ints:
    """Return the step from each site to its neighbor away from marrow; shape (axes, sites)."""
    places, _, _, _ = local_places(away.shape)
    steps = (places - foot.reshape(away.ndim, -1)) / np.maximum(away.reshape(-1), 1.0)
    return np.rint(steps).astype(np.int64)


def surface_at(full: Floats, foot: Ints, steps: Ints) -> Floats:
    """Return how far the surface lies from the middle of the marrow site at its foot, in sites.

    Half a site, less what bone fills of that site, more what it does not fill of the next.
    """
    _, strides, _, _ = local_places(full.shape)
    at = strides @ foot.reshape(full.ndim, -1)
    filled = np.minimum(full.reshape(-1), 1.0)
    ahead = np.where(steps.any(axis=0), np.maximum(filled[at + strides @ steps], HALF), 1.0)
    return np.asarray(1.5 - filled[at] - ahead)


def sites_beneath(sites: Ints, away: Floats, steps: Ints) -> Ints:
    """Return the site next to each in the direction away from marrow.

    `BORDER` on the rim of the window, or where the section ends, and `OTHER_SIDE` where there is none:
    from there it is nearer to the marrow on the other side.
    """
    _, strides, own, rim = local_places(away.shape)
    under = own + strides @ steps
    under[rim] = own[rim]
    flat = away.reshape(-1)
    over = (flat[under] < flat) | ((under[under] == own) & (under != own))
    found = np.where(over, OTHER_SIDE, sites[under])
    found[rim] = BORDER
    return found


@lru_cache
def sides(axes: int) -> Mask:
    """Return which neighbors of a site hang together with it: those that share a side."""
    return np.asarray(generate_binary_structure(axes, 1))


@lru_cache(maxsize=64)
def local_places(shape: tuple[int, ...]) -> tuple[Ints, Ints, Ints, Ints]:
    """Return what a window of a shape has: places (axes, sites), strides, indices, those on its rim."""
    places = np.indices(shape).reshape(len(shape), -1)
    strides = np.cumprod((1, *shape[:0:-1]))[::-1].astype(np.int64)
    ends = np.array(shape)[:, None] - 1
    rim = np.flatnonzero(((places == 0) | (places == ends)).any(axis=0))
    return places, strides, np.arange(places.shape[1]), rim


def build_on(
    tissue: Tissue, site: int, unit: Unit, thickness: float, own: Ints
) -> tuple[Layout, Floats]:
    """Return the sites of a layer to be built upon the surface of a unit, and the room for it.

    It is thinner toward the rim: ``t (1 - (r / R)^p)``. Sites that another unit holds are left
    out, and what is not filled yet is filled before the next site is begun.

    Parameters
    ----------
    thickness : float
        In the middle, um.
    own : Ints
        Sites that the unit itself holds.
    """
    window = look_around(tissue, site, WINDOW * unit.width)
    flat = window.sites.reshape(-1)
    shape = window.sites.shape
    full = (tissue.matrix.reshape(-1)[flat] + tissue.cavity.reshape(-1)[flat]).reshape(shape)
    outside = tissue.outside.reshape(-1)[flat].reshape(shape)
    base = (full >= FULL) & ~outside
    away = distance_transform_edt(~base) if base.any() else np.full(shape, inf)
    h = tissue.site_um
    out = np.maximum(away - 0.5, 0.5) * h
    along2 = np.maximum(window.away2 * h * h - (out + 0.5 * h) ** 2, 0.0)
    level = out + thickness * (along2 / (0.5 * unit.width) ** 2) ** (0.5 * unit.steepness)
    fraction = np.clip((thickness - level) / h + 0.5, 0.0, 1.0)
    held_by_others = tissue.busy.reshape(-1)[flat].reshape(shape)
    held_by_others &= ~np.isin(window.sites, own)
    near, _ = label(~base & ~outside, sides(len(shape)))
    beside_site = {near.reshape(-1)[k] for k in np.flatnonzero(window.away2.reshape(-1) <= 1.0)}
    reached = np.isin(near, [number for number in beside_site if number])
    room = np.where(reached & ~held_by_others, np.minimum(1.0 - full, fraction), 0.0)
    wanted = np.flatnonzero(room.reshape(-1) > 0.0)
    level = level.reshape(-1)[wanted]
    no_site = np.full(len(wanted), BORDER)
    layout = Layout(flat[wanted], -level - 0.5 * h, -level + 0.5 * h, no_site)
    return layout, room.reshape(-1)[wanted] / fraction.reshape(-1)[wanted]


def has_bone_beneath(tissue: Tissue, beneath: Ints, whole: bool = False) -> Mask:
    """Return which sites have bone, or a cavity under repair, or the end of the section, beneath.

    With `whole`, a site at which a unit is at work does not count: what is there may be lost.
    """
    full = tissue.matrix.reshape(-1)[beneath] + tissue.cavity.reshape(-1)[beneath]
    if whole:
        full = np.where(tissue.busy.reshape(-1)[beneath], 0.0, full)
    return np.asarray((beneath == BORDER) | ((full >= HALF) & (beneath != OTHER_SIDE)))


def supported(tissue: Tissue, sites: Ints, beneath: Ints, gone: Floats) -> Mask:
    """Return which sites of a pit have bone beneath them on which osteoblasts can build.

    Column by column, from the depth upward: a site of which something is left has, one that is
    all gone has if the site beneath it has. A column that came out on the other side has none. What
    was less than half a site on the surface has if bone is beside it.
    """
    full = np.flatnonzero(gone >= 1.0)
    lost = full[~has_bone_beneath(tissue, beneath[full])]
    found = np.ones(len(sites), dtype=bool)
    found[lost] = False
    rank = {int(at): k for k, at in enumerate(sites)} if len(lost) else {}
    above: dict[int, list[int]] = {}
    for row in full.tolist() if len(lost) else ():
        above.setdefault(int(beneath[row]), []).append(row)
    waiting = lost.tolist()
    while waiting:  # what stood on what is lost is lost too
        for row in above.get(int(sites[waiting.pop()]), ()):
            if found[row]:
                found[row] = False
                waiting.append(row)
    for row in np.flatnonzero(
        beneath == sites
    ).tolist():  # less than half a site, on the surface itself
        beside = tissue.neighbors_of(int(sites[row]))
        found[row] = any(
            found[rank[at]] if at in rank else tissue.matrix_at[at] + tissue.cavity_at[at] >= HALF
            for at in beside
        )
    return found


def crumbs(tissue: Tissue, site: int, unit: Unit) -> Ints:
    """Return the sites of bone around a place that hang on nothing and are smaller than a pit is deep.

    Pieces that leave the window, or that another unit holds, are no crumbs.
    """
    window = look_around(tissue, site, WINDOW * unit.width + 2 * unit.reference_depth)
    flat = window.sites.reshape(-1)
    shape = window.sites.shape
    matrix = tissue.matrix.reshape(-1)[flat].reshape(shape)
    held = tissue.busy.reshape(-1)[flat].reshape(shape)
    pieces, count = label((matrix > 0.0) | held, sides(len(shape)))
    kept = {0, *pieces[held].tolist()}
    for axis in range(pieces.ndim):
        for end in (0, -1):
            kept.update(np.take(pieces, end, axis=axis).reshape(-1).tolist())
    sizes = np.bincount(pieces.reshape(-1), matrix.reshape(-1))
    largest = (unit.reference_depth / tissue.site_um) ** pieces.ndim
    small = [k for k in range(1, count + 1) if k not in kept and sizes[k] < largest]
    return flat[np.isin(pieces.reshape(-1), small)]
