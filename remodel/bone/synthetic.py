"""Seeded builders of sections and volumes: trabeculae, a cortex with Haversian canals."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import label

from remodel.bone.section import ACROSS, CORTICAL, MOST_SITES, OUTSIDE, TRABECULAR, Tissue
from remodel.parameters.parameters import Parameters
from remodel.parameters.tissue import Section
from remodel.support.arrays import Floats, Labels

MARGIN = 0.1  # mm beyond the periosteum, so that the outer border is seen
MOST_WAVES = 1_000_000  # of the random field, along all axes together
MOST_CANALS = 10_000  # each is compared with all before it
APART = 0.7  # of the mean spacing of canals: each has its own osteon around it
JOINING = 0.3
WIDEST = 4.0  # standard deviations of wavelengths that the random field holds


def build_section(parameters: Parameters, seed: int, bone: float = 1.0) -> Tissue:
    """Build a section, or a volume: trabecular compartment, cortex with canals, periosteum.

    Parameters
    ----------
    parameters : Parameters
        Its group `section` gives sizes and targets; with a depth of more than 0 the tissue is a
        volume.
    seed : int
        The same seed gives the same section, on any grid.
    bone : float
        Bone volume and cortical thickness, of those in `parameters`.

    Returns
    -------
    Tissue
        Shape (rows along the periodic long axis, columns from marrow to periosteum), and in a
        volume a third, periodic axis.

    Raises
    ------
    ValueError
        If it would have more sites, waves or canals than memory or patience holds.
    """
    size = parameters.section
    volume, cortex = min(100.0, size.bone_volume * bone), min(size.width, size.cortex * bone)
    size = replace(size, bone_volume=volume, cortex=cortex)
    refuse_huge(size)
    rng = np.random.default_rng([seed, 20])
    region = label_regions(size)
    matrix = np.zeros(region.shape)
    trabecular, cortical = region == TRABECULAR, region == CORTICAL
    if trabecular.any():
        matrix[trabecular] = grow_trabeculae(size, region, rng)[trabecular]
    if cortical.any():
        matrix[cortical] = (1.0 - bore_canals(size, region, rng))[cortical]
    matrix[small_pieces(matrix, parameters.unit.reference_depth / size.site)] = 0.0
    tissue = Tissue(matrix=matrix, region=region, outside=region == OUTSIDE, site_um=size.site)
    assign_ages(tissue, parameters, rng)
    return tissue


def lengths(size: Section) -> tuple[float, ...]:
    """Return the lengths of the axes, mm: two of a section, three of a volume."""
    return (size.height, size.width, *((size.depth,) if size.depth else ()))


def refuse_huge(size: Section) -> None:
    """Refuse a section of more parts than can be."""
    along = lengths(size)
    ends = along[2:] or along[:1]
    for parts, count, most in (
        ("sites", np.prod(along) * (1000 / size.site) ** len(along), MOST_SITES),
        ("waves", np.prod([2 * most_waves(size, length) + 1 for length in along]), MOST_WAVES),
        ("canals", np.prod(ends) * size.cortex * size.canal_density, MOST_CANALS),
    ):
        if round(count) > most:
            sides = " x ".join(f"{length:g}" for length in along)
            raise ValueError(
                f"section of {sides} mm: makes {count:.0f} {parts}; expected up to {most}"
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
    shape = [max(1, round(length * per_mm)) for length in lengths(size)]
    region = np.full(shape, OUTSIDE, dtype=np.int8)
    periosteum = shape[ACROSS] - round(MARGIN * per_mm)
    endosteum = max(0, periosteum - round(size.cortex * per_mm))
    region[:, :endosteum] = TRABECULAR
    region[:, endosteum:periosteum] = CORTICAL
    return region


def grow_trabeculae(size: Section, region: Labels, rng: np.random.Generator) -> Floats:
    """Return the fraction of each site that is bone: where a Gaussian random field is near 0.

    Trabeculae are where ``|f| / sqrt(|grad f|^2 + s <|grad f|^2>)``, a distance from where the
    field f is 0, is less than a bound that gives the BV/TV asked for. The root keeps
    trabeculae from being thin where the field is steep; its second term, with s = `JOINING`, joins
    them at nodes. The field is a sum of waves whose lengths lie in a band, longer along the long
    axis. A site on the rim is bone in part.
    """
    field = random_field(size, region.shape, rng)
    inside = region == TRABECULAR
    steep2 = np.zeros_like(field)
    for axis in range(field.ndim):
        steep2 += np.gradient(field, axis=axis) ** 2
    least2 = JOINING * steep2.mean()
    steep = np.sqrt(np.maximum(steep2 + least2, 1e-30))  # where the field has no wave at all
    distance = np.abs(field) / steep  # sites
    half = np.quantile(distance[inside], size.bone_volume / 100)
    thinning = np.sqrt(steep2) / steep  # slope of that distance
    thinning = np.maximum(thinning, 0.3)
    signed = distance * np.sign(field)
    below = np.clip((half - signed) / thinning + 0.5, 0.0, 1.0)
    above = np.clip((-half - signed) / thinning + 0.5, 0.0, 1.0)
    return np.asarray(below - above)


def most_waves(size: Section, length: float) -> int:
    """Return how many waves a length, mm, holds at most."""
    shortest = size.wavelength / (1 + WIDEST * size.wavelength_spread)
    return int(np.ceil(length / shortest * max(1.0, 1 / size.stretch)))


def random_field(size: Section, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return a Gaussian random field, periodic along all axes, with wavelengths in a band.

    The phases of its waves are random, their amplitudes are not: sections then differ less. They
    are drawn in an order that does not depend on the grid.
    """
    along = lengths(size)
    numbers = [np.arange(-most, most + 1) for most in (most_waves(size, long) for long in along)]
    waves = np.meshgrid(*numbers, indexing="ij")
    spread = np.stack([wave / long for wave, long in zip(waves, along, strict=True)])
    spread[0] *= size.stretch
    wavenumber = np.sqrt((spread**2).sum(axis=0)) * size.wavelength
    band = np.exp(-0.5 * ((wavenumber - 1) / size.wavelength_spread) ** 2)
    band[tuple(len(number) // 2 for number in numbers)] = 0.0
    phase = rng.uniform(0, 2 * np.pi, band.shape)
    spectrum = np.zeros(shape, dtype=complex)
    place = tuple(wave % count for wave, count in zip(waves, shape, strict=True))
    np.add.at(spectrum, place, band * np.exp(1j * phase))
    field = np.fft.ifftn(spectrum).real
    return np.asarray(field / (field.std() or 1.0))


def small_pieces(matrix: Floats, least: float) -> Labels:
    """Return the sites of pieces of bone that are smaller than a cube of a side, in sites."""
    pieces, count = label(matrix > 0.0)
    sizes = np.bincount(pieces.reshape(-1), matrix.reshape(-1), minlength=count + 1)
    small = sizes < least**matrix.ndim
    small[0] = False
    return np.asarray(small[pieces])


def bore_canals(size: Section, region: Labels, rng: np.random.Generator) -> Floats:
    """Return the fraction of each site that is a Haversian canal; they keep apart from each other.

    In a section they are discs, in a volume tubes along its long axis.
    """
    shape, along = region.shape, lengths(size)
    columns = np.flatnonzero(
        (region == CORTICAL).any(axis=tuple(k for k in range(region.ndim) if k != ACROSS))
    )
    left, right = (columns[[0, -1]] + [0.0, 1.0]) * size.site / 1000
    radius = np.clip(rng.normal(size.canal_width, size.canal_spread, MOST_CANALS), 20, None) / 2000
    other = 2 if len(along) > 2 else 0  # the axis that canals cross beside the second
    centers = place_apart(size, along[other], left, right, rng)
    plane = np.zeros((shape[other], shape[ACROSS]))
    for center, reach in zip(centers, np.resize(radius, len(centers)), strict=True):
        bore(plane, center * 1000 / size.site, reach * 1000 / size.site)
    if other:
        plane = plane.T[None]
    return np.asarray(np.broadcast_to(plane, shape))


def bore(canals: Floats, center: Floats, reach: float) -> None:
    """Open what lies within a reach of a center, both in sites; sites on the rim in part."""
    half = int(np.ceil(reach)) + 2
    rows, columns = (int(place) + np.arange(-half, half + 1) for place in center)
    columns = columns[(columns >= 0) & (columns < canals.shape[1])]
    away = np.hypot((rows + 0.5 - center[0])[:, None], columns + 0.5 - center[1])
    here = np.ix_(rows % len(canals), columns)
    canals[here] = np.maximum(canals[here], np.clip(reach - away + 0.5, 0.0, 1.0))


def place_apart(
    size: Section, length: float, left: float, right: float, rng: np.random.Generator
) -> Floats:
    """Return canal centers in mm that keep `APART` of their mean spacing from each other."""
    wanted = round(size.canal_density * (right - left) * length)
    apart = APART / np.sqrt(max(size.canal_density, 1e-9))
    edge = min(0.05, (right - left) / 4)
    centers = np.empty((0, 2))
    for _ in range(200 * wanted):
        new = rng.uniform([0, left + edge], [length, right - edge])
        offset = centers - new
        offset[:, 0] -= length * np.round(offset[:, 0] / length)
        if len(centers) == 0 or np.hypot(*offset.T).min() > apart:
            centers = np.vstack([centers, new])
        if len(centers) == wanted:
            break
    return centers
