"""Histomorphometry against shapes with a known answer and against cells watched one by one."""

from collections import defaultdict

import numpy as np
import pytest
from helpers import SMALL, build, hand_made, same, small, state_of, wall

from remodel import BoneModel, Parameters
from remodel.bone.section import CORTICAL, TRABECULAR
from remodel.measurement.histomorphometry import INDICES, structure
from remodel.model.biopsy import histomorphometry
from remodel.model.bmu import FORMATION, RESORPTION, REVERSAL
from remodel.parameters.time_steps import YEAR

UM = 20.0
YEARS = 8.0
STEP = 1.0  # days; a period is known to the day


class Watcher:
    """Follows every unit of a model, from its birth to its end."""

    def __init__(self, model, monkeypatch):
        self.model = model
        self.lived = defaultdict(list)  # (region, what): values of the units
        self.begun = model.day
        pass_on, close = BoneModel.pass_on, BoneModel.close

        def passed_on(model, unit, phase, days):
            pass_on(model, unit, phase, days)
            if phase == REVERSAL:
                area = model.tissue.site_volume
                site, eroded = model.eroded[-1]
                assert site == unit.site
                self.note(unit, "eroded", eroded)
                self.note(unit, "resorbed", unit.resorbed * area)
                if unit.floor < unit.bottom:
                    self.note_period(unit, RESORPTION, REVERSAL, "aged")
            self.end_phase(unit)

        def closed(model, unit, end, days):
            close(model, unit, end, days)
            self.end_phase(unit)
            if FORMATION in unit.days and next(iter(unit.days)) != FORMATION:
                self.note(unit, "formed", unit.formed * model.tissue.site_volume)

        monkeypatch.setattr(BoneModel, "pass_on", passed_on)
        monkeypatch.setattr(BoneModel, "close", closed)

    def note(self, unit, what, value):
        region = self.model.tissue.region.reshape(-1)[unit.site]
        if unit.birthday >= self.begun:  # not one that was there before the watch
            self.lived[region, what].append(value)

    def note_period(self, unit, first, last, what):
        self.note(unit, what, unit.days[last] - unit.days[first])

    def end_phase(self, unit):
        """Note how long the phase before the last one was."""
        *_, before, now = unit.days
        self.note_period(unit, before, now, before)

    def mean(self, region, what):
        """Return mean and standard error."""
        values = np.array(self.lived[region, what])
        return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


@pytest.fixture(scope="module")
def watched():
    """A model watched for years, and its histomorphometry over the same years."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        parameters = Parameters().with_values(
            SMALL
            | {"section.wavelength": 1.3, "section.width": 2.5, "section.height": 3.0}
            | {"time.step": STEP}
        )
        model = BoneModel(parameters=parameters, rng=6)
        watcher = Watcher(model, monkeypatch)
        model.run(YEARS)
        return watcher, histomorphometry(model, "trabecular", YEARS)


# A cavity widens as it deepens and narrows as it is refilled: by the fourth root of its depth, so
# that the surface it takes up is on average 4/5 of that in the end.
TAKEN_UP = 0.8


def total(watcher, what):
    """Return the sum of what the units of the trabecular compartment did."""
    return sum(watcher.lived[TRABECULAR, what])


def test_depths_measured_on_the_section_are_those_of_the_units(watched):
    watcher, found = watched
    count = len(watcher.lived[TRABECULAR, "eroded"])
    assert count > 150
    eroded = total(watcher, "eroded")
    for index, what in (("E.De", "resorbed"), ("W.Th", "formed")):
        expected = 1000 * total(watcher, what) / eroded
        assert found[index] == pytest.approx(expected, rel=1 / np.sqrt(count) + 0.03)


@pytest.mark.parametrize("index, what", [("Rs.P", "resorption"), ("FP", "formation")])
def test_periods_from_surfaces_are_those_of_the_cells(watched, index, what):
    """Per unit activated, as in a biopsy; units that ended before they came so far count as none."""
    watcher, found = watched
    period, error = watcher.mean(TRABECULAR, what)
    count = len(watcher.lived[TRABECULAR, what])
    fraction = count / len(watcher.lived[TRABECULAR, "resorption"])
    expected = TAKEN_UP * period * fraction
    assert abs(found[index] - expected) < 4 * error + (2 / np.sqrt(count) + 0.1) * expected


def test_reversal_from_its_surface_is_how_long_units_wait(watched):
    watcher, found = watched
    period, error = watcher.mean(TRABECULAR, "reversal")
    count = len(watcher.lived[TRABECULAR, "reversal"])
    assert abs(found["Rv.P"] - period) < 4 * error + (2 / np.sqrt(count) + 0.1) * period


def test_fractions_of_surface_are_activation_times_period(watched):
    _, found = watched
    eroded = found["Ac.f"] * (found["Rs.P"] + found["Rv.P"]) / YEAR
    assert found["ES/BS"] == pytest.approx(100 * eroded)
    assert found["OS/BS"] == pytest.approx(100 * found["Ac.f"] * found["FP"] / YEAR)


def test_turnover_is_activation_times_wall_thickness_times_surface(watched):
    _, found = watched
    expected = found["Ac.f"] * found["W.Th"] / 1000 * found["BS/BV"] * 100
    # Surface and bone are those of the end, the rates those of all years.
    assert found["turnover"] == pytest.approx(expected, rel=0.2)


def test_apposition_measured_on_matrix_is_the_speed_of_the_cells(watched):
    watcher, found = watched
    assert found["MAR"] == pytest.approx(watcher.model.parameters.osteoblast.apposition, rel=0.1)
    assert found["BFR/BS"] == pytest.approx(found["MAR"] * YEAR * found["MS/BS"] / 100, rel=1e-9)


def test_resorption_lasts_as_long_as_osteoclasts_live(watched):
    watcher, _ = watched
    life = watcher.model.parameters.osteoclast.life / watcher.model.signals.osteoclast_apoptosis
    assert watcher.mean(TRABECULAR, "aged")[0] == pytest.approx(life, rel=0.1)


def test_plates_have_the_thickness_and_separation_they_were_built_with():
    matrix = np.zeros((50, 60))
    for first in range(5, 60, 15):
        matrix[:, first : first + 6] = 1.0
    found = structure(hand_made(matrix), "trabecular")
    assert found["BV/TV"] == pytest.approx(40.0)
    assert found["Tb.Th"] == pytest.approx(6 * UM)
    assert found["Tb.Sp"] == pytest.approx(9 * UM)
    assert found["Tb.N"] == pytest.approx(1000 / (15 * UM))
    assert found["BS/BV"] == pytest.approx(2 / (6 * UM / 1000))


def block_with_canals():
    """Return a cortex of 40 columns next to 20 of marrow, with two canals of 2 x 2 sites."""
    matrix = np.zeros((50, 60))
    matrix[:, 20:] = 1.0
    matrix[[0, 0, -1, -1], [30, 31, 30, 31]] = 0.0  # one lies across the periodic border
    matrix[20:22, 45:47] = 0.0
    tissue = hand_made(matrix)
    tissue.region[:, 20:] = CORTICAL
    return tissue


def test_canals_have_the_size_and_density_they_were_built_with():
    found = structure(block_with_canals(), "cortical")
    area = 50 * 40 * (UM / 1000) ** 2
    assert found["Ct.Th"] == pytest.approx(0.8)
    assert found["Ct.Po"] == pytest.approx(100 * 8 / 2000)
    assert found["H.Dm"] == pytest.approx(2 * np.sqrt(4 / np.pi) * UM)
    assert found["H.N/Ct.Ar"] == pytest.approx(2 / area)


def test_marrow_that_opens_into_the_cortex_thins_it_and_is_no_canal():
    tissue = block_with_canals()
    before = structure(tissue, "cortical")
    tissue.matrix[:, 20:25] = 0.0
    after = structure(tissue, "cortical")
    assert after["Ct.Th"] == pytest.approx(0.7)
    assert after["H.Dm"] == before["H.Dm"]
    assert after["Ct.Po"] == pytest.approx(100 * 8 / 1750)
    tissue.matrix[20:22, 24:46] = 0.0  # a canal opens to the marrow: one is left
    assert structure(tissue, "cortical")["H.N/Ct.Ar"] < 0.6 * after["H.N/Ct.Ar"]


def test_a_cavity_is_porosity_and_no_canal():
    tissue = block_with_canals()
    before = structure(tissue, "cortical")
    tissue.matrix[10, 50], tissue.cavity[10, 50], tissue.busy[10, 50] = 0.0, 1.0, True
    after = structure(tissue, "cortical")
    assert after["Ct.Po"] == pytest.approx(100 * 9 / 2000)
    assert after["H.N/Ct.Ar"] == before["H.N/Ct.Ar"]


def test_every_index_has_a_unit_and_a_meaning_and_is_returned():
    model = build()
    names = {index.name for index in INDICES}
    assert len(names) == len(INDICES)
    returned = set()
    for region in ("trabecular", "cortical"):
        found = histomorphometry(model, region)
        returned |= set(found)
        assert np.isfinite(list(found.values())).all()
        assert all(type(value) is float for value in found.values())
    assert returned == names
    assert all(index.unit and index.meaning for index in INDICES)


def test_indices_are_those_of_the_nomenclature():
    wanted = (
        "BV/TV Tb.Th Tb.Sp Tb.N BS/BV ES/BS Oc.S/BS OS/BS Ob.S/BS MS/BS MAR BFR/BS Ac.f W.Th "
        "E.De FP Rs.P Rv.P Ct.Po Ct.Th H.Dm"
    )
    assert set(wanted.split()) <= {index.name for index in INDICES}


def test_looking_changes_nothing():
    model = build("anastrozole 0-1")
    model.run(1)
    before, now = state_of(model), dict(model.meter.now)
    first = histomorphometry(model, "trabecular")
    assert first == histomorphometry(model, "trabecular")
    assert same(before, state_of(model))
    assert now == model.meter.now


def test_after_day_0_only_readings_of_the_window_count():
    model = build("denosumab 0-3", rng=3)
    before = histomorphometry(model, "trabecular")
    model.run(2)
    assert histomorphometry(model, "trabecular", 1.0)["Ac.f"] < 0.5 * before["Ac.f"]
    assert histomorphometry(model, "trabecular", 9.0) == histomorphometry(model, "trabecular", 2.1)


def test_what_cannot_be_measured_is_not_a_number():
    model = BoneModel(parameters=small(responses__recruitment__emax=1e-9, time__spin_up=1.0), rng=1)
    found = histomorphometry(model, "trabecular")
    assert np.isnan(found["W.Th"])
    assert np.isnan(found["FP"])
    assert found["Ac.f"] == found["turnover"] == found["ES/BS"] == 0.0


def test_a_section_without_cortex_has_no_canals():
    tissue = wall(4)
    found = structure(tissue, "cortical")
    assert np.isnan(found["H.Dm"])
    assert found["Ct.Th"] == 0.0


def test_an_unknown_compartment_gets_the_list():
    with pytest.raises(ValueError, match=r"femur.*trabecular, cortical"):
        histomorphometry(build(), "femur")


def test_a_window_without_a_reading_is_refused():
    model = build()
    model.run(1.02)  # some days after a reading
    with pytest.raises(ValueError, match="no reading"):
        histomorphometry(model, "trabecular", 0.001)
