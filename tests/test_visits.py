"""Time: what falls due each so many days does so whatever the step; a visit has its own reading."""

import numpy as np
import pandas as pd
import pytest
from helpers import build, small

from remodel import BoneModel, Course, Parameters, load_trial
from remodel.clinic.trial_files import read_trial
from remodel.measurement.markers import MARKER_WINDOW
from remodel.model.biopsy import mean_reading
from remodel.parameters.time_steps import YEAR, visit_tick
from remodel.runs.ensemble import run_ensemble, run_trial
from remodel.runs.results import Readings, summarize
from remodel.runs.scenario import Case
from remodel.viewer.curves import PANELS, read_line

STEPS = [0.3, 0.7, 1.1, 1.4, 2.8, 3.3, 7.0, 9.9]
TRIAL = """
name = "one dose"
on_treatment = {years}
visits = {visits}
sites = ["ctx", "lumbar_spine"]
[[arm]]
name = "denosumab"
[[arm.course]]
drug = "denosumab"
stop = {stop}
[[arm]]
name = "untreated"
"""


def one_dose(visits, years=0.5, stop=0):
    return read_trial(TRIAL.format(visits=list(visits), years=years, stop=stop), "one.toml")


def count_calls(model, name, run):
    """Return the days on which a method of the model's parts was called."""
    days = []
    owner, _, method = name.rpartition(".")
    part = getattr(model, owner) if owner else model
    default = getattr(part, method)

    def noted(*given):
        days.append(model.day)
        return default(*given)

    setattr(part, method, noted)
    run()
    return days


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("interval", [5.0, 28.0, 56.0])
def test_readings_come_each_interval_whatever_the_step(step, interval):
    model = build(time__step=step, time__reading=interval, time__spin_up=0.2)
    model.run(1.5)
    days = model.frame()["year"].to_numpy() * YEAR
    late = days - interval * np.arange(len(days))
    assert (late > -1e-6).all()
    if step <= interval:
        assert (late < step).all()
        assert len(days) == int(model.day / interval + 1e-6) + 1
    else:  # as often as there are steps
        assert np.diff(days) == pytest.approx(step)


@pytest.mark.parametrize("step", STEPS)
def test_local_environment_are_renewed_each_interval_whatever_the_step(step):
    model = build(time__step=step, time__spin_up=0.2)
    days = count_calls(model, "environment.renew", lambda: model.run(1))
    assert [int(day // 28 + 1e-6) for day in np.array(days) + 1e-6] == list(range(len(days)))
    assert len(days) in (13, 14)


@pytest.mark.parametrize("step", STEPS)
def test_scans_come_each_year_whatever_the_step(step):
    model = build([Course(drug="zoledronate", below=-9.0)], time__step=step, time__spin_up=0.2)
    days = count_calls(model, "visit", lambda: model.run(3.1))
    assert len(days) == 3
    assert np.array(days) == pytest.approx(YEAR * np.arange(1, 4), abs=step)


@pytest.mark.parametrize("step", [1.0, 1.4, 7.0, 14.0])
def test_a_visit_is_in_the_last_step_by_its_day(step):
    for year in (0.0192, 0.5, 1.0, 2.5, 3.0, 5.0):
        end = visit_tick(year, step) * step
        assert year * YEAR - step < end - 0.25 <= year * YEAR
    assert visit_tick(0.019, 7.0) == 1  # a week, rounded to three decimals


def test_a_visit_has_a_reading_of_its_own():
    visits = (7 / YEAR, 28 / YEAR, 0.3, 0.5)
    frame = run_trial(one_dose(visits), small(section__height=4.0), 2)
    days = frame["year"].unique() * YEAR
    assert {7.0, 28.0, 105.0, 182.0} <= set(np.round(days, 6))
    readings = Readings(frame)
    week, month = (readings.change("denosumab", "ctx", 0, visit).mean() for visit in visits[:2])
    assert month < -70
    assert week < -40  # in which osteoclasts are still dying


def test_a_reading_before_the_first_step_is_refused_before_any_work(tmp_path):
    with pytest.raises(
        ValueError, match=r"year 0.0082 \(day 3\) is before the end of the first step"
    ):
        run_ensemble([Case(one_dose([0.0082, 0.5]), small())], tmp_path / "runs")
    assert not list(tmp_path.iterdir())
    fine = small(time__step=1.0, time__spin_up=0.3)
    frame = run_trial(one_dose([0.0082, 0.02], 0.02), fine, 1)
    assert Readings(frame).at("denosumab", "ctx", 0.0082).shape == (1,)


def test_readings_at_visits_move_no_other_reading():
    plain, visited = build("anastrozole 0-1"), build("anastrozole 0-1")
    visited.read_at([0.1, 0.33, 0.5])
    for model in (plain, visited):
        model.run(1)
    calendar, more = plain.frame(), visited.frame()
    assert len(more) == len(calendar) + 3
    shared = more[more["year"].isin(calendar["year"])]
    for column in ("lumbar_spine", "trabecular_bone", "osteoclasts", "pool"):
        assert shared[column].tolist() == calendar[column].tolist()
    assert shared["ctx"].to_numpy() == pytest.approx(calendar["ctx"].to_numpy(), abs=12)
    for region in ("trabecular", "cortical"):  # nothing is counted twice or lost
        for column in (f"{region}_resorbed", f"{region}_formed"):
            formed = [
                float((f[column] * np.diff(f["year"], prepend=0)).sum()) for f in (calendar, more)
            ]
            assert formed[0] == pytest.approx(formed[1])
    for region in ("trabecular", "cortical"):
        means = [mean_reading(model, region, 1.0)["resorbed"] for model in (plain, visited)]
        assert means[0] == pytest.approx(means[1])


def test_a_marker_is_the_rate_in_a_window_that_ends_at_its_reading():
    model = build("denosumab 0-0", time__reading=7.0)
    model.run(1)
    rows = model.meter.rows
    base = sum(model.meter.baseline[f"{region}_resorbed"] for region in ("trabecular", "cortical"))
    for row in (rows[1], rows[3], rows[30]):
        window = [r for r in rows[1:] if row["year"] - MARKER_WINDOW < r["year"] <= row["year"]]
        lengths = [r["year"] - max(r["since"], row["year"] - MARKER_WINDOW, 0.0) for r in window]
        if row["year"] > MARKER_WINDOW:  # the reading that the window begins in
            edge = next(r for r in rows if r["year"] >= row["year"] - MARKER_WINDOW)
            if edge not in window:
                window, lengths = (
                    [edge, *window],
                    [edge["year"] - row["year"] + MARKER_WINDOW, *lengths],
                )
        rate = np.average(
            [r["trabecular_resorbed"] + r["cortical_resorbed"] for r in window], weights=lengths
        )
        assert row["ctx"] == pytest.approx(100 * (rate / base - 1))
    assert rows[0]["ctx"] == rows[0]["p1np"] == rows[0]["bone_alp"] == 0.0


def test_table_picture_page_and_csv_say_the_same_of_a_marker():
    trial = one_dose([0.25, 0.5], 1.0, 1.0)
    frame = run_trial(trial, small(), 1)
    summary = summarize(frame, trial)
    said = summary[(summary["arm"] == "denosumab") & (summary["endpoint"] == "ctx")]
    years, values = Readings(frame).series("denosumab", "ctx")  # what the picture draws
    model = BoneModel("denosumab 0-1", parameters=small(), rng=1)
    model.read_at(trial.reading_years)
    model.run(1)
    panel = next(panel for panel in PANELS if any(line.column == "ctx" for line in panel.lines))
    line = next(line for line in panel.lines if line.column == "ctx")
    seen, drawn = read_line(model, line, panel.ratio)  # what the page draws
    for row in said.to_dict("records"):
        day = visit_tick(row["year"], 7.0) * 7.0 / YEAR
        at = int(np.flatnonzero(np.isclose(years, day))[0])
        assert row["simulated"] == values[at, 0] == drawn[np.isclose(seen, day)][0]
        csv = frame[(frame["arm"] == "denosumab") & np.isclose(frame["year"], day)]
        assert csv["ctx"].item() == row["simulated"]


def test_what_is_measured_at_a_visit_stands_in_its_reading():
    trial = load_trial("atac").with_years_off(0.5)
    case = Case(trial, Parameters().with_values({"section.height": 0.6, "section.width": 1.0,
                                                 "time.spin_up": 0.5}))  # fmt: skip
    found = run_ensemble([case], measure=lambda model: {"day": model.day}, replicates=1).frame
    marked = found.dropna(subset=["day"])
    assert (marked["day"] / YEAR).to_numpy() == pytest.approx(marked["year"].to_numpy())
    one = marked[marked["arm"] == "anastrozole"]
    assert isinstance(one, pd.DataFrame)
    assert len(one) == 1 + len(trial.visits)
