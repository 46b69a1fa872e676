"""Courses are given as often and as much as they say, whatever the step."""

from dataclasses import replace
from itertools import pairwise
from math import ceil, inf

import numpy as np
import pytest
from generated import tried
from helpers import build, same, state_of
from hypothesis import strategies as st
from test_drugs import WEEK, levels

from remodel.clinic.courses import Course
from remodel.clinic.pharmacokinetics import Body
from remodel.parameters.drugs import DRUGS
from remodel.parameters.time_steps import YEAR


def test_steps_divide_a_daily_course_without_a_trace():
    def end(days):
        body = Body()
        means = [body.take(DRUGS["tamoxifen"], 1.0, 0.0, days) for _ in range(round(28 / days))]
        return body.level, np.mean(means)

    assert end(1.0) == pytest.approx(end(28.0))
    assert end(7.0) == pytest.approx(end(28.0))


@tried(
    "injections", 100, days=st.floats(0.1, 14), start=st.floats(-1, 3), length=st.floats(0, 5),
    every=st.floats(1, 400), drug=st.sampled_from(["denosumab", "zoledronate"]),
)  # fmt: skip
def test_every_injection_is_given_once_whatever_the_step(days, start, length, every, drug):
    course = Course(drug=drug, start=start, stop=start + length)
    first = start * YEAR - 0.37 * days
    count = int((length * YEAR + every) / days) + 3
    moments = [first + n * days for n in range(count + 1)]
    given = [course.injections(day, after - day, every) for day, after in pairwise(moments)]
    due = length * YEAR / every
    near = abs(due - round(due)) < 1e-6
    expected = {max(1, int(np.ceil(due)))} | (
        {max(1, round(due)), round(due) + 1} if near else set()
    )
    assert sum(given) in expected
    assert min(given) >= 0


@pytest.mark.parametrize("days", [1.0, 3.5, 7.0, 14.0])
def test_the_dose_of_a_year_does_not_depend_on_the_step(days):
    for drug in ("zoledronate", "risedronate"):
        given = sum(e.bisphosphonate for e in levels(drug, years=2.0, stop=2.0, days=days))
        assert given == pytest.approx(2 * DRUGS[drug].bisphosphonate, rel=0.03)


def test_one_injection_where_start_and_stop_are_equal():
    assert [e.bisphosphonate > 0 for e in levels("zoledronate", stop=0.0)].count(True) == 1


def test_a_course_waits_for_low_bone_and_begins_at_a_yearly_scan():
    """What begins at the second scan is what would have been given from then on."""
    course = Course(drug="zoledronate", start=1.5, stop=4.0, interval=182.6, below=10.0)
    found = {
        "waits": [course],
        "told": [replace(course, start=WEEK * ceil(2 * YEAR / WEEK) / YEAR, below=inf)],
        "never": [replace(course, below=-10.0)],
        "none": [],
    }
    states = {}
    for name, courses in found.items():
        model = build(courses)
        model.run(3)
        states[name] = state_of(model) | {"drug": model.tissue.bisphosphonate.copy()}
    assert np.array_equal(states["waits"]["drug"], states["told"]["drug"])
    assert same(states["waits"], states["told"])
    assert same(states["never"], states["none"])
    assert not same(states["waits"], states["none"])


def test_a_scan_begins_a_course_only_below_its_threshold_and_within_its_years():
    course = Course(drug="zoledronate", start=1.0, stop=3.0, below=-2.0)
    assert course.after_scan(1.0, -2.1) == replace(course, start=1.0, below=inf)
    for year, t_score in ((1.0, -2.0), (0.9, -4.0), (3.0, -4.0)):
        assert course.after_scan(year, t_score) is course
    begun = replace(course, below=inf)
    assert begun.after_scan(2.0, -4.0) is begun
