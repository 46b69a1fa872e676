"""Archives (`.npz`): arrays and a record in one file, which is whole or refused.

Nothing in them is ever run: arrays are plain numbers, the record is JSON.
"""

import json
import zlib
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from remodel.files import write_whole
from remodel.parameters import Section
from remodel.quantities import check, for_json
from remodel.tissue import MOST_SITES, REGIONS, Tissue

SECTION = "remodel section, 2"
BONE = {"matrix": "f8", "immature": "f8", "region": "i1", "outside": "?"}  # of a section
SITE = Section.__dataclass_fields__["site"].metadata
SITE_SIZES = (SITE["low"], SITE["high"])  # um
LARGEST = {SECTION: 24 * MOST_SITES, "": 128 * MOST_SITES}  # bytes once unpacked, by kind
MOST_ARRAYS = 100
MOST_TEXT = 64 << 20  # bytes of a record
MOST_PARTS = 1_000_000  # lists and tables of a record: each takes twenty times its text
BROKEN = (
    BadZipFile, zlib.error, ValueError, EOFError, KeyError, RuntimeError, AttributeError, MemoryError,
)  # fmt: skip
Arrays = Mapping[str, NDArray[Any]]


def write_archive(path: Path, kind: str, arrays: Arrays, record: Mapping[str, Any]) -> None:
    """Write arrays and a record into one file, whole or not at all; equal content, equal bytes."""
    text = json.dumps({"kind": kind, **record}, allow_nan=False, default=for_json)
    buffer = BytesIO()
    packed = {"record": np.frombuffer(text.encode(), dtype=np.uint8), **arrays}
    np.savez_compressed(buffer, **packed)  # type: ignore[arg-type]  # no array is a flag
    write_whole(path, buffer.getvalue())


def read_archive(path: Path, kind: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read arrays and record of one kind of archive.

    Raises
    ------
    ValueError
        If it cannot be read, is cut short, is of another kind or too large.
    """
    arrays, record = unpack(path, LARGEST.get(kind, LARGEST[""]))
    if record.get("kind") != kind:
        found = record.get("kind")
        raise ValueError(f"{path}: holds {found!r}; expected {kind!r}: made by another version?")
    return arrays, record


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


def save_section(tissue: Tissue, path: Path | str, about: Mapping[str, Any] | None = None) -> None:
    """Save a section alone: bone, its mineral and its compartments, no cells and no drugs.

    Parameters
    ----------
    tissue : Tissue
        Cavities under repair are saved as they are, open.
    path : Path or str
        An ``.npz`` file.
    about : mapping, optional
        Where the section comes from, as JSON can hold it.
    """
    record = {"site_um": tissue.site_um, "about": dict(about or {})}
    write_archive(Path(path), SECTION, bone_arrays(tissue), record)


def load_section(path: Path | str) -> Tissue:
    """Load a section that `save_section` saved.

    Raises
    ------
    ValueError
        With one line, if the file is not whole or holds what cannot be a section.
    """
    arrays, record = read_archive(Path(path), SECTION)
    try:
        check_section(arrays, record["site_um"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: holds no section: {error}") from None
    immature = arrays.pop("immature")
    tissue = Tissue(**arrays, site_um=record["site_um"])
    tissue.immature[:] = immature
    return tissue


def check_section(arrays: Arrays, site_um: float) -> None:
    """Refuse arrays that are no section of bone."""
    check("site size", site_um, "um", *SITE_SIZES)
    if {name: values.dtype for name, values in arrays.items()} != BONE:
        raise ValueError(f"it has {', '.join(arrays) or 'nothing'}; expected {', '.join(BONE)}")
    shapes = {values.shape for values in arrays.values()}
    matrix, immature = arrays["matrix"], arrays["immature"]
    if len(shapes) != 1 or matrix.ndim != 2 or not 0 < matrix.size <= MOST_SITES:
        raise ValueError(f"shapes {shapes}; expected one of two lengths, up to {MOST_SITES} sites")
    if not ((matrix >= 0) & (matrix <= 1) & (immature >= 0) & (immature <= matrix)).all():
        raise ValueError("matrix or immature out of range; expected 0 <= immature <= matrix <= 1")
    if not np.isin(arrays["region"], [0, *REGIONS.values()]).all() or not matrix.any():
        raise ValueError("an unknown compartment, or no bone at all")


def section_sum(tissue: Tissue) -> str:
    """Return the checksum by which a section is told from another, wherever its file lies."""
    total = sha256(json.dumps(tissue.site_um).encode())
    for name, values in bone_arrays(tissue).items():
        total.update(f"{name} {values.dtype.str} {values.shape}".encode())
        total.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8))
    return total.hexdigest()


def bone_arrays(tissue: Tissue) -> dict[str, NDArray[Any]]:
    """Return the arrays of a section alone."""
    return {name: getattr(tissue, name) for name in BONE}
