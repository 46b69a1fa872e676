"""Cortex and trabeculae told apart by local thickness, in a section that is bone or not.

The labels sort results only: no rule of the model asks for them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_fill_holes, distance_transform_edt, label

from remodel.bone.section import CORTICAL, OUTSIDE, TRABECULAR
from remodel.support.arrays import Floats, Labels, Mask

Numbers = NDArray[np.signedinteger[Any]]  # of spaces and pieces
CORTEX_FROM = 400.0  # µm; trabeculae and their nodes are thinner, cortex of old women thicker
CORTEX_RANGE = (100, 5000)  # µm
PORE = 0.05  # mm2: less is a pore of compact bone, more is marrow; a canal of 250 µm
LEAST = 2.0  # squares of that thickness: a smaller thick piece is a node of trabeculae
PLATE = 3.0  # widths: a plate beside the outside is as long as this, or closes a ring
CROPPED = 0.9  # of a side of the image: plates cut at the periosteum lie along this much of it


def segment_compartments(bone: Mask, site_um: float, cortex_from: float = CORTEX_FROM) -> Labels:
    """Return the compartment of each site.

    Parameters
    ----------
    bone : Mask
        True where there is bone; shape (rows, columns).
    site_um : float
        Side of a site, um.
    cortex_from : float
        Bone, its pores filled, is cortex where a disk of this diameter, µm, fits in: where
        its local thickness (Hildebrand and Rüegsegger 1997) is this or more.

    Returns
    -------
    Labels
        Thick bone is CORTICAL if it is a plate: if it spans the image, lies along a side of
        it, or bounds the outside; a node amid trabeculae does none of that. Space at the
        border of the image is OUTSIDE if most of the bone around it is cortex. What is
        neither that nor cortex is TRABECULAR, marrow included.
    """
    filled = fill_pores(bone, site_um)
    cortex = keep_plates(filled, find_thick(filled, site_um, cortex_from), cortex_from / site_um)
    outside = find_outside(filled, cortex)
    region = np.full(bone.shape, TRABECULAR, dtype=np.int8)
    region[cortex], region[outside] = CORTICAL, OUTSIDE
    settle_rough_edges(region, filled & ~cortex)
    return region


def doubts(bone: Mask, region: Labels, site_um: float, cortex_from: float) -> list[str]:
    """Return a line for each guess of `segment_compartments` that its own numbers speak against.

    Parameters
    ----------
    bone, site_um, cortex_from
        As for `segment_compartments`.
    region : Labels
        What it made of them.
    """
    lines = []
    nodes = find_thick(fill_pores(bone, site_um), site_um, cortex_from) & (region == TRABECULAR)
    if nodes.any():
        area = nodes.sum() * (site_um / 1000) ** 2
        lines.append(
            f"{area:.2f} mm2 of bone as thick as --cortex-from {cortex_from:g} µm are no cortex: "
            "amid trabeculae, no plate that spans the section or bounds the outside"
        )
    cortex = region == CORTICAL
    if not cortex.any():
        return lines
    across = spans(cortex, axis=1) and not spans(cortex, axis=0)
    thickness = cortex.sum() / cortex.shape[1 if across else 0] * site_um
    if thickness < cortex_from:
        lines.append(
            f"cortex of {thickness:.0f} µm (Ct.Th) is thinner than --cortex-from "
            f"{cortex_from:g} µm asks of a cortex: is it one?"
        )
    if across:
        lines.append("cortex runs from left to right; the long axis is up and down (--rotate 90?)")
    return lines


def find_thick(filled: Mask, site_um: float, cortex_from: float) -> Mask:
    """Return bone that is thick enough for a cortex, in pieces that are more than specks."""
    thick = cortex_from / site_um
    return drop_small(open_by_disk(filled, thick), LEAST * thick**2)


def keep_plates(filled: Mask, thick: Mask, width: float) -> Mask:
    """Return thick bone, of a width in sites or more, without the nodes of trabeculae."""
    beyond, _ = label(find_outside(filled, thick))
    pieces, count = label(thick)
    kept = np.zeros(count + 1, dtype=bool)
    for number in range(1, count + 1):
        piece = pieces == number
        kept[number] = is_plate(piece, width) or bounds(piece, beyond)
    for side in sides_of(pieces):
        along = np.isin(pieces, side[side > 0])
        if (side > 0).mean() >= CROPPED and along.sum() >= width * len(side):
            kept[side] = True  # the image was cut at the periosteum
    kept[0] = False
    return np.asarray(kept[pieces])


def sides_of(image: Numbers) -> tuple[Numbers, ...]:
    """Return the first and last row and column of an image."""
    return image[0], image[-1], image[:, 0], image[:, -1]


def is_plate(piece: Mask, width: float) -> bool:
    """Return whether a piece spans the image, and is as thick as asked if it lies at a side.

    What lies beyond a side is not known; a trabecula cut lengthwise there looks twice as thick.
    """
    return any(
        spans(lying, 0) and (not lying[:, [0, -1]].any() or lying.sum() >= width * len(lying))
        for lying in (piece, piece.T)
    )


def spans(piece: Mask, axis: int) -> bool:
    """Return whether a piece goes from one side of the image to the opposite one."""
    return bool(np.moveaxis(piece, axis, 0)[[0, -1]].any(axis=1).all())


def bounds(piece: Mask, beyond: Numbers) -> bool:
    """Return whether a piece is a plate or a ring between the bone and a space outside."""
    touched = [set(np.unique(side).tolist()) for side in sides_of(beyond)]
    # A bay of marrow at one side of the image is not what lies around a bone.
    around = {
        number
        for number in range(1, int(beyond.max()) + 1)
        if sum(number in side for side in touched) > 1
    }
    near = set(np.unique(beyond[binary_dilation(piece)]).tolist()) & around
    if not near:
        return False
    if any(spans(beyond == number, axis) for number in near for axis in (0, 1)):
        return True
    rows, columns = (np.ptp(places) + 1 for places in np.nonzero(piece))
    width = 2 * distance(np.pad(piece, 1)).max()
    return bool(np.hypot(rows, columns) >= PLATE * width) or bool(
        (binary_fill_holes(piece) & ~piece).any()
    )


def fill_pores(bone: Mask, site_um: float) -> Mask:
    """Return bone with its pores, so that canals do not make compact bone look thin."""
    spaces, _ = label(~bone)
    small = np.bincount(spaces.ravel()) < PORE * (1000 / site_um) ** 2
    return np.asarray(bone | small[spaces])


def open_by_disk(mask: Mask, width: float) -> Mask:
    """Return where a disk of a width in sites fits in; the mask goes on beyond the image."""
    if mask.all() or not mask.any():
        return mask.copy()
    centers = distance(mask) >= width / 2
    if not centers.any():
        return np.zeros_like(mask)
    return np.asarray(mask & (distance(~centers) < width / 2))


def distance(mask: Mask) -> Floats:
    """Return the distance of each site from the nearest that is not in the mask, in sites."""
    return np.asarray(distance_transform_edt(mask))


def drop_small(mask: Mask, least: float) -> Mask:
    """Return a mask without its pieces of fewer sites than the least."""
    pieces, _ = label(mask)
    return np.asarray(mask & (np.bincount(pieces.ravel()) >= least)[pieces])


def find_outside(filled: Mask, cortex: Mask) -> Mask:
    """Return the space beyond the periosteum: at the border, with cortex around it."""
    spaces, count = label(~filled)
    at_border = np.unique(np.concatenate([spaces[[0, -1]].ravel(), spaces[:, [0, -1]].ravel()]))
    bone, compact = (count_adjacent(spaces, mask, count) for mask in (filled, cortex))
    known = np.zeros(count + 1, dtype=bool)
    known[at_border] = True
    known &= 2 * compact > bone
    known[0] = False
    return np.asarray(known[spaces])


def count_adjacent(spaces: Numbers, mask: Mask, count: int) -> Numbers:
    """Return how many sites of a mask lie beside each space, by its number."""
    total = np.zeros(count + 1, dtype=np.int64)
    for axis in (0, 1):
        ahead = np.moveaxis(spaces, axis, 0)
        solid = np.moveaxis(mask, axis, 0)
        for near, far in ((ahead[:-1], solid[1:]), (ahead[1:], solid[:-1])):
            total += np.bincount(near[far], minlength=count + 1)
    return total


def settle_rough_edges(region: Labels, rest: Mask) -> None:
    """Give bone that touches no marrow to the cortex beside it, or leave it outside as a speck."""
    pieces, count = label(rest)
    marrow = (region == TRABECULAR) & ~rest
    lone = ~pieces_adjacent(pieces, marrow, count)
    lone[0] = False
    at_cortex = pieces_adjacent(pieces, region == CORTICAL, count)
    region[(lone & at_cortex)[pieces]] = CORTICAL
    if (region == OUTSIDE).any():  # or it is a piece of bone without any marrow
        region[(lone & ~at_cortex)[pieces]] = OUTSIDE


def pieces_adjacent(pieces: Numbers, mask: Mask, count: int) -> Mask:
    """Return, by the number of a piece, whether it lies beside a mask."""
    found = np.zeros(count + 1, dtype=bool)
    found[pieces[binary_dilation(mask)]] = True
    return found
