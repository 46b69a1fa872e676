"""The ODD description names every number, and each submodel all that makes it."""

import re
from pathlib import Path

import pytest

from remodel import BoneModel, Parameters
from remodel.model import STEP

TOP = Path(__file__).parent.parent
TEXT = (TOP / "docs" / "odd.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([\w.]+)`", TEXT))
PARTS = re.split(r"^### (.+)$", TEXT.partition("## 7. Submodels")[2], flags=re.MULTILINE)[1:]
SUBMODELS = dict(zip(PARTS[::2], PARTS[1::2], strict=True))
ELSEWHERE = {"drugs": "docs/drugs.md", "responses": "docs/odd.md"}  # pages with a table of them
WITHOUT_NUMBERS = {"Lining cells", "Histomorphometry"}  # but those of other submodels


@pytest.mark.parametrize("name", Parameters().values())
def test_every_number_is_in_the_odd_or_in_a_table_that_it_names(name):
    group, _, item = name.partition(".")
    if group not in ELSEWHERE:
        assert name in NAMED
        return
    page = ELSEWHERE[group]
    assert page == "docs/odd.md" or f"`{page}`" in TEXT
    row = item.partition(".")[0]
    assert re.search(rf"^\| `{row}` +\|", (TOP / page).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_number_named_in_the_odd_is_one_of_the_model():
    known, groups = Parameters().values(), set(Parameters().groups())
    modules = {path.stem for path in (TOP / "remodel").glob("*.py")}
    named = [name for name in NAMED if name.partition(".")[0] in groups - modules and "." in name]
    assert len(named) > 40
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize("name", SUBMODELS)
def test_a_submodel_has_equation_or_rule_numbers_functions_and_tests(name):
    text = " ".join(SUBMODELS[name].split())
    numbers = re.search(r"Numbers?: (`[\w.]+`|her own|those of each|the distributions)", text)
    assert (numbers is None) == (name in WITHOUT_NUMBERS)
    functions, tests = text.find("Function"), text.find("Checked by `tests/")
    assert 0 < functions < tests
    assert re.search(r"Functions? `\w+\.\w+", text)
    assert "::test_" in text[tests:]


def test_every_row_of_the_table_belongs_to_a_submodel():
    text = " ".join(SUBMODELS.values())
    rows = vars(Parameters().responses)
    assert [row for row in rows if f"`{row}`" not in text] == []


def test_every_process_is_carried_out_by_a_named_function():
    assert [name for name in STEP if not hasattr(BoneModel, name)] == []
    assert set(STEP) <= NAMED


def test_what_the_odd_says_of_precursors_at_rest_is_so():
    said = re.search(r"uses ([\d.]+) times what is lost by itself, and P is\s([\d.]+)\.\s", TEXT)
    signals = BoneModel(spin_up=False, rng=1).signals
    numbers, row = signals.parameters.precursors, signals.parameters.responses.recruitment
    used = numbers.usage * row.at(signals.free_rankl) / row.full
    assert float(said[1]) == round(used / numbers.turnover, 1)
    assert float(said[2]) == round(signals.pool, 2)
