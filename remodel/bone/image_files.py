"""Gray levels and the size of a pixel from a file that a stranger may have made."""

import os
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from remodel.bone import tiff
from remodel.bone.pixel_size import Stated, from_dpi, from_tiff
from remodel.support.arrays import Fractions

FORMATS = ("PNG", "TIFF", "BMP", "JPEG")
MOST_PIXELS = 25_000_000  # 5000 x 5000
MOST_GRAY = 1e30  # or their squares are beyond all numbers
GRAY_MODES = ("L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
BROKEN = (  # what decoders raise on damaged files
    ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, RuntimeError,
    AttributeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip
SAVE = "save the slice as PNG or TIFF, in gray"
SAVE_TIFF = "save it as PNG, or as TIFF without compression, in gray"
HEAD = 512  # bytes that tell what a file is
READ = (  # where the name of a kind stands in a file, by its first letters
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"BM", "BMP"),
    (0, b"\xff\xd8\xff", "JPEG"),
)
KNOWN = (
    (128, b"DICM", "a DICOM file"),
    (0, b"GIF8", "a GIF"),
    (0, b"%PDF", "a PDF"),
    (0, b"%!PS", "a PostScript file"),
    (344, b"n+1\0", "a NIfTI volume"),
    (344, b"ni1\0", "the head of a NIfTI volume"),
    (4, b"n+2\0", "a NIfTI volume"),
    (0, struct.pack("<i", 348), "the head of an Analyze or NIfTI volume"),
    (0, struct.pack(">i", 348), "the head of an Analyze or NIfTI volume"),
    (0, b"NRRD0", "an NRRD volume"),
    (0, b"ObjectType", "a MetaImage volume (MHA or MHD)"),
    (0, b"NDims", "a MetaImage volume (MHA or MHD)"),
    (0, b"CTDATA-HEADER", "a Scanco volume (ISQ)"),
    (0, b"AIMDATA_V", "a Scanco volume (AIM)"),
    (0, struct.pack("<ii", 20, 140), "a Scanco volume (AIM)"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (such as NeXus, MINC 2 or MATLAB 7.3)"),
    (0, b"CDF\x01", "a netCDF or MINC file"),
    (0, b"CDF\x02", "a netCDF or MINC file"),
    (0, b"\x93NUMPY", "an array of NumPy"),
    (0, b"MATLAB", "a file of MATLAB"),
    (0, b"# vtk", "a VTK file"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (8, b"WEBP", "a WebP image"),
    (4, b"ftyp", "an HEIC or AVIF image, or a film"),
    (0, b"8BPS", "a file of Photoshop"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (0, b"DDS ", "a DDS image"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"ZISRAWFILE", "a CZI file of a Zeiss microscope"),
    (0, b"\xda\xce\xbe\x0a", "an ND2 file of a Nikon microscope"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a TXM, OIB or Office file"),
    (0, b"SIMPLE  =", "a FITS image"),
    (0, b"P1", "a PNM image"), (0, b"P2", "a PNM image"), (0, b"P3", "a PNM image"),
    (0, b"P4", "a PNM image"), (0, b"P5", "a PNM image"), (0, b"P6", "a PNM image"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
)  # fmt: skip
NAMES = {  # of files that have no such letters
    ".dcm": "a DICOM file", ".dicom": "a DICOM file", ".ima": "a DICOM file",
    ".aim": "a Scanco volume (AIM)", ".isq": "a Scanco volume (ISQ)", ".raw": "a raw volume",
    ".vol": "a raw volume", ".vff": "a VFF volume", ".img": "the data of an Analyze volume",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What a file of an image holds.

    Attributes
    ----------
    gray : Fractions
        Gray levels, shape (rows, columns); the larger, the lighter.
    stated : Stated, optional
        The size of a pixel that the file states, of the picture as in `gray`.
    notes : tuple of str
        What one should know of how it was read.
    """

    gray: Fractions
    stated: Stated | None = None
    notes: tuple[str, ...] = ()


def read_picture(path: Path) -> Picture:
    """Read one gray slice from a PNG, TIFF, BMP or JPEG.

    Raises
    ------
    ValueError
        In one line that names the file, if it is no image, one that is not read, not one gray
        slice, or too large; before it is decoded.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes and odd tags: judged here
            kind = identify(file, path)
            return read_tiff(file) if kind == "TIFF" else read_other(file, kind)
    except Image.DecompressionBombError:
        raise ValueError(f"{path}: is huge; expected up to {MOST_PIXELS} pixels in all") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path}: is a damaged {kind}, or one of a rare kind; {SAVE}") from None
    except OSError as error:
        if not error.strerror and "truncated" in str(error):
            raise ValueError(f"{path}: {tiff.CUT_SHORT}") from None
        why = error.strerror or str(error)
        raise ValueError(f"{path}: cannot be read ({why})") from None
    except BROKEN as error:
        raise ValueError(f"{path}: {error}") from None


def identify(file: BinaryIO, path: Path) -> str:
    """Return which of `FORMATS` a file is, by what stands in it; refuse all others."""
    head = file.read(HEAD)
    for place, letters, kind in READ:
        if head.startswith(letters, place) and (kind != "BMP" or is_bmp(head)):
            return kind
    expected = f"expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    for place, letters, what in KNOWN:
        if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(letters) or head.startswith(letters, place):
            if letters == b"\x1f\x8b" and is_nifti(head):
                what = "a NIfTI volume, packed"
            raise ValueError(f"is {what}, which is not read; {SAVE}")
    what = NAMES.get(path.suffix.lower(), "")
    if what and head:
        raise ValueError(f"is, by its name, {what}, which is not read; {SAVE}")
    raise ValueError(f"is no image; {expected}")


def is_bmp(head: bytes) -> bool:
    """Return whether more than two letters say that it is a BMP."""
    return len(head) > 18 and struct.unpack_from("<I", head, 14)[0] in (
        12,
        40,
        52,
        56,
        64,
        108,
        124,
    )


def is_nifti(head: bytes) -> bool:
    """Return whether a gzip archive begins as a NIfTI volume does."""
    try:
        start = zlib.decompressobj(31).decompress(head, 348)
    except zlib.error:
        return False
    return start[:4] in (struct.pack("<i", 348), struct.pack(">i", 348), struct.pack("<i", 540))


def read_other(file: BinaryIO, kind: str) -> Picture:
    """Read a PNG, BMP or JPEG."""
    with Image.open(file, formats=(kind,)) as image:
        check_size(*image.size)
        pages = getattr(image, "n_frames", 1)
        if pages > 1:
            raise ValueError(f"holds {pages} slices; expected one")
        stated = from_dpi(
            image.info.get("dpi"), f"{kind}, pixels per {'meter' if kind != 'JPEG' else 'inch'}"
        )
        across, down = image.info.get("aspect", (1, 1)) if kind == "PNG" else (1, 1)
        if across != down:
            raise ValueError(
                f"says that its pixels are not square ({across} x {down}) and not how large they "
                "are; resample it to square ones"
            )
        upright = ImageOps.exif_transpose(image)
        if stated and upright.size != image.size:
            stated = Stated(wide_um=stated.high_um, high_um=stated.wide_um, by=stated.by)
        gray = checked(as_gray(upright))
    lossy = "JPEG loses gray levels and blurs the edges of bone; PNG or TIFF keeps them"
    return Picture(gray=gray, stated=stated, notes=(lossy,) if kind == "JPEG" else ())


def read_tiff(file: BinaryIO) -> Picture:
    """Read a TIFF: the default kinds here, fax and JPEG within a TIFF by Pillow."""
    size = os.fstat(file.fileno()).st_size
    tags, pages = tiff.read_tags(file, size)
    width, height = tiff.one(tags, tiff.WIDTH, 0), tiff.one(tags, tiff.HEIGHT, 0)
    check_size(width, height)
    pages = max(pages, slices_of_imagej(tags))
    if pages > 1:
        raise ValueError(f"holds {pages} slices; expected one: save the one you mean by itself")
    notes = []
    if tiff.is_plain(tags):
        gray = checked(tiff.read_values(file, size, tags))
        if tiff.one(tags, tiff.PHOTOMETRIC, 1) == tiff.WHITE_IS_ZERO:
            notes = ["white is zero in this TIFF: its gray levels were turned round"]
    else:
        tiff.check_extent(tags, size)
        gray = checked(read_rare_tiff(file, tags))
    stated = from_tiff(tags)
    if stated and tiff.one(tags, tiff.ORIENTATION, 1) in (5, 6, 7, 8):
        stated = Stated(wide_um=stated.high_um, high_um=stated.wide_um, by=stated.by)
    return Picture(gray=gray, stated=stated, notes=tuple(notes))


def slices_of_imagej(tags: tiff.Tags) -> int:
    """Return how many slices ImageJ says lie behind each other, where only one is listed."""
    text = tags.get(tiff.DESCRIPTION, (b"",))[0]
    if not isinstance(text, bytes) or not text.startswith(b"ImageJ="):
        return 1
    found = [line[7:] for line in text.splitlines() if line.startswith(b"images=")]
    return int(found[0]) if found and found[0].isdigit() and len(found[0]) < 9 else 1


def read_rare_tiff(file: BinaryIO, tags: tiff.Tags) -> Fractions:
    """Return the gray levels of a TIFF that Pillow reads, where it reads them as they are."""
    refused = ValueError(f"is a {tiff.describe(tags)}, which is not read; {SAVE_TIFF}")
    signless = tiff.one(tags, tiff.FORMAT, 1) in (tiff.UNSIGNED, tiff.UNDEFINED)
    bits, dark = tiff.one(tags, tiff.BITS, 1), tiff.one(tags, tiff.PHOTOMETRIC, 1) == 0
    if not signless or bits > 16 or (bits > 8 and dark):  # Pillow mistakes them
        raise refused
    file.seek(0)
    try:
        with tiff.silent(), Image.open(file, formats=("TIFF",)) as image:
            return as_gray(image)
    except UnidentifiedImageError:
        raise refused from None
    except OSError as error:
        if error.strerror:
            raise
        raise ValueError(f"is a {tiff.describe(tags)}, damaged or not read; {SAVE_TIFF}") from None


def check_size(wide: int, high: int) -> None:
    """Refuse a picture that is too large, or none, before it is decoded."""
    if wide < 1 or high < 1:
        raise ValueError(f"is {wide} x {high} pixels; expected a picture")
    if wide * high > MOST_PIXELS:
        raise ValueError(f"is {wide} x {high} pixels; expected up to {MOST_PIXELS} in all")


def as_gray(image: Image.Image) -> np.ndarray[Any, Any]:
    """Return the gray levels of an image; colors are refused, as bone may have any of them."""
    if image.mode == "1":
        return np.asarray(image.convert("L"))  # black 0, white 255
    if image.mode in GRAY_MODES:
        return np.asarray(image)
    red, green, blue, alpha = np.moveaxis(np.asarray(image.convert("RGBA")), -1, 0)
    if (alpha < 255).any():
        raise ValueError("is transparent in part; expected gray levels")
    if (red != green).any() or (red != blue).any():
        raise ValueError("is in color; expected gray levels, such as the channel that shows bone")
    return np.asarray(red)


def checked(values: np.ndarray[Any, Any]) -> Fractions:
    """Return gray levels as numbers of one kind; refuse those that are none."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise ValueError("has gray levels that are no numbers")
        if np.abs(values).max(initial=0.0) > MOST_GRAY:
            raise ValueError(f"has gray levels beyond {MOST_GRAY:g}; expected those of an image")
    return values.astype(np.float32)
