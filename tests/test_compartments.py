"""Cortex, trabeculae, marrow and the world outside are told apart."""

import re

import numpy as np
import pytest
from test_command import run
from test_images import scale, slab, write

from remodel import Parameters
from remodel.bone.images import read_section
from remodel.bone.section import CORTICAL, OUTSIDE, TRABECULAR
from remodel.bone.segmentation import doubts, open_by_disk, segment_compartments
from remodel.bone.synthetic import build_section

__all__ = ["slab"]  # a fixture


def test_compartments_of_a_slab_are_those_it_was_made_of(slab):
    region = segment_compartments(slab, 20.0)
    assert (region[:, :24] == TRABECULAR).all()
    assert (region[:, 24:50] == CORTICAL).all()  # its pore too
    assert (region[:, 50:] == OUTSIDE).all()


def test_compartments_do_not_depend_on_which_side_the_marrow_is(slab):
    region = segment_compartments(slab, 20.0)
    assert np.array_equal(segment_compartments(slab[:, ::-1], 20.0), region[:, ::-1])
    assert np.array_equal(segment_compartments(slab.T, 20.0), region.T)


def test_a_speck_beyond_the_periosteum_is_left_out(slab, tmp_path):
    specked = slab.copy()
    specked[5:7, 55:57] = True
    tissue = read_section(write(tmp_path, scale(specked))).tissue
    assert np.array_equal(tissue.matrix > 0, slab)
    assert (tissue.region[:, 50:] == OUTSIDE).all()


def test_trabeculae_alone_have_no_cortex(slab):
    strut = slab.copy()
    strut[:, 24:] = False
    assert (segment_compartments(strut, 20.0) == TRABECULAR).all()


@pytest.mark.parametrize("width", [3, 6, 9])
def test_a_disk_fits_into_a_strip_as_wide_as_itself(width):
    strip = np.zeros((20, 30), dtype=bool)
    strip[:, 10 : 10 + width] = True
    assert np.array_equal(open_by_disk(strip, width), strip)
    assert not open_by_disk(strip, width + 2).any()


def disk(shape, center, radius):
    """Return where a disk lies, all in sites."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - center[0]) ** 2 + (columns - center[1]) ** 2 < radius**2


def core(*nodes):
    """Return a core of struts, 3 x 3 mm, with nodes: (row, column, radius) in sites."""
    bone = np.zeros((150, 150), dtype=bool)
    bone[::37] = bone[1::37] = bone[2::37] = True
    bone[:, 20::37] = bone[:, 21::37] = True
    for row, column, radius in nodes:
        bone |= disk(bone.shape, (row, column), radius)
    return bone


@pytest.mark.parametrize(
    "nodes",
    [
        [(75, 75, 18)],
        [(75, 149, 25)],  # cut by the side of the image
        [(0, 75, 24)],
        [(0, 149, 34)],  # in a corner
        [(149, 0, 30), (60, 149, 20), (30, 60, 17)],
        [(40, 149, 22), (75, 149, 22)],  # two that have grown together
        [(0, 75, 24), (149, 75, 24)],  # at both ends, and not joined
    ],
)
def test_a_node_of_trabeculae_is_no_cortex(nodes):
    bone = core(*nodes)
    region = segment_compartments(bone, 20.0)
    assert (region == TRABECULAR).all()
    [line] = doubts(bone, region, 20.0, 400.0)
    assert "mm2 of bone as thick as --cortex-from 400 µm are no cortex" in line


def test_a_trabecula_cut_lengthwise_by_the_side_is_no_cortex():
    bone = core()
    bone[:, :12] = True  # 240 µm of it are seen, and what lies beyond is not known
    assert (segment_compartments(bone, 20.0) == TRABECULAR).all()


def test_a_bay_of_marrow_in_a_node_is_not_outside():
    bone = core()
    bone[10:140, 108:] = True
    bone &= ~disk(bone.shape, (70, 149), 18)
    assert (segment_compartments(bone, 20.0) == TRABECULAR).all()


def test_a_core_of_struts_leaves_nothing_to_doubt():
    region = segment_compartments(core(), 20.0)
    assert (region == TRABECULAR).all()
    assert doubts(core(), region, 20.0, 400.0) == []


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("cortex", [0.5, 0.9])
@pytest.mark.parametrize("margin", [True, False])
def test_the_cortex_of_a_built_section_is_kept(turns, cortex, margin):
    built = build_section(
        Parameters().with_values(
            {"section.cortex": cortex, "section.height": 2.0, "section.site": 20.0}
        ),
        seed=3,
    )
    bone, truth = np.rot90(built.matrix >= 0.5, turns), np.rot90(built.region, turns)
    if not margin:  # the image was cut at the periosteum
        inside = truth != OUTSIDE
        cut = np.ix_(inside.any(axis=1), inside.any(axis=0))
        bone, truth = bone[cut], truth[cut]
    region = segment_compartments(bone, built.site_um)
    assert (region == truth).mean() > 0.97
    # A node of trabeculae that touches a cortex as thin as it is may count with it.
    assert (region == CORTICAL).sum() == pytest.approx((truth == CORTICAL).sum(), rel=0.2)
    said = doubts(bone, region, built.site_um, 400.0)
    assert [line for line in said if "--rotate" not in line] == []
    assert any("--rotate 90?" in line for line in said) == (turns in (1, 3))


def test_the_cortex_of_a_whole_bone_is_a_ring():
    bone = disk((200, 200), (100, 100), 90) & ~disk((200, 200), (100, 100), 60)
    bone[98:102, 45:155] = True  # a trabecula
    region = segment_compartments(bone, 20.0)
    assert region[100, 20] == region[20, 100] == CORTICAL
    assert region[60, 100] == region[99, 100] == TRABECULAR
    assert region[0, 0] == region[199, 100] == OUTSIDE


def test_a_cortex_around_a_corner_is_kept():
    bone = disk((150, 150), (149, 0), 110) & ~disk((150, 150), (149, 0), 85)
    for place in (90, 110, 130):
        bone[place : place + 3, :60] = True
    region = segment_compartments(bone, 20.0)
    assert region[149 - 69, 69] == region[149 - 60, 80] == CORTICAL
    assert region[0, 149] == OUTSIDE
    assert region[149, 0] == TRABECULAR


def test_what_speaks_against_a_guess_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, scale(core((75, 75, 18))))
    out = run(capsys, "tissue", "slice.png")[1]
    assert "0.00 mm2 cortical, 0.00 mm2 beyond the periosteum" in out
    assert re.search(r"^note: 0\.\d\d mm2 of bone as thick as", out, re.MULTILINE)
    assert "no plate that spans the section or bounds the outside" in out
    assert "note: no cortical bone was found" in out
    assert "(Ct.Th)" not in out


def test_a_cortex_that_is_thinner_than_was_asked_for_is_told():
    bone = disk((150, 150), (149, 0), 60) & ~disk((150, 150), (149, 0), 36)  # in half of the rows
    bone[120:123, :40] = bone[135:138, :40] = True
    region = segment_compartments(bone, 20.0)
    assert (region == CORTICAL).any()
    [line] = doubts(bone, region, 20.0, 400.0)
    assert "µm (Ct.Th) is thinner than --cortex-from 400 µm asks of a cortex" in line


def test_a_piece_of_bone_without_marrow_is_within():
    assert (segment_compartments(np.ones((20, 30), dtype=bool), 20.0) != OUTSIDE).all()
