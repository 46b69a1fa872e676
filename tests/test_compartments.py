"""Cortex, trabeculae, marrow and the world outside are told apart."""

import numpy as np
import pytest
from test_images import scale, slab, write

from remodel.compartments import open_by_disk, tell_compartments
from remodel.images import read_section
from remodel.tissue import CORTICAL, OUTSIDE, TRABECULAR

__all__ = ["slab"]  # a fixture


def test_compartments_of_a_slab_are_those_it_was_made_of(slab):
    region = tell_compartments(slab, 20.0)
    assert (region[:, :24] == TRABECULAR).all()
    assert (region[:, 24:50] == CORTICAL).all()  # its pore too
    assert (region[:, 50:] == OUTSIDE).all()


def test_compartments_do_not_depend_on_which_side_the_marrow_is(slab):
    region = tell_compartments(slab, 20.0)
    assert np.array_equal(tell_compartments(slab[:, ::-1], 20.0), region[:, ::-1])
    assert np.array_equal(tell_compartments(slab.T, 20.0), region.T)


def test_a_speck_beyond_the_periosteum_is_left_out(slab, tmp_path):
    specked = slab.copy()
    specked[5:7, 55:57] = True
    tissue = read_section(write(tmp_path, scale(specked))).tissue
    assert np.array_equal(tissue.matrix > 0, slab)
    assert (tissue.region[:, 50:] == OUTSIDE).all()


def test_trabeculae_alone_have_no_cortex(slab):
    strut = slab.copy()
    strut[:, 24:] = False
    assert (tell_compartments(strut, 20.0) == TRABECULAR).all()


@pytest.mark.parametrize("width", [3, 6, 9])
def test_a_disk_fits_into_a_strip_as_wide_as_itself(width):
    strip = np.zeros((20, 30), dtype=bool)
    strip[:, 10 : 10 + width] = True
    assert np.array_equal(open_by_disk(strip, width), strip)
    assert not open_by_disk(strip, width + 2).any()
