"""What a measure returns is kept: the same in memory, on disk, and read again from each format."""

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from test_runs import CASES

from remodel.runs.ensemble import load_ensemble, run_ensemble
from remodel.runs.measure_values import take_values
from remodel.runs.storage import write_frame

CASE = CASES[:1]


def kept(value):
    return take_values(lambda _: {"x": value}, None)


@pytest.mark.parametrize(
    "value, column",
    [
        (True, 1.0),
        (np.bool_(False), 0.0),
        (3, 3.0),
        (np.int64(3), 3.0),
        (np.uint8(3), 3.0),
        (np.float32(0.5), 0.5),
        (np.array(2.5), 2.5),
        (Fraction(1, 4), 0.25),
        (Decimal("0.25"), 0.25),
        (np.inf, np.inf),
        (-np.float64("inf"), -np.inf),
        ("thin", "thin"),
        (np.str_("dünn"), "dünn"),
        ("", ""),
    ],
)
def test_numbers_and_text_of_any_kind_are_one_column(value, column):
    found = kept(value)
    assert found == {"x": column}
    assert type(found["x"]) is type(column)


@pytest.mark.parametrize("value", [None, float("nan"), np.float32("nan")])
def test_nothing_is_not_a_number(value):
    assert np.isnan(kept(value)["x"])


@pytest.mark.parametrize(
    "value",
    [np.arange(3), [0, 1, 2], (0, 1.0, np.int8(2)), pd.Series([0, 1, 2], index=list("abc"))],
)
def test_an_array_is_a_column_for_each_value(value):
    assert kept(value) == {"x[0]": 0.0, "x[1]": 1.0, "x[2]": 2.0}


def test_a_map_is_a_column_for_each_place():
    assert kept([[1, 2], [3, "a"]]) == {"x[0,0]": 1.0, "x[0,1]": 2.0, "x[1,0]": 3.0, "x[1,1]": "a"}


def test_keys_are_names():
    assert take_values(lambda _: {1: 2, np.int64(3): 4, np.str_("a"): 5, 0.5: 6}, None) == {
        "1": 2, "3": 4, "a": 5, "0.5": 6,
    }  # fmt: skip
    assert take_values(lambda _: pd.Series({"a": 1, "b": 2}), None) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "found, said",
    [
        (3.0, "measure returned 3.0; expected values by name, a dict"),
        (None, "measure returned None"),
        ([("a", 1)], "expected values by name"),
        ({(1, 2): 3}, r"the key \(1, 2\) is no name"),
        ({None: 3}, "the key None is no name"),
        ({1: 2, "1": 3}, "'1' is there twice"),
        ({"a": 1j}, "'a' = 1j cannot be kept"),
        ({"a": {"b": 1}}, r"'a' = \{'b': 1\} cannot be kept"),
        ({"a": [[1], [2, 3]]}, "'a'"),
        ({"a": []}, "'a' holds 0 values; expected 1 to 1000"),
        ({"a": np.zeros((200, 200))}, "'a' holds 40000 values"),
        ({"a": np.array(["2020-01-01"], dtype="M8[D]")}, "'a' = .*cannot be kept"),
        ({"a": 2**60}, "'a' = 1152921504606846976; expected at most"),
        ({"a": "\udcff"}, "'a' = .*is no text"),
        ({"a": object}, "'a' = <class 'object'> cannot be kept"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_one_line_by_name(found, said):
    with pytest.raises(ValueError, match=said) as error:
        take_values(lambda _: found, None)
    assert "\n" not in str(error.value)


def everything(model):
    """Return something of every kind; text that looks like something else too."""
    return {
        "low": bool(model.meter.now["lumbar_spine"] < 0), "deep": np.bool_(True),
        "count": np.int64(7), "word": "inf", "other": np.str_("a, \"b\" μ"), 5: np.float32(0.1),
        "most": np.inf, "least": float("-inf"), "none": None, "profile": np.array([1.0, np.nan]),
    }  # fmt: skip


def test_memory_disk_and_formats_hold_the_same(tmp_path):
    found = run_ensemble(CASE, str(tmp_path / "a"), 2, 3, measure=everything)
    assert found.failed.empty
    read = load_ensemble(str(tmp_path / "a"))
    pd.testing.assert_frame_equal(read.frame, found.frame, check_exact=True)
    again = run_ensemble(CASE, tmp_path / "a", 2, 3, measure=everything)
    pd.testing.assert_frame_equal(again.frame, found.frame, check_exact=True)
    for name, reader in (("a.csv", pd.read_csv), ("a.parquet", pd.read_parquet)):
        # In CSV nothing tells the word "inf" from the number.
        frame = found.frame.drop(columns="word") if name == "a.csv" else found.frame
        write_frame(frame, str(tmp_path / name))
        pd.testing.assert_frame_equal(reader(tmp_path / name), frame, check_exact=True)
    visits = found.frame[found.frame["word"].notna()]
    assert len(visits) == 12
    assert set(visits["other"]) == {'a, "b" μ'}
    assert visits["most"].eq(np.inf).all()
    assert visits["least"].eq(-np.inf).all()
    assert found.frame["none"].isna().all()
    assert visits["5"].eq(float(np.float32(0.1))).all()
    assert visits["profile[0]"].eq(1.0).all()
    json.loads((tmp_path / "a" / "0000-000.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("found", [{}, {"ctx": 1.0}, {"arm": 1.0}, {"trial": 1.0}, {"seed": 1}])
def test_a_name_that_is_taken_fails_the_run_and_nothing_at_all_does_not(found, capsys):
    done = run_ensemble(CASE, None, 1, 3, measure=lambda _: found)
    said = capsys.readouterr().err
    if not found:
        assert (len(done.failed), said) == (0, "")
        return
    [name] = found
    assert name in done.failed["error"][0]
    assert said.startswith("remodel: 1 of 1 runs failed; the first: ValueError")
    assert said.count("\n") == 1


def test_text_and_numbers_in_one_column_are_no_parquet(tmp_path):
    found = run_ensemble(CASE, None, 2, 3, measure=mixed)
    with pytest.raises(ValueError, match=r"a\.parquet: .*or name a \.csv") as error:
        write_frame(found.frame, tmp_path / "a.parquet")
    assert "\n" not in str(error.value)
    write_frame(found.frame, tmp_path / "a.csv")


def mixed(model):
    """Return a number or a text, by the seed."""
    return {"x": "text" if model.tissue.matrix.sum() % 2 < 1 else 1.0} | {
        "y": "text" if model.day else 1.0
    }
