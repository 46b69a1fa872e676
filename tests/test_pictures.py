"""What a file of an image holds is read as it is meant; a file that is not read is told by its kind."""

import gzip
import io
import shlex
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from test_command import refused, run
from test_images import scale, slab, write
from tiffs import tiff_bytes

from remodel.bone.image_files import read_picture
from remodel.bone.images import read_section
from remodel.bone.tiff import inflate, unpack_bits, unpack_lzw
from remodel.cli.commands import main
from remodel.support.console import command_line

__all__ = ["slab"]  # a fixture
KINDS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")


def numbers(kind, shape=(40, 60)):
    """Return numbers over most of the range of a type."""
    kind = np.dtype(kind)
    fraction = np.random.default_rng(4).random(shape)
    if kind.kind == "f":
        return (fraction * 200 - 50).astype(kind)
    info = np.iinfo(kind)
    span = min(info.max, 2**62) * 0.98
    return (fraction * span - (span / 2 if kind.kind == "i" else 0)).astype(kind)


def gray(folder, content, name="slice.tif"):
    (folder / name).write_bytes(content)
    return read_picture(folder / name).gray


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {}, {"order": ">"}, {"deflate": True}, {"big": True}, {"tile": (16, 32)},
        {"tile": (16, 32), "deflate": True, "order": ">", "big": True}, {"rows": 40}, {"rows": 1},
    ],
)  # fmt: skip
def test_numbers_of_every_type_are_read_as_they_are(tmp_path, kind, options):
    values = numbers(kind)
    assert np.array_equal(gray(tmp_path, tiff_bytes(values, **options)), values.astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_where_white_is_zero_the_numbers_are_turned_round(tmp_path, kind):
    values = numbers(kind)
    found = gray(tmp_path, tiff_bytes(values, {262: 0}))
    exact = values.astype(np.float64)
    ends = {
        "u": lambda: np.iinfo(kind).max,
        "i": lambda: -1,  # the range of signed numbers, from end to end
        "f": lambda: exact.min() + exact.max(),
    }
    assert found == pytest.approx(ends[values.dtype.kind]() - exact, rel=1e-3, abs=0.1)


@pytest.mark.parametrize("bits", [8, 16, 32, 64, "float"])
def test_one_picture_is_one_section_whichever_is_zero(slab, tmp_path, capsys, monkeypatch, bits):
    monkeypatch.chdir(tmp_path)
    kind = np.dtype(np.float32 if bits == "float" else f"u{bits // 8}")
    black = scale(slab).astype(kind)
    white = (250 if bits == "float" else np.iinfo(kind).max) - black
    (tmp_path / "black.tif").write_bytes(tiff_bytes(black))
    (tmp_path / "white.tif").write_bytes(tiff_bytes(white.astype(kind), {262: 0}))
    assert np.array_equal(read_section("black.tif").tissue.matrix > 0, slab)
    assert np.array_equal(read_section("white.tif").tissue.matrix > 0, slab)
    assert "note: white is zero in this TIFF" in run(capsys, "tissue", "white.tif")[1]


@pytest.mark.parametrize(
    "compression", ["tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits"]
)
@pytest.mark.parametrize("mode", ["u1", "u2", "i4", "f4"])
@pytest.mark.parametrize("predictor", [1, 2, 3])
def test_what_another_program_packed_is_unpacked(tmp_path, compression, mode, predictor):
    if (predictor == 3 and mode != "f4") or (predictor > 1 and compression == "packbits"):
        return
    values = numbers(mode, (300, 200))
    values[:100] = values[0, 0]  # long runs
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF", compression=compression, tiffinfo={317: predictor})
    assert np.array_equal(gray(tmp_path, buffer.getvalue()), values.astype(np.float32))


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "packbits", None])
def test_a_fax_of_bone_or_not_is_read(slab, tmp_path, compression):
    Image.fromarray(slab).save(tmp_path / "slice.tif", compression=compression)
    found = read_section(tmp_path / "slice.tif")
    assert np.array_equal(found.tissue.matrix > 0, slab)


@pytest.mark.parametrize("kind", ["bmp", "jpg", "jpeg"])
def test_bmp_and_jpeg_are_read_whatever_they_are_called(slab, tmp_path, capsys, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    large = np.kron(slab, np.ones((4, 4), dtype=bool))
    write(tmp_path, scale(large), f"slice.{kind}")
    (tmp_path / f"slice.{kind}").rename(tmp_path / "slice.png")
    code, out, _ = run(capsys, "tissue", "slice.png", "--pixel-size", "5")
    assert code == 0
    assert ("note: JPEG loses gray levels" in out) == (kind != "bmp")
    assert np.array_equal(read_section("slice.png").tissue.matrix > 0, large)


def foreign():
    """Return the first bytes of files of this trade that are not read, and what they are called."""
    nifti = struct.pack("<i", 348) + bytes(340) + b"n+1\0" + bytes(200)
    word = io.BytesIO()
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(word, "PDF")
    return {
        "a.dcm": (bytes(128) + b"DICM" + bytes(100), "a DICOM file"),
        "b.png": (bytes(128) + b"DICM" + bytes(100), "a DICOM file"),
        "old.dcm": (b"\x08\0\x05\0" + bytes(100), "by its name, a DICOM file"),
        "a.nii": (nifti, "a NIfTI volume"),
        "a.nii.gz": (gzip.compress(nifti), "a NIfTI volume, packed"),
        "a.gz": (gzip.compress(b"text" * 200), "a gzip archive"),
        "a.nrrd": (b"NRRD0004\n# Complete NRRD\n", "an NRRD volume"),
        "a.mha": (b"ObjectType = Image\nNDims = 3\n", "a MetaImage volume"),
        "a.aim": (struct.pack("<5i", 20, 140, 0, 0, 0) + bytes(200), "a Scanco volume (AIM)"),
        "c.tif": (b"AIMDATA_V030   " + bytes(200), "a Scanco volume (AIM)"),
        "a.isq": (b"CTDATA-HEADER_V1" + bytes(500), "a Scanco volume (ISQ)"),
        "a.h5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
        "a.npy": (b"\x93NUMPY\x01\0" + bytes(100), "an array of NumPy"),
        "a.pdf": (word.getvalue(), "a PDF"),
        "a.gif": (b"GIF89a" + bytes(100), "a GIF"),
        "a.webp": (b"RIFF\0\0\0\0WEBPVP8 " + bytes(50), "a WebP image"),
        "a.jp2": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), "a JPEG 2000"),
        "a.czi": (b"ZISRAWFILE" + bytes(100), "a CZI file"),
        "a.raw": (bytes(range(256)), "by its name, a raw volume"),
        "a.pgm": (b"P5\n60 40\n255\n" + bytes(2400), "a PNM image"),
        "a.zip": (b"PK\x03\x04" + bytes(50), "a ZIP archive"),
    }


@pytest.mark.parametrize("name", list(foreign()))
def test_a_file_that_is_not_read_is_told_by_its_kind(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    content, kind = foreign()[name]
    (tmp_path / name).write_bytes(content)
    line = refused(capsys, "tissue", name)
    assert f"{name}: is" in line
    assert kind in line
    assert "save the slice as PNG or TIFF" in line
    assert "no image" not in line


def rare():
    values = numbers("u2")
    color = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(color).save(buffer, "TIFF")
    return {
        "Zstandard": (tiff_bytes(values, {259: 50000, 262: 0}), "is a TIFF of 16 bit, Zstandard"),
        "complex": (tiff_bytes(numbers("f8"), {339: 6}), "is a TIFF of 64 bit complex"),
        "24 bit": (tiff_bytes(values, {258: 24}), "is a TIFF of 24 bit, no compression"),
        "color": (buffer.getvalue(), "is in color; expected gray levels"),
        "two channels": (tiff_bytes(values, {277: 2}), "is a TIFF of 2 channels of 16 bit"),
        "stack": (tiff_bytes(values, pages=3), "holds 3 slices; expected one"),
        "big stack": (tiff_bytes(values, pages=4, big=True, order=">"), "holds 4 slices"),
        "stack of ImageJ": (
            tiff_bytes(values, {270: b"ImageJ=1.54f\nimages=150\nslices=150\n"}),
            "holds 150 slices; expected one",
        ),
    }


@pytest.mark.parametrize("name", list(rare()))
def test_a_tiff_that_is_not_read_says_which_kind_it_is(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    content, expected = rare()[name]
    (tmp_path / "slice.tif").write_bytes(content)
    line = refused(capsys, "tissue", "slice.tif")
    assert expected in line
    assert "no image" not in line


def test_a_smaller_copy_in_a_file_is_no_second_slice(tmp_path):
    values = numbers("u1")
    content = bytearray(tiff_bytes(values, {254: 0}, pages=2))
    entry = struct.pack("<HHII", 254, 4, 1, 0)
    content[content.rindex(entry) :][:12] = b""
    second = content.rindex(entry)
    content[second : second + 12] = struct.pack("<HHII", 254, 4, 1, 1)
    assert np.array_equal(gray(tmp_path, bytes(content)), values)


PACKED = (
    "raw",
    "tiff_lzw",
    "tiff_adobe_deflate",
    "packbits",
    "group4",
    "jpeg",
    "PNG",
    "BMP",
    "JPEG",
)


def packed(how):
    values = numbers("u1", (120, 160)) if how != "group4" else numbers("u1", (120, 160)) > 99
    buffer = io.BytesIO()
    image = Image.fromarray(values)
    if how.isupper():
        image.save(buffer, how)
    else:
        image.save(buffer, "TIFF", compression=how)
    return buffer.getvalue()


@pytest.mark.parametrize("how", PACKED)
@pytest.mark.parametrize("fraction", [0.5, 0.97])
def test_a_file_cut_short_is_one_line_and_no_more(tmp_path, capfd, monkeypatch, how, fraction):
    monkeypatch.chdir(tmp_path)
    content = packed(how)
    (tmp_path / "slice.tif").write_bytes(content[: int(fraction * len(content))])
    assert main(["tissue", "slice.tif"]) == 2
    out, err = capfd.readouterr()  # of the C library of TIFF too, which writes past Python
    [line] = err.splitlines()
    assert out == ""
    assert "cut short or damaged" in line


@pytest.mark.parametrize("how", ["tiff_lzw", "tiff_adobe_deflate", "group4", "jpeg"])
def test_a_damaged_tiff_is_one_line_as_well(tmp_path, capfd, monkeypatch, how):
    monkeypatch.chdir(tmp_path)
    content = bytearray(packed(how))
    content[200:600] = b"\xff\x13" * 200
    (tmp_path / "slice.tif").write_bytes(content)
    main(["tissue", "slice.tif"])  # what can be made of it is a picture
    err = capfd.readouterr().err
    assert len(err.splitlines()) <= 1
    assert "decoder error" not in err


@pytest.mark.parametrize(
    "tags",
    [
        {322: 1 << 20, 323: 1 << 20, 324: 8, 325: 100},  # a tile larger than all memory
        {256: 60, 257: 40, 278: 0},
        {256: 0},
        {273: [8] * 3},
        {279: [1 << 31] * 6},
        {278: 1 << 31},
        {317: 7, 259: 8},
    ],
)
def test_tags_that_make_no_picture_are_refused(tmp_path, tags):
    (tmp_path / "slice.tif").write_bytes(tiff_bytes(numbers("u1"), tags))
    with pytest.raises(ValueError, match=r"slice\.tif: "):
        read_picture(tmp_path / "slice.tif")


def test_a_packed_block_is_unpacked_no_further_than_its_picture():
    assert len(inflate(zlib.compress(bytes(50_000_000)), 1000)) == 1000
    assert len(unpack_bits(b"\x81\0" * 1_000_000, 1000)) < 1200
    with pytest.raises(ValueError, match="cut short or damaged"):
        unpack_lzw(packed("tiff_lzw")[8:108], 1_000_000)


@pytest.mark.parametrize("name", ["my slices", "it's", "a;b", "$(date)", "-x", "Proben, 骨"])
def test_a_command_that_is_suggested_can_be_pasted(slab, tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, scale(slab))
    _, out, _ = run(capsys, "tissue", "slice.png", f"--out={name}")
    words = shlex.split(out.splitlines()[-1].removeprefix("try: "))
    assert words[:5] == ["remodel", "run", "atac", "--quick", "--tissue"]
    assert (tmp_path / words[5]).samefile(tmp_path / name / "section.npz")
    _, out, _ = run(capsys, "new", f"./{name}.toml")
    words = shlex.split(out.partition("try: ")[2])
    assert (tmp_path / words[2]).is_file()
    assert words[3:] == ["--quick"]
    line = refused(capsys, "movie", f"none/{name}")
    assert f"none/{name}" in shlex.split(line.partition("with: ")[2])


def test_a_plain_name_is_left_as_it_is():
    assert command_line("run", "TRIAL", "--out", "a/b") == "remodel run TRIAL --out a/b"
