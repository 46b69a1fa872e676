"""What DXA, markers and the gradient of fractures make of bone."""

from math import exp

import numpy as np
import pytest
from helpers import build

from remodel.bone.section import REGIONS
from remodel.measurement.dxa import dxa_change
from remodel.measurement.fracture import hazard_ratio
from remodel.parameters.measurement import Densitometry, Fracture


def test_dxa_mixes_the_compartments_and_adds_the_drift_of_the_spine():
    numbers = Densitometry(
        spine_trabecular=0.6, hip_trabecular=0.4, neck_trabecular=0.2, spine_drift=0.5
    )
    change = {"trabecular_bmd": -10.0, "cortical_bmd": -5.0}
    found = {
        skeletal_site: dxa_change(numbers, skeletal_site, change, 80.0, 2.0)
        for skeletal_site in ("spine", "hip", "neck")
    }
    assert found == pytest.approx({"spine": -8.0 + 1.0, "hip": -7.0, "neck": -6.0})


def test_the_spine_is_mixed_as_a_spine_and_the_hip_as_a_hip():
    """The frame of a run, against the fractions of trabecular bone and the drift, by their names."""
    model = build("anastrozole 0-1")
    model.run(1)
    numbers, now = model.parameters.densitometry, model.meter.now
    inner, outer = now["trabecular_bmd"], now["cortical_bmd"]
    for column, fraction, drift in (
        ("lumbar_spine", numbers.spine_trabecular, numbers.spine_drift * now["year"]),
        ("total_hip", numbers.hip_trabecular, 0.0),
        ("femoral_neck", numbers.neck_trabecular, 0.0),
    ):
        assert now[column] == pytest.approx(fraction * inner + (1 - fraction) * outer + drift)


@pytest.mark.parametrize("age, years, drifted", [(40, 5, 0), (50, 7, 2), (60, 7, 7), (60, 0, 0)])
def test_the_spine_drifts_only_past_an_age(age, years, drifted):
    numbers = Densitometry(spine_drift=0.5, drift_from=55.0)
    still = {"trabecular_bmd": 0.0, "cortical_bmd": 0.0}
    assert dxa_change(numbers, "spine", still, age, years) == pytest.approx(0.5 * drifted)
    assert dxa_change(numbers, "hip", still, age, years) == 0.0


@pytest.mark.parametrize("marker", ["ctx", "p1np", "bone_alp"])
def test_the_mean_of_a_marker_over_the_two_years_before_day_0_is_none(marker):
    """Its baseline is those years, however long the spin-up was."""
    meter = build(time__spin_up=3.0).meter  # the year before them holds the first cells
    what = {"ctx": "resorbed", "p1np": "formed", "bone_alp": "osteoblasts"}[marker]
    before = [
        meter.percent(raw, [f"{region}_{what}" for region in REGIONS]) for raw in meter.history
    ]
    assert np.mean(before[-26:]) == pytest.approx(0.0, abs=1e-9)
    assert abs(np.mean(before[:-26])) > 0.5
    assert meter.now[marker] == 0.0


def test_ctx_follows_what_is_resorbed_and_p1np_what_is_laid():
    model = build()
    model.step()
    meter = model.meter
    for marker, amount in (("ctx", "resorbed"), ("p1np", "formed")):
        double = {k: 2 * v if k.endswith(amount) else v for k, v in meter.baseline.items()}
        found = meter.changes(double | {"since": 0.0})
        assert {name: found[name] for name in ("ctx", "p1np")} == pytest.approx(
            {"ctx": 0.0, "p1np": 0.0} | {marker: 100.0}
        )


def test_bone_alp_has_a_background_that_stays():
    found = []
    for fraction in (0.0, 0.25):
        model = build("anastrozole 0-1", markers__alp_background=fraction)
        model.run(years=1)
        found.append(model.frame()["bone_alp"].to_numpy())
    assert np.ptp(found[0]) > 0
    np.testing.assert_allclose(found[1], 0.75 * found[0], atol=1e-9)


def test_each_percent_of_hip_bmd_lost_multiplies_the_hazard():
    numbers = Fracture(gradient=0.1)
    when, lost, kept = np.array([0.0, 1.0, 3.0]), np.full((3, 2), -4.0), np.zeros((3, 2))
    assert hazard_ratio(when, lost, kept, numbers) == pytest.approx([exp(0.4)] * 2)
    assert hazard_ratio(when, kept, lost, numbers) == pytest.approx([exp(-0.4)] * 2)
    late = np.array([[0.0], [0.0], [-4.0], [-4.0]])  # half of the time
    when = np.array([0.0, 0.999999, 1.0, 2.0])
    assert hazard_ratio(when, late, 0 * late, numbers) == pytest.approx(
        [(1 + exp(0.4)) / 2], rel=1e-5
    )
