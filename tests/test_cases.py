"""Cases are crossed, measured at visits, and their frames are read as they were written."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import small
from test_runs import CASES, TINY, TRIAL, area, done

from remodel import Parameters, Patient
from remodel.bone.files import section_sum
from remodel.bone.synthetic import build_section
from remodel.clinic.patients import draw_patient
from remodel.parameters.population import Population
from remodel.runs.ensemble import load_ensemble, run_ensemble, run_trial
from remodel.runs.scenario import cross
from remodel.runs.storage import write_frame

__all__ = ["done"]  # a fixture


def test_what_is_measured_at_visits_stands_in_the_reading_before(tmp_path):
    found = run_ensemble(CASES[:1], tmp_path / "b", replicates=1, measure=area)
    frame = found.frame[found.frame["arm"] == "none"]
    there = frame[frame["area"].notna()]
    assert len(there) == 3
    step = small(**TINY).time.reading / 365.25
    assert (np.abs(there["year"] - [0, 0.25, 0.5]) <= step).all()
    assert there["area"].nunique() == 3
    assert frame["nothing"].isna().all()
    pd.testing.assert_frame_equal(load_ensemble(tmp_path / "b").frame, found.frame)


def test_patients_and_values_are_crossed():
    numbered = [Patient(age=50), Patient(age=70)]
    cases = cross([TRIAL], numbered, [{}, {"osteoclast.life": 20.0}])
    base = Parameters().osteoclast.life
    assert [dict(case.labels) for case in cases] == [
        {"trial": "tiny", "patient": n, "osteoclast.life": life}
        for n in (0, 1)
        for life in (base, 20)
    ]
    assert [{arm.patient for arm in case.trial.arms} for case in cases] == [
        {patient} for patient in numbered for _ in range(2)
    ]
    assert [case.parameters.osteoclast.life for case in cases] == [base, 20, base, 20]
    with pytest.raises(ValueError, match=r"no parameter 'osteoclast\.wings'"):
        cross([TRIAL], values=[{"osteoclast.wings": 2}])


def test_a_patient_takes_the_place_of_a_population():
    drawn = replace(TRIAL, population=Population(age=60.0))
    [alone], [crossed] = cross([drawn]), cross([drawn], [Patient(age=70)])
    assert alone.trial.patient_of(drawn.arms[0], seed=1) == draw_patient(drawn.population, 1)
    assert {crossed.trial.patient_of(arm, seed=1) for arm in crossed.trial.arms} == {
        Patient(age=70)
    }


def test_a_section_that_was_brought_is_that_of_every_replicate(tmp_path):
    brought = build_section(small(**TINY), seed=9)
    given = replace(CASES[0], tissue=brought)
    before = section_sum(brought)
    found = run_ensemble([given], tmp_path / "b", replicates=2, seed=3, measure=area)
    own = run_ensemble([CASES[0]], replicates=2, seed=3, measure=area)
    for changes, equal in (({"tissue": brought}, True), ({}, False)):
        alone = run_trial(TRIAL, given.parameters, replicates=2, seed=3, **changes)
        here = found.frame[alone.columns]
        assert here.equals(alone) is equal
    assert not found.frame["area"].equals(own.frame["area"])
    assert section_sum(brought) == before
    again = run_ensemble([given], tmp_path / "b", replicates=2, seed=3, measure=area)
    assert again.frame.equals(found.frame)


@pytest.mark.parametrize(
    "name, read",
    [
        ("a.csv", pd.read_csv),
        ("a.parquet", pd.read_parquet),
    ],
)
def test_a_frame_is_read_as_it_was_written(done, tmp_path, name, read):
    frame = done[1].frame
    write_frame(frame, tmp_path / name)
    assert read(tmp_path / name).equals(frame)


def test_a_frame_that_cannot_be_written_says_why(done, tmp_path):
    with pytest.raises(ValueError, match=r"a\.xlsx: expected .* \.csv or \.parquet"):
        write_frame(done[1].frame, tmp_path / "a.xlsx")
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path; import pandas as pd; from remodel.runs.storage import write_frame\n"
        "try: write_frame(pd.DataFrame({'a': [1]}), Path('a.parquet'))\n"
        "except ValueError as error: print(error)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert (
        'a.parquet: Parquet needs pyarrow; install it with: pip install "remodel[analysis]"' in out
    )
    assert not list(tmp_path.iterdir())
