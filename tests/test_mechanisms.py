"""A drug is a list of mechanisms; to a user it is a name and flat numbers."""

import json
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from pickle import dumps, loads

import pytest
from helpers import build

from remodel import Parameters
from remodel.clinic.exposure import Exposure
from remodel.parameters.drugs import DEFAULTS, DRUGS, ITEMS, OWNERS, Drug, drug
from remodel.parameters.mechanisms import (
    MECHANISMS,
    AromataseInhibition,
    Given,
    Mechanism,
    ReceptorLigand,
)

TOP = Path(__file__).parent.parent
NEW = '''
@dataclass(frozen=True, kw_only=True)
class SclerostinBinding(Mechanism):
    """Sclerostin is bound: a call for bone, and less RANKL."""

    sclerostin: float = par(
        0.0, "fraction", "fraction of sclerostin bound", low=0, high=1, source="assumed"
    )

    def act(self, exposure: Exposure, given: Given) -> None:
        """Add to the anabolic signal."""
        exposure.anabolic += 2.0 * self.sclerostin * given.level


MECHANISMS += (SclerostinBinding,)
'''
ASK = '''
import json
from pathlib import Path
from helpers import build, small
from remodel import BoneModel
from remodel.parameters.drugs import DRUGS, drug
from remodel.report.parameter_tables import mechanism_table
from remodel.clinic.trial_files import read_trial

trial = read_trial("""
name = "own"
on_treatment = 1
visits = [1]
sites = ["lumbar_spine"]
[[drug]]
name = "own"
sclerostin = 0.5
half_life = 2
[[arm]]
name = "own"
[[arm.course]]
drug = "own"
""", "own.toml")
assert trial.drugs == (drug("own", sclerostin=0.5, half_life=2.0),)
known = small().with_drugs(trial.drugs)
assert known.values()["drugs.own.sclerostin"] == 0.5
assert known.with_values({"drugs.own.sclerostin": 0.25}).drugs["own"].sclerostin == 0.25
assert "`SclerostinBinding`" in mechanism_table()
model = BoneModel("own 0-1", parameters=known, rng=3)
model.run(0.5)
assert 0.9 < model.signals.anabolic <= 1.0
default = build("anastrozole 0-1", rng=3)
default.run(0.5)
print(json.dumps(default.meter.now))
'''


def test_a_new_mechanism_touches_one_file(tmp_path):
    """Its number is a key of drugs, trial files and parameters; of the others nothing moves."""
    shutil.copytree(TOP / "remodel", tmp_path / "remodel")
    with (tmp_path / "remodel" / "parameters" / "mechanisms.py").open(
        "a", encoding="utf-8"
    ) as file:
        file.write(NEW)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASK],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{TOP / 'tests'}"},
    )
    assert run.returncode == 0, run.stderr
    default = build("anastrozole 0-1", rng=3)
    default.run(0.5)
    assert json.loads(run.stdout) == default.meter.now


def test_every_mechanism_is_in_the_list_and_no_number_is_shared():
    assert set(Mechanism.__subclasses__()) == set(MECHANISMS)
    numbers = [name for kind in MECHANISMS for name in kind.__dataclass_fields__]
    assert len(numbers) == len(set(numbers)) == len(OWNERS)
    assert not set(numbers) & set(Drug.__dataclass_fields__)


@pytest.mark.parametrize("kind", MECHANISMS, ids=lambda kind: kind.__name__)
def test_a_mechanism_with_the_numbers_of_doing_nothing_does_nothing(kind):
    """So a drug that lacks it is one that has it at these numbers, to the last bit."""
    exposure = Exposure(estradiol=3.0, ovarian=5.0, serm=0.1, serm_efficacy=0.5, peripheral=17.3)
    before = deepcopy(exposure)
    kind().act(exposure, Given(level=1.7, taken=2.0))
    assert exposure == before


@pytest.mark.parametrize("name", DRUGS)
def test_a_drug_of_flat_numbers_is_the_drug_of_mechanisms(name):
    one = DRUGS[name]
    numbers = {key: getattr(one, key) for key in one.given}
    assert drug(name, fitted=one.fitted, **numbers) == one
    assert one.with_values({}) == one
    assert all(numbers[key] != DEFAULTS[key] for key in numbers)
    assert {OWNERS[key] for key in numbers if key in OWNERS} == set(map(type, one.mechanisms))


def test_a_number_of_a_mechanism_that_a_drug_lacks_is_that_of_doing_nothing_and_can_be_set():
    parameters = Parameters()
    assert parameters.drugs["anastrozole"].serm == 0.0
    changed = parameters.with_values({"drugs.anastrozole.serm": 2.0})
    assert changed.drugs["anastrozole"].mechanisms == (
        AromataseInhibition(suppression=0.95),
        ReceptorLigand(serm=2.0),
    )
    assert changed.values()["drugs.anastrozole.serm"] == 2.0  # a record knows of it


def test_a_drug_can_be_copied_and_sent():
    for one in DRUGS.values():
        assert loads(dumps(one)) == deepcopy(one) == one


def test_what_is_wrong_with_a_drug_is_said_in_one_line():
    with pytest.raises(TypeError, match=r"^drug\(\) got an unexpected keyword 'bone'; it takes "):
        drug("own", bone=5.0)
    with pytest.raises(ValueError, match=r"suppression = 2 fraction; expected 0 to 0\.999"):
        drug("own", suppression=2)
    with pytest.raises(ValueError, match=r"half_life = 0 day; expected 0\.01 to 400 day"):
        drug("own", half_life=0)
    with pytest.raises(ValueError, match=r"^anastrozole has no 'bone'; it has half_life, "):
        DRUGS["anastrozole"].with_values({"bone": 5.0})
    with pytest.raises(ValueError, match="expected each once"):
        Drug(name="own", mechanisms=(AromataseInhibition(), AromataseInhibition()))
    with pytest.raises(AttributeError, match="a drug has no 'bone'"):
        DRUGS["anastrozole"].bone  # noqa: B018
    assert set(ITEMS) < set(DEFAULTS)
