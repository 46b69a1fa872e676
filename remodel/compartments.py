"""Cortex and trabeculae told apart by local thickness, in a section that is bone or not.

The labels sort results only: no rule of the model asks for them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt, label

from remodel.arrays import Floats, Labels, Mask
from remodel.tissue import CORTICAL, OUTSIDE, TRABECULAR

Numbers = NDArray[np.signedinteger[Any]]  # of spaces and pieces
CORTEX_FROM = 400.0  # um; trabeculae and their nodes are thinner, cortex of old women thicker
CORTEX_RANGE = (100, 5000)  # um
PORE = 0.05  # mm2: less is a pore of compact bone, more is marrow; a canal of 250 um
LEAST = 2.0  # squares of that thickness: a smaller thick piece is a node of trabeculae


def tell_compartments(bone: Mask, site_um: float, cortex_from: float = CORTEX_FROM) -> Labels:
    """Return the compartment of each site.

    Parameters
    ----------
    bone : Mask
        True where there is bone; shape (rows, columns).
    site_um : float
        Side of a site, um.
    cortex_from : float
        Bone, its pores filled, is cortex where a disk of this diameter, um, fits in: where
        its local thickness (Hildebrand and Ruegsegger 1997) is this or more.

    Returns
    -------
    Labels
        Space at the border of the image is OUTSIDE if most of the bone around it is
        cortex. What is neither that nor cortex is TRABECULAR, marrow included.
    """
    filled = fill_pores(bone, site_um)
    thick = cortex_from / site_um
    cortex = drop_small(open_by_disk(filled, thick), LEAST * thick**2)
    outside = find_outside(filled, cortex)
    region = np.full(bone.shape, TRABECULAR, dtype=np.int8)
    region[cortex], region[outside] = CORTICAL, OUTSIDE
    settle_rough_edges(region, filled & ~cortex)
    return region


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
    bone, compact = (count_beside(spaces, mask, count) for mask in (filled, cortex))
    known = np.zeros(count + 1, dtype=bool)
    known[at_border] = True
    known &= 2 * compact > bone
    known[0] = False
    return np.asarray(known[spaces])


def count_beside(spaces: Numbers, mask: Mask, count: int) -> Numbers:
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
    lone = ~pieces_beside(pieces, marrow, count)
    lone[0] = False
    at_cortex = pieces_beside(pieces, region == CORTICAL, count)
    region[(lone & at_cortex)[pieces]] = CORTICAL
    region[(lone & ~at_cortex)[pieces]] = OUTSIDE


def pieces_beside(pieces: Numbers, mask: Mask, count: int) -> Mask:
    """Return, by the number of a piece, whether it lies beside a mask."""
    found = np.zeros(count + 1, dtype=bool)
    found[pieces[binary_dilation(mask)]] = True
    return found
