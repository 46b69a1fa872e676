"""The evidence: what was fitted and what is predicted, never in one table."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import small

from remodel import BoneModel
from remodel.clinic.trial_files import built_in_trials, load_trial
from remodel.clinic.trials import QUANTITIES
from remodel.measurement.fracture import HAZARD
from remodel.model.biopsy import histomorphometry
from remodel.report import evidence_page, validation
from remodel.report.agreement import (
    EXTREMES,
    find_values,
    inside,
    published_interval,
    read_targets,
    score,
    target_table,
)
from remodel.report.evidence_page import range_of
from remodel.report.validation import OUTPUTS, validate
from remodel.runs import replicate
from remodel.runs.ensemble import run_trial
from remodel.runs.record import read_record
from remodel.runs.results import Readings, summarize

TINY = small(section__height=0.6, section__width=1.2, section__cortex=0.5, time__spin_up=1.0)
NAMES = ["aribon", "zoledronate-once"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the table and the folder of a validation on two trials."""
    folder = tmp_path_factory.mktemp("results") / "validate"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "built_in_trials", lambda: NAMES)
        return validate(TINY, 2, 5, 1, folder), folder


def test_every_published_result_has_its_row(made):
    table, folder = made
    assert {path.name for path in folder.iterdir()} == set(OUTPUTS)
    assert len(table) == sum(len(load_trial(name).published) for name in NAMES)
    pd.testing.assert_frame_equal(
        pd.read_csv(folder / "evidence.csv", keep_default_na=False), table
    )


def test_a_row_is_that_of_the_trial_run_alone(made):
    trial = load_trial("aribon")
    alone = summarize(run_trial(trial, TINY, 2, 5), trial)
    alone = alone[alone["use"] != ""]
    here = made[0][made[0]["trial"] == trial.name]
    assert here["simulated"].tolist() == alone["simulated"].tolist()


def test_calibrated_and_validated_are_in_tables_of_their_own(made):
    table, folder = made
    page = (folder / "evidence.md").read_text()
    parts = dict(
        zip(*[iter(re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:])] * 2, strict=True)
    )
    assert list(parts) == [
        "Calibrated", "Calibrated: acceptance criteria", "Validated", "Validated: acceptance criteria", "Before treatment",
    ]  # fmt: skip
    targets = pd.read_csv(folder / "targets.csv")
    for use, name in (("calibrate", "Calibrated"), ("validate", "Validated")):
        assert parts[name].count("\n| ") == (table["use"] == use).sum() + 2
        asked = parts[f"{name}: acceptance criteria"]
        assert asked.count("\n| ") == (targets["use"] == use).sum() + 2
    assert len(targets) == 3
    for index in ("turnover, trabecular", "turnover, cortical", "Ac.f", "OS/BS", "ES/BS"):
        assert index in parts["Before treatment"]


def row(**changes):
    """Return a row of BMD."""
    default = {
        "endpoint": "total_hip", "simulated": 2.0, "low": 1.0, "high": 3.0, "published": 2.5,
        "spread": "", "difference": -0.5, "inside": True,
    }  # fmt: skip
    return default | changes


@pytest.mark.parametrize(
    "published, spread, expected",
    [
        (2.5, "", True),
        (3.5, "", False),
        (3.5, "95% CI 1.9 to 5.1", True),
        (3.5, "95% CI 2.1; 4.9", False),
        (-3.5, "IQR -8.5; 3.0 percent", True),
        (3.5, "P=0.2", False),
    ],
)
def test_inside_is_what_the_page_says(published, spread, expected):
    assert inside(row(published=published, spread=spread)) is expected


def test_an_interval_is_read_from_a_spread():
    assert published_interval("95% CI -1.70 to -0.98") == (-1.70, -0.98)
    assert published_interval("IQR -17.94; 3.09 percent") == (-17.94, 3.09)


def test_scores_are_of_bmd_and_of_clear_signs():
    table = pd.DataFrame(
        [
            row(difference=3.0, published=-1.5),
            row(difference=-4.0, published=-0.5),
            row(difference=0.0, published=2.0, inside=False),
            row(endpoint="ctx", difference=50.0, published=-48.0),
        ]
    )
    count, error, clear, wrong, within = score(table)
    assert (count, clear, wrong, within) == (3, 2, 1, 3)
    assert error == pytest.approx((25 / 3) ** 0.5)


def test_ranges_are_those_of_the_evidence():
    assert range_of("U001", 0) == (20.0, 30.0, "%/yr")
    assert range_of("U001", 1) == (2.0, 10.0, "%/yr")
    for _, _, source, which in evidence_page.RANGES:
        low, high, _ = range_of(source, which)
        assert low < high


def of_built_in(target):
    """Return the trial that a target is read in."""
    (found,) = (t for t in map(load_trial, built_in_trials()) if t.name == target.trial)
    return found


@pytest.mark.parametrize("target", read_targets(), ids=lambda t: f"{t.quantity}, {t.trial}")
def test_a_target_asks_for_what_there_is(target):
    trial = of_built_in(target)
    arms = [arm.name for arm in trial.arms]
    assert target.arm in arms
    assert target.against in ["", *arms]
    assert target.column in (*QUANTITIES, HAZARD)
    assert target.reduction in ("change", *EXTREMES)
    assert 0 <= target.start < target.end <= trial.years
    assert target.low < target.high
    assert target.unit in ("%", "points", "ratio")
    assert target.source


def test_a_target_is_fitted_where_its_row_is():
    """Or what is fitted stands among what is predicted."""
    checked = 0
    for target in read_targets():
        key = (target.arm, target.against, target.column, target.start, target.end)
        for row in of_built_in(target).published:
            if key == (row.arm, row.against, row.site, row.baseline, row.year):
                assert row.use == target.use, target.quantity
                checked += 1
    assert checked > 10


def wave(peak, noise):
    """Return readings of two replicates of an arm whose CTX peaks at year 2."""
    years = np.arange(0, 4.25, 0.25)
    curve = peak * np.exp(-((years - 2.0) ** 2))
    parts = [
        pd.DataFrame({"arm": "drug", "replicate": n, "year": years, "ctx": curve + sign * noise})
        for n, sign in ((0, 1), (1, -1))
    ]
    return Readings(pd.concat(parts))


def target(**changes):
    default = read_targets()[0]
    return replace(default, arm="drug", against="", column="ctx", start=1.0, end=3.0, **changes)


def test_a_peak_is_that_of_the_mean_curve():
    noise = np.zeros(17)
    noise[5] = 500.0  # of one replicate up, of the other down: no peak of the mean
    found = find_values(target(reduction="peak", unit="ratio"), wave(90.0, noise))
    assert found == pytest.approx([1.9, 1.9])
    found = find_values(target(reduction="trough", unit="%"), wave(-90.0, noise))
    assert found == pytest.approx([-90.0, -90.0])


def test_a_target_of_a_trial_that_was_not_run_is_left_out():
    assert target_table({}).empty


def test_a_validation_that_was_interrupted_goes_on_and_ends_the_same(made, tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "built_in_trials", lambda: NAMES)
    folder, run, ran = tmp_path / "validate", replicate.run_replicate, []

    def stopped(task):
        if len(ran) == 4:
            raise KeyboardInterrupt
        ran.append((task.trial.name, task.replicate))
        return run(task)

    with monkeypatch.context() as patch:
        patch.setattr(replicate, "run_replicate", stopped)
        with pytest.raises(KeyboardInterrupt, match=r"2 of 4 runs are kept in .*the same command"):
            validate(TINY, 2, 5, 1, folder)
    assert read_record(folder / "record.json", validation.FORMAT)["results"] is None
    with monkeypatch.context() as patch:
        patch.setattr(
            replicate, "run_replicate", lambda task: ran.append(task.trial.name) or run(task)
        )
        validate(TINY, 2, 5, 1, folder)
    before = validation.BEFORE
    assert ran == [
        (before, 0), (before, 1), ("ARIBON", 0), ("zoledronate once", 0), "ARIBON", "zoledronate once",
    ]  # fmt: skip
    for name in ("evidence.csv", "targets.csv", "evidence.md", "record.json"):
        assert (folder / name).read_bytes() == (made[1] / name).read_bytes(), name


def test_the_baseline_is_that_of_the_section_alone(made):
    patient = load_trial(NAMES[0]).patient
    models = [BoneModel(patient=patient, parameters=TINY, rng=seed) for seed in (5, 6)]
    page = (made[1] / "evidence.md").read_text()
    for index, region, _, _ in evidence_page.RANGES:
        mean = np.mean([histomorphometry(model, region)[index] for model in models])
        assert re.search(rf"^\| {index}, {region} *\| {mean:.2f} *\|", page, flags=re.MULTILINE)


def test_another_validation_is_not_mixed_with_one_that_is_there(made, monkeypatch):
    monkeypatch.setattr(validation, "built_in_trials", lambda: NAMES)
    before = {path.name: path.read_bytes() for path in made[1].iterdir()}
    with pytest.raises(ValueError, match=r"another run .*other seed"):
        validate(TINY, 2, 6, 1, made[1])
    assert {path.name: path.read_bytes() for path in made[1].iterdir()} == before


def test_the_record_holds_what_made_it_and_what_came_out(made):
    table, folder = made
    record = read_record(folder / "record.json", validation.FORMAT)
    assert [trial["name"] for trial in record["trial"]] == ["ARIBON", "zoledronate once"]
    found = [row["simulated"] for row in record["results"]["evidence"]]
    assert found == table["simulated"].tolist()
    assert len(record["results"]["targets"]) == 3
    with pytest.raises(ValueError, match="no record of this kind"):
        read_record(folder / "record.json")
    assert json.loads((folder / "record.json").read_text())["parameters"] == TINY.values()


def test_the_scores_in_the_readme_are_those_of_the_evidence():
    top = Path(__file__).parent.parent
    page, readme = (
        (top / name).read_text(encoding="utf-8") for name in ("docs/evidence.md", "README.md")
    )
    scores = re.findall(r"^\| (?:Calibrated|Validated) +\| \d+ +\| ([\d.]+)", page, re.MULTILINE)
    assert len(scores) == 2
    said = re.findall(r"\(([\d.]+) points", readme)
    assert set(said) <= {f"{float(score):.1f}" for score in scores}
    if "every sign right" in readme:
        assert len(re.findall(r"\| 0 of \d+ +\|", page)) == 2


def test_what_is_asked_for_is_read():
    """Or it is answered with a reading of another day, or the whole validation ends in a refusal."""
    trials = {trial.name: trial for trial in map(load_trial, built_in_trials())}
    for target in read_targets():
        trial = trials[target.trial]
        ends = (target.start, target.end) if target.reduction == "change" else ()
        last = {trial.years, trial.fracture_years}
        assert {0.0, *last, *trial.reading_years} >= set(ends), target.quantity
