"""A record holds what made a run and what came out, so that anyone can repeat it."""

import json
import platform
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

import remodel
from remodel.parameters import Parameters
from remodel.report import summarize
from remodel.trials import Trial

FORMAT = "remodel run, 1"
LIBRARIES = ("mesa", "numpy", "scipy", "pandas")
CAUSES = ("format", "made_by", "code", "trial", "parameters", "seed", "replicates", "step_days")
NO_RESULT = {
    "plots.py",
    "tables.py",
    "__main__.py",
    "validation.py",
    "workers.py",
}  # modules that change no number


def describe(trial: Trial, parameters: Parameters, seed: int, replicates: int) -> dict[str, Any]:
    """Return all that makes a run: no date and no path, so equal runs have equal records."""
    return {
        "format": FORMAT,
        **origin(),
        "trial": trial.as_data(),
        "parameters": parameters.values(),
        "seed": seed,
        "replicates": replicates,
        "step_days": parameters.time.step,
    }


def origin() -> dict[str, Any]:
    """Return the versions and the code that a number can depend on."""
    libraries = {name: version(name) for name in LIBRARIES}
    made_by = {"remodel": remodel.__version__, "python": platform.python_version(), **libraries}
    return {"made_by": made_by, "code": code_sum()}


def code_sum() -> str:
    """Return a checksum of the modules that a number can depend on."""
    here = [item for item in files("remodel").iterdir() if item.name.endswith(".py")]
    named = sorted((item.name, item) for item in here if item.name not in NO_RESULT)
    return sha256(b"".join(item.read_bytes() for _, item in named)).hexdigest()


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


def read_record(path: Path) -> dict[str, Any]:
    """Read the record of a run; raises what `read_sealed` does, and if it lacks a part."""
    record = read_sealed(path, FORMAT)
    missing = [name for name in (*CAUSES, "results") if name not in record]
    if missing:
        raise ValueError(f"{path}: is no whole record; it lacks {', '.join(missing)}")
    return record


def read_sealed(path: Path, form: str) -> dict[str, Any]:
    """Read a file that `seal` made.

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
    return record


def check_claim(path: Path, causes: dict[str, Any]) -> None:
    """Refuse a folder that holds anything but what the same causes make.

    Parameters
    ----------
    path : Path
        The sealed file in the folder that holds the causes of what is there.
    causes : dict
        Of what is to be written, its format among them.
    """
    folder = path.parent
    if path.exists():
        held = read_sealed(path, causes["format"])
        other = [name.replace("_", " ") for name in causes if held.get(name) != causes[name]]
        if other:
            raise ValueError(
                f"{folder} already holds another run (other {', '.join(other)}); "
                "choose another --out or remove the folder"
            )
    elif folder.is_dir() and any(not item.name.startswith(".") for item in folder.iterdir()):
        raise ValueError(f"{folder} holds files but no run; choose another --out")
