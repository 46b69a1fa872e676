"""Use remodel as installed from its wheel, in the folder where this is started.

Run by .ci/run with the Python of an environment that has the wheel and no sources.
"""

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import remodel
from remodel.clinic.trial_files import built_in_trials, load_trial
from remodel.report.agreement import read_targets
from remodel.support.provenance import made_by
from remodel.viewer.lesson_files import built_in_lessons, load_lesson

COMMANDS = (
    "--version",
    "list",
    "parameters",
    "new mine.toml",
    "run atac --quick",
    "reproduce results/atac-quick/record.json",
    "run mine.toml --quick --replicates 1",
)
PATIENCE = 30.0  # seconds that the page may take


def typed(line: str) -> list[str]:
    """Return a command of ours as words: that of the environment, whatever the path holds."""
    return [str(Path(sys.executable).with_name("remodel")), *line.split()]


def check_data() -> None:
    """Read every file of data that the package brings."""
    place = Path(remodel.__file__).parent
    assert place.is_relative_to(sys.prefix), f"{place} is not what was installed"
    assert made_by()["remodel"] == remodel.__version__
    trials = [load_trial(name) for name in built_in_trials()]
    assert len(trials) >= 10
    assert sum(len(trial.published) for trial in trials) > 80
    assert len(read_targets()) > 10
    assert len([load_lesson(name) for name in built_in_lessons()]) == 8
    assert (place / "clinic" / "evidence" / "biology.csv").stat().st_size
    assert (place / "viewer" / "lessons" / "README.md").stat().st_size


def check_page() -> None:
    """Serve the page and fetch it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = typed(f"view --no-browser --section small --port {port}")
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().split()[1]
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            assert answer.status == 200, answer.status
            assert b"remodel" in answer.read()
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(PATIENCE)


if __name__ == "__main__":
    begun = time.perf_counter()
    check_data()
    for command in COMMANDS:
        subprocess.run(typed(command), check=True, stdout=subprocess.DEVNULL, timeout=300)
    check_page()
    print(f"installed from the wheel: all works ({time.perf_counter() - begun:.0f} s)")
