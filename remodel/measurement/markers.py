"""Markers of turnover: which there are, and over how long they are averaged."""

from collections.abc import Iterable, Mapping, Sequence
from math import fsum

BASELINE_YEARS = 2.0  # rates fluctuate with few cells: their baseline is a mean over this
# Few cells work at a time in a section of a few mm2, so that what they do within days is noisy:
# a marker is the mean over this many years before its reading, or since day 0 if that is less.
MARKER_WINDOW = 0.13
MARKERS = ("ctx", "p1np", "bone_alp")


def window_mean(latest: Iterable[Mapping[str, float]], year: float, names: Sequence[str]) -> float:
    """Return the mean of a rate over `MARKER_WINDOW` before a year, or since day 0 if that is less.

    Parameters
    ----------
    latest : iterable of dict
        Readings, the one of that year first, then back in time; each counts by the part of
        its interval that lies in the window.
    year : float
        When it ends, over 0.
    names : sequence of str
        Columns that are added up.
    """
    first, end, total, seen = max(0.0, year - MARKER_WINDOW), year, 0.0, 0.0
    for row in latest:
        begin = row["since"]
        part = max(0.0, end - max(begin, first))
        total += part * fsum(row[name] for name in names)
        seen += part
        end = begin
        if begin <= first:
            break
    return total / seen
