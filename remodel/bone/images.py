"""From an image, a histology or micro-CT slice, to a section of bone."""

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from remodel.bone.files import SITE_SIZES
from remodel.bone.image_files import read_picture
from remodel.bone.pixel_size import PIXEL_SIZES, PixelSize, choose_size
from remodel.bone.section import CORTICAL, MOST_SITES, OUTSIDE, TRABECULAR, Tissue
from remodel.bone.segmentation import CORTEX_FROM, CORTEX_RANGE, doubts, segment_compartments
from remodel.bone.synthetic import assign_ages
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import check
from remodel.parameters.tissue import Section
from remodel.support.arrays import Fractions, Labels, Mask

MASK_LEVELS = (  # of outside, trabecular and cortical: as numbers, or to be seen
    (0, 1, 2), (0, 128, 255), (0, 32767, 65535), (0, 32768, 65535),
)  # fmt: skip
LABELS = {OUTSIDE: "beyond the periosteum", TRABECULAR: "trabecular", CORTICAL: "cortical"}


@dataclass(frozen=True, kw_only=True)
class Scan:
    """How an image is to be segmented.

    Attributes
    ----------
    site_um : float
        Side of a site, um.
    pixel_um : float
        Side of a pixel, µm, whatever the file says. Where it is 0, it is what the file says of
        itself, and that of a site where the file says nothing that can be meant;
        `Segmentation.pixel` says which.
    threshold : float, optional
        Gray level, in the numbers of the image, beyond which a pixel is bone; Otsu's where
        it is not given.
    dark : bool
        Whether bone is darker than marrow, as in a von Kossa stain.
    turns : int
        Quarter turns, counterclockwise, after which the periosteum is not at the top or bottom.
    mirror : bool
        Whether the mirror image is joined on, so that the ends of the long axis fit.
    cortex_from : float
        Local thickness, µm, from which compact bone is cortex; not used with a mask.
    """

    site_um: float = 20.0
    pixel_um: float = 0.0
    threshold: float | None = None
    dark: bool = False
    turns: int = 0
    mirror: bool = False
    cortex_from: float = CORTEX_FROM

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        check("site size", self.site_um, "µm", *SITE_SIZES)
        if self.pixel_um:
            check("pixel size", self.pixel_um, "µm", *PIXEL_SIZES)
        check("cortex from", self.cortex_from, "µm", *CORTEX_RANGE)


@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """The segmentation of an image.

    Attributes
    ----------
    gray : Fractions
        Gray levels as read, turned, in pixels.
    threshold : float
        The gray level that was used.
    pixel : PixelSize
        The size that a pixel was taken to have, and where it comes from.
    tissue : Tissue
        The section.
    mismatch : float
        Fraction of the sites at the two ends of the long axis, 0 to 1, where one end has bone
        and the other, to which it is joined, has none.
    about : dict
        The image by its content, and how it was segmented; no name and no folder.
    mask : str
        What the gray levels of the mask were taken for; empty without a mask.
    notes : tuple of str
        What was read or guessed in a way that one should know of.
    """

    gray: Fractions
    threshold: float
    pixel: PixelSize
    tissue: Tissue
    mismatch: float
    about: dict[str, Any]
    mask: str = ""
    notes: tuple[str, ...] = ()


def read_section(
    path: Path | str, scan: Scan | None = None, mask: Path | str | None = None
) -> Segmentation:
    """Read a section of bone from an image.

    Parameters
    ----------
    path : Path or str
        PNG, TIFF, BMP or JPEG, one slice, gray. Of a TIFF, numbers of 1 to 64 bit, signed,
        unsigned and float, white or black as zero.
    scan : Scan, optional
        How to segment it.
    mask : Path or str, optional
        An image of the same size that says which compartment each pixel belongs to; gray
        levels 0, 1, 2 or 0, 128, 255 (65535 in 16 bit) for beyond the periosteum, trabecular,
        cortical. One of two other levels, such as 0 and 255, says what is within the
        periosteum: the higher one; cortex and trabeculae are told apart as without a mask.

    Raises
    ------
    ValueError
        With one line that names the file, what was found and what was expected.
    """
    scan, path, mask = scan or Scan(), Path(path), Path(mask) if mask is not None else None
    picture = read_picture(path)
    pixel = choose_size(scan.pixel_um, scan.site_um, picture.stated)
    gray = np.rot90(picture.gray, scan.turns)
    level = find_threshold(gray, scan, path)
    shape = section_shape(gray, scan, pixel, path)
    pixels = gray < level if scan.dark else gray > level
    bone = resample(pixels.astype(np.float32), shape, Image.Resampling.BOX) >= 0.5
    if bone.all() or not bone.any():
        found = "bone" if bone.any() else "marrow"
        raise ValueError(f"{path}: all of it is {found} at gray level {level:g}; expected both")
    notes, said = list(picture.notes), ""
    if mask:
        region, said = read_mask(Path(mask), scan, gray.shape, bone)
    else:
        region = segment_compartments(bone, scan.site_um, scan.cortex_from)
        notes += doubts(bone, region, scan.site_um, scan.cortex_from)
    about: dict[str, Any] = {
        "image_sha256": content(path),
        "mask_sha256": content(Path(mask)) if mask else None,
        "scan": vars(scan) | {"threshold": level},
        "pixel": {
            "wide_um": pixel.wide_um, "high_um": pixel.high_um, "from": pixel.provenance,
        },
    }  # fmt: skip
    tissue = build_tissue(bone, region, scan, path)
    return Segmentation(
        gray=gray, threshold=level, pixel=pixel, tissue=tissue, mismatch=mismatch(tissue),
        about=about, mask=said, notes=tuple(notes),
    )  # fmt: skip


def build_tissue(bone: Mask, region: Labels, scan: Scan, path: Path) -> Tissue:
    """Return the section; bone beyond the periosteum is left out, mineral has random ages."""
    bone &= region != OUTSIDE
    if not bone.any():
        raise ValueError(f"{path}: no bone lies within the periosteum; expected some")
    if scan.mirror:
        bone, region = (np.concatenate([part, part[::-1]]) for part in (bone, region))
    tissue = Tissue(bone.astype(np.float64), region, region == OUTSIDE, scan.site_um)
    assign_ages(tissue, Parameters(), np.random.default_rng(22))
    return tissue


def mismatch(tissue: Tissue) -> float:
    """Return the fraction of sites where the joined ends of the long axis do not fit."""
    first, last = tissue.matrix[0] > 0, tissue.matrix[-1] > 0
    inside = ~(tissue.outside[0] & tissue.outside[-1])
    return float((first != last)[inside].mean()) if inside.any() else 0.0


def content(path: Path) -> str:
    """Return the checksum by which a file is known, wherever it lies."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def section_shape(gray: Fractions, scan: Scan, pixel: PixelSize, path: Path) -> tuple[int, int]:
    """Return the rows and columns of sites that an image, turned, makes."""
    sides = (pixel.high_um, pixel.wide_um)
    sides = sides[::-1] if scan.turns % 2 else sides
    rows, columns = (
        round(length * side / scan.site_um) for length, side in zip(gray.shape, sides, strict=True)
    )
    limits = Section.__dataclass_fields__["height"].metadata
    for name, count in (("height", rows), ("width", columns)):
        side = count * scan.site_um / 1000
        try:
            check(name, side, "mm", limits["low"], limits["high"])
        except ValueError as error:
            raise ValueError(f"{path}: {error}; is the pixel size right? ({pixel})") from None
    if rows * columns > MOST_SITES:
        raise ValueError(
            f"{path}: makes {rows * columns} sites; expected up to {MOST_SITES}: larger sites?"
        )
    return rows, columns


def resample(
    values: np.ndarray[Any, Any], shape: tuple[int, int], how: Image.Resampling
) -> np.ndarray[Any, Any]:
    """Return the values of sites from those of pixels."""
    return np.asarray(Image.fromarray(values).resize(shape[::-1], how))


def read_mask(path: Path, scan: Scan, pixels: tuple[int, ...], bone: Mask) -> tuple[Labels, str]:
    """Return the compartment of each site from a mask image, and what its levels mean."""
    gray = np.rot90(read_picture(path).gray, scan.turns)
    if gray.shape != pixels:
        raise ValueError(
            f"{path}: is {gray.shape[1]} x {gray.shape[0]} pixels; "
            f"expected those of the image, {pixels[1]} x {pixels[0]}"
        )
    found = np.unique(gray).tolist()
    for levels in MASK_LEVELS:
        if set(found) <= set(levels) and not is_contour(found, levels):
            labels = np.searchsorted(levels, gray).astype(np.uint8)
            region = resample(labels, bone.shape, Image.Resampling.NEAREST).astype(np.int8)
            said = ", ".join(f"{level:g} {LABELS[levels.index(level)]}" for level in found)
            return region, said
    if len(found) == 2:
        low, high = found
        inside = resample((gray == high).astype(np.uint8), bone.shape, Image.Resampling.NEAREST) > 0
        region = segment_compartments(bone & inside, scan.site_um, scan.cortex_from)
        region[inside & (region == OUTSIDE)] = TRABECULAR
        region[~inside] = OUTSIDE
        return region, f"{low:g} {LABELS[OUTSIDE]}, {high:g} within it, sorted by thickness"
    odd = min(set(found) - set(MASK_LEVELS[1]))
    raise ValueError(
        f"{path}: has gray level {odd:g}; expected 0, 1, 2 or 0, 128, 255 in a mask, or two levels"
    )


def is_contour(found: list[float], levels: tuple[int, ...]) -> bool:
    """Return whether the levels found are black and white alone, which say no more than in or out.

    As numbers, 0 and 2 are labels.
    """
    return len(found) == 2 and found == [levels[0], levels[2]] and levels != MASK_LEVELS[0]


def find_threshold(gray: Fractions, scan: Scan, path: Path) -> float:
    """Return the gray level that parts bone from marrow; refuse one that does not."""
    low, high = float(gray.min()), float(gray.max())
    if low == high:
        raise ValueError(
            f"{path}: is empty: one gray level only, {low:g}; expected bone and marrow"
        )
    try:
        level = otsu(gray) if scan.threshold is None else scan.threshold
    except ValueError:  # of NumPy
        raise ValueError(
            f"{path}: gray levels {low:g} and {high:g} are too close to part"
        ) from None
    if not low <= level <= high:
        raise ValueError(
            f"{path}: threshold = {level:g}; expected {low:g} to {high:g} (gray level)"
        )
    return level


def otsu(gray: Fractions) -> float:
    """Return the gray level that leaves the least variance within the two classes (Otsu 1979)."""
    counts, edges = np.histogram(gray, bins=256)
    weight, total = np.cumsum(counts), np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    below, above = weight[:-1], weight[-1] - weight[:-1]  # the ends of the range hold values
    apart = total[:-1] / below - (total[-1] - total[:-1]) / above
    between = below * above * apart**2
    return float(edges[1:-1][between == between.max()].mean())
