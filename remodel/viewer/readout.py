"""Every quantity that a lesson asks about, in numbers: on day 0, over the last year, now."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import fsum

from remodel.clinic.courses import Course
from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES
from remodel.parameters.drugs import find_drug
from remodel.parameters.time_steps import YEAR
from remodel.viewer.curves import value_of
from remodel.viewer.lesson import read_at
from remodel.viewer.player import Player

HEADS = ("day 0", "last year", "now")


@dataclass(frozen=True)
class Quantity:
    """A column of the readings: its name and unit, and how it is written."""

    column: str
    label: str
    form: str = ".0f"
    ratio: bool = False  # over day 0


QUANTITIES = (
    Quantity("lumbar_spine", "spine, %", "+z.1f"),
    Quantity("total_hip", "hip, %", "+z.1f"),
    Quantity("femoral_neck", "femoral neck, %", "+z.1f"),
    Quantity("trabecular_bmd", "trabecular part, %", "+z.1f"),
    Quantity("cortical_bmd", "cortical part, %", "+z.1f"),
    Quantity("ctx", "CTX, %", "+z.0f"),
    Quantity("p1np", "P1NP, %", "+z.0f"),
    Quantity("estradiol", "estradiol, pmol/L", ".3g"),
    Quantity("estrogen_activity", "estrogen activity", ".2f"),
    Quantity("rankl_opg", "RANKL/OPG, times day 0", ".2f", ratio=True),
    Quantity("free_rankl", "free RANKL, times day 0", ".2f", ratio=True),
    Quantity("pool", "precursor pool", ".2f"),
    *(Quantity(one.name, one.counted) for one in CELL_TYPES),
    Quantity("trabecular_activations", "osteoclasts that come, a year: trabecular"),
    Quantity("cortical_activations", "the same, cortical"),
    Quantity("trabecular_bone", "bone, mm²: trabecular", ".2f"),
    Quantity("cortical_bone", "the same, cortical", ".2f"),
    Quantity("trabecular_surface", "surface, mm: trabecular", ".1f"),
    Quantity("cortical_surface", "the same, cortical", ".1f"),
)


def readout(model: BoneModel, quantity: Quantity) -> tuple[str, str, str]:
    """Return a quantity on day 0, its mean over the last year, and as it is now.

    The signals of now are those of the last step, the rest is from the last reading.
    """
    rows, column, year = model.meter.rows, quantity.column, model.day / YEAR
    signals = model.meter.systemic()
    start = rows[0][column]
    now = signals[column] if column in signals else value_of(rows, len(rows) - 1, column)
    mean = read_at(rows, column, year, 1.0)
    if quantity.ratio and start:
        start, mean, now = 1.0, mean / start, now / start
    first, second, third = (f"{value:{quantity.form}}" for value in (start, mean, now))
    return first, second, third


def doses(model: BoneModel) -> dict[str, str]:
    """Return what was given of each drug up to now: injections, or years of a daily drug."""
    found = {}
    for name in {course.drug: None for course in model.treatment.courses}:
        drug = find_drug(name, model.parameters.drugs)
        given = [each for each in model.treatment.courses if each.drug == name and not each.waits]
        if drug.lasting:
            continue
        if drug.interval:
            count = sum(injected(course, model.day, drug.interval) for course in given)
            found[f"{name}, injections"] = f"{count}"
        else:
            days = fsum(max(0.0, min(model.day, c.stop * YEAR) - c.start * YEAR) for c in given)
            found[f"{name}, years"] = f"{days / YEAR:.1f}"
    return found


def injected(course: Course, day: float, default: float) -> int:
    """Return how many injections of a course were given before a day; `reference_t_score` interval, days."""
    begin = course.start * YEAR
    return course.injections(begin, max(0.0, day - begin), course.interval or default)


def readout_html(player: Player) -> str:
    """Return all quantities as a table, of the patient and of the comparator."""
    models, names = player.models, [arm.name for arm in player.scene.arms]
    who = "".join(f'<th colspan="3">{escape(name)}</th>' for name in names)
    heads = "".join(f"<th>{head}</th>" for head in HEADS * len(models))
    rows = [
        row_html(each.label, [text for model in models for text in readout(model, each)])
        for each in QUANTITIES
    ]
    given = [doses(model) for model in models]
    for name in {name: None for found in given for name in found}:
        rows.append(row_html(name, [t for found in given for t in ("", "", found.get(name, "0"))]))
    return f"<table><tr><th></th>{who}</tr><tr><th></th>{heads}</tr>{''.join(rows)}</table>"


def row_html(label: str, texts: Sequence[str]) -> str:
    """Return one row of the table."""
    cells = "".join(f"<td>{text}</td>" for text in texts)
    return f"<tr><th>{escape(label)}</th>{cells}</tr>"
