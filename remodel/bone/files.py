"""A section of bone in a file: bone, its mineral and its compartments."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remodel.bone.section import MOST_SITES, REGIONS, Tissue
from remodel.parameters.quantities import check
from remodel.parameters.tissue import Section
from remodel.support.archive import Arrays, read_archive, write_archive

SECTION = "remodel section, 2"
LARGEST = 24 * MOST_SITES  # bytes once unpacked
BONE = {"matrix": "f8", "unmineralized": "f8", "region": "i1", "outside": "?"}  # of a section
SITE = Section.__dataclass_fields__["site"].metadata
SITE_SIZES = (SITE["low"], SITE["high"])  # µm


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
        With one line, if the file is incomplete or holds what cannot be a section.
    """
    arrays, record = read_archive(Path(path), SECTION, LARGEST)
    try:
        check_section(arrays, record["site_um"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: holds no section: {error}") from None
    unmineralized = arrays.pop("unmineralized")
    tissue = Tissue(**arrays, site_um=record["site_um"])
    tissue.unmineralized[:] = unmineralized
    return tissue


def check_section(arrays: Arrays, site_um: float) -> None:
    """Refuse arrays that are no section of bone."""
    check("site size", site_um, "µm", *SITE_SIZES)
    if {name: values.dtype for name, values in arrays.items()} != BONE:
        raise ValueError(f"it has {', '.join(arrays) or 'nothing'}; expected {', '.join(BONE)}")
    shapes = {values.shape for values in arrays.values()}
    matrix, unmineralized = arrays["matrix"], arrays["unmineralized"]
    if len(shapes) != 1 or matrix.ndim != 2 or not 0 < matrix.size <= MOST_SITES:
        raise ValueError(f"shapes {shapes}; expected one of two lengths, up to {MOST_SITES} sites")
    if not ((matrix >= 0) & (matrix <= 1) & (unmineralized >= 0) & (unmineralized <= matrix)).all():
        raise ValueError(
            "matrix or unmineralized out of range; expected 0 <= unmineralized <= matrix <= 1"
        )
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
