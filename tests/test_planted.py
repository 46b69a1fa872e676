"""Every planted fault is caught by a test: the faults of `faults.toml`, some at a time."""

import subprocess
import sys

import pytest
from plant_faults import TOP, read_faults

PARTS = 7
NAMES = [fault.name for fault in read_faults()]


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(PARTS))
def test_every_planted_fault_is_caught(part):
    names = NAMES[part::PARTS]
    done = subprocess.run(
        [sys.executable, "tests/plant_faults.py", "--only", *names],
        cwd=TOP, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(names)} of {len(names)} faults caught" in done.stdout
