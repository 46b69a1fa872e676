"""Fields of sites on a finer grid, for pictures: smooth where surface passes between sites."""

from typing import Any

import numpy as np

from remodel.support.arrays import Floats, Fractions, Mask


def finer(field: Floats | Mask, points: int) -> Fractions:
    """Return a field of two axes with some points along each side of a site.

    Quadratic splines over the middles of sites; the first axis is periodic, the second ends.
    """
    coarse = np.asarray(field, dtype=np.float32)
    away = (np.arange(points, dtype=np.float32) + np.float32(0.5)) / points - np.float32(0.5)
    weights = np.stack([0.5 * (0.5 - away) ** 2, 0.75 - away**2, 0.5 * (0.5 + away) ** 2])
    rows, columns = coarse.shape
    padded = np.concatenate([coarse[-1:], coarse, coarse[:1]])
    split = np.empty((rows, points, columns), dtype=np.float32)
    for k, (before, here, behind) in enumerate(weights.T):
        split[:, k] = before * padded[:-2] + here * padded[1:-1] + behind * padded[2:]
    down = split.reshape(rows * points, columns)
    padded = np.concatenate([down[:, :1], down, down[:, -1:]], axis=1)
    fine = np.empty((rows * points, columns, points), dtype=np.float32)
    for k, (before, here, behind) in enumerate(weights.T):
        fine[:, :, k] = before * padded[:, :-2] + here * padded[:, 1:-1] + behind * padded[:, 2:]
    return fine.reshape(rows * points, columns * points)


def repeated(field: Any, points: int) -> Any:
    """Return a field of two axes with some points along each side of a site, all as the site is."""
    return field.repeat(points, 0).repeat(points, 1)
