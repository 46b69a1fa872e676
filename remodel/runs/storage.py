"""Runs on disk: one file for each run of an ensemble that ended, written atomically."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd

from remodel.model.observer import COLUMNS
from remodel.runs.record import (
    as_csv,
    check_parts,
    checksum,
    locked_folder,
    read_json,
    record_text,
)
from remodel.runs.replicate import Replicate
from remodel.support.files import write_atomically
from remodel.support.messages import one_line
from remodel.support.plain_values import blank, unblank

MANIFEST = "ensemble.json"
ENSEMBLE, RUN = "remodel ensemble, 3", "remodel ensemble run, 3"
PARTS = {"made_by": dict, "seed": int, "replicates": int, "measure": str, "cases": list}
NUMBERS = {"replicate", "seed", *COLUMNS}  # columns that hold no text


def lock_folder(folder: Path, provenance: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Make a folder that of an ensemble, as `locked_folder` does."""
    manifest = {"format": ENSEMBLE, **provenance}
    return locked_folder(folder / MANIFEST, manifest, manifest)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what makes the ensemble of a folder."""
    provenance = read_json(folder / MANIFEST, ENSEMBLE)
    check_parts(folder / MANIFEST, provenance, PARTS)
    return provenance


def run_path(folder: Path, case: int, number: int) -> Path:
    """Return the file of a run."""
    return folder / f"{case:04d}-{number:03d}.json"


def write_run(folder: Path, provenance: Mapping[str, Any], run: Replicate) -> None:
    """Write a run, finished or failed, with what ties it to its ensemble.

    Raises
    ------
    OSError
        If the disk is full or the folder is gone; runs that are there stay complete.
    """
    path = run_path(folder, run.case, run.number)
    columns = {str(name): [blank(x) for x in run.frame[name].tolist()] for name in run.frame}
    record = {
        "format": RUN,
        "made_by": run.made_by,
        "belongs_to": fingerprint(provenance, run.case, run.number),
        "error": run.error,
        "readings": columns,
    }
    try:
        write_atomically(path, record_text(record))
    except OSError as error:
        kept = "finished runs are kept, and the same command goes on from there"
        if not folder.is_dir():
            kept = "its folder was removed, and what was finished in it is lost"
        raise OSError(f"{path}: cannot be written ({error.strerror}); {kept}") from None


def read_run(folder: Path, provenance: Mapping[str, Any], case: int, number: int) -> Replicate:
    """Read a run.

    Raises
    ------
    ValueError
        If its file is cut short or belongs to another ensemble.
    """
    path = run_path(folder, case, number)
    try:
        record = read_json(path, RUN)
    except ValueError as error:
        raise ValueError(f"{error}; remove it, and the same command runs it anew") from None
    if record.get("belongs_to") != fingerprint(provenance, case, number):
        raise ValueError(
            f"{path}: is a run of another experiment; remove it or choose another --out"
        )
    try:
        frame = as_frame(record["readings"])
        failed, version = str(record["error"]), dict(record["made_by"])
        return Replicate(number, frame, case=case, error=failed, made_by=version)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: holds no run ({error!r})") from None


def as_frame(readings: Mapping[str, Any]) -> pd.DataFrame:
    """Return the readings of a run; text are the names of the arms and what was measured."""
    frame = pd.DataFrame(
        {name: [unblank(value) for value in values] for name, values in readings.items()}
    )
    words = [name for name in frame if name in NUMBERS and frame[name].dtype.kind not in "biuf"]
    if words:
        raise ValueError(f"{words[0]} is not all numbers")
    return frame


def read_runs(folder: Path, provenance: Mapping[str, Any]) -> Iterator[Replicate]:
    """Yield the runs of an ensemble that are there, in order."""
    for case in range(len(provenance["cases"])):
        for number in range(provenance["replicates"]):
            if run_path(folder, case, number).exists():
                yield read_run(folder, provenance, case, number)


def fingerprint(provenance: Mapping[str, Any], case: int, number: int) -> str:
    """Return a checksum of all that makes one run of an ensemble, but for the version."""
    shared = ("measure", "seed")
    parts = {name: provenance[name] for name in shared}
    return checksum(parts | {"case": provenance["cases"][case], "replicate": number})


def write_frame(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a frame as CSV or Parquet, as the name of the file says.

    Raises
    ------
    ValueError
        If the name ends in neither, or Parquet cannot be written here.
    """
    path = Path(path)
    if path.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{path}: expected a name that ends in .csv or .parquet")
    if path.suffix == ".csv":
        write_atomically(path, as_csv(frame))
        return
    try:
        content = frame.to_parquet(index=False)
    except ImportError:
        raise ValueError(
            f'{path}: Parquet needs pyarrow; install it with: pip install "remodel[analysis]", '
            "or name a .csv"
        ) from None
    except (TypeError, ValueError) as error:  # of a column with text and numbers in it
        raise ValueError(f"{path}: {one_line(str(error))}; or name a .csv") from None
    write_atomically(path, content)
