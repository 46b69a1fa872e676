"""The summary: against frames whose answers are known."""

import re
from dataclasses import replace
from math import exp, isnan, log

import numpy as np
import pandas as pd
import pytest

from remodel.clinic.patients import Patient
from remodel.clinic.trials import Arm, Published, Trial
from remodel.measurement.fracture import HAZARD, hazard_ratio
from remodel.parameters.measurement import Fracture
from remodel.parameters.population import Population
from remodel.report.trial_text import align, format_table
from remodel.runs.results import Readings, interval, questions, summarize

YEARS = np.arange(0, 7.01, 0.05)
TRIAL = Trial(
    name="known",
    title="straight lines",
    source="made up",
    on_treatment=5.0,
    off_treatment=2.0,
    visits=(1.0, 5.0, 7.0),
    sites=("total_hip", "ctx"),
    patient=Patient(),
    arms=(Arm(name="a", patient=Patient()), Arm(name="b", patient=Patient())),
    published=(
        Published(arm="a", site="total_hip", year=5.0, value=-4.0, spread="95% CI -5 to -3"),
        Published(arm="a", against="b", site="total_hip", year=5.0, value=-3.0, use="calibrate"),
        Published(arm="a", site="total_hip", baseline=5.0, year=7.0, value=1.0),
        Published(arm="a", against="b", site=HAZARD, year=4.0, value=1.4),
    ),
    reference="b",
    fracture_years=4.0,
)


def frame_of(lines, ctx=np.zeros_like):
    """Return readings in which BMD falls along a straight line: {arm: slope by replicate}."""
    return pd.DataFrame(
        [
            {
                "arm": arm,
                "replicate": number,
                "year": year,
                "total_hip": slope * year,
                "ctx": ctx(year),
            }
            for arm, slopes in lines.items()
            for number, slope in enumerate(slopes)
            for year in YEARS
        ]
    )


FRAME = frame_of({"a": (-1.0, -2.0, -3.0), "b": (-0.5, -0.5, -0.5)})


def row_of(summary, **wanted):
    """Return the only row of a summary with these values."""
    found = summary
    for name, value in wanted.items():
        found = found[found[name] == value]
    assert len(found) == 1
    return found.iloc[0]


def test_simulated_interval_and_difference_are_those_of_the_frame():
    row = row_of(summarize(FRAME, TRIAL), arm="a", endpoint="total_hip", year=5.0, against="")
    assert row["simulated"] == pytest.approx(-10.0)
    half = 4.302653 * 5.0 / 3**0.5  # Student's t of two degrees of freedom
    assert (row["low"], row["high"]) == pytest.approx((-10 - half, -10 + half), rel=1e-6)
    assert row["difference"] == pytest.approx(-10.0 + 4.0)
    assert row["unit"] == "%"


def test_arms_are_compared_replicate_by_replicate():
    row = row_of(summarize(FRAME, TRIAL), arm="a", against="b", endpoint="total_hip")
    assert row["simulated"] == pytest.approx(-7.5)
    assert row["use"] == "calibrate"
    shared = frame_of({"a": (-3.0, -5.0, -9.0), "b": (-1.0, -3.0, -7.0)})
    paired = row_of(summarize(shared, TRIAL), arm="a", against="b", endpoint="total_hip")
    assert paired["high"] - paired["low"] == pytest.approx(0.0, abs=1e-9)


def test_a_later_baseline_is_one_hundred_percent():
    row = row_of(summarize(FRAME, TRIAL), arm="a", endpoint="total_hip", baseline=5.0)
    each = [100 * ((100 + 7 * slope) / (100 + 5 * slope) - 1) for slope in (-1, -2, -3)]
    assert row["simulated"] == pytest.approx(np.mean(each))


def test_what_was_not_published_has_no_difference():
    row = row_of(summarize(FRAME, TRIAL), arm="b", endpoint="total_hip", year=5.0)
    assert isnan(row["published"])
    assert isnan(row["difference"])
    assert row["use"] == ""


def test_one_replicate_has_no_interval():
    mean, low, high = interval(np.array([3.0]))
    assert mean == 3.0
    assert isnan(low)
    assert isnan(high)


def test_the_interval_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = [low < 0 < high for _, low, high in map(interval, rng.normal(size=(2000, 6)))]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_a_visit_is_answered_with_the_last_reading_by_that_day():
    readings = Readings(FRAME)
    for visit in (1.0, 1.02, 1.03):
        assert readings.at("a", "total_hip", visit) == pytest.approx([-1.0, -2.0, -3.0])
    assert readings.at("a", "total_hip", 1.05 - 0.2 / 365.25) == pytest.approx([-1.05, -2.1, -3.15])


@pytest.mark.parametrize("year", [-1.0, 0.008, 0.04, 7.1, 99.0, np.nan, np.inf])
def test_a_year_that_the_run_does_not_have_is_refused(year):
    with pytest.raises(ValueError, match=r"^(year = .* expected|no reading was taken at year)"):
        Readings(FRAME).change("a", "total_hip", 0.0, year)


def test_what_is_no_reading_of_one_case_is_refused_in_one_line():
    two = pd.concat([FRAME.assign(dose=dose) for dose in (1, 2)])
    two = two[["dose", "replicate", "arm", "year", "total_hip", "ctx"]]
    with pytest.raises(
        ValueError, match=r"several cases \(dose = 1, 2\); .*frame\['dose'\] == 1\]"
    ):
        Readings(two)
    assert Readings(two[two["dose"] == 1]).at("a", "total_hip", 1.0)[0] == pytest.approx(-1.0)
    with pytest.raises(ValueError, match="two readings of one replicate"):
        Readings(pd.concat([two, two])[["replicate", "arm", "year", "ctx"]])
    with pytest.raises(ValueError, match="no column arm"):
        Readings(FRAME.drop(columns="arm"))
    with pytest.raises(ValueError, match="no arm 'c'; there are a, b"):
        Readings(FRAME).at("c", "ctx", 1.0)
    with pytest.raises(ValueError, match="no column 'wings'"):
        Readings(FRAME).at("a", "wings", 1.0)


def test_a_hazard_ratio_counts_up_to_its_year():
    row = row_of(summarize(FRAME, TRIAL), endpoint=HAZARD)
    assert row["unit"] == "ratio"
    longer = replace(TRIAL, published=(), fracture_years=7.0)
    assert row_of(summarize(FRAME, longer), endpoint=HAZARD)["simulated"] > row["simulated"] > 1.0


def test_limits_of_the_hazard_ratio():
    none, lost = np.zeros((5, 3)), np.full((5, 3), -4.0)
    when = np.array([0.0, 0.1, 1.0, 1.1, 2.0])
    assert hazard_ratio(when, none, none) == pytest.approx(1.0)
    assert hazard_ratio(when, lost, lost) == pytest.approx(1.0)
    gradient = Fracture().gradient
    assert hazard_ratio(when, lost, none) == pytest.approx(exp(4.0 * gradient))
    assert np.log(hazard_ratio(when, none, lost)) == pytest.approx(-4.0 * gradient)
    flat = Fracture().with_values({"gradient": 0.0})
    assert hazard_ratio(when, lost, none, flat) == pytest.approx(1.0)
    assert log(hazard_ratio(when, 0.5 * lost, none)[0]) == pytest.approx(2.0 * gradient)


def test_a_hazard_is_a_mean_over_time_and_not_over_readings():
    when = np.array([0.0, 1.0, 1.9, 1.95, 2.0])
    change = np.where(when[:, None] > 1, -8.0, 0.0)
    twice = hazard_ratio(when, change, 0 * change)[0]
    at_end = exp(8 * Fracture().gradient)
    assert twice == pytest.approx((1 + (1 + at_end) / 2 * 0.9 + 0.1 * at_end) / 2)


def test_questions_come_in_order_and_none_is_lost():
    twice = replace(TRIAL, published=(*TRIAL.published, replace(TRIAL.published[0], value=-5.0)))
    found = questions(twice)
    assert [row for _, row in found if row and row.value in (-4.0, -5.0)] == [
        twice.published[0],
        twice.published[-1],
    ]
    assert [key[0] for key, _ in found[:-1]] == sorted(key[0] for key, _ in found[:-1])
    assert found[-1][0][2] == HAZARD


def test_arms_stand_in_the_order_of_the_trial():
    reverse = replace(TRIAL, arms=TRIAL.arms[::-1])
    rows = [key[0] for key, _ in questions(reverse) if key[2] != HAZARD]
    assert list(dict.fromkeys(rows)) == ["b", "a"]
    assert rows == sorted(rows, reverse=True)


def test_the_text_shows_every_row():
    text = format_table(summarize(FRAME, TRIAL), TRIAL, 3)
    assert "a vs b" in text
    assert "-10.0" in text
    assert "95% CI -5 to -3" in text
    assert "Fracture hazard ratio" in text
    assert "nan" not in text


def test_columns_stand_under_each_other():
    lines = align([["arm", "simulated"], ["a", "+1.0"], ["long name", "-10.0"]])
    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith("a ")
    assert lines[1].endswith(" +1.0")


def test_the_spread_of_replicates_is_in_the_summary():
    row = row_of(
        summarize(FRAME, TRIAL), arm="a", against="", endpoint="total_hip", baseline=0.0, year=5.0
    )
    assert (row["least"], row["most"]) == pytest.approx((-15.0, -5.0))
    assert row["sd"] == pytest.approx(5.0)


def test_the_spread_is_printed_where_replicates_are_patients():
    patients = replace(TRIAL, population=Population())
    text = format_table(summarize(FRAME, patients), patients, 3)
    (line,) = re.findall(r"^a +total hip +0 to 5 +5\.0 +-15\.0 +-5\.0$", text, re.MULTILINE)
    assert line
    assert "individual patients" not in format_table(summarize(FRAME, TRIAL), TRIAL, 3)
