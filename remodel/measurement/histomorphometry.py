"""Histomorphometry of a section in the ASBMR nomenclature; section and readings in, numbers out.

Surface is measured along the bone, whatever its slant. Structure is measured on the section
as it is now; fractions of surface and rates are means over the last readings, because a
section holds few units at any one moment.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import NamedTuple

import numpy as np
from scipy.ndimage import label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from remodel.bone.section import ACROSS, CORTICAL, REGIONS, Tissue
from remodel.parameters.time_steps import YEAR
from remodel.support.arrays import Ints, Mask

EVERY, TRABECULAR_ONLY, CORTICAL_ONLY = "both", "trabecular", "cortical"


class Index(NamedTuple):
    """One index of histomorphometry (Dempster 2013)."""

    name: str
    unit: str
    meaning: str
    region: str = EVERY


INDICES = (
    Index("BV/TV", "%", "bone matrix per tissue volume"),
    Index("BS/BV", "1/mm", "bone surface per bone volume"),
    Index("Tb.Th", "µm", "trabecular thickness, plate model: 2 BV/BS", TRABECULAR_ONLY),
    Index("Tb.N", "1/mm", "trabecular number: BV/TV over Tb.Th", TRABECULAR_ONLY),
    Index("Tb.Sp", "µm", "trabecular separation: 1/Tb.N less Tb.Th", TRABECULAR_ONLY),
    Index("Ct.Th", "mm", "cortical thickness, without marrow that opened into it", CORTICAL_ONLY),
    Index("Ct.Po", "%", "cortical porosity: canals and cavities, not marrow", CORTICAL_ONLY),
    Index("H.Dm", "µm", "mean diameter of canals, as circles of their area", CORTICAL_ONLY),
    Index("H.N/Ct.Ar", "1/mm2", "Haversian canals per area of cortex", CORTICAL_ONLY),
    Index("Oc.S/BS", "%", "surface with an osteoclast"),
    Index("ES/BS", "%", "eroded surface: with an osteoclast or in reversal"),
    Index("Ob.S/BS", "%", "surface with osteoblasts"),
    Index("OS/BS", "%", "osteoid surface; here all of it has osteoblasts"),
    Index("MS/BS", "%", "mineralizing surface; here all osteoid mineralizes, without lag"),
    Index("MAR", "µm/day", "mineral apposition rate: matrix formed per osteoblast surface"),
    Index("BFR/BS", "µm/year", "bone formation rate per bone surface"),
    Index("BRs.R/BS", "µm/year", "bone resorption rate per bone surface"),
    Index("Ac.f", "1/year", "activation frequency: surface that units erode in a year"),
    Index(
        "W.Th", "µm", "wall thickness: matrix formed per eroded surface, abandoned BMUs included"
    ),
    Index(
        "E.De", "µm", "erosion depth: mean depth of cavities, matrix resorbed per eroded surface"
    ),
    Index(
        "On.Dm", "µm", "osteon diameter: a ring of wall thickness round a mean canal", CORTICAL_ONLY
    ),
    Index("Rs.P", "day", "resorption period: osteoclast surface over Ac.f"),
    Index("Rv.P", "day", "reversal period: reversal surface over Ac.f"),
    Index("FP", "day", "formation period: osteoid surface over Ac.f"),
    Index("turnover", "%/year", "bone formed per bone volume"),
)


def section_indices(tissue: Tissue, mean: dict[str, float], region: str) -> dict[str, float]:
    """Return the indices of one compartment; names and units are those of `INDICES`.

    Parameters
    ----------
    tissue : Tissue
        The section as it is now.
    mean : dict of str to float
        Means over readings of bone, surfaces and rates, in mm2 and mm (mm3 and mm2 in a volume).
    region : str
        ``"trabecular"`` or ``"cortical"``.
    """
    found = structure(tissue, region) | dynamics(mean)
    if region == "cortical":
        found["On.Dm"] = osteon(found["H.Dm"], found["W.Th"])
    return {index.name: found[index.name] for index in INDICES if index.region in (EVERY, region)}


def dynamics(mean: dict[str, float]) -> dict[str, float]:
    """Return fractions of surface in %, rates per year, depths in um and periods in days."""
    eroded, surface = mean["eroded"], mean["surface"]
    forming = percent(mean["osteoid"], surface)
    um = 1000.0  # in a mm
    return {
        "Oc.S/BS": percent(mean["eroding"], surface),
        "ES/BS": percent(mean["eroding"] + mean["reversal"], surface),
        "Ob.S/BS": forming,
        "OS/BS": forming,
        "MS/BS": forming,
        "MAR": um * ratio(mean["formed"], mean["osteoid"] * YEAR),
        "BFR/BS": um * ratio(mean["formed"], surface),
        "BRs.R/BS": um * ratio(mean["resorbed"], surface),
        "Ac.f": ratio(eroded, surface),
        "W.Th": um * ratio(mean["formed"], eroded),
        "E.De": um * ratio(mean["resorbed"], eroded),
        "Rs.P": ratio(mean["eroding"] * YEAR, eroded),
        "Rv.P": ratio(mean["reversal"] * YEAR, eroded),
        "FP": ratio(mean["osteoid"] * YEAR, eroded),
        "turnover": percent(mean["formed"], mean["bone"]),
    }


def osteon(canal: float, wall: float) -> float:
    """Return the diameter of an osteon (um) that was built inward from it to a canal.

    Its wall has as much matrix for each length of the canal's border as was formed there.
    """
    return sqrt(canal**2 + 4 * canal * wall)


def structure(tissue: Tissue, region: str) -> dict[str, float]:
    """Return what the shape of one compartment shows now."""
    here = tissue.region == REGIONS[region]
    bone = float(tissue.matrix[here].sum())
    sites = tissue.surface_sites()
    surface = float(tissue.surface_faces(sites)[here.reshape(-1)[sites]].sum())
    per_mm = 1000 / tissue.site_um
    found = {
        "BV/TV": percent(bone, int(here.sum())),
        "BS/BV": ratio(surface * per_mm, bone),
    }
    shape = plates(found) if region == "trabecular" else pores(tissue)
    return found | shape


def plates(found: dict[str, float]) -> dict[str, float]:
    """Return thickness (µm), number (1/mm) and separation (µm), were trabeculae parallel plates."""
    thickness = ratio(2.0, found["BS/BV"])  # mm
    number = ratio(found["BV/TV"] / 100, thickness)
    apart = ratio(1.0, number) - thickness
    return {"Tb.Th": 1000 * thickness, "Tb.N": number, "Tb.Sp": 1000 * apart}


def pores(tissue: Tissue) -> dict[str, float]:
    """Return thickness (mm) and porosity (%) of the cortex; width (µm), density (1/mm2) of canals."""
    labels, marrow = label_spaces(tissue)
    cortex = (tissue.region == CORTICAL) & ~np.isin(labels, marrow)
    per_mm = 1000 / tissue.site_um
    areas = np.bincount(labels[cortex & (labels > 0)])
    areas = areas[areas > 0]
    diameter = 2 * np.sqrt(areas / np.pi) * tissue.site_um
    area = int(cortex.sum())
    return {
        "Ct.Th": float(area * tissue.matrix.shape[ACROSS] / cortex.size / per_mm),
        "Ct.Po": percent(area - float(tissue.matrix[cortex].sum()), area),
        "H.Dm": float(diameter.mean()) if diameter.size else nan,
        "H.N/Ct.Ar": ratio(len(areas) * per_mm**2, area),
    }


def label_spaces(tissue: Tissue) -> tuple[Ints, Ints]:
    """Return the number of each open space, 0 where there is none, and which are marrow.

    Spaces are connected by sides, also across the periodic border. One that reaches out
    of the cortex is marrow, the others are canals.
    """
    empty = tissue.open_sites()
    labels = connected(empty, tissue.periodic)
    marrow = np.unique(labels[empty & (tissue.region != CORTICAL)])
    return labels, marrow


def connected(mask: Mask, periodic: tuple[bool, ...]) -> Ints:
    """Return for each site the number of its cluster, from 1; 0 outside the mask."""
    labels, count = label(mask)
    pairs = [np.zeros((2, 0), dtype=int)]
    for axis, wraps in enumerate(periodic):
        if wraps:
            first, last = np.take(labels, 0, axis=axis), np.take(labels, -1, axis=axis)
            both = (first > 0) & (last > 0)
            pairs.append(np.stack([first[both], last[both]]))
    ends = np.concatenate(pairs, axis=1)
    links = coo_array((np.ones(ends.shape[1]), ends), shape=(count + 1, count + 1))
    joined = connected_components(links, directed=False)[1]
    numbers = np.unique(joined, return_inverse=True)[1]
    return np.asarray(numbers[labels] - numbers[0]) % (count + 1)


def ratio(part: float, whole: float) -> float:
    """Return a quotient, not-a-number where there is nothing to divide by."""
    return float(part / whole) if whole else nan


def percent(part: float, whole: float) -> float:
    """Return a fraction in percent."""
    return 100 * ratio(part, whole)
