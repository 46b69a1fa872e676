"""The dose-response relations: each row at zero, half-way and in excess."""

from math import exp

import numpy as np
import pytest
from helpers import silent, small, wall

from remodel import Parameters
from remodel.clinic.exposure import Exposure
from remodel.model.signals import Signals
from remodel.parameters.quantities import Response

ROWS = {name: row for name, row in Parameters().groups().items() if isinstance(row, Response)}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_at_zero_half_and_excess(name):
    row = ROWS[name]
    assert row.at(0.0) == row.e0
    assert row.at(row.ec50) == pytest.approx((row.e0 + row.emax) / 2)
    assert row.at(1e9 * row.ec50) == pytest.approx(row.emax, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_goes_one_way(name):
    row = ROWS[name]
    values = np.diff([row.at(level) for level in np.geomspace(1e-3, 1e3, 50) * row.ec50])
    sign = np.sign(row.emax - row.e0)
    assert (sign * values >= -1e-12).all()  # where it is full, to rounding


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_who_and_in_what_unit(name):
    row = ROWS[name]
    assert row.signal
    assert row.behavior
    assert row.unit
    assert row.source


def settled(estradiol, **extra):
    """Return the signals at rest under some exposure."""
    signals = Signals(Parameters())
    signals.settle(Exposure(estradiol=estradiol, **extra))
    return signals


def test_estrogen_lowers_rankl_raises_opg_and_leaves_less_free():
    without, little, much = (settled(level) for level in (0.0, 20.0, 1000.0))
    assert without.activity == 0.0
    assert without.rankl > little.rankl > much.rankl
    assert without.opg < little.opg < much.opg
    assert without.free_rankl > 1.2 * little.free_rankl > 1.44 * much.free_rankl
    assert without.recruitment > 1.1 * little.recruitment > 1.21 * much.recruitment


def test_lives_follow_estrogen_at_once_and_rankl_with_its_lag():
    signals, rows = settled(20.0), Parameters().responses
    rankl, apoptosis = signals.rankl, signals.osteoclast_apoptosis
    signals.renew(Exposure(estradiol=0.0), days=0.01)
    assert signals.rankl == pytest.approx(rankl, rel=1e-3)
    withdrawal = rows.rankl_withdrawal.at(signals.free_rankl)
    assert signals.osteoclast_apoptosis == pytest.approx(rows.osteoclast_apoptosis.e0 * withdrawal)
    assert signals.osteoclast_apoptosis != pytest.approx(apoptosis, rel=1e-3)
    signals.renew(Exposure(estradiol=0.0), days=Parameters().receptor.lag)
    assert signals.rankl - rankl == pytest.approx((1 - exp(-1)) * (rows.rankl.e0 - rankl), rel=0.2)


def test_cells_answer_to_each_cycle_and_the_mean_answer_is_felt():
    """Half of the cycles gone is not half of the estradiol in every cycle."""
    gone, ec50, all_ = (
        settled(20.0, ovarian=380.0, cycling=fraction) for fraction in (0.0, 0.5, 1.0)
    )
    assert ec50.activity == pytest.approx(0.5 * (gone.activity + all_.activity))
    assert ec50.estradiol == pytest.approx(210.0)
    assert ec50.activity < settled(210.0).activity
    assert gone.activity == settled(20.0).activity
    assert all_.activity == settled(400.0).activity


def test_an_antibody_withdraws_rankl_from_osteoclasts():
    free, bound = settled(20.0), settled(20.0, antibody=1e4)
    assert bound.free_rankl < 0.01 * free.free_rankl
    assert bound.osteoclast_apoptosis > 3 * free.osteoclast_apoptosis
    assert bound.recruitment < 0.05 * free.recruitment
    assert bound.pool > 0.95 > free.pool


def test_rankl_follows_estrogen_with_its_lag():
    signals = settled(20.0)
    lag, before = signals.parameters.receptor.lag, signals.lagged_activity
    for _ in range(10):
        signals.renew(Exposure(estradiol=0.0), lag / 10)
    assert signals.activity == 0.0
    assert signals.lagged_activity == pytest.approx(before * np.exp(-1))


def test_osteoclasts_come_as_often_as_the_rate_says():
    """Births on a wall against recruitment times supply times surface, by Poisson."""
    model = silent(wall(12, rows=400, columns=40, first=14))
    model.signals.recruitment = 0.02 / model.days
    expected = births = 0.0
    for tick in range(60):
        model.tick = tick
        model.tissue.busy[:] = False
        before = len(model.activations)
        model.recruit_osteoclasts()
        births += len(model.activations) - before
        expected += (1 - np.exp(-0.02 * model.environment.supply)).sum()
        for cell in list(model.agents):
            cell.remove()
    assert abs(births - expected) < 4 * np.sqrt(expected)
    assert expected > 400


def test_supply_is_the_marrow_fraction_to_a_power():
    model = silent(wall(12, rows=60, columns=60, first=14))
    reach = model.parameters.precursors.reach
    fraction = model.tissue.marrow_fraction(reach).reshape(-1)[model.environment.surface]
    hill = small().precursors.exponent
    np.testing.assert_allclose(model.environment.supply, fraction**hill)
    assert 0.3 < fraction.mean() < 0.8


def test_strain_is_one_at_rest_and_doubles_when_half_of_the_bone_is_gone():
    model = silent(wall(12, rows=60, columns=60, first=14))
    wherever = model.environment.habitual > 1e-3
    np.testing.assert_allclose(model.environment.strain[wherever], 1.0)
    model.tissue.matrix *= 0.5
    model.environment.renew(model.tissue)
    np.testing.assert_allclose(model.environment.strain[wherever], 2.0, rtol=1e-6)
