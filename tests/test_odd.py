"""What the ODD description names is there, and what it says in numbers is so."""

import re
from pathlib import Path

from remodel import BoneModel, Parameters
from remodel.model.bone_model import STEP

TOP = Path(__file__).parent.parent
TEXT = (TOP / "docs" / "odd.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([\w.]+)`", TEXT))


def test_every_number_named_in_the_odd_is_one_of_the_model():
    known, groups = Parameters().values(), set(Parameters().groups())
    named = [name for name in NAMED if name.partition(".")[0] in groups and "." in name]
    assert named
    assert [name for name in named if name not in known] == []


def test_every_process_is_carried_out_by_a_named_function():
    assert [name for name in STEP if not hasattr(BoneModel, name)] == []
