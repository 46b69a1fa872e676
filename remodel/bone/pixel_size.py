"""The size of a pixel: what a file says of it, and whether that can be meant."""

import html
import json
import math
import re
from dataclasses import dataclass
from typing import Any

from remodel.bone.tiff import DESCRIPTION, RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION, Tags

PIXEL_SIZES = (0.1, 400)  # µm; what a file says beyond them is not meant
# Dots per inch that cameras, scanners' drivers and programs write where they know no size.
HABITS = (72, 75, 96, 100, 120, 144, 150, 180, 192, 200, 240, 300, 350, 360, 400, 600)
HABIT_MARGIN = 0.005  # PNG and BMP round to whole pixels per meter
INCH, CENTIMETER = 25_400.0, 10_000.0  # µm
UNITS = {  # µm
    "angstrom": 1e-4, "\u00e5": 1e-4, "nm": 1e-3, "nanometer": 1e-3,
    "um": 1.0, "\u00b5m": 1.0, "\u03bcm": 1.0, "micron": 1.0, "micrometer": 1.0,
    "mm": 1e3, "millimeter": 1e3, "cm": CENTIMETER, "centimeter": CENTIMETER,
    "m": 1e6, "meter": 1e6, "in": INCH, "inch": INCH, "inche": INCH, '"': INCH,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A pixel as its file states it: how wide and high, µm, and where that stands."""

    wide_um: float
    high_um: float
    by: str

    @property
    def doubt(self) -> str:
        """Why this cannot be meant; empty if it can."""
        if not all(PIXEL_SIZES[0] <= side <= PIXEL_SIZES[1] for side in self.sides):
            low, high = PIXEL_SIZES
            return f"no pixel of bone, {low:g} to {high:g} µm"
        # A unit of length in words is nobody's habit.
        if self.by in WORDS or self.wide_um != self.high_um:
            return ""
        dots = INCH / self.wide_um
        if any(abs(dots / habit - 1) < HABIT_MARGIN for habit in HABITS):
            return f"{dots:.0f} dpi, as programs write where they know no size"
        return ""

    @property
    def sides(self) -> tuple[float, float]:
        """Width and height, um."""
        return self.wide_um, self.high_um


WORDS = ("ImageJ", "OME-XML", "description")


@dataclass(frozen=True, kw_only=True)
class PixelSize:
    """The size that a pixel was taken to have, and where it comes from.

    Attributes
    ----------
    wide_um, high_um : float
        Sides of a pixel of the image as stored, um.
    source : str
        "given" (`Scan.pixel_um`, or ``--pixel-size``), "file" or "assumed" (that of a site).
    stated : Stated, optional
        What the file says, whether it was taken or not.
    """

    wide_um: float
    high_um: float
    source: str
    stated: Stated | None = None

    def __str__(self) -> str:
        """Return size and source in words."""
        return f"{sides((self.wide_um, self.high_um))}, {self.provenance}"

    @property
    def provenance(self) -> str:
        """Where the size comes from, in words."""
        if self.source == "file" and self.stated:
            return f"from the file ({self.stated.by})"
        how = "from --pixel-size" if self.source == "given" else "assumed"
        if self.stated is None:
            return how if self.source == "given" else f"{how}; the file gives none"
        says = f"the file says {sides(self.stated.sides)}"
        return f"{how}; {says} ({self.stated.doubt or self.stated.by})"


def sides(um: tuple[float, float]) -> str:
    """Return the sides of a pixel in words."""
    wide, high = (f"{side:.4g}" for side in um)
    # In letters that every console has: scripts read this line.
    return f"{wide} um" if wide == high else f"{wide} x {high} um (wide x high)"


def choose_size(pixel_um: float, site_um: float, stated: Stated | None) -> PixelSize:
    """Return the size of a pixel: the one given, or what the file says, or that of a site."""
    if pixel_um:
        return PixelSize(wide_um=pixel_um, high_um=pixel_um, source="given", stated=stated)
    if stated and not stated.doubt:
        wide, high = stated.sides
        return PixelSize(wide_um=wide, high_um=high, source="file", stated=stated)
    return PixelSize(wide_um=site_um, high_um=site_um, source="assumed", stated=stated)


def stated(wide: float, high: float, by: str) -> Stated | None:
    """Return a size in µm as stated, or None if it is no size."""
    if all(math.isfinite(side) and side > 0 for side in (wide, high)):
        return Stated(wide_um=wide, high_um=high, by=by)
    return None


def from_dpi(dpi: Any, by: str) -> Stated | None:
    """Return the size that a resolution in dots per inch states."""
    try:
        across, down = (float(value) for value in dpi)
        return stated(INCH / across, INCH / down, by)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def from_tiff(tags: Tags) -> Stated | None:
    """Return the size of a pixel that the tags of a TIFF state: in words first, then in inches.

    ImageJ writes its unit into the description and pixels per unit into the resolution; OME
    writes XML into the description.
    """
    text = decode(tags.get(DESCRIPTION, (b"",))[0])
    if "PhysicalSizeX" in text:
        return from_ome(text)
    across = number(tags.get(X_RESOLUTION))
    down = number(tags.get(Y_RESOLUTION)) or across
    unit = tags.get(RESOLUTION_UNIT, (2,))[0]  # an inch, if nothing is said
    units = described_units(text)
    if units is not None and across:
        return None if 0.0 in units[:2] else stated(units[0] / across, units[1] / down, units[2])
    length = {2: INCH, 3: CENTIMETER}.get(unit)
    if not length or not across:
        return None
    return stated(length / across, length / down, f"pixels per {'inch' if unit == 2 else 'cm'}")


def number(values: tuple[Any, ...] | None) -> float:
    """Return the first number of a tag, or 0."""
    try:
        value = float(values[0]) if values else 0.0
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0


def decode(raw: Any) -> str:
    """Return the description of a TIFF, which should be ASCII and is not."""
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def described_units(text: str) -> tuple[float, float, str] | None:
    """Return the units of the two axes in µm, 0 for pixels, and whose words they are."""
    if text.startswith("ImageJ="):
        pairs = (line.partition("=") for line in text.splitlines())
        words = {key.strip(): value.strip() for key, _, value in pairs}
        by = "ImageJ"
    else:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
        words, by = found if isinstance(found, dict) else {}, "description"
    if not isinstance(words.get("unit"), str):
        return None
    across = in_um(words["unit"])
    other = words.get("yunit")
    down = in_um(other) if isinstance(other, str) else across
    return across, down, by


def in_um(unit: str) -> float:
    """Return a unit of length in µm; 0 if it is none, such as a pixel."""
    word = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), unit)
    word = html.unescape(word).strip().lower().replace("tre", "ter")  # as in Britain
    return UNITS.get(word, UNITS.get(word.removesuffix("s"), 0.0))


def from_ome(text: str) -> Stated | None:
    """Return the size of a pixel in OME-XML, of which nothing else is read."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]{0,10000}", text)
    if not pixels:
        return None
    found = dict(re.findall(r"(PhysicalSize[XY](?:Unit)?)\s*=\s*[\"']([^\"'<]{0,100})", pixels[0]))
    lengths = []
    for axis in "XY":
        name = f"PhysicalSize{axis}"
        name = name if name in found else "PhysicalSizeX"
        try:
            length = float(found.get(name, ""))
        except ValueError:
            return None
        lengths.append(length * in_um(found.get(f"{name}Unit", "um")))
    return stated(lengths[0], lengths[1], "OME-XML")
