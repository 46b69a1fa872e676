"""A record holds what made a run and what came out, so that anyone can repeat it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from remodel.bone.files import load_section, section_sum
from remodel.bone.section import Tissue
from remodel.clinic.trials import Trial
from remodel.parameters.parameters import Parameters
from remodel.support.archive import MOST_TEXT, parse_json
from remodel.support.files import folder_lock, open_folder, read_bytes, write_atomically
from remodel.support.plain_values import blank, for_json
from remodel.support.provenance import made_by

FORMAT = "remodel run, 2"
PROVENANCE = (
    "format",
    "made_by",
    "trial",
    "parameter_set",
    "parameters",
    "section",
    "seed",
    "replicates",
    "step_days",
)
KINDS: dict[str, Any] = {  # of what a record holds, by name
    "made_by": dict, "trial": dict, "parameter_set": str, "parameters": dict,
    "section": str | None,
    "seed": int, "replicates": int, "step_days": int | float, "results": dict | None,
}  # fmt: skip


def describe(
    trial: Trial, parameters: Parameters, seed: int, replicates: int, tissue: Tissue | None = None
) -> dict[str, Any]:
    """Return all that makes a run: no date and no path, so equal runs have equal records.

    A section that was brought is named by its content; one built from the seed is None.
    """
    return {
        "format": FORMAT,
        "made_by": made_by(),
        "trial": trial.as_data(),
        "parameter_set": parameters.parameter_set,
        "parameters": parameters.values(),
        "section": section_sum(tissue) if tissue else None,
        "seed": seed,
        "replicates": replicates,
        "step_days": parameters.time.step,
    }


def results(frame: pd.DataFrame, summary: pd.DataFrame) -> dict[str, Any]:
    """Return what came out: the summary, and a checksum of every reading."""
    rows, content = rows_of(summary), as_csv(frame).encode()
    return {"summary": rows, "replicates_csv_sha256": sha256(content).hexdigest()}


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON can hold them."""
    rows = table.to_dict("records")
    return [{str(name): blank(value) for name, value in row.items()} for row in rows]


def as_csv(frame: pd.DataFrame) -> str:
    """Return a frame as CSV from which the same numbers are read, to the last bit."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def record_text(record: Mapping[str, Any]) -> str:
    """Return a record as JSON."""
    return json.dumps(dict(record), indent=1, allow_nan=False, default=for_json) + "\n"


def checksum(content: Mapping[str, Any]) -> str:
    """Return a checksum by which one experiment is told from another."""
    text = json.dumps(dict(content), sort_keys=True, default=for_json)
    return sha256(text.encode()).hexdigest()


def read_record(path: Path | str, form: str = FORMAT) -> dict[str, Any]:
    """Read the record of a run; raises what `read_json` does, and if it lacks a part."""
    path = Path(path)
    record = read_json(path, form)
    check_parts(path, record, KINDS if form == FORMAT else dict.fromkeys(KINDS, object))
    return record


def check_parts(path: Path, record: Mapping[str, Any], kinds: Mapping[str, Any]) -> None:
    """Refuse a record that lacks a part, or has one of another kind."""
    missing = [name for name in kinds if name not in record]
    if missing:
        raise ValueError(f"{path}: is an incomplete record; it lacks {', '.join(missing)}")
    other = [name for name, kind in kinds.items() if not isinstance(record[name], kind)]
    if other:
        raise ValueError(f"{path}: is no record; of another kind: {', '.join(other)}")


def versions_of(record: Mapping[str, Any]) -> list[Any]:
    """Return the versions that made the runs of a record."""
    held = record.get("runs_made_by")
    return held if isinstance(held, list) else [record.get("made_by")]


def with_versions(
    provenance: Mapping[str, Any], versions: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Return the provenance of some runs, with their versions where it was not this one alone."""
    alone = all(one == provenance["made_by"] for one in versions)
    each = [one for place, one in enumerate(versions) if one not in versions[:place]]
    return {**provenance, **({} if alone else {"runs_made_by": each})}


def read_json(path: Path, form: str) -> dict[str, Any]:
    """Read a record of one format.

    Raises
    ------
    ValueError
        If it cannot be read, is cut short or is of another format.
    """
    try:
        record = parse_json(read_bytes(path, MOST_TEXT))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is no record, or cut short ({error})") from None
    if not isinstance(record, dict) or record.get("format") != form:
        raise ValueError(f"{path}: is no record of this kind; expected format {form!r}")
    return record


def recorded_section(record: dict[str, Any], file: Path | str) -> Tissue | None:
    """Return the section that a record names, from a file beside it; None if it names none."""
    if record["section"] is None:
        return None
    tissue = load_section(file)
    if section_sum(tissue) != record["section"]:
        raise ValueError(f"{file}: is another section than the one that the record names")
    return tissue


def check_folder(path: Path, provenance: dict[str, Any]) -> None:
    """Refuse a folder that holds anything but what the same provenance makes, by whatever version.

    Parameters
    ----------
    path : Path
        The file in the folder that holds the provenance of what is there.
    provenance : dict
        Of what is to be written, its format among them.
    """
    folder = path.parent
    if path.exists():
        held = read_json(path, provenance["format"])
        asked = [name for name in provenance if name != "made_by"]
        other = [name.replace("_", " ") for name in asked if held.get(name) != provenance[name]]
        if other:
            raise ValueError(
                f"{folder} already holds another run (other {', '.join(other)}); "
                "choose another --out or remove the folder"
            )
    elif folder.is_dir() and any(not item.name.startswith(".") for item in folder.iterdir()):
        raise ValueError(f"{folder} holds files but no run; choose another --out")


@contextmanager
def locked_folder(
    path: Path, provenance: dict[str, Any], content: dict[str, Any]
) -> Iterator[None]:
    """Make a folder that of some provenance, and keep every other run out of it meanwhile.

    Parameters
    ----------
    path, provenance
        As for `check_folder`.
    content : dict
        What is written there if nothing is; what a finished run left stays.

    Raises
    ------
    ValueError
        If the folder holds something else, cannot be written or is being written into.
    """
    check_folder(path, provenance)
    open_folder(path.parent)
    with folder_lock(path.parent):
        check_folder(path, provenance)  # another run may have come in between
        if not path.exists():
            write_atomically(path, record_text(content))
        yield
