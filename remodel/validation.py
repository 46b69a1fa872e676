"""Every built-in trial held against its publication: what was fitted, what is predicted."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from remodel import pages
from remodel.comparison import evidence_table
from remodel.ensemble import ReplicateTask, run_all, run_replicate
from remodel.files import open_folder, write_whole
from remodel.histomorphometry import histomorphometry
from remodel.model import BoneModel
from remodel.parameters import Parameters
from remodel.record import blank, check_claim, describe, seal
from remodel.report import Readings
from remodel.targets import target_table
from remodel.trials import Trial, built_in_trials, load_trial

FORMAT = "remodel validation, 1"
OUTPUTS = (*pages.OUTPUTS, "record.json")
KEPT = "runs"  # folder of what is finished, until all is
BEFORE = "before treatment"


@dataclass(frozen=True)
class Piece:
    """One replicate of a trial, or of the section before any treatment."""

    name: str
    task: ReplicateTask

    @property
    def file(self) -> str:
        """Name of the file that keeps it."""
        return f"{self.name.replace(' ', '-')}-{self.task.replicate:03d}.json"


def validate(
    parameters: Parameters, replicates: int, seed: int, workers: int, folder: Path
) -> pd.DataFrame:
    """Run every built-in trial and write tables, a figure and a record into a folder.

    Arguments are those of `run_trial`, and the folder. It must be new or hold the very
    same validation; what of that is finished is not run again.

    Returns
    -------
    DataFrame
        One row for each published result.

    Raises
    ------
    KeyboardInterrupt
        With a message that says how much is kept.
    """
    trials = [load_trial(name) for name in built_in_trials()]
    causes = describe(trials[0], parameters, seed, replicates)
    causes |= {"format": FORMAT, "trial": [trial.as_data() for trial in trials]}
    check_claim(folder, causes)
    open_folder(folder)
    (folder / KEPT).mkdir(exist_ok=True)
    write_whole(folder / "record.json", seal(causes | {"results": None}))
    pieces = list_pieces(trials, parameters, replicates, seed)
    run_missing(pieces, workers, folder / KEPT)
    frames = read_pieces(pieces, folder / KEPT)
    baseline = frames.pop(BEFORE)
    readings = {name: Readings(frame) for name, frame in frames.items()}
    table, targets = evidence_table(trials, readings), target_table(readings)
    made = f"{replicates} replicates, seed {seed}"
    pages.write_pages(table, targets, baseline, made, folder)
    results = {"evidence": rows_of(table), "targets": rows_of(targets)}
    write_whole(folder / "record.json", seal(causes | {"results": results}))
    shutil.rmtree(folder / KEPT)
    return table


def list_pieces(
    trials: Sequence[Trial], parameters: Parameters, replicates: int, seed: int
) -> list[Piece]:
    """Return all that is to be run, replicate by replicate."""
    return [
        Piece(name, ReplicateTask(trial, parameters, number, seed + number))
        for number in range(replicates)
        for name, trial in ((BEFORE, trials[0]), *((trial.name, trial) for trial in trials))
    ]


def run_missing(pieces: Sequence[Piece], workers: int, folder: Path) -> None:
    """Run the pieces that a folder does not hold, and keep each as soon as it is there."""
    missing = [piece for piece in pieces if not (folder / piece.file).exists()]
    done = len(pieces) - len(missing)
    hide = not sys.stderr.isatty()
    with tqdm(total=len(pieces), initial=done, unit="run", disable=hide) as bar:

        def keep(found: tuple[Piece, pd.DataFrame]) -> None:
            text = json.dumps(found[1].to_dict("list"))  # numbers to the last bit
            write_whole(folder / found[0].file, text)
            bar.update()

        try:
            run_all(missing, run_piece, workers, keep)
        except KeyboardInterrupt:
            there = sum((folder / piece.file).exists() for piece in pieces)
            raise KeyboardInterrupt(
                f"{there} of {len(pieces)} runs are kept in {folder}; the same command goes on"
            ) from None


def run_piece(piece: Piece) -> tuple[Piece, pd.DataFrame]:
    """Run one piece."""
    if piece.name == BEFORE:
        return piece, measure_baseline(piece.task)
    return piece, run_replicate(piece.task).frame


def measure_baseline(task: ReplicateTask) -> pd.DataFrame:
    """Run the spin-up alone and measure the section as a biopsy would be."""
    model = BoneModel(patient=task.trial.patient, rng=task.seed, parameters=task.parameters)
    shown = {region: histomorphometry(model, region) for _, region, _, _ in pages.RANGES}
    rows = [(index, region, shown[region][index]) for index, region, _, _ in pages.RANGES]
    return pd.DataFrame(rows, columns=["index", "region", "value"])


def read_pieces(pieces: Sequence[Piece], folder: Path) -> dict[str, pd.DataFrame]:
    """Return the readings of all replicates of each trial."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for piece in pieces:
        data = json.loads((folder / piece.file).read_text(encoding="utf-8"))
        parts.setdefault(piece.name, []).append(pd.DataFrame(data))
    return {name: pd.concat(part, ignore_index=True) for name, part in parts.items()}


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON can hold them."""
    rows = table.to_dict("records")
    return [{str(name): blank(value) for name, value in row.items()} for row in rows]
