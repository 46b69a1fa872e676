"""Histomorphometry of a section in the ASBMR nomenclature; section and readings in, numbers out.

One surface site is one site width of bone surface, and each osteoclast, reversing
cavity or team of osteoblasts covers one of them. Structure is measured on the section
as it is now; fractions of surface and rates are means over the last readings, because a
section holds few cells at any one moment.
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from remodel.bone.section import CORTICAL, REGIONS, Tissue
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
    Index("Ac.f", "1/year", "activation frequency: BMUs activated per surface"),
    Index("W.Th", "µm", "wall thickness: matrix formed per BMU activated, abandoned BMUs included"),
    Index("E.De", "µm", "erosion depth: matrix resorbed per BMU activated"),
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
        Means over readings of surface, cells and rates, in sites and sites per year.
    region : str
        ``"trabecular"`` or ``"cortical"``.
    """
    found = structure(tissue, region) | dynamics(mean)
    per_site = {"BFR/BS", "BRs.R/BS", "W.Th", "E.De", "MAR"}
    for name in per_site:
        found[name] *= tissue.site_um
    return {index.name: found[index.name] for index in INDICES if index.region in (EVERY, region)}


def dynamics(mean: dict[str, float]) -> dict[str, float]:
    """Return fractions of surface in %, rates per year, depths in sites and periods in days."""
    births, surface = mean["activations"], mean["surface"]
    forming = percent(mean["osteoblasts"], surface)
    return {
        "Oc.S/BS": percent(mean["osteoclasts"], surface),
        "ES/BS": percent(mean["osteoclasts"] + mean["reversing"], surface),
        "Ob.S/BS": forming,
        "OS/BS": forming,
        "MS/BS": forming,
        "MAR": ratio(mean["formed"], mean["osteoblasts"] * YEAR),
        "BFR/BS": ratio(mean["formed"], surface),
        "BRs.R/BS": ratio(mean["resorbed"], surface),
        "Ac.f": ratio(births, surface),
        "W.Th": ratio(mean["formed"], births),
        "E.De": ratio(mean["resorbed"], births),
        "Rs.P": ratio(mean["osteoclasts"] * YEAR, births),
        "Rv.P": ratio(mean["reversing"] * YEAR, births),
        "FP": ratio(mean["osteoblasts"] * YEAR, births),
        "turnover": percent(mean["formed"], mean["bone"]),
    }


def structure(tissue: Tissue, region: str) -> dict[str, float]:
    """Return what the shape of one compartment shows now."""
    here = tissue.region == REGIONS[region]
    bone = float(tissue.matrix[here].sum())
    surface = int(here.reshape(-1)[tissue.surface_sites()].sum())
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
        "Ct.Th": float(area / len(tissue.matrix) / per_mm),
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
    labels = connected(empty, tissue.neighbors).reshape(empty.shape)
    marrow = np.unique(labels[empty & (tissue.region != CORTICAL)])
    return labels, marrow


def connected(mask: Mask, neighbors: Ints) -> Ints:
    """Return for each site the number of its cluster, from 1; 0 outside the mask."""
    flat = mask.reshape(-1)
    number = np.cumsum(flat) * flat  # 1 for the first site of the mask, 2 for the next
    first = [np.flatnonzero(flat & flat[step]) for step in neighbors]
    second = [step[site] for step, site in zip(neighbors, first, strict=True)]
    ends = tuple(number[np.concatenate(side)] - 1 for side in (first, second))
    size = int(flat.sum())
    links = coo_array((np.ones(len(ends[0])), ends), shape=(size, size))
    labels = np.zeros(flat.size, dtype=np.int32)
    labels[flat] = connected_components(links, directed=False)[1] + 1
    return labels


def ratio(part: float, whole: float) -> float:
    """Return a quotient, not-a-number where there is nothing to divide by."""
    return float(part / whole) if whole else nan


def percent(part: float, whole: float) -> float:
    """Return a fraction in percent."""
    return 100 * ratio(part, whole)
