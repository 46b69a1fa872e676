"""The faults of `faults.toml` fit the code, and `faults.csv` says which test catches each."""

import ast
import csv
import re

import pytest
from plant_faults import RECORD, TOP, Fault, planted, read_faults

FAULTS = read_faults()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_planted_and_changes_code(fault):
    right = (TOP / "remodel" / fault.file).read_text(encoding="utf-8")
    faulty = planted(fault, right)
    assert ast.dump(ast.parse(faulty)) != ast.dump(ast.parse(right))
    assert fault.wrong


@pytest.mark.parametrize("text", ["", "a = 1\nb = a = 1\n"])
def test_text_that_does_not_stand_there_once_is_refused(text):
    fault = Fault("slip", "model.py", "a = 1", "a = 2", "")
    with pytest.raises(ValueError, match=r"slip: 'a = 1' stands [02] times in model\.py"):
        planted(fault, text)


def test_every_fault_has_a_row_in_the_record_and_was_caught_by_a_test_that_there_is():
    with RECORD.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["fault"] for row in rows] == [fault.name for fault in FAULTS]
    for row in rows:
        file, function = re.match(r"(tests/\w+\.py)::(\w+)", row["caught by"]).groups()
        assert f"def {function}(" in (TOP / file).read_text(encoding="utf-8"), row["fault"]
