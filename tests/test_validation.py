"""The evidence: what was fitted and what is predicted, never in one table."""

import re

import pandas as pd
import pytest
from helpers import small

from remodel import validation
from remodel.ensemble import run_trial
from remodel.report import summarize
from remodel.trials import load_trial
from remodel.validation import OUTPUTS, inside, published_interval, range_of, score, validate

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
    assert list(parts) == ["Calibrated", "Validated", "Before treatment"]
    for use, name in (("calibrate", "Calibrated"), ("validate", "Validated")):
        assert parts[name].count("\n| ") == (table["use"] == use).sum() + 2
    for index in ("turnover, trabecular", "turnover, cortical", "Ac.f", "OS/BS", "ES/BS"):
        assert index in parts["Before treatment"]


def row(**changes):
    """Return a row of BMD."""
    usual = {
        "site": "total_hip", "simulated": 2.0, "low": 1.0, "high": 3.0, "published": 2.5,
        "spread": "", "difference": -0.5, "inside": True,
    }  # fmt: skip
    return usual | changes


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
            row(site="ctx", difference=50.0, published=-48.0),
        ]
    )
    count, error, clear, wrong, within = score(table)
    assert (count, clear, wrong, within) == (3, 2, 1, 3)
    assert error == pytest.approx((25 / 3) ** 0.5)


def test_ranges_are_those_of_the_evidence():
    assert range_of("U001", 0) == (20.0, 30.0, "%/yr")
    assert range_of("U001", 1) == (2.0, 10.0, "%/yr")
    for _, _, source, which in validation.RANGES:
        low, high, _ = range_of(source, which)
        assert low < high
