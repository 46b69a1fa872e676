"""What holds in every step, whatever the parameters."""

import ast
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from generated import tried
from helpers import before_each_measure, build, small, state_of
from hypothesis import strategies as st

import remodel
from remodel import BoneModel
from remodel.model.bmu import EMPTY, ENDS, FILLED, RESORPTION
from remodel.model.cells import Osteoclast

CHANGES = {
    "osteoclast.erosion": st.floats(0.0, 20.0),
    "osteoclast.life": st.floats(1.0, 80.0),
    "osteoclast.shape": st.floats(0.5, 20.0),
    "osteoblast.reversal": st.floats(1.0, 100.0),
    "osteoblast.apposition": st.floats(0.0, 5.0),
    "osteoblast.life": st.floats(1.0, 500.0),
    "responses.recruitment.emax": st.floats(0.0, 100.0),
    "precursors.turnover": st.floats(0.0, 0.1),
    "precursors.fusion": st.floats(0.0, 1.0),
    "section.bone_volume": st.floats(0.0, 100.0),
    "section.cortex": st.floats(0.0, 2.0),
    "section.site": st.sampled_from([10.0, 20.0, 40.0]),
    "time.step": st.sampled_from([0.5, 1.0, 3.5, 7.0, 14.0]),
    "mineral.primary": st.floats(0.0, 1.0),
}
TINY = {
    "section.height": 0.6,
    "section.width": 1.0,
    "section.cortex": 0.4,
    "section.wavelength": 0.65,
    "time.spin_up": 0.2,
}


class Inspector:
    """Checks the laws in each step of a model."""

    def __init__(self, model):
        self.model = model
        self.total = model.tissue.matrix.sum()
        self.steps = 0
        before_each_measure(model, self.check)

    def check(self):
        tissue = self.model.tissue
        self.check_conservation(tissue)
        assert tissue.matrix.min() >= 0.0
        assert tissue.matrix.max() <= 1.0 + 1e-12
        assert tissue.unmineralized.min() >= 0.0
        assert (tissue.unmineralized <= tissue.matrix + 1e-12).all()
        assert tissue.cavity.min() >= -1e-12
        assert (tissue.matrix[tissue.outside] == 0).all()
        self.check_units(tissue)
        self.steps += 1

    def check_conservation(self, tissue):
        total, balance = tissue.matrix.sum(), tissue.formed.sum() - tissue.resorbed.sum()
        np.testing.assert_allclose(total - self.total, balance, rtol=0, atol=1e-9)

    def check_units(self, tissue):
        """Each site has one unit at most, and its cavity is what that unit has still to form."""
        pits = tissue.pits
        rows = np.flatnonzero(pits.claimed[: pits.count])
        owners = {}
        for site, unit in zip(pits.site[rows].tolist(), pits.unit[rows].tolist(), strict=True):
            owners.setdefault(site, set()).add(unit)
        shared = {site: units for site, units in owners.items() if len(units) > 1}
        assert not shared, f"sites with two units: {shared}"
        assert set(pits.unit[rows].tolist()) <= {unit.number for unit in self.model.units}
        held = np.bincount(
            pits.site[rows], pits.held[rows] * pits.gone[rows], minlength=tissue.matrix.size
        )
        np.testing.assert_allclose(tissue.cavity.reshape(-1), held, rtol=0, atol=1e-9)
        assert np.array_equal(np.flatnonzero(tissue.busy), np.unique(pits.site[rows]))


def watch(model):
    """Inspect a model whose readings would begin the balance anew: keep the last total."""
    inspector = Inspector(model)
    read = model.meter.read

    def reading():
        read()
        inspector.total = model.tissue.matrix.sum()

    model.meter.read = reading
    return inspector


@tried("laws", 40, changes=st.fixed_dictionaries({}, optional=CHANGES), seed=st.integers(0, 2**31))
def test_laws_hold_in_every_step_whatever_the_parameters(changes, seed):
    parameters = small().with_values(TINY | changes)
    model = BoneModel("anastrozole 0.1", parameters=parameters, rng=seed)
    model.tissue.resorbed[:], model.tissue.formed[:] = 0.0, 0.0
    inspector = watch(model)
    model.run(1.0)
    assert inspector.steps > 20


def test_laws_hold_at_the_default_numbers_for_years():
    model = build("anastrozole 0-2, tamoxifen 3-4", rng=4, time__spin_up=0.5)
    model.tissue.resorbed[:], model.tissue.formed[:] = 0.0, 0.0
    inspector = watch(model)
    model.run(5.0)
    assert inspector.steps >= 260


def test_every_osteoclast_that_is_born_dies_once(monkeypatch):
    born, died, left = [], Counter(), []
    begin, end, reverse = Osteoclast.__init__, Osteoclast.end, BoneModel.begin_reversal

    def count_birth(self, *args):
        born.append(self)
        begin(self, *args)

    def count_death(self, days):
        died[self] += 1
        end(self, days)

    def count_unit(self, unit, days):
        left.append(unit)
        reverse(self, unit, days)

    monkeypatch.setattr(Osteoclast, "__init__", count_birth)
    monkeypatch.setattr(Osteoclast, "end", count_death)
    monkeypatch.setattr(BoneModel, "begin_reversal", count_unit)
    model = build(rng=2)
    model.run(3)
    alive = set(model.agents_by_type[Osteoclast])
    assert len(born) > 30
    assert set(died) == set(born) - alive
    assert set(died.values()) == {1}
    assert len(set(left)) == len(left) == len(died)


def test_no_cell_works_beyond_its_life(monkeypatch):
    """What one osteoclast resorbs is at most its life at rest times its speed."""
    deepest = []
    end = Osteoclast.end

    def look(self, days):
        deepest.append((self.unit.depth, self.born_with))
        end(self, days)

    begin = Osteoclast.__init__

    def remember(self, model, unit, life, born):
        begin(self, model, unit, life, born)
        self.born_with = life

    monkeypatch.setattr(Osteoclast, "end", look)
    monkeypatch.setattr(Osteoclast, "__init__", remember)
    build(rng=2)
    depth, life = np.array(deepest).T
    assert (depth <= 1.85 * life * (1 + 1e-9)).all()
    assert np.median(depth / (1.85 * life)) > 0.8  # and mostly that


def test_matrix_is_moved_by_the_section_alone():
    """Two methods, `resorb` and `deposit`; nobody else writes what they write."""
    fields = r"\b(matrix|unmineralized|cavity|resorbed|formed|busy|bisphosphonate)"
    one = fields + r"(_at|\.reshape\(-1\))?\[[^]]*\]( [-+*/]?=|, .* = )"
    many = r"\.at\((self|tissue)\." + fields
    writes = re.compile(f"{one}|{many}")
    builders = {"section.py", "synthetic.py", "files.py"}  # the latter two make sections
    package = Path(remodel.__file__).parent
    found = {}
    for path in package.rglob("*.py"):
        if lines := [
            line for line in path.read_text(encoding="utf-8").splitlines() if writes.search(line)
        ]:
            found[path.name] = lines
    assert set(found) == builders
    tree = ast.parse((package / "bone" / "section.py").read_text(encoding="utf-8"))
    makers = {
        item.name
        for item in ast.walk(tree)
        if isinstance(item, ast.FunctionDef)
        and re.search(r"\bmatrix\[\w+\] -= |\.at\(self\.matrix", ast.unparse(item))
    }
    assert makers == {"resorb", "deposit"}


def test_a_unit_is_made_once_and_none_of_its_history_is_used_up():
    """Held from its birth, it tells at its end all that it did, and the model lists it till then."""
    model = build()
    watched = model.units_in(RESORPTION)
    assert watched
    for _ in range(300):
        model.step()
        at_work = {unit for unit in watched if unit.phase not in ENDS}
        assert at_work == set(model.units) & set(watched)
    ended = [unit for unit in watched if unit.phase in ENDS]
    assert len(ended) > 0.8 * len(watched)
    for unit in ended:
        days = list(unit.days.values())
        assert next(iter(unit.days)) == RESORPTION
        assert list(unit.days)[-1] == unit.phase
        assert unit.birthday == days[0]
        assert days == sorted(days)
        assert unit.resorbed > 0 or unit.phase == EMPTY
        if unit.phase == FILLED:
            assert unit.floor <= unit.top
            assert unit.formed == pytest.approx(unit.resorbed) or unit.perforated


def test_a_reading_changes_nothing_in_the_section():
    model = build()
    before = state_of(model)
    model.meter.systemic()
    model.tissue.surface_sites()
    model.environment.free_rankl(model.signals)
    after = state_of(model)
    assert all(np.array_equal(before[name], after[name]) for name in before)
