"""Curves that grow while the model runs, drawn as SVG: quick, and sharp on a projector."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from math import ceil, floor, inf

import numpy as np

from remodel.clinic.courses import Course
from remodel.clinic.trials import Published
from remodel.measurement.markers import window_mean
from remodel.model.bone_model import BoneModel
from remodel.model.cell_types import CELL_TYPES
from remodel.parameters.measurement import LEAST_SIGNIFICANT
from remodel.parameters.time_steps import YEAR
from remodel.report.palette import BLUE, GREEN, ORANGE, PINK, SKY, VERMILLION
from remodel.support.arrays import Floats
from remodel.viewer.scene import Scene

WIDTH, HEIGHT = 300, 190  # of a panel
LEFT, RIGHT, TOP = 38, 8, 36  # room for numbers, none, and title with key
AXIS, BAR = 18, 12  # room for years, and for each bar of therapy
MOST_BARS = 3
MOST_POINTS = 300
SPANS = (1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100)  # years that the axis may show
BAND = "less than the least significant change"
THERAPY = (PINK, SKY, ORANGE)
Place = Callable[[float], float]


@dataclass(frozen=True)
class Line:
    """One quantity: a column of the readings, its name in the key, and its color."""

    column: str
    label: str
    color: str


@dataclass(frozen=True)
class Panel:
    """Some quantities that share an axis; `least` is the least range of its values."""

    title: str
    lines: tuple[Line, ...]
    least: tuple[float, float]
    ratio: bool = False  # over day 0


PANELS = (
    Panel("Bone, %", (Line("trabecular_bmd", "trabecular", VERMILLION),
                      Line("cortical_bmd", "cortical", BLUE)), (-3, 1)),
    Panel("DXA, %", (Line("lumbar_spine", "spine", VERMILLION),
                     Line("total_hip", "hip", BLUE),
                     Line("femoral_neck", "neck", GREEN)), (-4, 3)),
    Panel("Markers, %", (Line("ctx", "CTX", VERMILLION), Line("p1np", "P1NP", BLUE)), (-20, 40)),
    Panel("RANKL, times day 0", (Line("rankl_opg", "RANKL/OPG", VERMILLION),
                                 Line("free_rankl", "free", BLUE)), (0, 2), ratio=True),
    Panel("Cells in the section",
          tuple(Line(one.name, one.name, one.color) for one in CELL_TYPES), (0, 50)),
    Panel("Osteoclasts that come, a year", (Line("trabecular_activations", "trabecular", VERMILLION),
                                            Line("cortical_activations", "cortical", BLUE)), (0, 100)),
    Panel("Estrogen activity, precursor pool", (Line("estrogen_activity", "activity", VERMILLION),
                                                Line("pool", "pool", BLUE)), (0, 1)),
    Panel("Estradiol, pmol/L", (Line("estradiol", "", GREEN),), (0, 20)),
)  # fmt: skip


def draw_curves(models: Sequence[BoneModel], scene: Scene) -> list[str]:
    """Return each panel of `PANELS` as SVG.

    Parameters
    ----------
    models : sequence of BoneModel
        The patient with full lines, the comparator with dashed ones.
    scene : Scene
        Whose published results appear as their time comes.
    """
    return [draw_panel(panel, models, scene) for panel in PANELS]


def read_line(model: BoneModel, line: Line, ratio: bool) -> tuple[Floats, Floats]:
    """Return years and values of one quantity, as they were read; births as rates of markers."""
    readings = model.meter.rows
    shown = [*range(0, len(readings), ceil(len(readings) / MOST_POINTS)), len(readings) - 1]
    years = np.array([readings[index]["year"] for index in shown])
    values = np.array([value_of(readings, index, line.column) for index in shown])
    return years, values / values[0] if ratio and values[0] else values


def value_of(readings: Sequence[dict[str, float]], index: int, column: str) -> float:
    """Return a quantity at a reading; what begins in a year is a mean over the window of markers.

    A reading at a visit may come days after the one before it, in which hardly a cell is born.
    """
    year = readings[index]["year"]
    if year <= 0 or not column.endswith("_activations"):
        return readings[index][column]
    latest = (readings[back] for back in range(index, 0, -1))
    return window_mean(latest, year, [column])


def span_of(year: float, scene: Scene) -> float:
    """Return the years that the axis shows: those of the trial, and more as time goes on."""
    least = scene.trial.years if scene.trial else 0.0
    return next(span for span in (*SPANS, inf) if span >= max(year, least, SPANS[0]))


def draw_panel(panel: Panel, models: Sequence[BoneModel], scene: Scene) -> str:
    """Return one panel as SVG."""
    now = models[0].day / YEAR  # not that of the last reading, which may be weeks old
    due = now + 0.5 * models[0].days / YEAR  # playing stops at the step nearest to a year
    drawn = [(line, index, *read_line(model, line, panel.ratio))
             for index, model in enumerate(models) for line in panel.lines]  # fmt: skip
    points = [(line, index, *point) for line in panel.lines for index, arm in enumerate(scene.arms)
              for point in published_points(scene.published(arm.name), line.column, due)]  # fmt: skip
    found = np.concatenate([values for *_, values in drawn] + [[p[3] for p in points]])
    low, high = min(panel.least[0], found.min()), max(panel.least[1], found.max())
    span, courses = span_of(now, scene), models[0].treatment.courses
    bottom = HEIGHT - AXIS - BAR * min(MOST_BARS, len(bars(courses, now)))
    x = scaled(0.0, span, LEFT, WIDTH - RIGHT)
    y = scaled(low, high, bottom, TOP)
    parts = [
        *draw_bands(panel, x, y, span, (low, high)),
        *draw_axes(x, y, span, (low, high), bottom),
        *(draw_line(line, index, x, y, *series) for line, index, *series in drawn),
        *(draw_point(line, index, x(year), y(value), later)
          for line, index, year, value, later in points),
        *draw_therapy(bars(courses, now), x, bottom + AXIS),
        *draw_key(panel, len(models)),
    ]  # fmt: skip
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(panel.title)}" '
        f'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12">'
        f"{''.join(parts)}</svg>"
    )


def scaled(low: float, high: float, start: float, end: float) -> Place:
    """Return the function that takes values to places between two ends of an axis."""
    return lambda value: start + (value - low) / (high - low) * (end - start)


def ticks(low: float, high: float) -> list[float]:
    """Return about four round numbers in a range, however narrow, and never less than two."""
    first, last = Decimal(low), Decimal(high)  # exact: of 0.1 + 0.2 a label would show the noise
    rough = (last - first) / 4
    power = Decimal(1).scaleb(rough.adjusted())
    fine = [power * factor for factor in (Decimal("0.5"), 1, 2, 5, 10)]
    for step in sorted(fine, key=lambda step: (step < rough, abs(step - rough))):
        counts = range(ceil(first / step), floor(last / step) + 1)
        found = sorted({float(step * count) for count in counts})
        if len(found) > 1:
            return found
    return [low, high]


def written(value: float) -> str:
    """Return a number as it stands beside an axis: no two are written alike."""
    return repr(float(value)).removesuffix(".0")


def draw_axes(
    x: Place, y: Place, span: float, limits: tuple[float, float], bottom: float
) -> Iterator[str]:
    """Draw lines at round values, and years below."""
    for value in ticks(*limits):
        dark = "#777" if value == 0 else "#ddd"
        yield f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="{dark}"/>'
        yield f'<text x="{LEFT - 4}" y="{y(value) + 4:.1f}" text-anchor="end">{written(value)}</text>'
    yield f'<text x="{LEFT - 4}" y="{bottom + 13}">year 0</text>'
    for year in ticks(0, span)[1:]:
        anchor = "end" if x(year) > WIDTH - 2 * RIGHT else "middle"
        yield f'<text x="{x(year):.1f}" y="{bottom + 13}" text-anchor="{anchor}">{written(year)}</text>'


def draw_bands(
    panel: Panel, x: Place, y: Place, span: float, limits: tuple[float, float]
) -> Iterator[str]:
    """Shade the change that two measurements of one person cannot tell from none."""
    banded = [line for line in panel.lines if line.column in LEAST_SIGNIFICANT]
    for line in banded:
        least = LEAST_SIGNIFICANT[line.column]
        top, low = y(min(least, limits[1])), y(max(-least, limits[0]))
        yield (
            f'<rect x="{x(0)}" y="{top:.1f}" width="{x(span) - x(0):.1f}" '
            f'height="{low - top:.1f}" fill="{line.color}" opacity="0.07"/>'
        )
    if banded:
        least = min(LEAST_SIGNIFICANT[line.column] for line in banded)
        place = f'x="{WIDTH - RIGHT - 3}" y="{y(max(-least, limits[0])) - 4:.1f}"'
        yield f'<text {place} text-anchor="end" font-size="10" fill="#555">{BAND}</text>'


def draw_line(line: Line, index: int, x: Place, y: Place, years: Floats, values: Floats) -> str:
    """Draw one curve; that of the comparator is dashed."""
    path = " ".join(
        f"{x(year):.1f},{y(value):.1f}" for year, value in zip(years, values, strict=True)
    )
    dashes = ' stroke-dasharray="5 4"' if index else ""
    return f'<polyline points="{path}" fill="none" stroke="{line.color}" stroke-width="2"{dashes}/>'


def published_points(
    rows: Sequence[Published], endpoint: str, now: float
) -> Iterator[tuple[float, float, bool]]:
    """Yield year, change from the start, and whether it was chained to a later baseline."""
    here = [row for row in rows if row.site == endpoint and row.year <= now]
    start = {0.0: 0.0} | {row.year: row.value for row in here if row.baseline == 0.0}
    for row in here:
        if row.baseline in start:
            value = (100 + start[row.baseline]) * (1 + row.value / 100) - 100
            yield row.year, value, row.baseline > 0


def draw_point(line: Line, index: int, x: float, y: float, later: bool) -> str:
    """Mark a published result: open where its baseline is later, square for the comparator."""
    fill, edge = ("white", line.color) if later else (line.color, "black")
    about = f'fill="{fill}" stroke="{edge}" stroke-width="1.4" class="published"'
    if index:
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" {about}/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {about}/>'


def bars(courses: Sequence[Course], now: float) -> dict[str, list[tuple[float, float]]]:
    """Return when each drug was given up to now, in years."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for course in courses:
        if course.start < now:
            spans.setdefault(course.drug, []).append((course.start, min(course.stop, now)))
    return spans


def draw_therapy(
    given: dict[str, list[tuple[float, float]]], x: Place, top: float
) -> Iterator[str]:
    """Draw a bar for each drug under the years in which it was given."""
    for row, (drug, spans) in enumerate(list(given.items())[-MOST_BARS:]):
        y = top + row * BAR
        for start, stop in spans:
            start = max(0.0, start)
            yield (
                f'<rect x="{x(start):.1f}" y="{y}" width="{max(1.0, x(stop) - x(start)):.1f}" '
                f'height="{BAR - 2}" fill="{THERAPY[row]}"/>'
            )
        yield f'<text x="{x(max(0, spans[0][0])) + 2:.1f}" y="{y + 9}" font-size="10">{escape(drug)}</text>'


def draw_key(panel: Panel, count: int) -> Iterator[str]:
    """Write the title, and under it what each line is."""
    yield f'<text x="4" y="13" font-size="13" font-weight="bold">{panel.title}</text>'
    x: float = LEFT
    for line in panel.lines:
        if line.label:
            yield f'<path d="M{x} 25h16" stroke="{line.color}" stroke-width="3"/>'
            yield f'<text x="{x + 19}" y="29" font-size="11">{line.label}</text>'
            x += 26 + sum(8.5 if letter.isupper() else 5.5 for letter in line.label)
    if count > 1:
        yield f'<path d="M{x} 25h16" stroke="#333" stroke-width="2" stroke-dasharray="5 4"/>'
        yield f'<text x="{x + 19}" y="29" font-size="11">comparator</text>'
