"""From an image, a histology or micro-CT slice, to a section of bone."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from remodel.archive import SITE_SIZES
from remodel.arrays import Labels, Mask, Shares
from remodel.compartments import CORTEX_FROM, CORTEX_RANGE, tell_compartments
from remodel.parameters import Parameters, Section
from remodel.quantities import check
from remodel.sections import lay_ages
from remodel.tissue import CORTICAL, MOST_SITES, OUTSIDE, TRABECULAR, Tissue

FORMATS = ("PNG", "TIFF")
MOST_PIXELS = 25_000_000  # 5000 x 5000
MOST_GRAY = 1e30  # or their squares are beyond all numbers
GRAY_MODES = ("1", "L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
BROKEN = (  # what decoders raise on damaged files
    ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, RuntimeError,
    AttributeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
PIXEL_SIZES = (0.1, 400)  # um
MASK_LEVELS = ((OUTSIDE, TRABECULAR, CORTICAL), (0, 128, 255))  # as numbers, or to be seen


@dataclass(frozen=True, kw_only=True)
class Scan:
    """How an image is to be understood.

    Attributes
    ----------
    site_um, pixel_um : float
        Side of a site and of a pixel, um; a pixel is a site where `pixel_um` is 0.
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
        Local thickness, um, from which compact bone is cortex; not used with a mask.
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
        check("site size", self.site_um, "um", *SITE_SIZES)
        if self.pixel_um:
            check("pixel size", self.pixel_um, "um", *PIXEL_SIZES)
        check("cortex from", self.cortex_from, "um", *CORTEX_RANGE)

    @property
    def sites_per_pixel(self) -> float:
        """Sites along one pixel."""
        return (self.pixel_um or self.site_um) / self.site_um


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What was understood of an image.

    Attributes
    ----------
    gray : Shares
        Gray levels as read, turned, in pixels.
    threshold : float
        The gray level that was used.
    tissue : Tissue
        The section.
    mismatch : float
        Share of the sites at the two ends of the long axis, 0 to 1, where one end has bone
        and the other, to which it is joined, has none.
    about : dict
        The image by its content, and how it was understood; no name and no folder.
    """

    gray: Shares
    threshold: float
    tissue: Tissue
    mismatch: float
    about: dict[str, Any]


def read_section(
    path: Path | str, scan: Scan | None = None, mask: Path | str | None = None
) -> Understood:
    """Read a section of bone from an image.

    Parameters
    ----------
    path : Path or str
        PNG or TIFF, one slice, gray, of 8, 16 or 32 bit.
    scan : Scan, optional
        How to understand it.
    mask : Path or str, optional
        An image of the same size that says which compartment each pixel belongs to; gray
        levels 0, 1, 2 or 0, 128, 255 for beyond the periosteum, trabecular, cortical.

    Raises
    ------
    ValueError
        With one line that names the file, what was found and what was expected.
    """
    path, mask = Path(path), Path(mask) if mask is not None else None
    scan = scan or Scan()
    gray = np.rot90(read_gray(path), scan.turns)
    level = find_threshold(gray, scan, path)
    shape = section_shape(gray, scan, path)
    pixels = gray < level if scan.dark else gray > level
    bone = resample(pixels.astype(np.float32), shape, Image.Resampling.BOX) >= 0.5
    if bone.all() or not bone.any():
        found = "bone" if bone.any() else "marrow"
        raise ValueError(f"{path}: all of it is {found} at gray level {level:g}; expected both")
    region = (
        read_mask(mask, scan, gray.shape, shape)
        if mask
        else tell_compartments(bone, scan.site_um, scan.cortex_from)
    )
    about: dict[str, Any] = {
        "image_sha256": content(path),
        "mask_sha256": content(mask) if mask else None,
        "scan": vars(scan) | {"threshold": level},
    }
    tissue = build_tissue(bone, region, scan, path)
    return Understood(
        gray=gray, threshold=level, tissue=tissue, mismatch=mismatch(tissue), about=about
    )


def build_tissue(bone: Mask, region: Labels, scan: Scan, path: Path) -> Tissue:
    """Return the section; bone beyond the periosteum is left out, mineral has random ages."""
    bone &= region != OUTSIDE
    if not bone.any():
        raise ValueError(f"{path}: no bone lies within the periosteum; expected some")
    if scan.mirror:
        bone, region = (np.concatenate([part, part[::-1]]) for part in (bone, region))
    tissue = Tissue(bone.astype(np.float64), region, region == OUTSIDE, scan.site_um)
    lay_ages(tissue, Parameters(), np.random.default_rng(22))
    return tissue


def mismatch(tissue: Tissue) -> float:
    """Return the share of sites where the joined ends of the long axis do not fit."""
    first, last = tissue.matrix[0] > 0, tissue.matrix[-1] > 0
    inside = ~(tissue.outside[0] & tissue.outside[-1])
    return float((first != last)[inside].mean()) if inside.any() else 0.0


def content(path: Path) -> str:
    """Return the checksum by which a file is known, wherever it lies."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def section_shape(gray: Shares, scan: Scan, path: Path) -> tuple[int, int]:
    """Return the rows and columns of sites that an image makes."""
    rows, columns = (round(length * scan.sites_per_pixel) for length in gray.shape)
    limits = Section.__dataclass_fields__["height"].metadata
    for name, count in (("height", rows), ("width", columns)):
        side = count * scan.site_um / 1000
        try:
            check(name, side, "mm", limits["low"], limits["high"])
        except ValueError as error:
            raise ValueError(f"{path}: {error}; is the pixel size right?") from None
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


def read_mask(path: Path, scan: Scan, pixels: tuple[int, ...], shape: tuple[int, int]) -> Labels:
    """Return the compartment of each site from a mask image."""
    gray = np.rot90(read_gray(path), scan.turns)
    if gray.shape != pixels:
        raise ValueError(
            f"{path}: is {gray.shape[1]} x {gray.shape[0]} pixels; "
            f"expected those of the image, {pixels[1]} x {pixels[0]}"
        )
    found = set(np.unique(gray).tolist())
    for levels in MASK_LEVELS:
        if found <= set(levels):
            labels = np.searchsorted(levels, gray).astype(np.uint8)
            return resample(labels, shape, Image.Resampling.NEAREST).astype(np.int8)
    odd = min(found - set(MASK_LEVELS[-1]))
    raise ValueError(f"{path}: has gray level {odd:g}; expected 0, 1, 2 or 0, 128, 255 in a mask")


def find_threshold(gray: Shares, scan: Scan, path: Path) -> float:
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


def otsu(gray: Shares) -> float:
    """Return the gray level that leaves the least variance within the two classes (Otsu 1979)."""
    counts, edges = np.histogram(gray, bins=256)
    weight, total = np.cumsum(counts), np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)
    below, above = weight[:-1], weight[-1] - weight[:-1]  # the ends of the range hold values
    apart = total[:-1] / below - (total[-1] - total[:-1]) / above
    between = below * above * apart**2
    return float(edges[1:-1][between == between.max()].mean())


def read_gray(path: Path) -> Shares:
    """Return the gray levels of an image, shape (rows, columns).

    Raises
    ------
    ValueError
        If it is no image, not one gray slice, or too large, before it is decoded.
    """
    with opened(path) as image:
        wide, high = image.size
        if wide * high > MOST_PIXELS:
            raise ValueError(f"is {wide} x {high} pixels; expected up to {MOST_PIXELS} in all")
        if getattr(image, "n_frames", 1) > 1:
            raise ValueError(f"holds {image.n_frames} slices; expected one")  # type: ignore[attr-defined]
        gray = as_gray(image)
        if not np.isfinite(gray).all():
            raise ValueError("has gray levels that are no numbers")
        if np.abs(gray).max(initial=0.0) > MOST_GRAY:
            raise ValueError(f"has gray levels beyond {MOST_GRAY:g}; expected those of an image")
        return gray


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image without decoding it; whatever fails is one line that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes and odd tags: judged here
            with Image.open(path, formats=FORMATS) as image:
                yield image
    except Image.DecompressionBombError:
        raise ValueError(f"{path}: is huge; expected up to {MOST_PIXELS} pixels in all") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path}: is no image; expected {' or '.join(FORMATS)}") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise ValueError(f"{path}: cannot be read ({why})") from None
    except BROKEN as error:
        raise ValueError(f"{path}: {error}") from None


def as_gray(image: Image.Image) -> Shares:
    """Return the gray levels of an image; colors are refused, as bone may have any of them."""
    if image.mode in GRAY_MODES:
        return np.asarray(image).astype(np.float32)
    red, green, blue, alpha = np.moveaxis(np.asarray(image.convert("RGBA")), -1, 0)
    if (alpha < 255).any():
        raise ValueError("is transparent in part; expected gray levels")
    if (red != green).any() or (red != blue).any():
        raise ValueError("is in color; expected gray levels, such as the channel that shows bone")
    return np.asarray(red, dtype=np.float32)
