"""The types of cells that there are: what each is called, and how pictures show it.

Counts, pictures, films, the page with its legend, checkpoints, saved models and Mesa's pages go
through `CELL_TYPES`; none of them names a cell. `docs/new-cell.md` shows how to add one.
"""

from dataclasses import dataclass

from remodel.model import cells
from remodel.model.bmu import AT_WORK, FORMATION, RESORPTION, REVERSAL


@dataclass(frozen=True)
class CellType:
    """One type of cell.

    Attributes
    ----------
    kind : type
        Its class in `remodel.model.cells`.
    name : str
        Plural, which names its columns, such as ``trabecular_osteoclasts``.
    label, caption, counted : str
        What it is called beside a mark in print and in the legend of the page, and where it
        is counted.
    color : str
        Of its mark; all are told apart by all kinds of color vision (Okabe and Ito).
    round : bool
        Whether its mark is a disc, not a square.
    size : float
        Of its mark, um; about that of the cell.
    phase : str, optional
        The phase of a BMU in which there is such a cell.
    """

    kind: type[cells.Cell]
    name: str
    label: str
    caption: str
    counted: str
    color: str
    round: bool = False
    size: float = 20.0
    phase: str | None = None


CELL_TYPES = (
    CellType(
        kind=cells.Osteoclast,
        name="osteoclasts",
        label="osteoclast",
        caption="osteoclast, resorbs bone",
        counted="osteoclasts",
        color="#D55E00",
        round=True,
        size=60.0,
        phase=RESORPTION,
    ),
    CellType(
        kind=cells.Osteoblast,
        name="osteoblasts",
        label="osteoblasts (one team)",
        caption="osteoblasts, a team that builds",
        counted="teams of osteoblasts",
        color="#0072B2",
        phase=FORMATION,
    ),
)
PAINTED = CELL_TYPES[::-1]  # the first lie on top
SHOWS = {one.phase: one.name for one in CELL_TYPES if one.phase} | {REVERSAL: "reversing"}
COUNTED = (  # by phase, in which units stand for the cells that are not there; then all others
    *(SHOWS[phase] for phase in AT_WORK),
    *(one.name for one in CELL_TYPES if one.phase is None),
)


def type_of(cell: cells.Cell) -> CellType:
    """Return the type of a cell."""
    return next(one for one in CELL_TYPES if isinstance(cell, one.kind))
