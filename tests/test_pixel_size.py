"""The size of a pixel is the one given, or what the file says, or that of a site; and it is said."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from test_command import refused, run
from test_images import scale, slab, write
from tiffs import tiff_bytes

from remodel.bone.images import Scan, read_section
from remodel.bone.pixel_size import HABITS, Stated

__all__ = ["slab"]  # a fixture
RESOLUTION, UNIT = (282, 283), 296
OME = (
    '<?xml version="1.0" encoding="UTF-8"?><OME><Image><Pixels DimensionOrder="XYZCT" {}'
    'SizeX="60" SizeY="40" Type="uint8"/></Image></OME>'
)


def stated_tiff(bone, text=b"", across=0.0, down=None, unit=1, **options):
    tags = {UNIT: unit}
    if text:
        tags[270] = text
    if across:
        tags |= dict(zip(RESOLUTION, (across, down or across), strict=True))
    return tiff_bytes(scale(bone), tags, **options)


def imagej(unit, um=10.0):
    """Return description and pixels per unit, as ImageJ writes them."""
    per_um = {"mm": 1e3, "cm": 1e4, "inch": 25_400.0, "nm": 1e-3}
    return f"ImageJ=1.54f\nunit={unit}\nmin=0.0\nmax=255.0\n".encode(), per_um.get(unit, 1.0) / um


def files():
    """Return how to write a file of pixels of 10 um, and what is said of it."""
    made = {}
    for unit in (
        "um",
        "micron",
        "microns",
        "\u00b5m",
        "\u03bcm",
        "\\u00B5m",
        "mm",
        "cm",
        "inch",
        "nm",
    ):
        made[f"imagej {unit}"] = (imagej(unit), {}, "from the file (ImageJ)")
    made["imagej, latin"] = ((b"ImageJ=1.53\nunit=\xb5m\n", 0.1), {}, "from the file (ImageJ)")
    made["imagej, big"] = (imagej("um"), {"big": True, "order": ">"}, "from the file (ImageJ)")
    for text in (
        'PhysicalSizeX="10.0" PhysicalSizeY="10.0" ',
        "PhysicalSizeX='10' PhysicalSizeXUnit='\u00b5m' ",
        'PhysicalSizeX="0.01" PhysicalSizeXUnit="mm" PhysicalSizeY="10" PhysicalSizeYUnit="\u00b5m" ',
        'PhysicalSizeX="10000" PhysicalSizeXUnit="nm" ',
        'PhysicalSizeX="10" PhysicalSizeXUnit="&#181;m" ',
    ):
        made[f"ome {text}"] = ((OME.format(text).encode(), 0.0), {}, "from the file (OME-XML)")
    made["ome beside 72 dpi"] = (
        (OME.format('PhysicalSizeX="10" ').encode(), 72.0), {"unit": 2}, "from the file (OME-XML)",
    )  # fmt: skip
    made["json"] = ((b'{"shape": [40, 60], "unit": "um"}', 0.1), {}, "from the file (description)")
    made["inch"] = ((b"", 2540.0), {"unit": 2}, "from the file (pixels per inch)")
    made["cm"] = ((b"made by hand", 1000.0), {"unit": 3}, "from the file (pixels per cm)")
    return made


@pytest.mark.parametrize("name", list(files()))
def test_the_size_that_a_file_states_is_taken_and_said(slab, tmp_path, name):
    (text, across), options, said = files()[name]
    path = tmp_path / "slice.tif"
    path.write_bytes(stated_tiff(slab, text, across, **options))
    found = read_section(path)
    assert found.pixel.source == "file"
    assert (found.pixel.wide_um, found.pixel.high_um) == pytest.approx((10, 10), rel=1e-3)
    assert str(found.pixel) == f"10 um, {said}"
    assert found.tissue.matrix.shape == (20, 30)
    assert found.about["pixel"]["from"] == said


@pytest.mark.parametrize("kind", ["png", "bmp", "jpg"])
def test_png_bmp_and_jpeg_state_a_size_as_well(slab, tmp_path, kind):
    path = tmp_path / f"slice.{kind}"
    Image.fromarray(scale(slab)).save(path, dpi=(2540, 2540))
    found = read_section(path)
    assert found.pixel.source == "file"
    assert found.pixel.wide_um == pytest.approx(10, rel=1e-3)
    assert found.tissue.matrix.shape == (20, 30)


def meaningless():
    """Return what files say that is no size of a pixel of bone."""
    return {
        "nothing": ((b"", 0.0), {}, "the file gives none"),
        "imagej pixel": ((b"ImageJ=1.54f\nunit=pixel\n", 1.0), {}, "the file gives none"),
        "imagej, no unit": ((b"ImageJ=1.54f\nimages=1\n", 1.0), {}, "the file gives none"),
        "imagej, an odd unit": ((b"ImageJ=1.54f\nunit=parsec\n", 1.0), {}, "the file gives none"),
        "ome pixel": (
            (OME.format('PhysicalSizeX="1" PhysicalSizeXUnit="pixel" ').encode(), 0.0), {},
            "the file gives none",
        ),
        "ome no number": (
            (OME.format('PhysicalSizeX="wide" ').encode(), 0.0), {}, "the file gives none",
        ),
        "no unit": ((b"", 100.0), {}, "the file gives none"),
        "72 dpi": ((b"", 72.0), {"unit": 2}, "the file says 352.8 um (72 dpi, as programs write"),
        "96 dpi": ((b"", 96.0), {"unit": 2}, "the file says 264.6 um (96 dpi, as programs write"),
        "300 dpi, cm": ((b"", 118.11), {"unit": 3}, "the file says 84.67 um (300 dpi, as programs"),
        "1 dpi": ((b"", 1.0), {"unit": 2}, "the file says 2.54e+04 um (no pixel of bone, 0.1 to 400"),
        "mm by mistake": (imagej("mm", 1000.0), {}, "the file says 1000 um (no pixel of bone"),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(meaningless()))
def test_what_cannot_be_meant_is_not_taken_and_said(slab, tmp_path, name):
    (text, across), options, said = meaningless()[name]
    path = tmp_path / "slice.tif"
    path.write_bytes(stated_tiff(slab, text, across, **options))
    found = read_section(path)
    assert found.pixel.source == "assumed"
    assert found.tissue.matrix.shape == slab.shape
    assert str(found.pixel).startswith(f"20 um, assumed; {said}")


@pytest.mark.parametrize("dots", HABITS)
@pytest.mark.parametrize("kind", ["png", "bmp"])
def test_a_habit_is_known_though_it_was_rounded_to_pixels_per_meter(slab, tmp_path, dots, kind):
    path = tmp_path / f"slice.{kind}"
    Image.fromarray(scale(slab)).save(path, dpi=(dots, dots))
    assert read_section(path).pixel.source == "assumed"


@pytest.mark.parametrize("um", [5, 6, 8.7, 10, 19.5, 25, 30.3, 34, 61, 82, 100])
def test_no_default_size_of_a_scanner_is_taken_for_a_habit(um):
    assert not Stated(wide_um=um, high_um=um, by="PNG, pixels per meter").doubt


def test_a_size_that_is_given_holds_and_the_other_is_told(slab, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tif").write_bytes(stated_tiff(slab, *imagej("um")))
    write(tmp_path, scale(slab), "b.png")
    _, out, _ = run(capsys, "tissue", "a.tif", "--out", "1")
    assert "pixel size 10 um, from the file (ImageJ)" in out
    assert "section: 20 x 30 sites" in out
    _, out, _ = run(capsys, "tissue", "a.tif", "--pixel-size", "40", "--out", "2")
    assert "pixel size 40 um, from --pixel-size; the file says 10 um (ImageJ)" in out
    assert "section: 80 x 120 sites" in out
    _, out, _ = run(capsys, "tissue", "b.png", "--pixel-size", "40", "--out", "3")
    assert "pixel size 40 um, from --pixel-size\n" in out
    _, out, _ = run(capsys, "tissue", "b.png", "--out", "4")
    assert "pixel size 20 um, assumed; the file gives none\n" in out
    assert read_section(tmp_path / "a.tif", Scan(pixel_um=40.0)).pixel.source == "given"


@pytest.mark.parametrize("turns", [0, 1])
def test_pixels_that_are_not_square_make_sites_that_are(slab, tmp_path, turns):
    text, across = imagej("um")
    (tmp_path / "a.tif").write_bytes(stated_tiff(slab, text, across, across / 2))
    found = read_section(tmp_path / "a.tif", Scan(turns=turns))
    assert str(found.pixel) == "10 x 20 um (wide x high), from the file (ImageJ)"
    assert np.rot90(found.tissue.matrix, -turns).shape == (40, 30)


def test_a_picture_on_its_side_is_put_upright_with_its_pixels(slab, tmp_path):
    content = tiff_bytes(
        scale(np.rot90(slab)), {274: 6, 270: b"ImageJ=1\nunit=um\n", 282: 0.1, 283: 0.05, 296: 1}
    )
    (tmp_path / "a.tif").write_bytes(content)
    found = read_section(tmp_path / "a.tif")
    assert np.array_equal(found.gray > 0, slab)
    assert (found.pixel.wide_um, found.pixel.high_um) == pytest.approx((20, 10))


def test_a_shape_without_a_size_is_refused(slab, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, scale(slab))
    content = path.read_bytes()
    body = b"pHYs" + struct.pack(">IIB", 1, 2, 0)
    chunk = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(content[:33] + chunk + content[33:])
    assert "its pixels are not square (1 x 2)" in refused(capsys, "tissue", "slice.png")


def test_a_size_out_of_proportion_is_named_with_where_it_comes_from(
    slab, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tif").write_bytes(stated_tiff(slab, *imagej("um", 0.5)))
    line = refused(capsys, "tissue", "a.tif")
    assert "is the pixel size right? (0.5 um, from the file (ImageJ))" in line
