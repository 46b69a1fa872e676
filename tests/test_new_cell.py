"""A new type of cell touches three files: the page says how, and here it is done."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import build

from remodel.model.bmu import FORMATION, RESORPTION
from remodel.model.cell_types import CELL_TYPES, COUNTED, PAINTED, type_of
from remodel.model.cells import Cell, Osteoblast, Osteoclast
from remodel.model.observer import COLUMNS

TOP = Path(__file__).parent.parent
PAGE = (TOP / "docs" / "new-cell.md").read_text(encoding="utf-8")
CHANGE = re.compile(
    r"^In `remodel/([\w/]+\.py)`, (?:at the end|before `([^`]+)`):\n\n```(?:py|text)\n(.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
ASK = """\
import json
import sys
import numpy as np
from helpers import build
from remodel.model.cells import Osteocyte
from remodel.model.checkpoint import resume, take_checkpoint
from remodel.report.movies import CURVES
from remodel.report.section_picture import add_section_legend, plot_section
from remodel.model.files import load_model, save_model
from remodel.model.snapshot import take_snapshot
from remodel.viewer.curves import PANELS
from remodel.viewer.legend import legend_html
from remodel.viewer.readout import QUANTITIES
from remodel.viewer.section_image import COLOR_OF, draw_section

folder = sys.argv[1]
model = build("anastrozole 0-2", rng=3)
model.run(1)
lie = {(cell.site, cell.days) for cell in model.agents_by_type[Osteocyte]}
assert len(lie) > 10
assert max(days for _, days in lie) > 365

frame = model.frame()  # counts
assert frame["osteocytes"].iloc[0] > 0
both = frame["trabecular_osteocytes"] + frame["cortical_osteocytes"]
assert (both == frame["osteocytes"]).all()
assert model.datacollector.get_model_vars_dataframe()["osteocytes"].iloc[-1] == frame["osteocytes"].iloc[-1]

snapshot = take_snapshot(model)  # pictures, in print and on the page
rows, columns = np.floor(snapshot.cells["osteocytes"]).astype(int).T
assert set(rows * model.tissue.matrix.shape[1] + columns) == {site for site, _ in lie}
plot_section(model, folder + "/section.png")
assert (draw_section(model, "mineral", 4) == COLOR_OF["osteocytes"]).any()
assert "osteocyte, counts its days" in legend_html("mineral")
assert any(column == "osteocytes" for _, *lines in CURVES for column, *_ in lines)
assert any(line.column == "osteocytes" for panel in PANELS for line in panel.lines)
assert any(quantity.column == "osteocytes" for quantity in QUANTITIES)
row = next(cell for cell in model.grid.agents if isinstance(cell, Osteocyte))  # Mesa's pages
assert model.grid[row.pos].agents[-1] is row

save_model(model, folder + "/model.npz")  # checkpoint, and saved model
others = [resume(take_checkpoint(model), model.treatment.courses), load_model(folder + "/model.npz")]
for other in (model, *others):
    other.run_until(1.5)
for other in others:
    assert np.array_equal(other.tissue.matrix, model.tissue.matrix)
    assert {(cell.site, cell.days) for cell in other.agents_by_type[Osteocyte]} == {
        (cell.site, cell.days) for cell in model.agents_by_type[Osteocyte]
    }

plain = {name: value for name, value in model.meter.now.items() if "osteocyte" not in name}
print(json.dumps(plain))  # of what was there before nothing has moved
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A copy of the package with the changes of the page; and which files they touch."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(TOP / "remodel", folder / "remodel")
    touched = set()
    for name, anchor, code in CHANGE.findall(PAGE):
        path = folder / "remodel" / name
        text = path.read_text(encoding="utf-8")
        assert not anchor or text.count(anchor) == 1, f"{anchor!r} in {name}"
        text = text.replace(anchor, code + anchor) if anchor else f"{text}\n\n{code}"
        path.write_text(text, encoding="utf-8")
        touched.add(name)
    return folder, touched


def test_a_new_cell_touches_three_files(changed):
    assert changed[1] == {f"model/{name}.py" for name in ("cells", "cell_types", "bone_model")}


def test_it_is_counted_drawn_kept_and_saved_and_moves_nothing_else(changed, tmp_path):
    (tmp_path / "ask.py").write_text(ASK, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error", "ask.py", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{changed[0]}{os.pathsep}{TOP / 'tests'}"},
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "section.png").stat().st_size > 10_000
    default = build("anastrozole 0-2", rng=3)
    default.run(1)
    default.run_until(1.5)
    assert json.loads(run.stdout) == default.meter.now


def test_every_class_of_cells_has_a_row():
    def leaves(kind):
        below = kind.__subclasses__()
        return {leaf for one in below for leaf in leaves(one)} if below else {kind}

    ours = {kind for kind in leaves(Cell) if kind.__module__ == "remodel.model.cells"}
    assert ours == {one.kind for one in CELL_TYPES}


def test_rows_are_told_apart():
    for what in ("name", "label", "caption", "counted", "color"):
        assert len({getattr(one, what) for one in CELL_TYPES}) == len(CELL_TYPES), what
    assert {one.phase for one in CELL_TYPES} >= {RESORPTION, FORMATION}
    assert PAINTED[-1].kind is Osteoclast  # on top
    assert COUNTED == ("osteoclasts", "reversing", "osteoblasts")  # their columns, in this order
    assert set(COUNTED) - {"reversing"} <= set(COLUMNS)


def test_the_phase_of_a_cell_is_that_of_its_unit():
    model = build()
    for kind in (Osteoclast, Osteoblast):
        cells = model.cells_of(kind)
        assert cells
        assert {type_of(cell).phase for cell in cells} == {cell.unit.phase for cell in cells}
        assert [cell.unit for cell in cells] == model.units_in(type_of(cells[0]).phase)
