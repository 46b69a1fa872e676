"""Figures of a trial: the curves of all arms, with the published results on them."""

from collections.abc import Sequence
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.typing import LineStyleType
from scipy.stats import t as student

from remodel.clinic.trials import Published, Trial
from remodel.model.cell_types import CellType
from remodel.report.fonts import save_figure
from remodel.report.palette import BLUE, GREEN, ORANGE, PINK, SKY, VERMILLION, as_label
from remodel.runs.results import Readings
from remodel.support.arrays import Floats

ARM_COLORS = (VERMILLION, BLUE, GREEN, "#555555", PINK, ORANGE, SKY)
ARM_LINES: tuple[LineStyleType, ...] = ("-", "-", "--", ":", "-.", "-", "--")
ARM_MARKS = ("o", "s", "D", "^", "v", "P", "X")
PANELS = (
    ("trabecular_bmd", "Trabecular bone"),
    ("cortical_bmd", "Cortical bone"),
    ("lumbar_spine", "Lumbar spine (DXA)"),
    ("total_hip", "Total hip (DXA)"),
    ("ctx", "CTX (resorption)"),
    ("p1np", "P1NP (formation)"),
)


def plot_trial(frame: pd.DataFrame, trial: Trial, path: Path | str) -> None:
    """Draw the curves of all arms, with the published results on them.

    Parameters
    ----------
    frame : DataFrame
        Readings as `run_trial` returns them.
    trial : Trial
        Arms, years and published results.
    path : Path
        Where to write the picture; the suffix gives its format.
    """
    figure = Figure(figsize=(10, 11.5), dpi=150, layout="constrained")
    readings = Readings(frame)
    axes = figure.subplots(3, 2, sharex=True).ravel()
    for axis, (endpoint, title) in zip(axes, PANELS, strict=True):
        draw_panel(axis, readings, trial, endpoint)
        axis.set_title(title, loc="left", fontsize=13)
    for axis in axes[-2:]:
        axis.set_xlabel("Years from start of treatment", fontsize=12)
    for row in (0, 1):
        share_range(axes[2 * row : 2 * row + 2])
    figure.suptitle(as_label(f"{trial.name}. {trial.title}"), fontsize=14)
    figure.legend(
        handles=trial_legend(trial), loc="outside lower center", ncols=4, fontsize=11, frameon=False
    )
    path = Path(path)
    plain = {"Software": None} if path.suffix == ".png" else None
    save_figure(figure, path, metadata=plain)


def draw_panel(axis: Axes, readings: Readings, trial: Trial, endpoint: str) -> None:
    """Draw one quantity: a line and a 95 % band per arm, points as published."""
    axis.axhline(0, color="0.6", linewidth=0.8)
    bands = []
    for index, arm in enumerate(trial.arms):
        years, mean, half = curve(readings, arm.name, endpoint)
        color = ARM_COLORS[index % len(ARM_COLORS)]
        style = ARM_LINES[index % len(ARM_LINES)]
        axis.plot(years, mean, color=color, linestyle=style, linewidth=2, zorder=3)
        draw_published(axis, [r for r in trial.published if r.arm == arm.name], endpoint, index)
        bands.append((years, mean - half, mean + half, color))
    axis.margins(y=0.2)
    axis.set_ylim(axis.get_ylim())  # bands of few replicates must not hide the curves
    for years, low, high, color in bands:
        axis.fill_between(years, low, high, color=color, alpha=0.15, linewidth=0)
    axis.set_ylabel("Change, %", fontsize=12)
    axis.tick_params(labelsize=11)
    axis.grid(axis="y", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_xlim(0, trial.years + 0.1)
    draw_therapy(axis, trial)


def curve(readings: Readings, arm: str, endpoint: str) -> tuple[Floats, Floats, Floats]:
    """Return years, mean and half of the 95 % interval."""
    years, values = readings.series(arm, endpoint)
    count = values.shape[1]
    if count < 2:
        return years, values[:, 0], np.zeros(len(years))
    half = student.ppf(0.975, count - 1) * values.std(axis=1, ddof=1) / sqrt(count)
    return years, values.mean(axis=1), half


def draw_published(axis: Axes, rows: Sequence[Published], endpoint: str, index: int) -> None:
    """Mark published results; open where they were chained to a baseline after the start."""
    here = [row for row in rows if row.site == endpoint and not row.against]
    start = {row.year: row.value for row in here if row.baseline == 0.0}
    for row in here:
        if row.baseline and row.baseline not in start:
            continue
        before = start[row.baseline] if row.baseline else 0.0
        color = ARM_COLORS[index % len(ARM_COLORS)]
        axis.plot(
            row.year,
            (100 + before) * (1 + row.value / 100) - 100,
            marker=ARM_MARKS[index % len(ARM_MARKS)],
            markersize=8,
            markerfacecolor="white" if row.baseline else color,
            markeredgecolor=color if row.baseline else "black",
            markeredgewidth=1.6 if row.baseline else 0.8,
            zorder=5,
            clip_on=False,
        )


def draw_therapy(axis: Axes, trial: Trial) -> None:
    """Draw a bar over the years of treatment, just above the axis of years."""
    low, high = axis.get_ylim()
    axis.set_ylim(low - 0.1 * (high - low), high)
    if trial.on_treatment == 0:
        return
    place = axis.get_xaxis_transform()
    axis.fill_between([0, trial.on_treatment], 0, 0.03, color="0.35", transform=place, linewidth=0)
    axis.text(
        trial.on_treatment / 2, 0.04, "treatment", transform=place,
        ha="center", va="bottom", fontsize=11, color="0.35",
    )  # fmt: skip


def share_range(axes: Sequence[Axes]) -> None:
    """Give panels side by side the same range, so that they can be compared by eye."""
    limits = [axis.get_ylim() for axis in axes]
    for axis in axes:
        axis.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def trial_legend(trial: Trial) -> list[Line2D | Patch]:
    """Return the keys of lines, bands and points."""
    keys: list[Line2D | Patch] = [
        Line2D(
            [], [], color=ARM_COLORS[i % len(ARM_COLORS)], linestyle=ARM_LINES[i % len(ARM_LINES)],
            linewidth=2, label=as_label(arm.name),
        )
        for i, arm in enumerate(trial.arms)
    ]  # fmt: skip
    keys.append(Patch(color="0.5", alpha=0.3, label="95 % interval of the mean"))
    drawn = [row for row in trial.published if not row.against and row.site in dict(PANELS)]
    if drawn:
        keys.append(
            Line2D([], [], color="0.4", marker="o", linestyle="", markersize=8, label="published")
        )
    if any(row.baseline for row in drawn):
        keys.append(
            Line2D([], [], color="0.4", marker="o", linestyle="", markersize=8,
                   markerfacecolor="white", markeredgewidth=1.6,
                   label="published, from a later baseline")
        )  # fmt: skip
    return keys


def mark_of(one: CellType) -> str:
    """Return the mark of a type of cells, as Matplotlib names it."""
    return "o" if one.round else "s"
