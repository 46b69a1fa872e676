"""An image becomes the section that it shows, and what is no image of bone is one line."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from test_command import refused, run
from tiffs import tiff_bytes

from remodel import BoneModel, Parameters
from remodel.bone.files import load_section, section_sum
from remodel.bone.images import Scan, otsu, read_section
from remodel.bone.section import CORTICAL, OUTSIDE, TRABECULAR
from remodel.bone.synthetic import build_section
from remodel.report.section_report import compartment_image, structure_table


def write(folder, gray, name="slice.png", **options):
    """Write an image and return its path."""
    Image.fromarray(np.asarray(gray)).save(folder / name, **options)
    return folder / name


def histology(tissue, pixels=4, dark=False, noise=10.0):
    """Return a noisy gray image, 8 bit, of a section, some pixels to a site; half a site is bone."""
    bone = np.kron(tissue.matrix >= 0.5, np.ones((pixels, pixels), dtype=bool))
    gray = np.where(bone ^ dark, 190.0, 40.0)
    return (gray + np.random.default_rng(5).normal(0, noise, gray.shape)).round().astype(np.uint8)


@pytest.fixture(scope="module")
def built():
    return build_section(Parameters().with_values({"section.site": 20.0}), seed=1)


@pytest.fixture(scope="module")
def slab():
    """Return rows of bone: 12 sites of marrow with a strut, 12 of cortex with a pore, 6 outside."""
    bone = np.zeros((40, 60), dtype=bool)
    bone[:, 24:50] = True
    bone[18:21, :24] = True
    bone[8:10, 35:37] = False
    return bone


def scale(bone):
    return (bone * 200).astype(np.uint8)


@pytest.mark.parametrize("dark", [False, True])
def test_an_image_of_a_section_is_read_as_that_section(built, tmp_path, dark):
    path = write(tmp_path, histology(built, dark=dark))
    found = read_section(path, Scan(pixel_um=5.0, dark=dark))
    assert np.array_equal(found.tissue.matrix, built.matrix >= 0.5)
    assert (found.tissue.region == built.region).mean() > 0.99
    assert found.tissue.site_um == built.site_um


def test_a_section_that_was_read_lies_in_its_file_and_runs(built, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, histology(built))
    code, out, _ = run(capsys, "tissue", "slice.png", "--pixel-size", "5")
    assert code == 0
    assert "results/slice-section: section.npz, section.png, histomorphometry.csv" in out
    section = load_section("results/slice-section/section.npz")
    assert np.array_equal(section.matrix, built.matrix >= 0.5)
    model = BoneModel(
        tissue=section, parameters=Parameters().with_values({"time.spin_up": 0.5}), rng=1
    )
    model.run(0.5)
    assert len(model.agents) > 10


def test_units_stay_in_the_bone_of_an_image_and_cross_the_joined_ends(slab, tmp_path):
    """Cells know neither the image nor its border: they find marrow and bone, and no outside."""
    tissue = read_section(write(tmp_path, scale(slab)), Scan(pixel_um=25.0, site_um=25.0)).tissue
    assert (tissue.region == OUTSIDE).any()
    model = BoneModel(
        "anastrozole 0-3",
        tissue=tissue,
        parameters=Parameters().with_values({"time.spin_up": 3.0}),
        rng=1,
    )
    rows, columns = slab.shape
    crossed = False
    for _ in range(150):
        model.step()
        pits = model.tissue.pits
        for unit in model.units:
            reached = set((pits.site[pits.rows_of(unit.number)] // columns).tolist())
            crossed |= {0, rows - 1} <= reached
    assert crossed
    for name in ("matrix", "cavity", "unmineralized", "resorbed", "formed"):
        assert not getattr(model.tissue, name)[tissue.outside].any(), name
    assert not np.array_equal(model.tissue.matrix, tissue.matrix)


@pytest.mark.parametrize("site", [10.0, 13.0, 27.0])
def test_area_is_kept_by_resampling(built, tmp_path, site):
    path = write(tmp_path, histology(built))
    tissue = read_section(path, Scan(pixel_um=5.0, site_um=site)).tissue
    area = (tissue.matrix > 0).sum() * site**2
    assert area == pytest.approx((built.matrix >= 0.5).sum() * 20.0**2, rel=0.03)


@pytest.mark.parametrize(
    "kind", ["8 bit", "16 bit", "32 bit", "float", "palette", "RGB that is gray", "TIFF"]
)
def test_every_kind_of_gray_is_read_alike(slab, tmp_path, kind):
    gray = scale(slab)
    pictures = {
        "8 bit": gray,
        "16 bit": gray.astype(np.uint16) * 300,
        "32 bit": gray.astype(np.int32) * 100_000,
        "float": gray.astype(np.float32) / 1000 - 0.1,
        "RGB that is gray": np.stack([gray] * 3, axis=-1),
    }
    name = "slice.tiff" if kind in ("TIFF", "float", "32 bit") else "slice.png"
    if kind == "palette":
        Image.fromarray(gray).convert("P").save(tmp_path / name)
    else:
        write(tmp_path, pictures.get(kind, gray), name)
    assert np.array_equal(read_section(tmp_path / name).tissue.matrix > 0, slab)


def test_otsu_parts_two_heaps_and_takes_the_middle_of_a_gap():
    rng = np.random.default_rng(3)
    heaps = np.concatenate([rng.normal(50, 10, 4000), rng.normal(150, 10, 4000)])
    assert otsu(heaps) == pytest.approx(100, abs=8)
    assert otsu(np.array([0.0, 10.0] * 50)) == pytest.approx(5, abs=0.1)


def test_a_given_threshold_is_taken(slab, tmp_path):
    gray = scale(slab)
    gray[:, :12] = 100
    path = write(tmp_path, gray)
    assert (read_section(path, Scan(threshold=150)).tissue.matrix[0, :12] == 0).all()
    assert (read_section(path, Scan(threshold=50)).tissue.matrix[0, :12] == 1).all()


@pytest.mark.parametrize("levels", [(0, 1, 2), (0, 128, 255), (0, 32767, 65535), (0, 32768, 65535)])
def test_a_mask_image_says_what_is_what(slab, tmp_path, levels):
    region = np.full(slab.shape, TRABECULAR)
    region[:, 30:], region[:, 45:] = CORTICAL, OUTSIDE
    mask = write(
        tmp_path,
        np.array(levels, dtype=np.uint8 if max(levels) < 256 else np.uint16)[region],
        "mask.png",
    )
    tissue = read_section(write(tmp_path, scale(slab)), None, mask).tissue
    assert np.array_equal(tissue.region, region)
    assert not tissue.matrix[:, 45:].any()


@pytest.mark.parametrize(
    "levels, said",
    [
        ((0, 1), "mask: 0 beyond the periosteum, 1 trabecular\n"),
        ((1, 2), "mask: 1 trabecular, 2 cortical\n"),
        ((128, 255), "mask: 128 trabecular, 255 cortical\n"),
        ((0, 255), "mask: 0 beyond the periosteum, 255 within it, sorted by thickness\n"),
        ((0, 65535), "mask: 0 beyond the periosteum, 65535 within it, sorted by thickness\n"),
        ((False, True), "mask: 0 beyond the periosteum, 255 within it, sorted by thickness\n"),
        ((3, 7), "mask: 3 beyond the periosteum, 7 within it, sorted by thickness\n"),
    ],
)
def test_a_mask_of_two_levels_is_segmented_and_said(
    slab, tmp_path, capsys, monkeypatch, levels, said
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, scale(slab))
    inner, outer = (np.arange(60) < edge for edge in (30, 50))
    low = np.broadcast_to(~(inner if levels[0] else outer), slab.shape)
    low = ~low if levels in [(1, 2), (128, 255)] else low
    values = np.where(low, *levels)
    kind = bool if levels[1] is True else np.uint8 if levels[1] < 256 else np.uint16
    write(tmp_path, values.astype(kind), "mask.png")
    assert said in run(capsys, "tissue", "slice.png", "--mask", "mask.png")[1]
    region = read_section(tmp_path / "slice.png", None, tmp_path / "mask.png").tissue.region
    if "cortical" in said:
        assert np.array_equal(region == CORTICAL, ~low)
        assert np.array_equal(region == TRABECULAR, low)
    else:
        assert np.array_equal(region == OUTSIDE, low)
        assert (region == CORTICAL).any() == ("thickness" in said and levels[0] == 0)


@pytest.mark.parametrize("levels", [(0, 1), (0, 255), (1, 2), (0, 65535), (-1, 1), (-300, 20)])
@pytest.mark.parametrize("form", ["png", "tiff"])
def test_a_picture_of_two_levels_is_bone_or_not_whatever_they_are(slab, tmp_path, levels, form):
    values = np.where(slab, levels[1], levels[0])
    kinds = [np.uint8, np.uint16] if min(levels) >= 0 else [np.int8, np.int16, np.float64]
    for kind in kinds:
        if kind(0).dtype.kind != "f" and max(map(abs, levels)) > np.iinfo(kind).max:
            continue
        path = tmp_path / f"slice.{form}"
        if form == "png" and min(levels) < 0:
            continue
        if form == "png":
            write(tmp_path, values.astype(kind))
        else:
            path.write_bytes(tiff_bytes(values.astype(kind)))
        assert np.array_equal(read_section(path).tissue.matrix > 0, slab)


def test_turns_and_mirror_make_the_long_axis_run_down_and_fit(slab, tmp_path):
    slab = slab.copy()
    slab[0, :20] = True  # what the lower end does not have
    path = write(tmp_path, scale(np.rot90(slab, 3)))
    turned = read_section(path, Scan(turns=1))
    assert np.array_equal(turned.tissue.matrix > 0, slab)
    assert turned.mismatch == pytest.approx(20 / 50)
    mirrored = read_section(path, Scan(turns=1, mirror=True))
    assert mirrored.mismatch == 0.0
    assert np.array_equal(mirrored.tissue.matrix[:40], turned.tissue.matrix)
    assert len(mirrored.tissue.matrix) == 80


def test_histomorphometry_of_a_slab_is_what_it_was_made_of(slab, tmp_path):
    tissue = read_section(write(tmp_path, scale(slab))).tissue
    table = structure_table(tissue).set_index("index")
    assert table.loc["Ct.Th", "cortical"] == pytest.approx(26 * 0.02)
    assert table.loc["Ct.Po", "cortical"] == pytest.approx(100 * 4 / (40 * 26))
    assert table.loc["BV/TV", "trabecular"] == pytest.approx(100 * 3 / 40)
    assert np.isnan(table.loc["Tb.Th", "cortical"])


def test_the_picture_shows_each_compartment_in_a_color_of_its_own(slab, tmp_path):
    tissue = read_section(write(tmp_path, scale(slab))).tissue
    colors = compartment_image(tissue)
    sites = [(0, 0), (19, 5), (9, 36), (0, 30), (0, 55)]  # marrow, strut, pore, cortex, outside
    assert len({tuple(colors[site]) for site in sites}) == 5


def test_equal_images_make_equal_files_that_name_no_folder(slab, tmp_path, capsys, monkeypatch):
    made = []
    for name in ("secret", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        write(tmp_path / name, scale(slab))
        assert run(capsys, "tissue", f"{tmp_path}/{name}/slice.png", "--out", "made")[0] == 0
        made.append([path.read_bytes() for path in sorted((tmp_path / name / "made").iterdir())])
    assert made[0] == made[1]
    with np.load(tmp_path / "secret" / "made" / "section.npz") as file:
        assert b"secret" not in file["record"].tobytes()


def png(width, height):
    """Return a PNG that says it is large and holds nothing."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def as_bytes(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bad_images():
    rng = np.random.default_rng(1)
    color = Image.fromarray(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8))
    gray = Image.fromarray(rng.integers(0, 255, (40, 60), dtype=np.uint8))
    clear = gray.convert("RGBA")
    clear.putpixel((3, 3), (0, 0, 0, 0))
    nothing = np.full((40, 60), np.nan, dtype=np.float32)
    wild = np.where(np.asarray(gray) > 99, 3e38, -3e38).astype(np.float32)
    alike = np.where(np.asarray(gray) > 99, 1e8, 1e8 + 8).astype(np.float32)
    return {
        "empty file": (b"", "is no image; expected PNG, TIFF, BMP or JPEG"),
        "text": (b"hello" * 20, "is no image; expected PNG, TIFF, BMP or JPEG"),
        "gif": (
            as_bytes(gray, "GIF"),
            "is a GIF, which is not read; save the slice as PNG or TIFF",
        ),
        "cut short": (as_bytes(gray)[:900], "slice.png: "),
        "cut head": (as_bytes(gray)[:20], "slice.png: "),
        "color": (as_bytes(color), "is in color; expected gray levels"),
        "transparent": (as_bytes(clear), "is transparent in part"),
        "several slices": (
            as_bytes(gray, "TIFF", save_all=True, append_images=[gray, gray]),
            "holds 3 slices; expected one",
        ),
        "no numbers": (as_bytes(Image.fromarray(nothing), "TIFF"), "no numbers"),
        "beyond numbers": (as_bytes(Image.fromarray(wild), "TIFF"), "gray levels beyond 1e+30"),
        "too alike": (as_bytes(Image.fromarray(alike), "TIFF"), "are too close to part"),
        "huge": (png(6000, 6000), "is 6000 x 6000 pixels; expected up to 25000000 in all"),
        "a bomb": (png(60_000, 60_000), "is huge; expected up to 25000000"),
        "beyond a warning": (png(10_000, 10_000), "is 10000 x 10000 pixels"),
        "all marrow": (as_bytes(Image.new("L", (60, 40), 0)), "is empty: one gray level only, 0"),
        "all bone": (as_bytes(Image.new("L", (60, 40), 255)), "one gray level only, 255"),
        "too small": (as_bytes(gray.resize((10, 10))), "height = 0.2 mm; expected 0.4 to 40 mm"),
        "too wide": (as_bytes(gray.resize((2100, 40))), "width = 42.0 mm; expected 0.4 to 40 mm"),
    }


@pytest.mark.parametrize("name", list(bad_images()))
def test_what_is_no_image_of_bone_is_refused(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, expected = bad_images()[name]
    (tmp_path / "slice.png").write_bytes(content)
    assert expected in refused(capsys, "tissue", "slice.png")
    assert [path.name for path in tmp_path.iterdir()] == ["slice.png"]


@pytest.mark.parametrize(
    "options, expected",
    [
        ("--site-size 0", "site-size = 0 µm; expected 5 to 40 µm"),
        ("--site-size -3", "site-size = -3 µm"),
        ("--site-size nan", "site-size = nan µm"),
        ("--pixel-size 1e9", "pixel-size = 1e9 µm; expected 0.1 to 400 µm"),
        ("--site-size 20 --pixel-size 0.2", "is the pixel size right?"),
        ("--threshold 500", "threshold = 500; expected 0 to 200 (gray level)"),
        ("--threshold 200", "all of it is marrow at gray level 200"),
        ("--threshold 0 --dark-bone", "all of it is marrow at gray level 0"),
        ("--cortex-from 0", "cortex-from = 0 µm; expected 100 to 5000 µm"),
        ("--mask wrong.png", "wrong.png: is 30 x 40 pixels; expected those of the image, 60 x 40"),
        (
            "--mask odd.png",
            "odd.png: has gray level 7; expected 0, 1, 2 or 0, 128, 255 in a mask, or two levels",
        ),
        ("--mask out.png", "no bone lies within the periosteum"),
        ("--mask none.png", "none.png: cannot be read"),
        ("--rotate 45", "invalid choice"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    slab, tmp_path, capsys, options, expected, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, scale(slab))
    for name, shape, level in (("wrong", (40, 30), 0), ("odd", (40, 60), 7), ("out", (40, 60), 0)):
        write(tmp_path, np.full(shape, level, dtype=np.uint8), f"{name}.png")
    assert expected in refused(capsys, "tissue", "slice.png", *options.split())


def test_too_many_sites_are_refused(tmp_path, slab, monkeypatch):
    monkeypatch.setattr("remodel.bone.images.MOST_SITES", 1000)
    with pytest.raises(ValueError, match=r"makes 2400 sites; expected up to 1000"):
        read_section(write(tmp_path, scale(slab)))


def test_a_folder_that_holds_something_else_is_left_alone(slab, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, scale(slab))
    write(tmp_path, scale(slab[::-1]), "other.png")
    assert run(capsys, "tissue", "slice.png", "--out", "a")[0] == 0
    before = section_sum(load_section("a/section.npz"))
    assert run(capsys, "tissue", "slice.png", "--out", "a")[0] == 0
    assert "already holds another section" in refused(capsys, "tissue", "other.png", "--out", "a")
    assert section_sum(load_section("a/section.npz")) == before
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").write_text("years")
    assert "holds files but no section" in refused(capsys, "tissue", "slice.png", "--out", "b")


def test_a_section_without_cortex_says_what_dxa_makes_of_it(slab, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    strut = slab.copy()
    strut[:, 24:] = False
    write(tmp_path, scale(strut))
    code, out, _ = run(capsys, "tissue", "slice.png")
    assert code == 0
    assert "note: no cortical bone was found; virtual DXA will count it as unchanged" in out
    _, out, _ = run(capsys, "tissue", "slice.png", "--site-size", "10", "--out", "fine")
    assert "hold for sites" not in out  # a unit has its own size
