"""A record holds what made a run and what came out, so that anyone can repeat it."""

import json
from hashlib import sha256
from math import inf, isnan
from pathlib import Path
from typing import Any

import pandas as pd

from remodel.archive import load_section, section_sum
from remodel.ensemble import run_trial
from remodel.origin import code_sum, made_by, recorded_parameters
from remodel.parameters import Parameters
from remodel.reader import Table
from remodel.report import summarize
from remodel.tissue import Tissue
from remodel.trials import Trial, build_trial

FORMAT = "remodel run, 1"
CAUSES = (
    "format", "made_by", "code", "trial", "parameters", "section", "seed", "replicates",
    "step_days",
)  # fmt: skip


def describe(
    trial: Trial, parameters: Parameters, seed: int, replicates: int, tissue: Tissue | None = None
) -> dict[str, Any]:
    """Return all that makes a run: no date and no path, so equal runs have equal records.

    A section that was brought is named by its content; one built from the seed is None.
    """
    return {
        "format": FORMAT,
        "made_by": made_by(),
        "code": code_sum(),
        "trial": trial.as_data(),
        "parameters": parameters.values(),
        "section": section_sum(tissue) if tissue else None,
        "seed": seed,
        "replicates": replicates,
        "step_days": parameters.time.step,
    }


def results(frame: pd.DataFrame, trial: Trial) -> dict[str, Any]:
    """Return what came out: the summary, and a checksum of every reading."""
    table = summarize(frame, trial).to_dict("records")
    clean = [{str(name): blank(value) for name, value in row.items()} for row in table]
    return {"summary": clean, "replicates_csv_sha256": sha256(as_csv(frame).encode()).hexdigest()}


def blank(value: Any) -> Any:
    """Return a value as JSON can hold it: None where there is no number."""
    return None if isinstance(value, float) and isnan(value) else value


def as_csv(frame: pd.DataFrame) -> str:
    """Return a frame as CSV from which the same numbers are read, to the last bit."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def seal(record: dict[str, Any]) -> str:
    """Return the text of a record, with a checksum that tells whether it was edited."""
    return json.dumps(record | {"checksum": checksum(record)}, indent=1, allow_nan=False) + "\n"


def checksum(record: dict[str, Any]) -> str:
    """Return the checksum of a record without its own."""
    content = {key: value for key, value in record.items() if key != "checksum"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_record(path: Path, form: str = FORMAT) -> dict[str, Any]:
    """Read a record of some form.

    Raises
    ------
    ValueError
        If it cannot be read, is cut short, was edited or is of another format.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"{path}: is no record, or cut short ({error})") from None
    if not isinstance(record, dict) or record.get("format") != form:
        raise ValueError(f"{path}: is no record of this kind; expected format {form!r}")
    if record.get("checksum") != checksum(record):
        raise ValueError(f"{path}: was edited since it was written; its checksum does not fit")
    missing = [name for name in (*CAUSES, "results") if name not in record]
    if missing:
        raise ValueError(f"{path}: is no whole record; it lacks {', '.join(missing)}")
    return record


def run_again(
    record: dict[str, Any],
    workers: int = 1,
    progress: bool = False,
    tissue: Tissue | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Repeat a run from nothing but its record.

    Parameters
    ----------
    record : dict
        As `read_record` returns it.
    workers, progress
        As for `run_trial`.
    tissue : Tissue, optional
        The section that the user had brought, as `recorded_section` returns it.

    Returns
    -------
    frame : DataFrame
        The readings of the new run.
    differences : list of str
        What is not the same to the last bit; empty if all is.
    """
    if not record.get("results"):
        raise ValueError("the record holds no results: that run was not finished")
    trial = build_trial(Table(record["trial"], "record"))
    parameters = recorded_parameters(record["parameters"])
    seed, replicates = record["seed"], record["replicates"]
    causes = describe(trial, parameters, seed, replicates, tissue)
    if causes["section"] != record["section"]:
        raise ValueError("the record names a section by its content; that one is not given")
    frame = run_trial(trial, parameters, replicates, seed, workers, progress, tissue=tissue)
    new = results(frame, trial)
    if new == record["results"]:
        return frame, []
    other = [name.replace("_", " ") for name in CAUSES if causes[name] != record.get(name)]
    gap = largest_gap(new["summary"], record["results"].get("summary", []))
    under = ", ".join(other) or "conditions that a record does not hold"
    return frame, [
        f"not the same; the summary differs by up to {gap:.2g}; made under other {under}"
    ]


def recorded_section(record: dict[str, Any], file: Path) -> Tissue | None:
    """Return the section that a record names, from a file beside it; None if it names none."""
    if record["section"] is None:
        return None
    tissue = load_section(file)
    if section_sum(tissue) != record["section"]:
        raise ValueError(f"{file}: is another section than the one that the record names")
    return tissue


def largest_gap(new: list[dict[str, Any]], old: list[dict[str, Any]]) -> float:
    """Return the largest difference between simulated values of two summaries."""
    if len(new) != len(old):
        return inf
    pairs = zip(new, old, strict=True)
    return max((abs(a["simulated"] - b["simulated"]) for a, b in pairs), default=0.0)


def check_claim(folder: Path, causes: dict[str, Any]) -> None:
    """Refuse a folder that holds anything but the very run that is to be written."""
    path = folder / "record.json"
    if path.exists():
        held = read_record(path, causes["format"])
        other = [name.replace("_", " ") for name in CAUSES if held.get(name) != causes[name]]
        if other:
            raise ValueError(
                f"{folder} already holds another run (other {', '.join(other)}); "
                "choose another --out or remove the folder"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} holds files but no run; choose another --out")
