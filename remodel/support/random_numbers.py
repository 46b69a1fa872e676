"""Common random numbers: each belongs to (seed, process, step, site), whoever else draws.

Two arms of a trial that share a seed differ only by the drug: a cell that one arm lacks leaves the
random numbers of every other cell as they were. No stream is shared, so neither the order of
drawing nor the number of workers matters.
"""

from functools import lru_cache
from hashlib import blake2b

import numpy as np

from remodel.support.arrays import Floats, Ints

HIGHEST_SEED = 2**32
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
TO_UNIT = 2.0**-53


def mix(word: int) -> int:
    """Return a 64-bit word scrambled by SplitMix64's finalizer."""
    (first, one), (second, two) = MIX
    word = ((word ^ (word >> first)) * one) & MASK
    word = ((word ^ (word >> second)) * two) & MASK
    return word ^ (word >> 31)


@lru_cache
def name_key(process: str) -> int:
    """Return a 64-bit number for the name of a process."""
    return int.from_bytes(blake2b(process.encode(), digest_size=8).digest(), "little")


@lru_cache(maxsize=64)  # a step asks for a few keys, over and over
def stream_key(seed: int, process: str, step: int) -> int:
    """Return the key of one process at one step."""
    return mix((mix((seed * GOLDEN + name_key(process)) & MASK) + step * GOLDEN) & MASK)


def draw(seed: int, process: str, step: int, site: int) -> float:
    """Return the uniform number in (0, 1] of one site."""
    word = mix((stream_key(seed, process, step) + (site + 1) * GOLDEN) & MASK)
    return ((word >> 11) + 1) * TO_UNIT


def draws(seed: int, process: str, step: int, sites: Ints) -> Floats:
    """Return the uniform numbers in (0, 1] of many sites; equal to `draw` of each."""
    word = (sites.astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    word += np.uint64(stream_key(seed, process, step))
    for shift, factor in MIX:
        word = (word ^ (word >> np.uint64(shift))) * np.uint64(factor)
    word = (word ^ (word >> np.uint64(31))) >> np.uint64(11)
    return (word.astype(np.float64) + 1.0) * TO_UNIT


def arrivals(uniform: Floats, rate: Floats | float, days: float) -> tuple[Ints, Floats]:
    """Return who is met by the first event of a Poisson process within some days, and when.

    Parameters
    ----------
    uniform : Floats
        A uniform number in (0, 1] for each.
    rate : Floats or float
        Events per day.
    days : float
        How long they wait.

    Returns
    -------
    tuple of arrays
        Indices of those met, and the days after which each was met.
    """
    waiting, rates = -np.log(uniform), np.broadcast_to(rate, uniform.shape)
    met = np.flatnonzero(waiting < rates * days)
    return met.astype(np.int32), waiting[met] / rates[met]
