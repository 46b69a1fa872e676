"""A trial file may bring a drug of its own."""

import json

from helpers import small
from test_trials import ARM, TOP, read

from remodel.clinic.trial_files import build_trial
from remodel.parameters.drugs import DRUGS
from remodel.report.trial_run import reproduce_run, run_job
from remodel.runs.ensemble import run_trial
from remodel.runs.record import read_record
from remodel.support.toml_table import Table

OWN = """\
[[drug]]
name = "newserm"
source = "made up"
half_life = 1.2
serm = 5
efficacy = 0.9
"""


def test_a_drug_of_the_file_works_there_and_in_its_record(tmp_path):
    trial = read(TOP + OWN + ARM.replace("tamoxifen", "newserm"), tmp_path)
    (drug,) = trial.drugs
    assert (drug.serm, drug.efficacy, drug.half_life) == (5.0, 0.9, 1.2)
    assert "newserm" not in DRUGS
    data = json.loads(json.dumps(trial.as_data()))
    assert build_trial(Table(data, "record")) == trial
    last = run_trial(trial, small(), 1).groupby("arm")["estrogen_activity"].last()
    assert last["drug"] > last["none"] + 0.1


def test_a_run_with_a_drug_of_its_own_is_repeated_from_its_record(tmp_path):
    trial = read(TOP + OWN + ARM.replace("tamoxifen", "newserm"), tmp_path)
    run_job(trial, small(), 1, 1, 1, tmp_path / "out", progress=False)
    record = read_record(tmp_path / "out" / "record.json")
    assert record["trial"]["drug"][0]["name"] == "newserm"
    assert reproduce_run(record)[1] == []
    record["parameters"]["drugs.newserm.efficacy"] = 0.2
    assert reproduce_run(record)[1]
