"""Archives (`.npz`): arrays and a record in one file, which is whole or refused.

Nothing in them is ever run: arrays are plain numbers, the record is JSON.
"""

import json
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from remodel.support.files import write_atomically
from remodel.support.plain_values import for_json

MOST_ARRAYS = 100
MOST_TEXT = 64 << 20  # bytes of a record
MOST_PARTS = 1_000_000  # lists and tables of a record: each takes twenty times its text
BROKEN = (
    BadZipFile, zlib.error, ValueError, EOFError, KeyError, RuntimeError, AttributeError, MemoryError,
)  # fmt: skip
Arrays = Mapping[str, NDArray[Any]]


def write_archive(path: Path, kind: str, arrays: Arrays, record: Mapping[str, Any]) -> None:
    """Write arrays and a record into one file, atomically; equal content, equal bytes."""
    text = json.dumps({"kind": kind, **record}, allow_nan=False, default=for_json)
    buffer = BytesIO()
    packed = {"record": np.frombuffer(text.encode(), dtype=np.uint8), **arrays}
    np.savez_compressed(buffer, **packed)  # type: ignore[arg-type]  # no array is a flag
    write_atomically(path, buffer.getvalue())


def read_archive(
    path: Path, kind: str, largest: int
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read arrays and record of one kind of archive, of so many bytes at most.

    Raises
    ------
    ValueError
        If it cannot be read, is cut short, is of another kind or too large.
    """
    arrays, record = unpack(path, largest)
    if record.get("kind") != kind:
        found = record.get("kind")
        raise ValueError(f"{path}: holds {found!r}; expected {kind!r}{advice(found, kind)}")
    return arrays, record


def advice(found: Any, kind: str) -> str:
    """Return what to do about an archive of the right kind in the form of another version."""
    if str(found).rpartition(",")[0] != kind.rpartition(",")[0]:
        return ""
    return ": another version saved it; make it anew, or open it with that version"


def unpack(path: Path, largest: int) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return arrays and record of an archive, before anything in them is believed."""
    if path.exists() and not path.is_file():  # a device may have no end
        raise ValueError(f"{path}: cannot be read (no regular file)")
    try:
        with ZipFile(path) as file:
            sizes = {member.filename: member.file_size for member in file.infolist()}
            check_sizes(path, sizes, largest)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        record = parse_json(arrays.pop("record").tobytes())
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
    except TooLargeError:
        raise
    except BROKEN as error:
        raise ValueError(
            f"{path}: is no archive (.npz) of remodel, or cut short ({error})"
        ) from None
    if not isinstance(record, dict) or any(a.dtype.kind not in "biuf" for a in arrays.values()):
        raise ValueError(f"{path}: is no archive of remodel; expected a record and plain numbers")
    return arrays, record


class TooLargeError(ValueError):
    """What would fill memory is refused before it is unpacked."""


def check_sizes(path: Path, sizes: Mapping[str, int], largest: int) -> None:
    """Refuse an archive that unpacks to more than it may."""
    size = sum(sizes.values())
    if size > largest or len(sizes) > MOST_ARRAYS:
        raise TooLargeError(
            f"{path}: unpacks to {size} bytes; expected at most {largest}, "
            f"in up to {MOST_ARRAYS} arrays"
        )
    if sizes.get("record.npy", 0) > MOST_TEXT:
        raise TooLargeError(f"{path}: has a record of over {MOST_TEXT} bytes")


def parse_json(content: bytes) -> Any:
    """Return what a text in JSON holds.

    Raises
    ------
    ValueError
        If it is no JSON, or holds or is nested more than memory can be asked to take.
    """
    if content.count(b"[") + content.count(b"{") > MOST_PARTS:
        raise ValueError(f"it has over {MOST_PARTS} lists and tables")
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
