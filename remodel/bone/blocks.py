"""Blocks of sites: a coarser grid for what is a mean over a far reach.

A mean over hundreds of micrometers needs no fine grid. On blocks it costs little, and it is nearly the same on
any grid of sites.
"""

from typing import Literal

import numpy as np
from scipy.ndimage import uniform_filter1d

from remodel.support.arrays import Floats, Fractions, Ints

WIDEST = 50.0  # um, of a block


class Blocks:
    """The blocks of a grid of sites.

    Parameters
    ----------
    shape : tuple of int
        Of the grid of sites.
    site_um : float
        Side of a site, um.
    periodic : tuple of bool
        Whether each axis is periodic; along those that are, blocks fill the grid without rest.

    Attributes
    ----------
    side : int
        Of a block, in sites.
    block_um : float
        The same in um.
    """

    def __init__(self, shape: tuple[int, ...], site_um: float, periodic: tuple[bool, ...]) -> None:
        """Find the widest blocks that fit."""
        counts = [count for count, wraps in zip(shape, periodic, strict=True) if wraps]
        most = max(1, int(WIDEST / site_um))
        self.side = next(k for k in range(most, 0, -1) if all(n % k == 0 for n in counts))
        self.block_um = self.side * site_um
        self.shape, self.periodic = shape, periodic

    def mean(self, values: Fractions) -> Fractions:
        """Return the mean of a field over each block; the last ones repeat the sites at the end."""
        for axis, count in enumerate(values.shape if self.side > 1 else ()):
            if count % self.side:
                more = [(0, 0)] * values.ndim
                more[axis] = (0, self.side - count % self.side)
                values = np.pad(values, more, mode="edge")
            grouped = (*values.shape[:axis], -1, self.side, *values.shape[axis + 1 :])
            values = values.reshape(grouped).mean(axis=axis + 1, dtype=np.float32)
        return values

    def number(self, sites: Ints) -> Ints:
        """Return the flat index of the block of each site."""
        place = np.unravel_index(sites, self.shape)
        blocks = tuple(-(-count // self.side) for count in self.shape)
        return np.asarray(np.ravel_multi_index(tuple(at // self.side for at in place), blocks))

    def sums(self, numbers: Ints, weights: Floats) -> Fractions:
        """Return the sum over each block of what some sites have, by the numbers of their blocks."""
        blocks = tuple(-(-count // self.side) for count in self.shape)
        found = np.bincount(numbers, weights, minlength=int(np.prod(blocks)))
        return found.reshape(blocks).astype(np.float32)

    def around(self, values: Fractions, reach_um: float) -> Fractions:
        """Return the mean of a field of blocks over the square, or cube, within a reach of each."""
        return box_mean(values, 2 * reach_um / self.block_um, self.periodic)

    def spread(self, values: Fractions) -> Fractions:
        """Return a field of blocks as one of sites."""
        for axis, count in enumerate(self.shape if self.side > 1 else ()):
            values = np.repeat(values, self.side, axis=axis)
            values = values[(slice(None),) * axis + (slice(count),)]
        return values


def box_mean(values: Fractions, size: float, periodic: tuple[bool, ...]) -> Fractions:
    """Return the mean over a box around each place, of a size that need not be whole.

    Between two odd sizes the outermost places count in part, so that a box of so many
    micrometers is the same on any grid.
    """
    smaller = max(1, 2 * int((size - 1) // 2) + 1)
    share = max(0.0, (size - smaller) / 2)  # of the outermost places
    for axis, wraps in enumerate(periodic):
        mode: Literal["wrap", "nearest"] = "wrap" if wraps else "nearest"
        inner = uniform_filter1d(values, smaller, axis=axis, mode=mode)
        if share:
            outer = uniform_filter1d(values, smaller + 2, axis=axis, mode=mode)
            weight = share * (smaller + 2) / (smaller + 2 * share)
            inner += np.float32(weight) * (outer - inner)
        values = inner
    return values
