"""The dose-response relations: each row at zero, half-way and in excess."""

from math import exp, inf

import numpy as np
import pytest
from helpers import build, silent, small, wall

from remodel import Parameters
from remodel.clinic.exposure import Exposure
from remodel.model.bmu import FILLED
from remodel.model.signals import Signals
from remodel.parameters.quantities import Response
from remodel.parameters.time_steps import YEAR

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
    free = [one.unbound(1.0, 1.0) for one in (without, little, much)]
    assert free[0] > 1.2 * free[1] > 1.44 * free[2]


def test_lives_follow_estrogen_at_once_and_rankl_with_its_lag():
    signals, rows = settled(20.0), Parameters().responses
    rankl, apoptosis = signals.rankl, signals.osteoclast_apoptosis
    signals.renew(Exposure(estradiol=0.0), days=0.01)
    assert signals.rankl == pytest.approx(rankl, rel=1e-3)
    assert signals.osteoclast_apoptosis == pytest.approx(rows.osteoclast_apoptosis.e0)
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
    rows, free, pool = Parameters().responses, [], []
    for antibody in (0.0, 1e4):
        signals = settled(20.0, antibody=antibody)
        free.append(signals.unbound(1.0, 1.0))
        signals.use_precursors(rows.recruitment.at(free[-1]), inf)
        pool.append(signals.pool)
    assert free[1] < 0.01 * free[0]
    apoptosis = [rows.rankl_withdrawal.at(level) for level in free]
    assert apoptosis[1] > 3 * apoptosis[0]
    recruitment = [rows.recruitment.at(level) for level in free]
    assert recruitment[1] < 0.05 * recruitment[0]
    assert pool[1] > 0.95 > pool[0]


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
    model.signals.pool = 1.0
    model.drive = 0.02 / model.days * YEAR * model.cover / model.environment.area
    expected = births = 0.0
    for tick in range(60):
        model.tick = tick
        for unit in model.units:
            model.close(unit, FILLED, 0.0)
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
    blocks = model.tissue.blocks
    marrow = blocks.around(1 - blocks.mean(model.tissue.matrix.astype(np.float32)), reach)
    fraction = marrow.reshape(-1)[blocks.number(model.environment.surface)].astype(float)
    hill = small().precursors.exponent
    np.testing.assert_allclose(model.environment.supply, fraction**hill)
    assert 0.3 < fraction.mean() < 0.8


def test_strain_is_one_at_rest_and_doubles_when_half_of_the_bone_is_gone():
    model = silent(wall(12, rows=60, columns=60, first=14))
    wherever = model.tissue.blocks.spread(model.environment.habitual) > 1e-3
    np.testing.assert_allclose(model.environment.strain[wherever], 1.0)
    model.tissue.matrix *= 0.5
    model.environment.renew(model.tissue, np.zeros(0, dtype=int))
    np.testing.assert_allclose(model.environment.strain[wherever], 2.0, rtol=1e-6)


def test_osteoclasts_live_by_the_rankl_of_their_own_place():
    """Two of equal lives: the one without RANKL around it dies sooner, by the response."""
    model = silent(wall(12, rows=60, columns=40, first=14))
    row, lived = model.parameters.responses.rankl_withdrawal, []
    for free in (row.ec50, 1e6 * row.ec50):
        site = int(model.environment.surface[0])
        cell = model.start_osteoclast(site, model.tissue.open_beside(site)[0], 1000.0, 0.0)
        cell.resorb(7.0, free)
        lived.append(1000.0 - cell.life)
    assert lived[0] / lived[1] == pytest.approx(row.at(row.ec50) / row.at(1e6 * row.ec50))


def test_half_of_what_lies_around_a_wide_wall_is_marrow():
    """On the faces of a wall that is wider than the reach, half is marrow, to half a block."""
    reach = round(small().precursors.reach / 10)
    model = silent(
        wall(2 * reach, rows=4 * reach, columns=6 * reach, first=2 * reach, site_um=10.0)
    )
    numbers, place = model.parameters.precursors, model.environment
    fraction = place.supply ** (1 / numbers.exponent)
    assert np.abs(fraction - 0.5).max() < 0.5 * place.blocks.block_um / (2 * numbers.reach) + 0.01


def test_strain_lowers_rankl_by_its_power():
    model = silent(wall(12, rows=60, columns=60, first=14))
    np.testing.assert_allclose(model.environment.rankl, 1.0)
    model.tissue.matrix *= 0.5
    model.environment.renew(model.tissue, np.zeros(0, dtype=int))
    power = model.parameters.strain.rankl
    np.testing.assert_allclose(model.environment.rankl, 2.0**-power, rtol=1e-6)


def test_osteoblasts_nearby_add_opg_in_proportion_to_what_they_cover():
    model = silent(wall(3, rows=60, columns=60, first=14), osteoblast__opg=0.8)
    place = model.environment
    half = place.surface.reshape(-1, 2)[:, 0]  # the left face; the right one is within reach
    for share in (0.0, 0.5, 1.0):
        under = {0.0: half[:0], 0.5: half, 1.0: place.surface}[share]
        place.renew(model.tissue, under)
        np.testing.assert_allclose(place.opg, 1.0 + 0.8 * share, rtol=1e-6)


def test_recruitment_hears_a_drug_in_the_step_in_which_it_comes():
    """Though the surface is measured only now and then."""
    model = build("denosumab 0-1")
    before = model.drive.copy()
    model.treat()
    assert model.signals.antibody > 0.0
    assert (model.drive < 0.9 * before.max()).all()
    assert model.drive == pytest.approx(model.recruitment_drive(), rel=1e-6)
