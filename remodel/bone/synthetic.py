"""Seeded builders of sections: a trabecular network, a cortex with Haversian canals."""

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from remodel.bone.section import CORTICAL, MOST_SITES, OUTSIDE, TRABECULAR, Tissue
from remodel.parameters.parameters import Parameters
from remodel.parameters.tissue import Section
from remodel.support.arrays import Floats, Ints, Labels, Mask

BLOCK = 64  # rows
MARGIN = 0.1  # mm beyond the periosteum, so that the outer border is seen
MOST_SPACES = 3000  # each two have a wall of its own thickness
MOST_CANALS = 10_000  # each is compared with all before it


def build_section(parameters: Parameters, seed: int, bone: float = 1.0) -> Tissue:
    """Build a section: trabecular compartment, cortex with canals, periosteum.

    Parameters
    ----------
    parameters : Parameters
        Its group `section` gives sizes and targets.
    seed : int
        The same seed gives the same section.
    bone : float
        Bone volume and cortical thickness, of those in `parameters`.

    Returns
    -------
    Tissue
        Shape (rows along the periodic axis, columns from marrow to periosteum).

    Raises
    ------
    ValueError
        If it would have more sites, marrow spaces or canals than memory or patience holds.
    """
    size = parameters.section
    volume, cortex = min(100.0, size.bone_volume * bone), min(size.width, size.cortex * bone)
    size = replace(size, bone_volume=volume, cortex=cortex)
    refuse_huge(size)
    rng = np.random.default_rng([seed, 20])
    region = label_regions(size)
    matrix = np.zeros(region.shape)
    matrix[region == TRABECULAR] = grow_trabeculae(size, region, rng)[region == TRABECULAR]
    matrix[(region == CORTICAL) & ~bore_canals(size, region, rng)] = 1.0
    tissue = Tissue(matrix=matrix, region=region, outside=region == OUTSIDE, site_um=size.site)
    assign_ages(tissue, parameters, rng)
    return tissue


def refuse_huge(size: Section) -> None:
    """Refuse a section of more parts than can be."""
    area = size.height * size.width
    for parts, count, most in (
        ("sites", area * (1000 / size.site) ** 2, MOST_SITES),
        ("marrow spaces", area * size.cell_density, MOST_SPACES),
        ("canals", size.height * size.cortex * size.canal_density, MOST_CANALS),
    ):
        if round(count) > most:
            raise ValueError(
                f"section of {size.height:g} x {size.width:g} mm: makes {count:.0f} {parts}; "
                f"expected up to {most}"
            )


def assign_ages(tissue: Tissue, parameters: Parameters, rng: np.random.Generator) -> None:
    """Give the matrix random ages, from which its mineral follows; spin-up replaces them."""
    numbers = parameters.mineral
    ages = rng.exponential(parameters.section.first_age, tissue.matrix.shape)
    unmineralized_fraction = (1 - numbers.primary) * np.exp(-ages / numbers.time_constant)
    tissue.unmineralized[:] = tissue.matrix * unmineralized_fraction


def label_regions(size: Section) -> Labels:
    """Return the compartment of each site."""
    per_mm = 1000 / size.site
    rows, columns = round(size.height * per_mm), round(size.width * per_mm)
    region = np.full((rows, columns), OUTSIDE, dtype=np.int8)
    periosteum = columns - round(MARGIN * per_mm)
    endosteum = max(0, periosteum - round(size.cortex * per_mm))
    region[:, :endosteum] = TRABECULAR
    region[:, endosteum:periosteum] = CORTICAL
    return region


def grow_trabeculae(size: Section, region: Labels, rng: np.random.Generator) -> Mask:
    """Return where bone is, if the walls between random marrow spaces are trabeculae.

    Walls are those of a Voronoi tessellation, of varied thickness, some of them
    missing; the thickness is scaled so that BV/TV is the one asked for.
    """
    centers = scatter_centers(size, rng)
    thickness = strut_thickness(size, len(centers) // 3, rng)
    tree, rows = cKDTree(centers), np.arange(len(region), dtype=np.int32)
    blocks = np.array_split(rows, max(1, len(rows) // BLOCK))  # memory for a block at a time
    score = np.concatenate(
        [score_wall(tree, site_points(block, region, size.site), thickness) for block in blocks]
    ).reshape(region.shape)
    inside = score[region == TRABECULAR]
    if inside.size == 0:
        return np.zeros(region.shape, dtype=bool)
    return np.asarray(score < np.quantile(inside, size.bone_volume / 100))


def score_wall(tree: cKDTree, points: Floats, thickness: Floats) -> Floats:
    """Return how far each point is from the wall it is nearest to, in thicknesses of the wall.

    `points` are in mm, shape (sites, 2); `thickness` has shape (spaces, spaces).
    """
    distance, nearest = (np.asarray(found) for found in tree.query(points, k=2))
    centers = np.asarray(tree.data)
    apart = np.linalg.norm(centers[nearest[:, 0]] - centers[nearest[:, 1]], axis=1)
    to_wall = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * apart)
    low, high = np.sort(nearest % len(thickness), axis=1).T
    return np.asarray(to_wall / thickness[low, high])


def scatter_centers(size: Section, rng: np.random.Generator) -> Floats:
    """Return centers of marrow spaces in mm, shape (centers, 2), thrice along the long axis."""
    across = max(1, round(size.height * np.sqrt(size.cell_density)))
    pitch = size.height / across
    lines = int(np.ceil((size.width + 2 * pitch) / pitch))
    row, line = np.meshgrid(np.arange(across), np.arange(lines), indexing="ij")
    centers = np.stack([row + 0.5 * (line % 2), line - 0.5], axis=-1).reshape(-1, 2)
    centers = (centers + rng.uniform(-0.35, 0.35, centers.shape)) * pitch
    around = np.array([[-size.height, 0], [0, 0], [size.height, 0]])
    return np.concatenate([centers + shift for shift in around])


def site_points(rows: Ints, region: Labels, site_um: float) -> Floats:
    """Return the middle of each site of some rows in mm, shape (sites, 2)."""
    row, column = np.meshgrid(rows, np.arange(region.shape[1]), indexing="ij")
    return np.stack([row.ravel() + 0.5, column.ravel() + 0.5], axis=1) * (site_um / 1000)


def strut_thickness(size: Section, count: int, rng: np.random.Generator) -> Floats:
    """Return the relative thickness of the wall between each two marrow spaces; square."""
    thickness = np.exp(rng.normal(0, size.strut_spread, (count, count)))
    thickness[rng.random((count, count)) < size.missing_struts] = 1e-6
    return np.asarray(thickness)


def bore_canals(size: Section, region: Labels, rng: np.random.Generator) -> Mask:
    """Return the sites of Haversian canals, placed apart from each other."""
    canals = np.zeros(region.shape, dtype=bool)
    columns = np.flatnonzero((region == CORTICAL).any(axis=0))
    if columns.size == 0:
        return canals
    left, right = (columns[[0, -1]] + [0.5, 0.5]) * size.site / 1000
    radius = np.clip(rng.normal(size.canal_width, size.canal_spread, 10_000), 20, None) / 2000
    centers = place_apart(size, left, right, rng)
    for center, reach in zip(centers, np.resize(radius, len(centers)), strict=True):
        bore(canals, center * 1000 / size.site, reach * 1000 / size.site)
    return canals


def bore(canals: Mask, center: Floats, reach: float) -> None:
    """Open the sites whose middle lies within a reach of a center, both in sites."""
    half = int(np.ceil(reach)) + 1
    rows, columns = (int(place) + np.arange(-half, half + 1) for place in center)
    columns = columns[(columns >= 0) & (columns < canals.shape[1])]
    away = np.hypot((rows + 0.5 - center[0])[:, None], columns + 0.5 - center[1])
    canals[np.ix_(rows % len(canals), columns)] |= away < reach


def place_apart(size: Section, left: float, right: float, rng: np.random.Generator) -> Floats:
    """Return canal centers in mm that keep half of their mean spacing from each other."""
    wanted = round(size.canal_density * (right - left) * size.height)
    apart = 0.5 / np.sqrt(max(size.canal_density, 1e-9))
    edge = min(0.05, (right - left) / 4)
    centers = np.empty((0, 2))
    for _ in range(200 * wanted):
        new = rng.uniform([0, left + edge], [size.height, right - edge])
        offset = centers - new
        offset[:, 0] -= size.height * np.round(offset[:, 0] / size.height)
        if len(centers) == 0 or np.hypot(*offset.T).min() > apart:
            centers = np.vstack([centers, new])
        if len(centers) == wanted:
            break
    return centers
