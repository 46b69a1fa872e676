"""What is drawn is what is printed: each point of a curve is a number of the table or the CSV."""

import re
from io import StringIO
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from helpers import small

from remodel import BoneModel, load_trial
from remodel.parameters.time_steps import YEAR, visit_tick
from remodel.report import figures as plots
from remodel.runs.ensemble import run_trial
from remodel.runs.results import summarize
from remodel.viewer.curves import LEFT, PANELS, draw_panel
from remodel.viewer.scene import Scene

SVG = "{http://www.w3.org/2000/svg}"
TENTH = 0.051  # of a unit of the drawing, to which its places are rounded


@pytest.fixture(scope="module")
def trial():
    return load_trial("atac").with_years_off(0.5)


@pytest.fixture(scope="module")
def csv(trial):
    """Return the readings of a short trial as its CSV holds them."""
    frame = run_trial(trial, small(time__spin_up=0.5), 2)
    return pd.read_csv(StringIO(frame.to_csv(index=False)))


@pytest.fixture(scope="module")
def axes(trial, csv):
    """Return the panels of the picture of a trial."""
    figures = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "save_figure", lambda figure, *_, **__: figures.append(figure))
        plots.plot_trial(csv, trial, "nowhere.png")
    return dict(zip([site for site, _ in plots.PANELS], figures[0].axes, strict=True))


def lines_of(axis, trial):
    """Return the curve of each arm by its name, as years and values."""
    curves = [line for line in axis.lines if len(line.get_xdata()) > 2]
    return {
        arm.name: (np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
        for arm, line in zip(trial.arms, curves, strict=True)
    }


@pytest.mark.parametrize("site", [site for site, _ in plots.PANELS])
def test_a_curve_of_the_picture_is_the_mean_of_the_readings(trial, csv, axes, site):
    for name, (years, values) in lines_of(axes[site], trial).items():
        mean = csv[csv["arm"] == name].groupby("year")[site].mean()
        assert years == pytest.approx(mean.index.to_numpy(), abs=1e-12)
        assert values == pytest.approx(mean.to_numpy(), abs=1e-9)


@pytest.mark.parametrize("site", [site for site, _ in plots.PANELS])
def test_a_band_of_the_picture_is_the_interval_of_the_mean(trial, csv, axes, site):
    bands = [part for part in axes[site].collections if part.get_alpha() == 0.15]
    for arm, band in zip(trial.arms, bands, strict=True):
        values = csv[csv["arm"] == arm.name].groupby("year")[site]
        half = 12.706204736 * values.std() / np.sqrt(2)  # of two replicates
        corners = band.get_paths()[0].vertices
        for year, low, high in zip(
            half.index, values.mean() - half, values.mean() + half, strict=True
        ):
            here = corners[np.isclose(corners[:, 0], year), 1]
            assert (here.min(), here.max()) == pytest.approx((low, high), abs=1e-6)


def test_the_picture_passes_through_the_numbers_of_the_table(trial, csv, axes):
    table = summarize(csv, trial)
    seen = 0
    for row in table.to_dict("records"):
        if row["endpoint"] not in axes or row["arm"] not in lines_of(axes[row["endpoint"]], trial):
            continue
        if "against" in row and isinstance(row["against"], str) and row["against"]:
            continue
        if row.get("baseline"):
            continue
        years, values = lines_of(axes[row["endpoint"]], trial)[row["arm"]]
        at = np.isclose(years, visit_tick(row["year"], 7.0) * 7.0 / YEAR)
        assert values[at] == pytest.approx([row["simulated"]], abs=1e-9), row
        seen += 1
    assert seen > 10


def test_a_published_point_of_the_picture_is_the_number_of_the_trial(trial, axes):
    seen = 0
    for site, axis in axes.items():
        points = [line for line in axis.lines if line.get_marker() != "None"]
        drawn = [(float(p.get_xdata()[0]), float(p.get_ydata()[0])) for p in points]
        rows = [row for row in trial.published if row.site == site and not row.against]
        for row in [row for row in rows if not row.baseline]:
            found = [value for year, value in drawn if year == row.year]
            assert any(value == pytest.approx(row.value) for value in found), row
            seen += 1
    assert seen > 5


@pytest.fixture(scope="module")
def model():
    model = BoneModel("letrozole 0-1", parameters=small(time__spin_up=1.0), rng=1)
    model.run(1.6)
    return model


def read_scales(svg):
    """Return what takes places of a drawing back to years and values, from its axes alone."""
    texts = [(e.text, float(e.get("x")), float(e.get("y")), e.get("text-anchor"))
             for e in svg.iter(f"{SVG}text")]  # fmt: skip
    below = [(float(t), x) for t, x, y, a in texts if a in ("middle", "end") and x >= LEFT
             and re.fullmatch(r"[\d.]+", t)]  # fmt: skip
    temporary = [(float(t), y - 4) for t, x, y, a in texts if a == "end" and x < LEFT]
    return [np.polynomial.Polynomial.fit([place for _, place in ends], [v for v, _ in ends], 1)
            for ends in (below, temporary)]  # fmt: skip


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_curve_of_the_page_is_the_reading_in_the_csv(model, panel):
    csv = pd.read_csv(StringIO(model.frame().to_csv(index=False)))
    svg = ElementTree.fromstring(draw_panel(panel, [model], Scene()))
    year_of, value_of = read_scales(svg)
    curves = list(svg.iter(f"{SVG}polyline"))
    assert len(curves) == len(panel.lines)
    for line, curve in zip(panel.lines, curves, strict=True):
        assert curve.get("stroke") == line.color
        places = np.array([[float(n) for n in p.split(",")] for p in curve.get("points").split()])
        said = csv[line.column].to_numpy()
        if panel.ratio:
            said = said / said[0]
        coarse = [abs(scale.deriv()(0.0)) * 3 * TENTH for scale in (year_of, value_of)]
        count = len(csv)  # the last reading stands there twice
        assert year_of(places[:count, 0]) == pytest.approx(csv["year"].to_numpy(), abs=coarse[0])
        if not line.column.endswith("_activations"):  # births are smoothed as markers are
            assert value_of(places[:count, 1]) == pytest.approx(said, abs=coarse[1])
